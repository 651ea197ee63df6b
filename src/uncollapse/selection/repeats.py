"""Choosing one of each: documents that are the same as one that stays, or nearly, are left behind, with the reason.

Of documents that are alike the one with the lowest id stays, and of equal texts the one with the lowest draw, so which
one it is does not hang on the order of reading. A document is left behind only where it is like one that stays itself,
not where a chain of others leads to it.
"""

from contextlib import ExitStack
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Float64, Int64, UInt32, UInt64
from numpy import ndarray
from pydantic import Field
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from uncollapse.duplicates.exact import Sameness, document_keys, word_keys
from uncollapse.duplicates.minhash import signatures, similarity
from uncollapse.duplicates.near import BANDS, ROWS, SHINGLE, THRESHOLD, links
from uncollapse.errors import UsageError
from uncollapse.fingerprint import Json
from uncollapse.ngrams import cut
from uncollapse.selection.choosing import Budget, Choice, Looking, Pool, Reasons, Rows, Selector
from uncollapse.selection.filling import Filling
from uncollapse.selection.spool import Spool

REASONS = ("the same text", "the same words", "nearly the same")
_SAME_TEXT, _SAME_WORDS, _NEAR = range(3)


class Duplicates(Selector):
    """Documents that no other one is like: by text (its bytes), by words (capitals and white space aside), or nearly.

    Nearly the same are documents whose sets of runs of `shingle` words have an estimated Jaccard similarity of
    `threshold` and more; a pair of .8 is missed once in 20,000. A budget below what stays is filled at random.
    """

    sameness: Literal["near", "words", "text"] = "near"
    threshold: Annotated[float, Field(ge=0.5, le=1)] = THRESHOLD
    shingle: Annotated[int, Field(ge=1, le=50)] = SHINGLE

    def choose(self, pool: Pool, *, budget: Budget, reference: Pool | None = None) -> Choice:  # noqa: ARG002
        """One of each; a budget as large as the whole pool takes all of these.

        Raises:
            UsageError: the budget is larger than what stays, and is not the whole pool.
        """
        with ExitStack() as files:
            found = _Found(self, budget, files)
            for batch in pool:
                found.take(batch)
            kept = found.kept()
        rows = kept.rows
        stays = np.flatnonzero(kept.reason < 0)
        there = int(rows.sizes[stays].sum())
        filling = Filling(rows)
        if budget.amount == int(rows.sizes.sum()):
            filling.counts[stays] = 1
        elif budget.amount > there:
            raise UsageError(
                f"the budget is {budget}, and of {int(rows.sizes.sum()):,} no more than {there:,} are different",
                hint=f"Ask for --budget {there} or less, or leave it out.",
            )
        else:
            order = rows.order()
            filling.take_in_order(order[kept.reason[order] < 0])
            filling.done()
        account: dict[str, Json] = {
            "different documents": len(stays),
            **{name: int((kept.reason == code).sum()) for code, name in enumerate(REASONS)},
        }
        return Choice(filling.counts, account, Reasons(REASONS, kept.reason, kept.why))


class _Kept:
    """For each row why it is left behind (-1: it stays), which row stays for it, and how similar they are."""

    def __init__(self, rows: Rows, marks: ndarray) -> None:
        self.rows, self._marks = rows, marks
        self.reason: Int64[ndarray, n] = np.full(len(rows), -1, np.int64)
        self._of: Int64[ndarray, n] = np.arange(len(rows))
        self._alike: Float64[ndarray, n] = np.ones(len(rows))

    def leave(self, row: ndarray, of: ndarray, reason: int, alike: ndarray | float = 1.0) -> None:
        """Leaves rows behind for others that stay."""
        self.reason[row], self._of[row], self._alike[row] = reason, of, alike

    def why(self, row: int) -> str:
        """The id of the document that stays for a row, and how similar it is; nothing for one that stays itself."""
        if self.reason[row] < 0:
            return ""
        at = int(self._of[row])
        while self.reason[at] >= 0:
            at = int(self._of[at])
        near = f", similarity {self._alike[row]:.2f}" if self.reason[row] == _NEAR else ""
        return f"of {self._marks[at].tobytes().hex()}{near}"


class _Found:
    """Gathers names, contents and signatures of the rows of a pool."""

    def __init__(self, selector: Duplicates, budget: Budget, files: ExitStack) -> None:
        self._selector, self._looking = selector, Looking(selector, budget)
        self._marks = [np.zeros((0, 16), np.uint8)]
        self._text = [np.zeros(0, np.uint64)]
        self._words = [np.zeros(0, np.uint64)]
        self._signed, self._held = Spool(np.uint32, files), [np.zeros(0, np.int64)]
        self._count = 0

    def take(self, batch: pa.RecordBatch) -> None:
        """Takes the rows of a batch, behind those that are there."""
        self._looking.take(batch)
        marks = b"".join(bytes.fromhex(mark) for mark in batch.column("id").to_pylist())
        self._marks.append(np.frombuffer(marks, np.uint8).reshape(-1, 16))
        self._text.append(document_keys(batch, sameness=Sameness.TEXT))
        if self._selector.sameness == "text":
            return
        for tokens in cut(batch):
            self._words.append(word_keys(tokens))
            if self._selector.sameness == "near":
                held, signed = signatures(tokens, shingle=self._selector.shingle, size=BANDS * ROWS)
                self._held.append(held + self._count)
                self._signed.add(signed.ravel())
            self._count += tokens.documents

    def kept(self) -> _Kept:
        """What stays, and for what the others do not."""
        rows, marks = self._looking.rows(), np.concatenate(self._marks)
        result = _Kept(rows, marks)
        # Rows in the order of their ids, equal texts in that of their draws.
        rank = np.empty(len(rows), np.int64)
        names = np.ascontiguousarray(marks).view(">u8").reshape(-1, 2)
        rank[np.lexsort((rows.draw, names[:, 1], names[:, 0]))] = np.arange(len(rows))
        _leave_equal(result, np.concatenate(self._text), rank, _SAME_TEXT)
        if self._selector.sameness != "text":
            _leave_equal(result, np.concatenate(self._words), rank, _SAME_WORDS)
        if self._selector.sameness == "near":
            signed = self._signed.opened().reshape(-1, BANDS * ROWS)
            self._leave_near(result, signed, np.concatenate(self._held), rank)
        return result

    def _leave_near(
        self, result: _Kept, signed: UInt32[ndarray, "m s"], held: Int64[ndarray, "m"], rank: Int64[ndarray, "n"]
    ) -> None:
        open_ = np.flatnonzero(result.reason[held] < 0)
        some, row = signed[open_], held[open_]
        one, other, _ = links(some, self._selector.threshold)
        size = len(row)
        if not len(one):
            return
        graph = coo_array((np.ones(len(one)), (one, other)), shape=(size, size))
        label = connected_components(graph, directed=False)[1]
        order = np.lexsort((rank[row], label))
        starts = np.flatnonzero(np.diff(label[order], prepend=-1))
        for group in np.split(order, starts[1:]):
            if len(group) > 1:
                _leave_like(result, some[group], row[group], self._selector.threshold)


def _leave_equal(result: _Kept, keys: UInt64[ndarray, "n"], rank: Int64[ndarray, "n"], reason: int) -> None:
    """Leaves behind all rows of one content but the first by rank, of those that are still there."""
    open_ = np.flatnonzero(result.reason < 0)
    order = open_[np.lexsort((rank[open_], keys[open_]))]
    first = np.ones(len(order), bool)
    first[1:] = keys[order][1:] != keys[order][:-1]
    of = order[np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))]
    result.leave(order[~first], of[~first], reason)


def _leave_like(result: _Kept, signed: UInt32[ndarray, "g s"], row: Int64[ndarray, "g"], threshold: float) -> None:
    """Of a cluster in the order of ranks: the first stays, those that are like it go, and so on with what is left."""
    left = np.arange(len(row))
    while len(left) > 1:
        first, others = left[0], left[1:]
        alike = similarity(signed[others], np.broadcast_to(signed[first], (len(others), signed.shape[1])))
        gone = alike >= threshold
        result.leave(row[others[gone]], np.full(int(gone.sum()), row[first]), _NEAR, alike[gone])
        left = others[~gone]
