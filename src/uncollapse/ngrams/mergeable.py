"""What every count over words has in common: it is fed with batches, and two of them can be added.

One pass over the words can feed many counts: `feed` cuts a batch once for all of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import pyarrow as pa

from uncollapse.errors import UsageError
from uncollapse.ngrams.words import WORDS, Cutting, Tokens, cut


class Mergeable(ABC):
    """A number that can be taken in parts: `update` or `merge` in any order, then `result`."""

    @abstractmethod
    def settings(self) -> tuple[Any, ...]:
        """Everything that two counts must have in common to be added."""

    @abstractmethod
    def update(self, batch: pa.RecordBatch) -> None:
        """Takes the documents of a batch into account."""

    @abstractmethod
    def result(self) -> Any:
        """The number, over everything that was taken in."""

    @abstractmethod
    def _add(self, other: Self) -> None: ...

    def merge(self, other: Self) -> None:
        """Takes what another has counted into account.

        Raises:
            UsageError: the two do not count the same thing.
        """
        if type(other) is not type(self) or other.settings() != self.settings():
            raise UsageError(
                f"{type(self).__name__} cannot take in {type(other).__name__}: they do not count the same thing",
                hint="Make both with the same parameters.",
            )
        self._add(other)


class OverWords(Mergeable):
    """A count that reads the words of the documents and nothing else of a batch."""

    def __init__(self, *, cutting: Cutting = WORDS) -> None:
        self.cutting = cutting

    @abstractmethod
    def take(self, tokens: Tokens) -> None:
        """Takes the words of some documents into account."""

    def update(self, batch: pa.RecordBatch) -> None:
        """Takes the documents of a batch into account."""
        for tokens in cut(batch, self.cutting):
            self.take(tokens)


def feed(counts: Sequence[OverWords], batch: pa.RecordBatch) -> None:
    """Updates several counts with one batch; those that cut alike share one cutting of the text."""
    for cutting in dict.fromkeys(count.cutting for count in counts):
        alike = [count for count in counts if count.cutting == cutting]
        for tokens in cut(batch, cutting):
            for count in alike:
                count.take(tokens)
