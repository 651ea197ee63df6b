"""Many texts written at once by a neural model: the batch stays full, as a text that is done makes room for the next.

The distribution is shaped where the model is, in fp32, by the rules of `sampling.narrowed`; the tests hold one against
the other. A token is found by walking the weights in the order of their ids up to the text's uniform number, block by
block.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int32
from numpy import ndarray
from torch import Tensor

from uncollapse.language_models.drawing import Text, close, mark, marked_rows, note
from uncollapse.language_models.head import Head
from uncollapse.language_models.model import Request, Written
from uncollapse.sampling import Decoding
from uncollapse.watermark import HEAD

# Columns of one block of the walk.
BLOCK = 64
# Candidates that are sorted for top-p before more are.
FIRST = 256


@runtime_checkable
class Memory(Protocol):
    """A model that remembers the texts which it is writing; they stand at places without gaps."""

    def __len__(self) -> int:
        """How many texts there are."""
        ...

    def read(self, prompts: Sequence[Int32[ndarray, "_"]]) -> Tensor:
        """The last hidden states of new texts, which take the places behind those that are there."""
        ...

    def step(self, tokens: Sequence[int]) -> Tensor:
        """The hidden states after one more token of each text."""
        ...

    def drop(self, place: int) -> None:
        """Forget the text at a place; the last text takes it."""
        ...


class Pen(NamedTuple):
    """What the texts are written with; `places` is how many are written at once."""

    memory: Memory
    head: Head
    decoding: Decoding
    banned: Tensor
    ends: frozenset[int]
    places: int


def write(requests: Sequence[Request], pen: Pen) -> list[Written]:
    """The texts that are asked for, in their order."""
    texts = [Text(request, number) for number, request in enumerate(requests)]
    waiting = deque(text for text in texts if not text.done)
    standing: list[Text] = []
    while standing or waiting:
        if waiting and _has_room(pen, standing):
            new = [waiting.popleft() for _ in range(min(len(waiting), pen.places - len(standing)))]
            rows = pen.memory.read([text.request.prompt for text in new])
            standing += new
        else:
            new = standing
            rows = pen.memory.step([text.ids[-1] for text in standing])
        _extend(new, pen.head.rough_logits(rows), pen)
        # From the end, so that whoever moves up has been looked at.
        for place in reversed(range(len(standing))):
            if standing[place].done:
                pen.memory.drop(place)
                last = standing.pop()
                if place < len(standing):
                    standing[place] = last
    return [text.written() for text in texts]


def _has_room(pen: Pen, standing: Sequence[Text]) -> bool:
    """Whether enough places are free that reading the next prompts is worth a pass of its own."""
    return pen.places - len(standing) >= max(1, min(pen.places // 8, pen.places))


def _extend(texts: Sequence[Text], logits: Tensor, pen: Pen) -> None:
    drawn = draw_next(texts, logits, decoding=pen.decoding, banned=pen.banned)
    write_down(texts, drawn)
    for text in texts:
        if text.ids[-1] in pen.ends:
            close(text)


def write_down(texts: Sequence[Text], drawn: "Drawn") -> None:
    """Nothing; each text has its token, and what is said of it, at its end."""
    tokens = drawn.tokens.cpu().numpy()
    columns = [column.cpu().numpy() for column in (drawn.logprob, drawn.entropy, drawn.drawn_entropy)]
    note(texts, tokens=tokens, columns=columns)


class Drawn(NamedTuple):
    """The tokens (r,), and for each its log-probability and the entropies of both distributions."""

    tokens: Tensor
    logprob: Tensor
    entropy: Tensor
    drawn_entropy: Tensor


def draw_next(texts: Sequence[Text], logits: Tensor, *, decoding: Decoding, banned: Tensor) -> Drawn:
    """The next token of each text out of fp32 logits (r, v), by its own uniform number and keys."""
    top = logits.amax(dim=1, keepdim=True)
    sums, own = _entropy(logits, torch.exp(logits - top), top=top)
    weights, drawn = shaped(logits.masked_fill(banned, -torch.inf), decoding)
    if drawn is None:
        drawn = own
    rows = marked_rows(texts)
    if rows:
        at = torch.tensor([row for row, _ in rows], device=logits.device)
        value, ids = torch.topk(weights[at], min(HEAD, weights.shape[1]), dim=1)
        new = mark(value.double().cpu().numpy(), ids.cpu().numpy(), rows=rows, texts=texts)
        weights[at[:, None], ids] = torch.from_numpy(new).to(weights)
    uniform = torch.tensor([text.uniform for text in texts], dtype=torch.float64, device=logits.device)
    tokens = walk(weights, uniform)
    logprob = (logits.gather(1, tokens[:, None])[:, 0] - sums).clamp_(max=0.0)
    return Drawn(tokens, logprob, own, drawn)


def shaped(logits: Tensor, decoding: Decoding) -> tuple[Tensor, Tensor | None]:
    """The weights (r, v) that are drawn from, and the entropy of each row where it is not the model's own."""
    top = logits.amax(dim=1, keepdim=True)
    if decoding.temperature == 0:
        weights = (logits == top).float()
        return weights, weights.sum(dim=1).log()
    scaled = (logits - top) / decoding.temperature
    if decoding.top_k:
        least = torch.topk(scaled, min(decoding.top_k, scaled.shape[1]), dim=1).values[:, -1:]
        scaled.masked_fill_(scaled < least, -torch.inf)
    if decoding.top_p < 1:
        scaled.masked_fill_(scaled < _least_of_nucleus(scaled, decoding.top_p), -torch.inf)
    if decoding.min_p:
        scaled.masked_fill_(scaled < np.log(decoding.min_p), -torch.inf)
    weights = torch.exp(scaled)
    if decoding == Decoding():
        return weights, None
    return weights, _entropy(scaled, weights, top=torch.zeros_like(top))[1]


def walk(weights: Tensor, uniform: Tensor) -> Tensor:
    """For each row the column that its uniform number falls on, columns in the order of their ids."""
    rows = len(weights)
    padded = _blocks(weights)
    blocks = padded.sum(dim=2).double().cumsum(dim=1)
    target = uniform * blocks[:, -1]
    block = _at(blocks, target)
    row = torch.arange(rows, device=weights.device)
    before = torch.where(block > 0, blocks[row, (block - 1).clamp(min=0)], 0.0)
    inside = padded[row, block].double()
    return block * BLOCK + _at(inside.cumsum(dim=1), target - before)


def _at(cumulative: Tensor, target: Tensor) -> Tensor:
    """The first column whose cumulative weight is beyond the target; at the very end, the last one with weight."""
    column = (cumulative <= target[:, None]).sum(dim=1)
    last = (cumulative < cumulative[:, -1:]).sum(dim=1)
    return torch.minimum(column, last)


def _entropy(logits: Tensor, weights: Tensor, *, top: Tensor) -> tuple[Tensor, Tensor]:
    """The log-sum-exp and the entropy of rows; `weights` are exp(logits - top)."""
    total = _row_sums(weights)
    gap = (logits - top).masked_fill_(weights == 0, 0.0)
    mean = _row_sums(weights * gap) / total
    sums = total.log()
    return sums + top[:, 0], (sums - mean).clamp_(min=0.0)


def _row_sums(numbers: Tensor) -> Tensor:
    """The sum of each row, block by block: the sum of one long row is cut among threads, that of many is not."""
    return _blocks(numbers).sum(dim=2).sum(dim=1)


def _blocks(numbers: Tensor) -> Tensor:
    """Rows in blocks of columns (r, b, BLOCK), filled up with zeros."""
    filled = torch.nn.functional.pad(numbers, (0, -numbers.shape[1] % BLOCK))
    return filled.view(len(numbers), -1, BLOCK)


def _least_of_nucleus(logits: Tensor, p: float) -> Tensor:
    """The logit of the last candidate of the smallest set that holds p of the mass."""
    total = _row_sums(torch.exp(logits).double())[:, None]
    size = logits.shape[1]
    count = min(FIRST, size)
    while True:
        value = torch.topk(logits, count, dim=1).values
        mass = torch.exp(value).double() / total
        inside = mass.cumsum(dim=1) - mass < p
        if count == size or not bool(inside[:, -1].any()):
            return torch.where(inside, value, torch.inf).amin(dim=1, keepdim=True)
        count = min(8 * count, size)
