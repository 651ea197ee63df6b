"""What a Llama remembers of texts while it writes them: keys and values, a place for each text.

The texts that are being written stand at places 0 to m - 1, without gaps: when one is done the last takes its place.
Attention looks at all of them at once, some places at a time, each as far as the longest text among these reaches.

Shape letters: m texts, h heads, g heads of keys, w width of a head.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Int32
from numpy import ndarray
from torch import Tensor

from uncollapse.language_models.kernels import Documents
from uncollapse.language_models.llama import Llama, Shape
from uncollapse.language_models.transfer import to_device

# Lengths are filled up to a multiple of this, so that a text is summed up alike whatever stands beside it.
GRAIN = 64
# Places that share one look: each look reaches as far as its longest text, and on a CUDA device costs a call.
PLACES = {"cpu": 16, "cuda": 128}


class Memory:
    """Keys and values of texts, and how the next token of each sees them."""

    def __init__(self, body: Llama, *, places: int, length: int, least_rows: int) -> None:
        self._body = body
        self._least = least_rows
        shape: Shape = body.shape
        size = (shape.layers, places, shape.kept, -(-length // GRAIN) * GRAIN, shape.width)
        like = body.head
        self._keys = torch.zeros(size, dtype=like.dtype, device=like.device)
        self._values = torch.zeros_like(self._keys)
        self._lengths: list[int] = []

    def __len__(self) -> int:
        return len(self._lengths)

    def read(self, prompts: Sequence[Int32[ndarray, "_"]]) -> Tensor:
        """The last hidden states (m, n) of new texts, which take the places behind those that are there."""
        first = len(self)
        self._lengths += [len(prompt) for prompt in prompts]
        bounds = np.cumsum([0, *map(len, prompts)]).tolist()
        spare = max(0, self._least - bounds[-1])
        ids = np.concatenate([*prompts, np.zeros(spare, np.int32)]).astype(np.int64)
        positions = np.concatenate([*(np.arange(len(prompt)) for prompt in prompts), np.arange(spare)])
        around = Documents([*bounds, bounds[-1] + spare] if spare else bounds, self._keys.device)

        def see(layer: int, heads: tuple[Tensor, Tensor, Tensor]) -> Tensor:
            for place, (begin, end) in enumerate(pairwise(bounds), start=first):
                self._keys[layer, place, :, : end - begin] = heads[1][:, begin:end]
                self._values[layer, place, :, : end - begin] = heads[2][:, begin:end]
            return self._body.attend(heads, around)

        hidden = self._body.run(self._on_device(ids), self._on_device(positions), see=see)
        return hidden[self._on_device(np.array(bounds[1:]) - 1)]

    def step(self, tokens: Sequence[int]) -> Tensor:
        """The hidden states (m, n) after one more token of each text."""
        count = len(self)
        spare = max(0, self._least - count)
        ids = self._on_device(np.array([*tokens, *([0] * spare)], np.int64))
        positions = self._on_device(np.array([*self._lengths, *([0] * spare)], np.int64))
        self._lengths = [length + 1 for length in self._lengths]
        places = torch.arange(count, device=positions.device)
        hidden_from = self._hidden()

        def see(layer: int, heads: tuple[Tensor, Tensor, Tensor]) -> Tensor:
            queries, keys, values = (part.transpose(0, 1) for part in heads)
            self._keys[layer, places, :, positions[:count]] = keys[:count]
            self._values[layer, places, :, positions[:count]] = values[:count]
            seen = torch.zeros_like(queries)
            for begin, mask in hidden_from:
                end = begin + len(mask)
                seen[begin:end] = self._look(queries[begin:end], layer, begin=begin, mask=mask)
            return seen

        return self._body.run(ids, positions, see=see)[:count]

    def drop(self, place: int) -> None:
        """Forget the text at a place; the last text takes it."""
        last = len(self) - 1
        length = self._lengths.pop()
        if place != last:
            self._keys[:, place, :, :length] = self._keys[:, last, :, :length]
            self._values[:, place, :, :length] = self._values[:, last, :, :length]
            self._lengths[place] = length

    def _hidden(self) -> list[tuple[int, Tensor]]:
        """For some places at a time, the first of them and what none of its heads may see (m, 1, length)."""
        found = []
        places = PLACES[self._keys.device.type]
        for begin in range(0, len(self), places):
            lengths = self._on_device(np.array(self._lengths[begin : begin + places], np.int64))[:, None, None]
            longest = -(-max(self._lengths[begin : begin + places]) // GRAIN) * GRAIN
            at = torch.arange(longest, device=lengths.device)
            mask = at >= lengths
            if self._body.shape.span is not None:
                mask |= at < lengths - self._body.shape.span
            found.append((begin, mask))
        return found

    def _look(self, queries: Tensor, layer: int, *, begin: int, mask: Tensor) -> Tensor:
        """What queries (m, h, w) see of the keys and values of their places (m, h, w)."""
        shape = self._body.shape
        count, length = len(mask), mask.shape[2]
        keys = self._keys[layer, begin : begin + count, :, :length].flatten(0, 1)
        values = self._values[layer, begin : begin + count, :, :length].flatten(0, 1)
        grouped = (queries * shape.width**-0.5).reshape(count * shape.kept, -1, shape.width)
        weights = torch.bmm(grouped, keys.transpose(1, 2))
        weights.view(count, shape.heads, length).masked_fill_(mask, -torch.inf)
        return torch.bmm(torch.softmax(weights, dim=-1), values).view(count, shape.heads, shape.width)

    def _on_device(self, array: ndarray) -> Tensor:
        return to_device(array, self._keys.device)
