"""The ways in which a neural model is read, the fastest that gives its own numbers first.

Lean and packed: documents lie end to end in one row without padding and attention runs inside each document; by a body
of ours for Llamas, by transformers' own for every architecture that lets its attention be chosen. Apart: a window at a
time through the architecture's own code. Whole: its own head too. By vLLM, where that is asked for: the engine's body,
and the head as for the others.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from uncollapse.language_models import precision
from uncollapse.language_models.checkpoint import config_of
from uncollapse.language_models.head import LEAST_ROWS, BfloatHead, Finish, Head, LinearHead
from uncollapse.language_models.head_on_cuda import CudaHead, room_on
from uncollapse.language_models.llama import Llama
from uncollapse.language_models.memory import Memory as LlamaMemory
from uncollapse.language_models.transfer import to_device
from uncollapse.language_models.windows import Page
from uncollapse.language_models.writing import Memory

# Rows for each thread below which a matrix product adds in another order.
ROWS_EACH = 8
Way: TypeAlias = Literal["lean", "packed", "apart", "whole", "vllm"]


# A memory for so many texts, none longer than so many tokens.
Remember: TypeAlias = Callable[[int, int], Memory]


class Reader(NamedTuple):
    """How a model is read: rows out of a page, and the head that makes logits of them."""

    way: Way
    read: Callable[[Page], Tensor]
    head: Head
    remember: Remember | None = None
    """The model as one that writes; None where an engine does that by itself."""
    remembered: int = 0
    """Bytes that it remembers of each token meanwhile."""


def reader_of(folder: Path, *, dtype: str) -> Reader:
    """The fastest way of reading the model in a folder."""
    body = Llama.of(folder, config_of(folder), dtype=getattr(torch, dtype), device=precision.device())
    if body is not None:
        return lean_reader(body, dtype=dtype)
    from uncollapse.language_models.by_transformers import transformers_reader  # noqa: PLC0415  (slow import)

    return transformers_reader(folder, dtype=dtype)


def lean_reader(body: Llama, *, dtype: str) -> Reader:
    """The way of reading with a body of ours."""
    return Reader(
        "lean",
        lambda page: packed(page, read=body),
        linear_head(body.head),
        lambda places, length: LlamaMemory(body, places=places, length=length, least_rows=least_rows(dtype)),
        2 * body.shape.layers * body.shape.kept * body.shape.width * body.head.element_size(),
    )


def least_rows(dtype: str) -> int:
    """Rows below which sums are taken in another order; it matters where results are promised to the last bit."""
    return min(LEAST_ROWS, ROWS_EACH * torch.get_num_threads()) if dtype == "float32" else 1


def packed(page: Page, *, read: Callable[[Tensor, Tensor, Sequence[int]], Tensor]) -> Tensor:
    """The last hidden states of a page, read in one row."""
    count = len(page.ids)
    ids, positions, bounds = page.ids, page.positions, page.bounds
    if count < LEAST_ROWS:
        # A line of filling, so that few rows are added up as many are.
        ids = np.concatenate([ids, np.zeros(LEAST_ROWS - count, ids.dtype)])
        positions = np.concatenate([positions, np.arange(LEAST_ROWS - count)])
        bounds = (*bounds, LEAST_ROWS)
    device = precision.device()
    return read(to_device(ids, device), to_device(positions, device), bounds)[:count]


def linear_head(weight: Tensor, *, bias: Tensor | None = None, finish: Finish | None = None) -> Head:
    """The head out of a matrix, in the way that is fastest for its numbers and its place."""
    if weight.device.type == "cuda":
        return CudaHead(weight, bias=bias, finish=finish, room=room_on(precision.device_memory()))
    head = LinearHead(weight=weight, bias=bias, finish=finish)
    rounds = weight.dtype is torch.bfloat16
    return BfloatHead(head) if rounds and bias is None and finish is None else head
