"""Saying documents anew in other words and forms: text that is made by a model and grounded in what people wrote.

That kind of synthetic text is the one that large studies of training mixtures found safe.

Source: Maini et al., ACL 2024 (rephrasing the web), section 3: several styles, one drawn for each document.
"""

from collections.abc import Iterator
from typing import Annotated, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from uncollapse.errors import UsageError
from uncollapse.generation.drafts import Draft
from uncollapse.generation.picking import Refused
from uncollapse.generation.writer import Writer
from uncollapse.randomness import Stream

STYLES = {
    "plain": "Say the following text again in plain, simple words. Keep every fact, name and number; add nothing.",
    "encyclopedia": "Rewrite the following text as an encyclopedia would put it: sober, exact, in full sentences. "
    "Keep every fact, name and number; add nothing.",
    "questions": "Turn the following text into questions with their answers, one after the other. Every answer must "
    "stand in the text.",
    "conversation": "Turn the following text into a conversation between two people who tell each other what it says. "
    "Keep every fact, name and number; add nothing.",
    "list": "Write what the following text says as a list of points, each a full sentence. Add nothing.",
    "letter": "Tell what the following text says in a letter to a friend. Keep every fact, name and number.",
}


class Rephrase(Writer):
    """Documents said anew by a chat model, each in one of several styles, by its own template of a conversation.

    A model that cannot be asked is refused. A document that leaves no room for an answer is failed, and so is an
    answer that says the document again as it was.

    Attributes:
        styles: names of styles of which one is drawn for each document.
        instruction: what to ask in place of a style.
    """

    styles: tuple[str, ...] = tuple(STYLES)
    instruction: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        unknown = [name for name in self.styles if name not in STYLES]
        if unknown or not self.styles:
            raise UsageError(f"no style {', '.join(unknown) or 'was named'}", hint=f"styles are {', '.join(STYLES)}")
        return self

    def check(self) -> None:
        """Nothing, where the model can be asked."""
        self._check(chat=True)

    def _drafts(self, batch: pa.RecordBatch) -> Iterator[Draft | Refused]:
        texts = batch.column("text").to_pylist()
        ids = batch.column("id").to_pylist()
        questions = [f"{self._asked(document)}\n\n{text or ''}" for document, text in zip(ids, texts, strict=True)]
        yield from self._asking(texts, questions, chat=True)

    def _asked(self, document: str) -> str:
        """What is asked of a document: the instruction, or that of the style that is drawn for it."""
        if self.instruction is not None:
            return self.instruction
        uniform = Stream.of(self.seed, f"{self.fingerprint} style", document).uniform(np.zeros(1, np.int64))
        return STYLES[self.styles[int(uniform[0] * len(self.styles))]]
