"""From hidden states to log-probabilities, without ever holding the logits of every token.

Rows go through the head in chunks and the vocabulary in slices, so that logits live and die in the processor's cache.
What comes out has the precision of fp32 logits: in bfloat16 a logit near 20 is known to 1/16 alone, which would blur a
probability of 0.99 to 0.0006 on either side.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self, TypeAlias, runtime_checkable

import torch
from torch import Tensor

from uncollapse.language_models.spread import RowMoments, above_target, as_moments, powers_of, spread, summed

# Rows and columns of one block of logits; found by measurement, docs/decisions/0003.
ROWS = 512
COLUMNS = 4096
# Matrix products of fewer than 8 rows for each thread add in another order than those of more.
LEAST_ROWS = 64
# Slices whose largest logit is taken again in fp32 by the head for bfloat16.
SHARPENED = 2
# Rows whose logits over the whole vocabulary are held at once where a rank is asked of a head in fp32.
HELD_ROWS = 128
# Columns of a block among which the k likeliest are looked for; blocks beyond the k-th, which show if it is tied.
BLOCK = 64
SPARE = 8

# What becomes of logits after the matrix.
Finish: TypeAlias = Callable[[Tensor], Tensor]


class RowScores(NamedTuple):
    """For s rows, in fp32: logit of the target, largest logit, log-sum-exp."""

    target: Tensor
    largest: Tensor
    logsumexp: Tensor


@runtime_checkable
class Head(Protocol):
    """The end of a model: rows of hidden states in, what they say of tokens out."""

    @property
    def size(self) -> int:
        """How many tokens the vocabulary has."""
        ...

    def score(self, rows: Tensor, targets: Tensor) -> RowScores:
        """What is said of one target token for each row."""
        ...

    def moments(self, rows: Tensor, targets: Tensor) -> RowMoments:
        """The same, and how the whole distribution lies around it."""
        ...

    def logits(self, rows: Tensor) -> Tensor:
        """All fp32 logits of some rows."""
        ...

    def rough_logits(self, rows: Tensor) -> Tensor:
        """The same in the model's own arithmetic, as it is drawn from: in half precision rounded, and much sooner."""
        ...


@dataclass(frozen=True, slots=True)
class LinearHead:
    """The last layer of a model: logits = finish(hidden @ weight.T + bias), in fp32."""

    weight: Tensor
    bias: Tensor | None = None
    finish: Finish | None = None

    @property
    def size(self) -> int:
        """How many tokens the vocabulary has."""
        return len(self.weight)

    def score(self, rows: Tensor, targets: Tensor) -> RowScores:
        """What is said of one target token for each row."""
        return RowScores(*in_chunks(lambda rows, targets: _reduce(self._slices(rows), targets), rows, targets, ROWS))

    def moments(self, rows: Tensor, targets: Tensor) -> RowMoments:
        """The same, and how the whole distribution lies around it."""
        return RowMoments(
            *in_chunks(lambda rows, targets: spread(list(self._slices(rows)), targets), rows, targets, HELD_ROWS)
        )

    def logits(self, rows: Tensor) -> Tensor:
        """All fp32 logits of some rows."""
        return torch.cat([part for _, part in self._slices(rows)], dim=1)

    def rough_logits(self, rows: Tensor) -> Tensor:
        """The same in the model's own arithmetic."""
        if self.weight.dtype is torch.float32:
            return self.logits(rows)
        logits = torch.mm(rows, self.weight.T).float()
        if self.bias is not None:
            logits += self.bias
        return logits if self.finish is None else self.finish(logits)

    def _slices(self, rows: Tensor) -> Iterator[tuple[int, Tensor]]:
        count = len(rows)
        rows = _filled(rows.float())
        for first in range(0, self.size, COLUMNS):
            # A slice at a time: weights in another format are never held twice.
            logits = torch.mm(rows, self.weight[first : first + COLUMNS].float().T)[:count]
            if self.bias is not None:
                logits += self.bias[first : first + COLUMNS]
            yield first, logits if self.finish is None else self.finish(logits)


@dataclass(frozen=True, slots=True)
class BfloatHead:
    """The same for bfloat16 on a processor, whose matrix products round their results to bfloat16.

    The product is taken in bfloat16, at twice the speed of fp32. The logits that carry weight are then taken again in
    fp32: that of the target, and the largest of each of the two highest slices of the vocabulary, which replace
    their rounded selves in the log-sum-exp. What stays rounded is each a small share of the sum, and its errors
    cancel; against a head in fp32 the difference is a tenth of what bfloat16 costs in the body (docs/decisions/0003).
    """

    exact: LinearHead

    @property
    def size(self) -> int:
        """How many tokens the vocabulary has."""
        return self.exact.size

    def score(self, rows: Tensor, targets: Tensor) -> RowScores:
        """What is said of one target token for each row."""
        bench = _Workbench.of(self.exact.weight, rows=min(ROWS, len(rows)))
        return RowScores(*in_chunks(lambda rows, targets: self._score(rows, targets, bench=bench), rows, targets, ROWS))

    def moments(self, rows: Tensor, targets: Tensor) -> RowMoments:
        """The same, and how the whole distribution lies around it.

        Of the tokens that are compared with the target all but two have a rounded logit, so that a rank is known to
        the number of tokens within 1/16 of the target.
        """
        bench = _Workbench.of(self.exact.weight, rows=min(ROWS, len(rows)))
        return RowMoments(
            *in_chunks(lambda rows, targets: self._moments(rows, targets, bench=bench), rows, targets, ROWS)
        )

    def logits(self, rows: Tensor) -> Tensor:
        """All fp32 logits of some rows."""
        return self.exact.logits(rows)

    def rough_logits(self, rows: Tensor) -> Tensor:
        """The same in bfloat16."""
        return self.exact.rough_logits(rows)

    def _score(self, rows: Tensor, targets: Tensor, *, bench: "_Workbench") -> RowScores:
        tops, sums = [], []
        for number, part in self._parts(rows, bench=bench):
            tops.append(part.amax(dim=1))
            sums.append(logsumexp(part, out=bench.shifted(number, len(rows))))
        top = torch.stack(tops, dim=1)
        largest = top.amax(dim=1)
        total = (torch.stack(sums, dim=1) - largest[:, None]).exp().sum(dim=1)
        wide = rows.float()
        sharp = torch.full_like(largest, -torch.inf)
        for exact, rounded in self._sharpened(top, wide, bench=bench):
            total += (exact - largest).exp() - (rounded - largest).exp()
            sharp = torch.maximum(sharp, exact)
        return RowScores(_dot(wide, self.exact.weight[targets]), sharp, largest + total.log())

    def _moments(self, rows: Tensor, targets: Tensor, *, bench: "_Workbench") -> RowMoments:
        wide = rows.float()
        own = _dot(wide, self.exact.weight[targets])
        powers, above = [], torch.zeros_like(own)
        for number, part in self._parts(rows, bench=bench):
            spare = bench.shifted(number, len(rows))
            above += above_target(part, own, targets - number * COLUMNS, spare=spare)
            powers.append(powers_of(part, spare=spare))
        top, *rest = (torch.stack(column, dim=1) for column in zip(*powers, strict=True))
        largest = top.amax(dim=1)
        sums = summed(top - largest[:, None], rest)
        sharp = torch.full_like(largest, -torch.inf)
        for exact, rounded in self._sharpened(top, wide, bench=bench):
            for sign, logit in ((1.0, exact), (-1.0, rounded)):
                weight = sign * (logit - largest).exp()
                sums = [total + weight * (logit - largest) ** power for power, total in enumerate(sums)]
            sharp = torch.maximum(sharp, exact)
        rank = torch.where(own >= sharp, torch.ones_like(above), (above + 1).clamp_(min=2.0))
        return as_moments(own, sharp, largest, sums=sums, rank=rank)

    def _parts(self, rows: Tensor, *, bench: "_Workbench") -> Iterator[tuple[int, Tensor]]:
        """The rounded logits of one slice of the vocabulary after the other, in fp32; each lives until the next."""
        filled = _filled(rows)
        for number, first in enumerate(range(0, self.size, COLUMNS)):
            torch.mm(filled, self.exact.weight[first : first + COLUMNS].T, out=bench.rounded(number, len(filled)))
            part = bench.wide(number, len(rows))
            part.copy_(bench.rounded(number, len(rows)))
            yield number, part

    def _sharpened(self, top: Tensor, wide: Tensor, *, bench: "_Workbench") -> Iterator[tuple[Tensor, Tensor]]:
        """The largest logits of each row's highest slices, in fp32 and as they were rounded."""
        for slice_ in top.topk(min(SHARPENED, top.shape[1]), dim=1).indices.T:
            yield self._largest_in(slice_, bench=bench, rows=wide), top.gather(1, slice_[:, None])[:, 0]

    def _largest_in(self, slice_: Tensor, *, bench: "_Workbench", rows: Tensor) -> Tensor:
        """The fp32 logit of the token that is largest in one slice of the vocabulary, for each row its own slice."""
        token = torch.empty_like(slice_)
        for number in sorted(set(slice_.tolist())):
            here = (slice_ == number).nonzero()[:, 0]
            token[here] = number * COLUMNS + bench.rounded(number, len(rows))[here].argmax(dim=1)
        return _dot(rows, self.exact.weight[token])


class _Workbench(NamedTuple):
    """Room for the logits of one chunk of rows, used again for each: fresh memory costs more than what is put in it."""

    slices: list[Tensor]
    """Flat bfloat16 memory for each slice of the vocabulary."""
    widths: list[int]
    first: Tensor
    second: Tensor
    """Flat fp32 memory for one slice each."""

    @classmethod
    def of(cls, weight: Tensor, *, rows: int) -> Self:
        """Room for so many rows."""
        rows = max(rows, LEAST_ROWS)
        widths = [min(COLUMNS, len(weight) - first) for first in range(0, len(weight), COLUMNS)]
        slices = [weight.new_empty(rows * width) for width in widths]
        first, second = (torch.empty(rows * widths[0], device=weight.device) for _ in range(2))
        return cls(slices, widths, first, second)

    def rounded(self, number: int, rows: int) -> Tensor:
        """The bfloat16 logits of one slice (rows, width)."""
        return self._shaped(self.slices[number], number, rows)

    def wide(self, number: int, rows: int) -> Tensor:
        """Room for the same in fp32."""
        return self._shaped(self.first, number, rows)

    def shifted(self, number: int, rows: int) -> Tensor:
        """Room for them less their log-sum-exp."""
        return self._shaped(self.second, number, rows)

    def _shaped(self, memory: Tensor, number: int, rows: int) -> Tensor:
        width = self.widths[number]
        return memory[: rows * width].view(rows, width)


@dataclass(frozen=True, slots=True)
class ReadyLogits:
    """For architectures whose last layer is known to themselves alone: the rows are logits already."""

    size: int

    def score(self, rows: Tensor, targets: Tensor) -> RowScores:
        """What is said of one target token for each row."""
        return RowScores(*in_chunks(lambda rows, targets: _reduce([(0, rows.float())], targets), rows, targets, ROWS))

    def moments(self, rows: Tensor, targets: Tensor) -> RowMoments:
        """The same, and how the whole distribution lies around it."""
        return RowMoments(
            *in_chunks(lambda rows, targets: spread([(0, rows.float())], targets), rows, targets, HELD_ROWS)
        )

    def logits(self, rows: Tensor) -> Tensor:
        """All fp32 logits of some rows."""
        return rows.float()

    def rough_logits(self, rows: Tensor) -> Tensor:
        """The same."""
        return rows.float()


def likeliest(head: Head, rows: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The ids and fp32 logits of the k likeliest tokens of each row, likeliest first, ties by the smaller id."""
    parts = [largest(head.logits(rows[at : at + ROWS]), k) for at in range(0, len(rows), ROWS)]
    ids, values = zip(*parts, strict=True)
    return torch.cat(ids), torch.cat(values)


def largest(logits: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The columns and values of the k largest entries of each row, largest first, ties by the smaller column."""
    rows, size = logits.shape
    blocks = size // BLOCK
    if k >= size or k + SPARE >= blocks:
        value, index = torch.sort(logits, dim=1, descending=True, stable=True)
        return index[:, :k], value[:, :k]
    # The k largest entries lie in the k blocks with the largest maxima, or in the rest behind the last block.
    whole = logits[:, : blocks * BLOCK].view(rows, blocks, BLOCK)
    maxima, chosen = torch.topk(whole.amax(dim=2), k + SPARE, dim=1)
    columns = (chosen.sort(dim=1).values[:, :, None] * BLOCK + torch.arange(BLOCK, device=logits.device)).flatten(1)
    rest = torch.arange(blocks * BLOCK, size, device=logits.device).expand(rows, -1)
    columns = torch.cat([columns, rest], dim=1)
    value, order = torch.sort(logits.gather(1, columns), dim=1, descending=True, stable=True)
    value, index = value[:, :k], columns.gather(1, order[:, :k])
    tied = (maxima[:, -1] >= value[:, -1]).nonzero()[:, 0]
    if len(tied):
        again, order = torch.sort(logits[tied], dim=1, descending=True, stable=True)
        value[tied], index[tied] = again[:, :k], order[:, :k]
    return index, value


def in_chunks(
    work: Callable[[Tensor, Tensor], tuple[Tensor, ...]], rows: Tensor, targets: Tensor, size: int
) -> list[Tensor]:
    """What is made of so many rows and targets at a time, put together column by column."""
    parts = [work(rows[at : at + size], targets[at : at + size]) for at in range(0, len(targets), size)]
    return [torch.cat(column) for column in zip(*parts, strict=True)]


def _reduce(slices: Iterable[tuple[int, Tensor]], targets: Tensor) -> RowScores:
    """The scores out of the logits of all slices of the vocabulary, one after the other."""
    target = torch.empty(len(targets), device=targets.device)
    tops, sums = [], []
    for first, logits in slices:
        here = ((targets >= first) & (targets < first + logits.shape[1])).nonzero()[:, 0]
        target[here] = logits[here, targets[here] - first]
        tops.append(logits.amax(dim=1))
        sums.append(logsumexp(logits))
    # Summed along rows: a sum down columns is taken in an order that depends on how many columns there are.
    return RowScores(target, torch.stack(tops, dim=1).amax(dim=1), torch.logsumexp(torch.stack(sums, dim=1), dim=1))


def logsumexp(logits: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm of each row's sum of exponentials: the fused log-softmax is many times as fast as asking for it."""
    return logits[:, 0] - torch.log_softmax(logits, dim=1, out=out)[:, 0]


def _dot(rows: Tensor, weights: Tensor) -> Tensor:
    return (rows * weights).sum(dim=1)


def _filled(rows: Tensor) -> Tensor:
    """The rows with rows of zeros behind them, up to the least number that is added up like any other."""
    missing = LEAST_ROWS - len(rows)
    return rows if missing <= 0 else torch.cat([rows, rows.new_zeros(missing, rows.shape[1])])
