"""Which machine's texts belong to which human ones: made from them, by their ledger, or continuing their first words.

Where such a pair is parted, one half in what is learned from and the other in what is tried, a model that has seen one
takes the other for its kind, and the accuracy comes out below chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from jaxtyping import Int64
from numpy import ndarray

from uncollapse.detection.normal import first_words
from uncollapse.detection.overlap import text_keys

BEGINNING = 8
"""Words in a row at the beginning of two texts that do not come about by chance."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """The texts of a side, with their ids and those of what they were made from."""

    texts: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    parents: list[Sequence[str]] = field(default_factory=list)


def relatives(human: Labelled, machine: Labelled) -> Int64[ndarray, "m"]:
    """For each machine's text the human text that it was made from, or else begins like; -1 for none."""
    by_id = {name: place for place, name in reversed(list(enumerate(human.ids)))}
    by_beginning = {key: place for place, key in reversed(list(enumerate(_beginnings(human.texts)))) if key}
    found = []
    for parents, key in zip(machine.parents, _beginnings(machine.texts), strict=True):
        made_from = next((by_id[name] for name in parents if name in by_id), -1)
        found.append(made_from if made_from >= 0 else by_beginning.get(key, -1))
    return np.array(found, np.int64)


def _beginnings(texts: Sequence[str]) -> list[int]:
    """A number for the first words of each text; 0 for a text that has no more than these."""
    cut = [first_words(text, BEGINNING) for text in texts]
    keys = text_keys(pa.array(cut, pa.large_string())).tolist()
    return [key if len(own) < len(text.rstrip()) else 0 for key, own, text in zip(keys, cut, texts, strict=True)]
