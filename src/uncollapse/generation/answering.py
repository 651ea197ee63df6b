"""Answering prompts: each document is what a model is asked, and the answer takes its place."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from uncollapse.generation.drafts import Draft
from uncollapse.generation.writer import NO_TEXT, TOO_LONG, Refused, Writer


class Answer(Writer):
    """Answers to prompts, by a chat model's own template, or by going on from the prompt as it stands.

    Attributes:
        plain: go on from the prompt without a template; the only way for a model that has none.
    """

    plain: bool = False

    def check(self) -> None:
        """Nothing, where the model can be asked, or need not be."""
        if not self.plain:
            self._model.vocabulary.ask([""])

    def _drafts(self, batch: pa.RecordBatch) -> Iterator[Draft | Refused]:
        texts = batch.column("text").to_pylist()
        whole = [text or "" for text in texts]
        vocabulary = self._model.vocabulary
        if self.plain:
            tokens = vocabulary.encode(whole)
            prompts = np.split(tokens.ids, tokens.offsets[1:-1])
        else:
            prompts = vocabulary.ask(whole)
        room = self.window - self.max_tokens - 1
        for row, (text, prompt) in enumerate(zip(texts, prompts, strict=False)):
            if not (text or "").strip():
                yield Refused(row, NO_TEXT, "the prompt is null" if text is None else "there is nothing but blanks")
            elif len(prompt) > room:
                yield Refused(row, TOO_LONG, f"{len(prompt)} tokens to read where there is room for {room}")
            else:
                yield Draft(row, (prompt,), strip=True)
