"""Neural models: one packed forward pass, the head in chunks, candidates only where they are asked."""

from collections.abc import Iterator, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

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
from uncollapse.language_models.transfer import Coming, behind, to_device
from uncollapse.language_models.vocabulary import PieceVocabulary
from uncollapse.language_models.windows import Page, pages
from uncollapse.language_models.writing import Pen, write
from uncollapse.sampling import Decoding

# Rows of one page: enough to keep matrix products busy, few enough for the cache.
CAPACITY = {"cpu": 2048, "cuda": 16384}
# Pages that are under way before the first of them is looked at.
AHEAD = {"cpu": 0, "cuda": 1}
# Texts that are written at once, and what may be spent on remembering them: bytes, or a part of the device's memory.
PLACES = {"cpu": 64, "cuda": 512}
REMEMBERED = 2 << 30
REMEMBERED_PART = 8


class ReadPage(NamedTuple):
    """A page, its scored rows (s, n) and their log-sum-exp (s,), and the columns of `Scores` (4, s) on their way."""

    page: Page
    rows: Tensor
    sums: Tensor
    columns: Coming


class NeuralModel:
    """A causal language model as one who reads and writes text."""

    def __init__(self, reader: Reader, vocabulary: PieceVocabulary, *, card: ModelCard) -> None:
        assert card.window is not None
        self.card = card
        self.reader = reader
        self.vocabulary = vocabulary
        self._window = card.window
        self._device = precision.device()
        self._start = vocabulary.start

    @classmethod
    def of(cls, folder: Path, *, card: ModelCard, threads: int | None = None) -> Self:
        """The model in a folder; `threads` is how many of the processor's it may use."""
        if threads is not None:
            torch.set_num_threads(threads)
        with torch.inference_mode():
            reader = reader_of(folder, dtype=card.dtype)
        return cls(reader, PieceVocabulary.load(folder, size=reader.head.size), card=card)

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
            for at, columns in behind(self._moments(tokens), AHEAD[self._device]):
                logprob[at], mean[at], variance[at], rank[at] = columns.numpy()
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
        nothing = np.empty(0, np.int64), np.empty((0, k), np.int32), np.empty((0, k), np.float32)
        found: list[tuple[ndarray, Coming, Coming]] = []
        with torch.inference_mode():
            for read in behind(self._read(tokens), AHEAD[self._device]):
                at = read.page.targets
                logprob[at], logsumexp[at], confidence[at], is_argmax[at] = read.columns.numpy()
                chosen = np.flatnonzero(chooser(at, logprob[at], is_argmax[at]))
                if len(chosen):
                    picked = self._tensor(chosen)
                    ids, logits = likeliest(self.reader.head, read.rows[picked], k)
                    value = logits - read.sums[picked, None]
                    found.append((at[chosen], Coming(ids.to(torch.int32)), Coming(value)))
        scores = Scores(logprob=logprob, is_argmax=is_argmax, logsumexp=logsumexp, confidence=confidence)
        parts = [nothing, *((rows, ids.numpy(), value.numpy()) for rows, ids, value in found)]
        return scores, Candidates(*(np.concatenate(column) for column in zip(*parts, strict=True)))

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
        room = REMEMBERED if self._device == "cpu" else precision.device_memory() // REMEMBERED_PART
        return room // self.reader.remembered

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

    def _read(self, tokens: Tokens) -> Iterator[ReadPage]:
        """Each page, and what the head makes of its scored rows."""
        for page, rows in self._pages(tokens):
            target, largest, sums = self.reader.head.score(rows, self._targets(tokens, page))
            # Beside a nearly sure token the sum of the others is lost in rounding, which may go above certainty.
            own, best = ((logit - sums).clamp_(max=0.0) for logit in (target, largest))
            columns = torch.stack([own, sums, best, (target >= largest).float()])
            yield ReadPage(page, rows, sums, Coming(columns))

    def _moments(self, tokens: Tokens) -> Iterator[tuple[ndarray, Coming]]:
        """The targets of each page, and log-probability, mean, variance and rank of each; a rank is exact in fp32."""
        for page, rows in self._pages(tokens):
            found = self.reader.head.moments(rows, self._targets(tokens, page))
            own = (found.target - found.logsumexp).clamp_(max=0.0)
            yield page.targets, Coming(torch.stack([own, found.mean, found.variance, found.rank.float()]))

    def _targets(self, tokens: Tokens, page: Page) -> Tensor:
        return self._tensor(tokens.ids[page.targets].astype(np.int64))

    def _tensor(self, array: ndarray) -> Tensor:
        return to_device(array, self._device)


def _nothing(rows: Any, _logprob: Any, _is_argmax: Any) -> Any:
    return np.zeros(len(rows), np.bool_)


def _next(pages_read: Iterator[tuple[Page, Tensor]]) -> tuple[Page, Tensor] | None:
    with torch.inference_mode():
        return next(pages_read, None)
