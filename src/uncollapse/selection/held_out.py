"""A reference in two parts: what a selector aims at, and what judges the result and was never aimed at."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from blake3 import blake3

from uncollapse.corpora.corpus import Corpus, read

FEWEST = 20
"""A reference of fewer documents is not parted: all of it is aimed at, and the pool judges."""


@dataclass(frozen=True)
class Part:
    """The documents of a corpus that are held out, or the others; which is a matter of their ids."""

    corpus: Corpus
    share: float
    held_out: bool

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self.corpus.batches():
            mask = [_held(mark, self.share) is self.held_out for mark in batch.column("id").to_pylist()]
            if any(mask):
                yield batch.filter(pa.array(mask))


def _held(mark: str, share: float) -> bool:
    number = int.from_bytes(blake3(f"held out\0{mark}".encode()).digest(length=8), "little")
    return number < share * 2**64


@dataclass(frozen=True)
class Reference:
    """What is aimed at, and what judges; without a reference there is neither."""

    target: Part | None = None
    judge: Part | None = None

    @classmethod
    def of(
        cls,
        addresses: Sequence[str | os.PathLike[str]],
        held_out: Sequence[str | os.PathLike[str]],
        *,
        share: float,
        text_column: str = "text",
    ) -> "Reference":
        """The reference at these addresses, parted by the share unless other text is held out.

        Raises:
            InputError: something is not there or cannot be read.
        """
        judge = Part(read(*held_out, text_column=text_column), 1.0, True) if held_out else None
        if not addresses:
            return cls(None, judge)
        corpus = read(*addresses, text_column=text_column)
        share = 0.0 if held_out or corpus.rows < FEWEST else share
        if judge is None and share > 0:
            judge = Part(corpus, share, True)
        return cls(Part(corpus, share, False), judge)

    def as_json(self) -> dict[str, Any]:
        """The files of both, and which share of the reference was held out."""
        told: dict[str, Any] = {}
        for name, part in (("target", self.target), ("judge", self.judge)):
            if part is not None:
                told[name] = {
                    "files": [{"source": entry.source, "blake3": entry.blake3} for entry in part.corpus.plan.inputs],
                    "share": part.share if part.held_out else 1 - part.share,
                }
        return told
