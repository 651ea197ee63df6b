"""Models read and written with by vLLM: its body under our head, its batching around our draws.

Hidden states come out of the engine as one tensor for each window and go through the same head as those of the other
neural models: no position is ever an object of Python's, and candidates are looked for only where they are asked.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from uncollapse.language_models import precision
from uncollapse.language_models.checkpoint_head import head_of
from uncollapse.language_models.drawing import Text
from uncollapse.language_models.head import Head
from uncollapse.language_models.model import ModelCard, Request, Written
from uncollapse.language_models.neural import CAPACITY, NeuralModel
from uncollapse.language_models.reading import Reader
from uncollapse.language_models.vllm_draws import Desk, draws_at, write_at
from uncollapse.language_models.vllm_engine import Engines, Shape, hidden_states
from uncollapse.language_models.vocabulary import PieceVocabulary
from uncollapse.language_models.windows import Page
from uncollapse.sampling import Decoding

# Pages of the other ways in one of these: an engine is fast where it has many windows to choose from.
PAGES = 4


class VllmModel(NeuralModel):
    """A causal language model out of a folder, read and written with by vLLM; one engine is open at a time."""

    def __init__(self, engines: Engines, head: Head, vocabulary: PieceVocabulary, *, card: ModelCard) -> None:
        reader = Reader("vllm", partial(_read, engines, dtype=getattr(torch, card.dtype)), head)
        super().__init__(reader, vocabulary, card=card)
        self._engines, self._desk = engines, Desk()

    @classmethod
    def of(cls, folder: Path, *, card: ModelCard, threads: int | None = None) -> Self:
        """The model in a folder; `threads` is how many of the processor's its head may use."""
        assert card.window is not None
        if threads is not None:
            torch.set_num_threads(threads)
        with torch.inference_mode():
            head = head_of(folder, dtype=card.dtype)
        engines = Engines(Shape(folder, card.dtype, card.window))
        return cls(engines, head, PieceVocabulary.load(folder, size=head.size), card=card)

    @property
    def _capacity(self) -> int:
        return PAGES * CAPACITY[self._device]

    def _written(self, read: Sequence[Request], decoding: Decoding) -> list[Written]:
        desk = self._desk
        desk.texts = [Text(request, number) for number, request in enumerate(read)]
        desk.decoding, desk.banned = decoding, self._banned
        if not all(text.done for text in desk.texts):
            write_at(desk, self._engines.writing(lambda: draws_at(desk)), ends=sorted(self.vocabulary.ends))
        return [text.written() for text in desk.texts]

    def close(self) -> None:
        """Nothing; the engine has given its memory back, and is opened again when it is needed."""
        self._engines.close()


def _read(engines: Engines, page: Page, *, dtype: torch.dtype) -> Tensor:
    return hidden_states(engines.reading(), page).to(precision.device(), dtype)
