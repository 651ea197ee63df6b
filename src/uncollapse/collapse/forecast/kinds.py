"""The kinds of proxy: networks of the sizes that `train` has, and counts; what each spells with, and how it learns."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from uncollapse.training import SIZES
from uncollapse.training.sizes import size_of

COUNTED = "counted"
COUNTED_PIECES = 1024
SPELLING = 2_000_000
"""Characters of human text that a tokenizer of some thousand pieces learns from."""


class Pace(NamedTuple):
    """Places of the rows between two steps of the optimizer, and its peak rate; who counts needs neither."""

    batch_tokens: int
    learning_rate: float


class Lesson(NamedTuple):
    """What a proxy learns from, human text for its tokenizer, and how it does."""

    texts: Sequence[str]
    human: Sequence[str]
    size: str
    seed: int
    pace: Pace


def check_size(name: str) -> None:
    """Nothing, where there are proxies of that size.

    Raises:
        UsageError: there are none.
    """
    if name != COUNTED:
        size_of(name, besides=f"{COUNTED} (a table of counts)")


def pieces_of(size: str) -> int:
    """How many pieces the tokenizer of a size learns at most."""
    return COUNTED_PIECES if size == COUNTED else SIZES[size].vocabulary


def spelling(human: Sequence[str]) -> list[str]:
    """The human texts that a tokenizer learns from: the first so many characters of them."""
    ends = np.cumsum([len(text) for text in human])
    return list(human[: int(np.searchsorted(ends, SPELLING)) + 1])
