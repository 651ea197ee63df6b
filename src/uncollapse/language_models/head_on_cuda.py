"""The head on a CUDA device: a product whose sums are kept in fp32, over the whole vocabulary, some rows at a time.

The matrices stay in the model's own format, as the device multiplies them soonest; what comes out was never rounded to
it. How many rows go at once follows from the device's memory alone, so that it is the same each time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from uncollapse.language_models.head import Finish, RowScores, in_chunks, logsumexp
from uncollapse.language_models.spread import RowMoments, spread_whole

# fp32 logits (r, v) from rows (r, n) and weights (v, n) of one format.
Product: TypeAlias = Callable[[Tensor, Tensor], Tensor]

# Bytes for one logit: itself, and what is worked out from it beside it, both in fp32.
BYTES = 8
# The part of the device's memory that may hold logits, and the most that gains anything.
PART = 32
MOST = 2 << 30
# Rows that keep a matrix product busy, whatever the memory.
LEAST_ROWS = 64


def room_on(total: int) -> int:
    """Bytes that may hold logits on a device with so much memory in all."""
    return min(MOST, total // PART)


def product_in_fp32(rows: Tensor, weight: Tensor) -> Tensor:
    """All products (r, v), summed up and given in fp32."""
    if weight.dtype is torch.float32:
        # In full fp32 unless the program has asked torch for less.
        return torch.mm(rows, weight.T)
    return torch.mm(rows, weight.T, out_dtype=torch.float32)


@dataclass(frozen=True, slots=True)
class CudaHead:
    """The last layer of a model: logits = finish(hidden @ weight.T + bias), in fp32."""

    weight: Tensor
    bias: Tensor | None = None
    finish: Finish | None = None
    product: Product = product_in_fp32
    room: int = MOST
    """Bytes that may hold logits."""

    @property
    def size(self) -> int:
        """How many tokens the vocabulary has."""
        return len(self.weight)

    @property
    def rows(self) -> int:
        """How many rows go at once."""
        return max(LEAST_ROWS, self.room // (BYTES * self.size))

    def score(self, rows: Tensor, targets: Tensor) -> RowScores:
        """What is said of one target token for each row."""
        return RowScores(*in_chunks(self._score, rows, targets, self.rows))

    def moments(self, rows: Tensor, targets: Tensor) -> RowMoments:
        """The same, and how the whole distribution lies around it."""
        return RowMoments(
            *in_chunks(lambda rows, targets: spread_whole(self.logits(rows), targets), rows, targets, self.rows)
        )

    def logits(self, rows: Tensor) -> Tensor:
        """All fp32 logits of some rows."""
        logits = self.product(rows.to(self.weight.dtype), self.weight)
        if self.bias is not None:
            logits += self.bias
        return logits if self.finish is None else self.finish(logits)

    def rough_logits(self, rows: Tensor) -> Tensor:
        """The same: here fp32 costs nothing."""
        return self.logits(rows)

    def _score(self, rows: Tensor, targets: Tensor) -> RowScores:
        logits = self.logits(rows)
        return RowScores(logits.gather(1, targets[:, None])[:, 0], logits.amax(dim=1), logsumexp(logits))
