"""Answering prompts: each document is what a model is asked, and the answer takes its place."""

from collections.abc import Iterator

import pyarrow as pa

from uncollapse.generation.drafts import Draft
from uncollapse.generation.picking import Refused
from uncollapse.generation.writer import Writer


class Answer(Writer):
    """Answers to prompts, by a chat model's own template, or by going on from the prompt as it stands.

    Attributes:
        plain: go on from the prompt without a template; the only way for a model that has none.
    """

    plain: bool = False

    def check(self) -> None:
        """Nothing, where the model can be asked, or need not be."""
        self._check(chat=not self.plain)

    def _drafts(self, batch: pa.RecordBatch) -> Iterator[Draft | Refused]:
        texts = batch.column("text").to_pylist()
        yield from self._asking(texts, [text or "" for text in texts], chat=not self.plain)
