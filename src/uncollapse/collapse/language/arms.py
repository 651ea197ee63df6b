"""What each arm learns from, generation after generation: regimes by the laboratory's names, and the control `real`."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64
from numpy import ndarray
from numpy.random import Generator

from uncollapse.collapse.language.settings import Settings
from uncollapse.collapse.regimes import REGIMES
from uncollapse.errors import UsageError

REAL = "real"
ARMS: Mapping[str, str] = {
    REAL: "the human blocks again, each generation from new weights: the control",
    "replace": "what the last model wrote, and nothing else",
    "preserve": "what the last model wrote, but for a share of the human blocks, drawn anew each generation",
    "accumulate": "the human blocks and what every model wrote; as many tokens are read as in the other arms",
    "subsample": "as many blocks as there are human ones, drawn out of these and what every model wrote",
    "edit": "the human blocks, of which a share of the tokens is drawn anew from the last model",
}
"""Each arm in words."""
assert set(ARMS) - {REAL} <= set(REGIMES)


class Batch(NamedTuple):
    """Blocks that are learned from, which of their tokens are the human ones in their place, and the mean surprise of
    generation 0 at each, in nats for each token.
    """

    blocks: Int32[ndarray, "n b"]
    human: Bool[ndarray, "n b"]
    nats: Float64[ndarray, "n"]


def arms_of(names: Sequence[str]) -> tuple[str, ...]:
    """The arms of these regimes, the control among them, each once.

    Raises:
        UsageError: there is no such regime, it needs what text has not, or one is named twice.
    """
    known = ", ".join(name for name in ARMS if name != REAL)
    if not names or len(set(names)) < len(names):
        raise UsageError("regimes are named once each", hint="--regime replace,preserve")
    for name in names:
        if name in REGIMES and name not in ARMS:
            raise UsageError(f"regime {name} is one of laws, and not of written text", hint=f"there are {known}")
        if name not in ARMS:
            raise UsageError(f"there is no regime {name!r}", hint=f"there are {known}")
    return (REAL, *(name for name in names if name != REAL))


def writes(arm: str) -> bool:
    """Whether the last model writes blocks for this arm."""
    return arm in ("replace", "preserve", "accumulate", "subsample")


def kept_blocks(arm: str, settings: Settings, count: int, rng: Generator) -> Int64[ndarray, "k"]:
    """Which of so many human blocks stay as they are, in ascending order."""
    if arm != "preserve":
        return np.zeros(0, np.int64)
    return np.sort(rng.choice(count, size=round(settings.share * count), replace=False)).astype(np.int64)


def pool_of(arm: str, generation: int) -> list[int]:
    """The generations whose blocks the model of this one may learn from; those of 0 are the human ones."""
    return list(range(generation + 1)) if arm in ("accumulate", "subsample") else [generation]


def taken(arm: str, pooled: int, count: int, rng: Generator) -> Int64[ndarray, "n"]:
    """Which of the pooled blocks are learned from, where there are so many human ones, in ascending order."""
    if arm != "subsample":
        return np.arange(pooled)
    return np.sort(rng.choice(pooled, size=count, replace=False)).astype(np.int64)
