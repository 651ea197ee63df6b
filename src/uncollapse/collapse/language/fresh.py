"""What text that nobody wrote anew loses and has strange: human blocks that were never learned from, beside the others.

The control reads its own blocks again, so that it loses no word and has no strange one by construction. What a text of
the same authors and the same size would have is measured here, on the held-out blocks.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from uncollapse.collapse.language.measures import split_words
from uncollapse.collapse.language.store import Store
from uncollapse.collapse.language.writing import generator

DRAWS = 5
"""Times that blocks are drawn for an equal number of words; the mean is told."""


class Fresh(NamedTuple):
    """Of how many words on both sides, which share of the different ones that are learned from other human blocks have
    not, and which share of the words of these stand in no block that is learned from; NaN without words.
    """

    words: int
    types_lost: float
    strange_words: float

    def as_json(self) -> dict[str, int | float | None]:
        """The three, with null for what is not known."""
        return {name: value if np.isfinite(value) else None for name, value in self._asdict().items()}


def fresh_of(store: Store) -> Fresh:
    """What the held-out blocks of a study have and have not."""
    return fresh_human(store.spelled(store.learned), store.spelled(store.held.ids))


def fresh_human(learned: Sequence[str], fresh: Sequence[str]) -> Fresh:
    """What other human blocks have and have not of those that are learned from, at an equal number of words.

    The longer side is cut to the words of the shorter, in an order of blocks that is drawn. Fewer words than the whole
    lose more: where fewer are held out than learned from, the share that is lost is too high rather than too low.
    Strange words are those of all fresh blocks that stand in no block that is learned from.
    """
    own, other = ([split_words(text) for text in texts] for texts in (learned, fresh))
    words = min(sum(map(len, own)), sum(map(len, other)))
    if not words:
        return Fresh(0, float("nan"), float("nan"))
    rng = generator(0, "any", 0, "fresh")
    lost = []
    for _ in range(DRAWS):
        types, found = (_types((side[at] for at in rng.permutation(len(side))), words) for side in (own, other))
        lost.append(len(types - found) / len(types))
    known = {word for text in own for word in text}
    every = [word for text in other for word in text]
    return Fresh(words, float(np.mean(lost)), sum(word not in known for word in every) / len(every))


def _types(texts: Iterable[Sequence[str]], words: int) -> set[str]:
    """The different ones of the first so many words."""
    found: list[str] = []
    for text in texts:
        found += text
        if len(found) >= words:
            break
    return set(found[:words])
