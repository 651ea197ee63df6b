"""What candidates are scored by: a column of theirs, or a number out of their text; never longer texts by themselves.

Every number of ours is a mean over words or tokens, so that length alone wins nothing:

    lexical-diversity   mean length of runs whose type-token ratio stays above .72 (MTLD), in words
    likelihood          mean log-probability under a model, in nats for each token
    agreement           mean overlap with the other candidates of the group, 0 to 1 (see `agreement`)
    distance            mean surprise of words and pairs under a reference's counts, in nats; near is low
    reward              what a reward model says, in its own unit
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.errors import ColumnClash, InputError
from uncollapse.measures.lexical import LEXICAL, mtld
from uncollapse.ngrams import BucketTable, bucket_of, cut, feed

SCORERS = ("lexical-diversity", "likelihood", "agreement", "distance", "reward")
BUCKETS = 1 << 16
ORDERS = (1, 2)


class Unscored(NamedTuple):
    """A row without a score, and why."""

    row: int
    why: str


class NoScore(Exception):
    """A batch has a row that cannot be scored; whoever knows the file says where."""

    def __init__(self, unscored: Unscored) -> None:
        super().__init__(unscored.why)
        self.unscored = unscored


@runtime_checkable
class Scorer(Protocol):
    """What gives each row of a batch a finite number; raises `NoScore` for a row that has none."""

    def score(self, batch: pa.RecordBatch) -> Float64[ndarray, "rows"]:
        """The scores."""
        ...


@dataclass(frozen=True)
class Scoring:
    """Scores batches wherever it is called, and says of a row without a score that it has none."""

    scorer: Scorer

    def __call__(self, batch: pa.RecordBatch) -> Float64[ndarray, "rows"] | Unscored:
        """The scores of all rows, or the first that has none."""
        try:
            return self.scorer.score(batch) if len(batch) else np.zeros(0)
        except NoScore as error:
            return error.unscored


class OfColumn:
    """A column of numbers."""

    def __init__(self, column: str, kind: pa.DataType) -> None:
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
            raise ColumnClash(
                f"the column {column!r} has type {kind} and not of numbers alone",
                hint="A score is a number; give another column, or a scorer.",
            )
        self._column = column

    def score(self, batch: pa.RecordBatch) -> Float64[ndarray, "rows"]:
        """The column's values."""
        cells = batch.column(self._column)
        if pa.types.is_boolean(cells.type):
            cells = cells.cast(pa.uint8())
        values = cells.cast(pa.float64()).to_numpy(zero_copy_only=False)
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            value = batch.column(self._column)[int(wrong[0])].as_py()
            raise NoScore(Unscored(int(wrong[0]), f"{self._column} is {'missing' if value is None else value}"))
        return values.astype(np.float64)


class LexicalDiversity:
    """MTLD of each text; a text without a word has none.

    Source: McCarthy and Jarvis, Behavior Research Methods 2010.
    """

    def score(self, batch: pa.RecordBatch) -> Float64[ndarray, "rows"]:
        """The scores, in words."""
        rows = [row for tokens in cut(batch, LEXICAL) for row in np.split(tokens.words, tokens.offsets[1:-1])]
        values = np.array([mtld(row) for row in rows], np.float64)
        wrong = np.flatnonzero(np.isnan(values))
        if len(wrong):
            raise NoScore(Unscored(int(wrong[0]), "the text has no word"))
        return values


class Likelihood:
    """The mean log-probability of a text's tokens under a model, in nats."""

    def __init__(self, model: str) -> None:
        from uncollapse.language_models.lent import Lent  # noqa: PLC0415 - importing the room is slow

        self.model = model
        self._lent = Lent.of(model)

    def score(self, batch: pa.RecordBatch) -> Float64[ndarray, "rows"]:
        """The scores."""
        model = self._lent.model
        tokens = model.vocabulary.encode(batch.column("text").to_pylist())
        logprob = model.score(tokens).logprob.astype(np.float64)
        known = np.isfinite(logprob)
        document = tokens.document_of()
        counts = np.bincount(document[known], minlength=len(batch))
        sums = np.bincount(document[known], weights=logprob[known], minlength=len(batch))
        if not counts.all():
            raise NoScore(Unscored(int(np.argmin(counts)), f"{self.model} reads nothing in the text that it can score"))
        return np.asarray(sums / counts, np.float64)


class Distance:
    """How surprising a text's words and pairs of words are to a reference: -ln of their smoothed share, in the mean.

    Words and pairs fall into 65,536 buckets; to each of the reference's counts one half is added. It is the
    cross-entropy of the text's n-grams under the reference's, so copies and long texts are no nearer than others.

    Source: hashed n-grams as Xie et al., NeurIPS 2023 (DSIR), section 3; one half as Krichevsky and Trofimov 1981.
    """

    def __init__(self, reference: Iterable[pa.RecordBatch], *, called: str) -> None:
        table = BucketTable(orders=ORDERS, buckets=BUCKETS)
        for batch in reference:
            feed([table], batch)
        counts = np.asarray(table.result(), np.int64)
        if not counts.sum():
            raise InputError(f"the reference {called} holds no word", hint="Give text as the reference.")
        self._nats = -np.log((counts + 0.5) / (counts.sum() + 0.5 * BUCKETS))

    def score(self, batch: pa.RecordBatch) -> Float64[ndarray, "rows"]:
        """The scores, in nats for each word or pair."""
        found = [self._of(tokens) for tokens in cut(batch)]
        sums, counts = (np.concatenate(column) for column in zip(*found, strict=True))
        if not counts.all():
            raise NoScore(Unscored(int(np.argmin(counts)), "the text has no word"))
        return np.asarray(sums / counts, np.float64)

    def _of(self, tokens: Any) -> tuple[ndarray, ndarray]:
        sums, counts = np.zeros(tokens.documents), np.zeros(tokens.documents, np.int64)
        for order in ORDERS:
            nats = self._nats[bucket_of(tokens.ngrams(order), BUCKETS)]
            offsets = tokens.ngram_offsets(order)
            document = np.repeat(np.arange(tokens.documents), np.diff(offsets))
            sums += np.bincount(document, weights=nats, minlength=tokens.documents)
            counts += np.diff(offsets)
        return sums, counts
