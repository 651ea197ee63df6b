"""How heavy the tail of rare words is, and whether those of human text are still there.

Every number here but the index of Hill and the power law grows or falls with the amount of text: compare corpora at
equal numbers of tokens, against human text that nobody has fitted anything to.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from jaxtyping import UInt64
from numpy import ndarray

from uncollapse.measures import spectrum
from uncollapse.measures.powerlaw import PowerLaw, fit_power_law
from uncollapse.ngrams import LIMIT, WORDS, Cutting, OverWords, Tokens, TypeCounts, Types, together

# A type is rare when the reference has seen it at most so often, and its mass is tail mass below this share.
RARE = 2
TAIL_SHARE = 1e-4
HILL_SIZES = (50, 100, 500, 1000)


@dataclass(frozen=True, eq=False)
class Tail:
    """The tail of a corpus. Shares are of tokens unless they say types; entropies are in nats.

    `different` counts types, `hapax` the share of types seen once, `unseen` Good and Turing's share of tokens to come
    that are of no type seen so far. `hill` has an index for each of HILL_SIZES. `exact` is False where the types
    were more than the limit and the numbers are estimates from a uniform sample of types. `unspaced` is the share of
    tokens that are single characters of scripts without spaces: where it is large, these are numbers about characters.
    """

    tokens: int
    different: float
    exact: bool
    hapax: float
    unseen: float
    entropy: float
    heaps: float
    zipf: float
    power_law: PowerLaw
    hill: tuple[float, ...]
    unspaced: float
    types: Types


def tail_of(types: Types, *, unspaced: int = 0) -> Tail:
    """The numbers of the tail out of counted types, `unspaced` of whose tokens are single characters."""
    held, total = types.counts, types.total
    once = float((held == 1).sum())
    share = held / total if total else np.zeros(0)
    return Tail(
        tokens=total,
        different=types.different,
        exact=types.exact,
        hapax=once / len(held) if len(held) else float("nan"),
        unseen=once / types.share / total if total else float("nan"),
        entropy=float(-(share * np.log(share)).sum() / types.share) + 0.0,
        heaps=spectrum.heaps_exponent(held, total=total),
        zipf=spectrum.zipf_slope(held),
        power_law=fit_power_law(held),
        hill=tuple(spectrum.hill_index(held, k=k) for k in HILL_SIZES),
        unspaced=unspaced / total if total else float("nan"),
        types=types,
    )


class Tails(OverWords):
    """The tail of the words of a corpus by itself."""

    def __init__(self, *, limit: int = LIMIT, cutting: Cutting = WORDS) -> None:
        super().__init__(cutting=cutting)
        self._counts = TypeCounts(limit=limit, cutting=cutting)
        self._unspaced = 0

    def settings(self) -> tuple[Any, ...]:
        """Order, limit and cutting."""
        return self._counts.settings()

    def take(self, tokens: Tokens) -> None:
        """Counts the words of some documents."""
        self._counts.take(tokens)
        self._unspaced += tokens.unspaced

    def _add(self, other: Self) -> None:
        self._counts.merge(other._counts)
        self._unspaced += other._unspaced

    def result(self) -> Tail:
        """The tail."""
        return tail_of(self._counts.result(), unspaced=self._unspaced)


def rare_coverage(*, corpus: Types, reference: Types, at_most: int = RARE) -> float:
    """The share of the reference's rare types, seen 1 to `at_most` times there, that the corpus has; NaN for none.

    Fresh human text of equal size reaches no more than .44 on one book: the control is the ceiling, not 1.
    """
    _, here, there = together(corpus, reference)
    rare = (there > 0) & (there <= at_most)
    return float((here[rare] > 0).mean()) if rare.any() else float("nan")


def tail_mass(*, corpus: Types, reference: Types, below: float = TAIL_SHARE) -> float:
    """The share of the corpus's tokens whose types have less than this share in the reference, or are not in it."""
    _, here, there = together(corpus, reference)
    if not corpus.total or not reference.total:
        return float("nan")
    rare = there < below * reference.total
    return float(here[rare].sum()) / min(corpus.share, reference.share) / corpus.total


def lost_types(*, corpus: Types, reference: Types, most: int = 100) -> UInt64[ndarray, "k"]:
    """The numbers of the types that the reference has and the corpus has not, the most frequent first.

    `ngrams.Spelling` over the reference gives their words.
    """
    keys, here, there = together(corpus, reference)
    lost = here == 0
    order = np.lexsort((keys[lost], -there[lost]))
    return keys[lost][order[:most]]
