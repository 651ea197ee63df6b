"""Models read and written with by vLLM: its body under our head, its batching around our draws.

Hidden states come out of the engine as one tensor for each window and go through the same head as those of the other
neural models: no position is ever an object of Python's, and candidates are looked for only where they are asked.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from uncollapse.language_models import precision
from uncollapse.language_models.checkpoint_head import head_of
from uncollapse.language_models.drawing import Text
from uncollapse.language_models.model import Request, Written
from uncollapse.language_models.neural import CAPACITY, NeuralModel
from uncollapse.language_models.reading import Reader
from uncollapse.language_models.vllm_draws import Desk, draws_at, write_at
from uncollapse.language_models.vllm_engine import Engines, Shape, hidden_states
from uncollapse.language_models.windows import Page
from uncollapse.sampling import Decoding

# Pages of the other ways in one of these: an engine is fast where it has many windows to choose from.
PAGES = 4


class VllmModel(NeuralModel):
    """A causal language model out of a folder, read and written with by vLLM; one engine is open at a time."""

    def _opened(self, folder: Path) -> Reader:
        self._desk = Desk()
        self._engines = Engines(Shape(folder, self.card.dtype, self._window))
        head = head_of(folder, dtype=self.card.dtype)
        return Reader("vllm", partial(_read, self._engines, dtype=getattr(torch, self.card.dtype)), head)

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
