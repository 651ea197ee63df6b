"""Sketches of documents by which containment is found: the runs of words whose number is low enough.

A document keeps the runs whose 64-bit number is below 2^64 / scale (FracMinHash). Short documents keep all of them, and
then what is said of them is exact; long ones keep a share, so that an index of many stays small.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from jaxtyping import Int64, UInt8, UInt64
from numpy import ndarray

from uncollapse.duplicates.minhash import shingles
from uncollapse.errors import UsageError
from uncollapse.ngrams import Cutting, Marks, Tokens, cut

ORDER = 3
# Marks and capitals are what an editor changes first, so runs are made of letters and digits alone.
CUTTING = Cutting(marks=Marks.SKIP)
# A document keeps so many runs and more, or all it has: with a containment C the shared ones are about Poisson(128 C),
# so at C = .1 there is none in 3 of a million documents. Source: Irber et al., bioRxiv 2022 (FracMinHash).
LEAST = 128
# The longest documents keep one run in 16, so that a passage of 64 words in order still shares four of them.
MOST_SHIFT = 4
SCALES = tuple(1 << shift for shift in range(MOST_SHIFT + 1))
HIGHEST = np.array([(2**64 - 1) >> shift for shift in range(MOST_SHIFT + 1)], dtype=np.uint64)


@dataclass(frozen=True, eq=False)
class Sketches:
    """The different runs of some documents: `hashes` in ascending order, each with its document's number.

    `runs` counts the different runs of each document, kept or not; `shifts` says that it keeps one in 2^shift.
    """

    hashes: UInt64[ndarray, "n"]
    document: Int64[ndarray, "n"]
    runs: Int64[ndarray, "d"]
    shifts: UInt8[ndarray, "d"]

    @property
    def documents(self) -> int:
        """How many documents these are."""
        return len(self.runs)

    @cached_property
    def kept(self) -> Int64[ndarray, "d s"]:
        """For each document how many of its runs are kept at each scale of SCALES."""
        level = sum((self.hashes <= high for high in HIGHEST[1:]), start=np.zeros(len(self.hashes), dtype=np.int64))
        width = len(SCALES)
        counts = np.bincount(self.document * width + level, minlength=self.documents * width).reshape(-1, width)
        return counts[:, ::-1].cumsum(axis=1)[:, ::-1]

    def cut(self) -> "Sketches":
        """The sketches without the runs that a document need not keep."""
        held = self.hashes <= HIGHEST[self.shifts[self.document]]
        return Sketches(self.hashes[held], self.document[held], self.runs, self.shifts)


def sketches(tokens: Tokens, *, order: int = ORDER, scale: int | None = None) -> Sketches:
    """All different runs of `order` words of each document, not yet cut, with the scale at which it would be.

    Documents with fewer words have one run, all of them. A `scale` is for all documents; unless it is given, each has
    its own: the highest at which about LEAST runs stay.
    """
    check_sketching(order=order, scale=scale)
    values, offsets = shingles(tokens, order)
    document = np.repeat(np.arange(tokens.documents), np.diff(offsets))
    values, document = _in_order(values, document)
    new = np.ones(len(values), dtype=bool)
    new[1:] = (values[1:] != values[:-1]) | (document[1:] != document[:-1])
    values, document = values[new], document[new]
    runs = np.bincount(document, minlength=tokens.documents)
    return Sketches(values, document, runs, shifts_of(runs, scale=scale))


def _in_order(
    values: UInt64[ndarray, "n"], document: Int64[ndarray, "n"]
) -> tuple[UInt64[ndarray, "n"], Int64[ndarray, "n"]]:
    """The numbers in ascending order, equal ones in the order in which they come, as a stable sort has them.

    Sorted are the numbers with their places in their lowest bits, which is a third faster than sorting places; that
    two differ in these bits alone happens once in thousands of batches, and then the places are sorted.
    """
    low = np.uint64((1 << len(values).bit_length()) - 1)
    packed = (values & ~low) | np.arange(len(values), dtype=np.uint64)
    packed.sort()
    place = (packed & low).astype(np.int64)
    ordered = values[place]
    if (ordered[1:] < ordered[:-1]).any():
        place = np.argsort(values, kind="stable")
        ordered = values[place]
    return ordered, document[place]


def shifts_of(runs: Int64[ndarray, "d"], *, scale: int | None = None) -> UInt8[ndarray, "d"]:
    """The scale of each document, as a power of two."""
    if scale is not None:
        return np.full(len(runs), scale.bit_length() - 1, dtype=np.uint8)
    return sum((runs >= LEAST * scale for scale in SCALES[1:]), start=np.zeros(len(runs), dtype=np.uint8))


def check_sketching(*, order: int, scale: int | None) -> None:
    """Nothing, where sketches can be made so.

    Raises:
        UsageError: they cannot.
    """
    if order < 1 or (scale is not None and scale not in SCALES):
        raise UsageError(
            f"order = {order}, scale = {scale}", hint=f"An order is 1 or more, a scale one of {SCALES} or left out."
        )


def sketches_of(texts: pa.LargeStringArray, *, order: int = ORDER, scale: int | None = None) -> Sketches:
    """The sketches of texts that are smooth, not yet cut."""
    batch = pa.RecordBatch.from_arrays([texts], ["text"])
    return together([sketches(tokens, order=order, scale=scale) for tokens in cut(batch, CUTTING)])


def together(parts: Sequence[Sketches]) -> Sketches:
    """The sketches of documents that stand one behind the other."""
    if len(parts) == 1:
        return parts[0]
    first = np.cumsum([0, *(part.documents for part in parts)])
    empty = np.zeros(0, dtype=np.int64)
    hashes = np.concatenate([empty.astype(np.uint64), *(part.hashes for part in parts)])
    document = np.concatenate([empty, *(part.document + at for part, at in zip(parts, first, strict=False))])
    place = np.argsort(hashes, kind="stable")
    return Sketches(
        hashes[place],
        document[place],
        np.concatenate([empty, *(part.runs for part in parts)]),
        np.concatenate([empty.astype(np.uint8), *(part.shifts for part in parts)]),
    )
