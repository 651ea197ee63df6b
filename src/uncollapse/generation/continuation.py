"""Going on from the openings of documents."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from uncollapse.generation.drafts import Draft
from uncollapse.generation.picking import Refused, no_text
from uncollapse.generation.writer import Writer
from uncollapse.language_models.model import Tokens
from uncollapse.language_models.texts import Prompt

TOO_SHORT = "shorter than one block"
WORD = re.compile(r"\S+")

# Shumailov et al., Nature 2024, methods: documents in blocks of 64 tokens, and for each block the next 64 tokens; what
# was written, end to end, takes the place of the document.
BLOCKS: dict[str, Any] = {"blocks": True, "opening_tokens": 64, "max_tokens": 64, "keep_opening": False}


class Continue(Writer):
    """Documents of which the beginning is kept and a model writes the rest.

    The opening is cut where a token of the model ends and a character does, too. A document that is no longer than the
    opening is a prompt as a whole; of a prompt that leaves no room in the window its end is read.

    Attributes:
        opening_tokens: how many tokens of each document are the prompt; words, where an endpoint writes.
        opening_share: instead, this share of each document's tokens, one at least.
        keep_opening: whether the new text begins with the opening or holds what was written alone.
        blocks: cut each document into whole blocks of `opening_tokens` and write `max_tokens` after each block.
    """

    opening_tokens: Annotated[int, Field(ge=1)] = 64
    opening_share: Annotated[float, Field(gt=0, le=1)] | None = None
    keep_opening: bool = True
    blocks: bool = False

    def _drafts(self, batch: pa.RecordBatch) -> Iterator[Draft | Refused]:
        texts = batch.column("text").to_pylist()
        tokens = None if self.far else self._model.vocabulary.encode([text or "" for text in texts])
        for row, text in enumerate(texts):
            if not (text or "").strip():
                yield no_text(row, text)
            elif tokens is None:
                yield self._by_words(row, text)
            elif self.blocks:
                yield self._blocks(row, tokens)
            else:
                yield self._opening(row, text.encode(), tokens)

    def _blocks(self, row: int, tokens: Tokens) -> Draft | Refused:
        first, end = int(tokens.offsets[row]), int(tokens.offsets[row + 1])
        size = self.opening_tokens
        if end - first < size:
            return Refused(row, TOO_SHORT, f"{end - first} tokens where a block has {size}")
        prompts = (tokens.ids[at : at + size] for at in range(first, end - size + 1, size))
        return Draft(row, tuple(Prompt("", ids=ids) for ids in prompts))

    def _opening(self, row: int, data: bytes, tokens: Tokens) -> Draft:
        first, end = int(tokens.offsets[row]), int(tokens.offsets[row + 1])
        wanted = self._wanted(end - first)
        ends = tokens.spans[first:end, 1]
        # A token may end inside of a character; the last one does not.
        whole = np.array([at == len(data) or data[at] & 0xC0 != 0x80 for at in ends.tolist()])
        count = int(np.flatnonzero(whole)[np.flatnonzero(whole) >= min(wanted, end - first) - 1][0]) + 1
        opening = data[: int(ends[count - 1])] if self.keep_opening else b""
        return Draft(row, (Prompt("", ids=tokens.ids[first : first + count]),), opening=opening)

    def _by_words(self, row: int, text: str) -> Draft | Refused:
        """The same for an endpoint, which does not say how it cuts text: what counts is words between white space."""
        ends = [word.end() for word in WORD.finditer(text)]
        if not self.blocks:
            opening = text[: ends[min(self._wanted(len(ends)), len(ends)) - 1]]
            return Draft(row, (Prompt(opening),), opening=opening.encode() if self.keep_opening else b"")
        size = self.opening_tokens
        if len(ends) < size:
            return Refused(row, TOO_SHORT, f"{len(ends)} words where a block has {size}")
        cuts = [0, *ends[size - 1 :: size]]
        return Draft(row, tuple(Prompt(text[begin:end].lstrip()) for begin, end in pairwise(cuts)))

    def _wanted(self, whole: int) -> int:
        return self.opening_tokens if self.opening_share is None else max(1, round(self.opening_share * whole))
