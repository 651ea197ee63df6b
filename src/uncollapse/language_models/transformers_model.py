"""Models of transformers: one packed forward pass, the head in chunks, candidates only where they are asked.

Lean and packed: documents lie end to end in one row without padding and attention runs inside each document; by a body
of ours for Llamas, by transformers' own for every architecture that lets its attention be chosen. Apart: a window at a
time through the architecture's own code. Whole: its own head too. The first that gives a model's own numbers on two
short lines is taken when the model is loaded.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from jaxtyping import Int64
from numpy import ndarray
from torch import Tensor

from uncollapse.errors import BrokenModel
from uncollapse.language_models import attention, precision
from uncollapse.language_models.head import (
    LEAST_ROWS,
    BfloatHead,
    Head,
    LinearHead,
    ReadyLogits,
    likeliest,
)
from uncollapse.language_models.llama import Llama
from uncollapse.language_models.model import Candidates, Chooser, ModelCard, Scores, Tokens
from uncollapse.language_models.quiet import quiet
from uncollapse.language_models.vocabulary import PieceVocabulary
from uncollapse.language_models.windows import Page, pages

# Rows of one page: enough to keep matrix products busy, few enough for the cache.
CAPACITY = {"cpu": 2048, "cuda": 16384}
# Two lines of the probe; their tokens are spread over the vocabulary.
PROBE = (5, 9)
# Largest difference of log-probabilities between two ways of summing; a wrong last layer costs more.
AGREE = {"float32": 1e-3, "bfloat16": 0.3, "float16": 0.05}


# By a body of ours, by transformers with attention of ours, by transformers a window at a time, and the head as well.
Way: TypeAlias = Literal["lean", "packed", "apart", "whole"]


class Reader(NamedTuple):
    """How a model is read: rows out of a page, and the head that makes logits of them."""

    way: Way
    read: Callable[[Page], Tensor]
    head: Head


class TransformersModel:
    """A causal language model of transformers as a scorer of text."""

    def __init__(self, folder: Path, *, card: ModelCard, threads: int | None = None) -> None:
        assert card.window is not None
        self.card = card
        self._window = card.window
        self._device = precision.device()
        if threads is not None:
            torch.set_num_threads(threads)
        with torch.inference_mode():
            model = _open(folder, dtype=card.dtype, device=self._device)
            self._reader = _reader(model, dtype=card.dtype)
        self.vocabulary = PieceVocabulary.load(folder, size=self._reader.head.size)

    @property
    def way(self) -> Way:
        """How the model is read."""
        return self._reader.way

    def score(self, tokens: Tokens) -> Scores:
        """What the model says of each token."""
        return self.score_and_choose(tokens, chooser=_nothing, k=1)[0]

    def score_and_choose(self, tokens: Tokens, *, chooser: Chooser, k: int) -> tuple[Scores, Candidates]:
        """The scores, and the k likeliest tokens at the rows that `chooser` picks."""
        logprob = np.full(len(tokens.ids), np.nan, np.float32)
        logsumexp = logprob.copy()
        is_argmax = np.zeros(len(tokens.ids), np.bool_)
        k = min(k, self._reader.head.size)
        found = [Candidates(np.empty(0, np.int64), np.empty((0, k), np.int32), np.empty((0, k), np.float32))]
        capacity = CAPACITY[self._device]
        with torch.inference_mode():
            for page in pages(tokens, window=self._window, start=self.vocabulary.start, capacity=capacity):
                rows = self._rows(page)
                targets = self._tensor(tokens.ids[page.targets].astype(np.int64))
                target, largest, sums = self._reader.head.score(rows, targets)
                at = page.targets
                logprob[at] = (target - sums).cpu().numpy()
                logsumexp[at] = sums.cpu().numpy()
                is_argmax[at] = (target >= largest).cpu().numpy()
                chosen = np.flatnonzero(chooser(at, logprob[at], is_argmax[at]))
                if len(chosen):
                    picked = self._tensor(chosen)
                    ids, logits = likeliest(self._reader.head, rows[picked], k)
                    value = (logits - sums[picked, None]).cpu().numpy()
                    found.append(Candidates(at[chosen], ids.to(torch.int32).cpu().numpy(), value))
        scores = Scores(logprob=logprob, is_argmax=is_argmax, logsumexp=logsumexp)
        return scores, Candidates(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def _rows(self, page: Page) -> Tensor:
        """What the model makes of the scored rows of a page."""
        return self._reader.read(page)[self._tensor(page.rows)]

    def _tensor(self, array: Int64[ndarray, "..."]) -> Tensor:
        return torch.from_numpy(array).to(self._device)


def _nothing(rows: Any, _logprob: Any, _is_argmax: Any) -> Any:
    return np.zeros(len(rows), np.bool_)


def _open(folder: Path, *, dtype: str, device: str) -> Any:
    """The model in a folder, from safetensors alone, without code of its own."""
    from transformers import AutoModelForCausalLM  # noqa: PLC0415  (slow import)

    attention.register()
    try:
        with quiet():
            model: Any = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=getattr(torch, dtype),
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise BrokenModel(
            f"{folder} cannot be loaded: {error}", hint="is it a causal language model that transformers knows?"
        ) from error
    return model.train(False).to(device)


def _reader(model: Any, *, dtype: str) -> Reader:
    """The fastest way of reading that agrees with the model's own."""
    lines = _probe(model)
    plain = [torch.log_softmax(_plain_logits(model, line).float(), dim=-1) for line in lines]
    for way in _ways(model):
        if _agrees(way, lines=lines, plain=plain, tolerance=AGREE[dtype]):
            return way
    whole = ReadyLogits(plain[0].shape[-1])
    return Reader("whole", lambda page: _apart(page, read=lambda ids: _plain_logits(model, ids)), whole)


def _ways(model: Any) -> Iterator[Reader]:
    """Ways of reading with a head of ours, the fastest first; each may set the model up for itself."""
    head = _head(model)
    if head is None:
        return
    body = model.base_model
    own = model.config._attn_implementation
    if (lean := Llama.of(body)) is not None:
        yield Reader("lean", lambda page: _packed(page, read=lean), head)
    if getattr(model, "_supports_attention_backend", False):
        model.set_attn_implementation(attention.NAME)
        yield Reader("packed", lambda page: _packed(page, read=partial(_body, body)), head)
        model.set_attn_implementation(own)
    yield Reader("apart", lambda page: _apart(page, read=lambda ids: _hidden(body, ids)), head)


def _probe(model: Any) -> list[Tensor]:
    size = model.get_input_embeddings().weight.shape[0]
    spread = (np.arange(sum(PROBE)) * 7919 + 11) % size
    ids = torch.from_numpy(spread).to(model.device)
    return list(torch.split(ids, list(PROBE)))


def _agrees(way: Reader, *, lines: list[Tensor], plain: list[Tensor], tolerance: float) -> bool:
    """Whether reading the lines as one page gives what the model says of each."""
    ids = torch.cat(lines).cpu().numpy()
    bounds = np.cumsum([0, *map(len, lines)])
    positions = np.concatenate([np.arange(len(line)) for line in lines])
    page = Page(ids, positions, tuple(bounds.tolist()), np.arange(len(ids)), np.arange(len(ids)))
    try:
        logits = way.head.logits(way.read(page))
    except (attention.UnsupportedAttentionError, TypeError, AttributeError):
        return False
    if logits.shape[1] != plain[0].shape[1]:
        return False
    return bool((torch.log_softmax(logits, dim=-1) - torch.cat(plain)).abs().max() <= tolerance)


def _plain_logits(model: Any, ids: Tensor) -> Tensor:
    logits: Tensor = model(input_ids=ids[None], use_cache=False).logits[0]
    return logits


def _hidden(body: Any, ids: Tensor) -> Tensor:
    hidden: Tensor = body(input_ids=ids[None], use_cache=False).last_hidden_state[0]
    return hidden


def _body(body: Any, ids: Tensor, positions: Tensor, bounds: Sequence[int]) -> Tensor:
    """The last hidden states of documents that lie end to end, through transformers."""
    hidden: Tensor = body(
        input_ids=ids[None], position_ids=positions[None], use_cache=False, bounds=bounds
    ).last_hidden_state[0]
    return hidden


def _packed(page: Page, *, read: Callable[[Tensor, Tensor, Sequence[int]], Tensor]) -> Tensor:
    """The last hidden states of a page, read in one row."""
    count = len(page.ids)
    ids, positions, bounds = torch.from_numpy(page.ids), torch.from_numpy(page.positions), page.bounds
    if count < LEAST_ROWS:
        # A line of filling, so that few rows are added up as many are.
        ids = torch.cat([ids, ids.new_zeros(LEAST_ROWS - count)])
        positions = torch.cat([positions, torch.arange(LEAST_ROWS - count)])
        bounds = (*bounds, LEAST_ROWS)
    device = precision.device()
    return read(ids.to(device), positions.to(device), bounds)[:count]


def _apart(page: Page, *, read: Callable[[Tensor], Tensor]) -> Tensor:
    """The rows of a page, each window read by itself."""
    ids = torch.from_numpy(page.ids).to(precision.device())
    return torch.cat([read(ids[begin:end]) for begin, end in pairwise(page.bounds)])


def _head(model: Any) -> Head | None:
    """The model's last layer, where it is a matrix and one of the known ways to finish."""
    layer = model.get_output_embeddings()
    weight = getattr(layer, "weight", None)
    if weight is None or weight.ndim != 2:
        return None
    bias = getattr(layer, "bias", None)
    finish = _finish(model.config.get_text_config())
    head = LinearHead(weight=weight, bias=None if bias is None else bias.float(), finish=finish)
    rounds = weight.dtype is torch.bfloat16 and weight.device.type == "cpu"
    return BfloatHead(head) if rounds and bias is None and finish is None else head


def _finish(config: Any) -> Callable[[Tensor], Tensor] | None:
    """What becomes of logits after the matrix: scaled (Cohere, Granite) or bent (Gemma), else nothing."""
    cap = getattr(config, "final_logit_softcapping", None)
    scale = getattr(config, "logit_scale", None) or 1.0 / (getattr(config, "logits_scaling", None) or 1.0)
    if cap:
        return lambda logits: cap * torch.tanh(logits / cap)
    return None if scale == 1.0 else lambda logits: logits * scale
