"""Neural models: one packed forward pass, the head in chunks, candidates only where they are asked."""

from collections.abc import Iterator, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from uncollapse.errors import UsageError
from uncollapse.language_models import precision
from uncollapse.language_models.head import HELD_ROWS, likeliest
from uncollapse.language_models.model import (
    Block,
    Candidates,
    Chooser,
    ModelCard,
    Moments,
    Request,
    Scores,
    Tokens,
    Written,
)
from uncollapse.language_models.reading import Reader, Way, reader_of
from uncollapse.language_models.vocabulary import PieceVocabulary
from uncollapse.language_models.windows import Page, pages
from uncollapse.language_models.writing import Pen, write
from uncollapse.sampling import Decoding

# Rows of one page: enough to keep matrix products busy, few enough for the cache.
CAPACITY = {"cpu": 2048, "cuda": 16384}
# Texts that are written at once, and how many bytes may be spent on remembering them.
PLACES = {"cpu": 64, "cuda": 512}
REMEMBERED = {"cpu": 2 << 30, "cuda": 16 << 30}


class NeuralModel:
    """A causal language model out of a folder as a scorer of text."""

    def __init__(self, folder: Path, *, card: ModelCard, threads: int | None = None) -> None:
        assert card.window is not None
        self.card = card
        self._window = card.window
        self._device = precision.device()
        if threads is not None:
            torch.set_num_threads(threads)
        with torch.inference_mode():
            self.reader = self._opened(folder)
        self.vocabulary = PieceVocabulary.load(folder, size=self.reader.head.size)
        self._start = self.vocabulary.start

    def _opened(self, folder: Path) -> Reader:
        return reader_of(folder, dtype=self.card.dtype)

    def without_start(self) -> "NeuralModel":
        """The same model, which reads texts with no start token before them; their first tokens go unscored."""
        other = copy(self)
        other._start = None
        return other

    def without_end(self) -> "NeuralModel":
        """The same model, which never ends a text before as many tokens are written as it may have."""
        other = copy(self)
        other.vocabulary = copy(self.vocabulary)
        other.vocabulary.ends = ()
        other.__dict__.pop("_banned", None)
        return other

    @property
    def way(self) -> Way:
        """How the model is read."""
        return self.reader.way

    def score(self, tokens: Tokens) -> Scores:
        """What the model says of each token."""
        return self.score_and_choose(tokens, chooser=_nothing, k=1)[0]

    def moments(self, tokens: Tokens) -> Moments:
        """What the model says of each token, with mean, variance and rank, in the same pass."""
        logprob, mean, variance = (np.full(len(tokens.ids), np.nan, np.float32) for _ in range(3))
        rank = np.zeros(len(tokens.ids), np.int32)
        with torch.inference_mode():
            for page, rows in self._pages(tokens):
                targets = self._tensor(tokens.ids[page.targets].astype(np.int64))
                found = self.reader.head.moments(rows, targets)
                at = page.targets
                logprob[at] = (found.target - found.logsumexp).clamp_(max=0.0).cpu().numpy()
                mean[at] = found.mean.cpu().numpy()
                variance[at] = found.variance.cpu().numpy()
                rank[at] = found.rank.cpu().numpy()
        return Moments(logprob=logprob, mean=mean, variance=variance, rank=rank)

    def distributions(self, tokens: Tokens) -> Iterator[Block]:
        """All that the model says at every scored token, some rows at a time, in order; large, for pairs of models."""
        pages = self._pages(tokens)
        # Whoever takes the blocks is outside of inference mode between them.
        while (found := _next(pages)) is not None:
            page, rows = found
            for at in range(0, len(rows), HELD_ROWS):
                with torch.inference_mode():
                    logits = self.reader.head.logits(rows[at : at + HELD_ROWS])
                    value = torch.log_softmax(logits, dim=1).cpu().numpy()
                yield Block(page.targets[at : at + HELD_ROWS], value)

    def score_and_choose(self, tokens: Tokens, *, chooser: Chooser, k: int) -> tuple[Scores, Candidates]:
        """The scores, and the k likeliest tokens at the rows that `chooser` picks."""
        logprob = np.full(len(tokens.ids), np.nan, np.float32)
        logsumexp, confidence = logprob.copy(), logprob.copy()
        is_argmax = np.zeros(len(tokens.ids), np.bool_)
        k = min(k, self.reader.head.size)
        found = [Candidates(np.empty(0, np.int64), np.empty((0, k), np.int32), np.empty((0, k), np.float32))]
        with torch.inference_mode():
            for page, rows in self._pages(tokens):
                targets = self._tensor(tokens.ids[page.targets].astype(np.int64))
                target, largest, sums = self.reader.head.score(rows, targets)
                at = page.targets
                # Beside a nearly sure token the sum of the others is lost in rounding, which may go above certainty.
                logprob[at] = (target - sums).clamp_(max=0.0).cpu().numpy()
                logsumexp[at] = sums.cpu().numpy()
                confidence[at] = (largest - sums).clamp_(max=0.0).cpu().numpy()
                is_argmax[at] = (target >= largest).cpu().numpy()
                chosen = np.flatnonzero(chooser(at, logprob[at], is_argmax[at]))
                if len(chosen):
                    picked = self._tensor(chosen)
                    ids, logits = likeliest(self.reader.head, rows[picked], k)
                    value = (logits - sums[picked, None]).cpu().numpy()
                    found.append(Candidates(at[chosen], ids.to(torch.int32).cpu().numpy(), value))
        scores = Scores(logprob=logprob, is_argmax=is_argmax, logsumexp=logsumexp, confidence=confidence)
        return scores, Candidates(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def generate(self, requests: Sequence[Request], *, decoding: Decoding) -> list[Written]:
        """The texts that are asked for; of a prompt that leaves no room in the window its end is read."""
        most = max((len(request.uniform) for request in requests), default=0)
        if most >= self._window:
            raise UsageError(
                f"{most} tokens cannot be written within a window of {self._window}", hint="fewer tokens, or --window"
            )
        read = [self._placed(request) for request in requests]
        with torch.inference_mode():
            return self._written(read, decoding)

    def _written(self, read: Sequence[Request], decoding: Decoding) -> list[Written]:
        """The texts after prompts as the model reads them."""
        assert self.reader.remember is not None
        length = max((len(request.prompt) + len(request.uniform) for request in read), default=1)
        places = max(1, min(PLACES[self._device], len(read), self._room // length))
        pen = Pen(
            memory=self.reader.remember(places, length),
            head=self.reader.head,
            decoding=decoding,
            banned=self._banned,
            ends=frozenset(self.vocabulary.ends),
            places=places,
        )
        return write(read, pen)

    @property
    def _room(self) -> int:
        """How many tokens may be remembered in all."""
        return REMEMBERED[self._device] // self.reader.remembered

    def _placed(self, request: Request) -> Request:
        """The request with its prompt as the model reads it: behind the start token, and within the window.

        A prompt that begins with a special token, as the frame of a question does, brings its own beginning.
        """
        room = self._window - len(request.uniform)
        start = [] if self.vocabulary.start is None else [self.vocabulary.start]
        if len(request.prompt) and self.vocabulary.surfaces[int(request.prompt[0])] is None:
            start = []
        prompt = request.prompt[max(0, len(request.prompt) - room + len(start)) :]
        line = np.array([*start, *prompt.tolist()], np.int32)
        if not len(line):
            raise UsageError("a model without a start token cannot write after nothing", hint="give it a prompt")
        return request._replace(prompt=line)

    @cached_property
    def _banned(self) -> Tensor:
        """Tokens that are never text and do not end one."""
        ends = set(self.vocabulary.ends)
        banned = [surface is None and token not in ends for token, surface in enumerate(self.vocabulary.surfaces)]
        size = self.reader.head.size
        return self._tensor(np.array([*banned, *([True] * size)][:size]))

    def _pages(self, tokens: Tokens) -> Iterator[tuple[Page, Tensor]]:
        """Each page, and what the model makes of its scored rows."""
        for page in pages(tokens, window=self._window, start=self._start, capacity=self._capacity):
            yield page, self.reader.read(page)[self._tensor(page.rows)]

    @property
    def _capacity(self) -> int:
        """Rows of one page."""
        return CAPACITY[self._device]

    def _tensor(self, array: ndarray) -> Tensor:
        return torch.from_numpy(array).to(self._device)


def _nothing(rows: Any, _logprob: Any, _is_argmax: Any) -> Any:
    return np.zeros(len(rows), np.bool_)


def _next(pages_read: Iterator[tuple[Page, Tensor]]) -> tuple[Page, Tensor] | None:
    with torch.inference_mode():
        return next(pages_read, None)
