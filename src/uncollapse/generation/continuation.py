"""Going on from the openings of documents."""

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from uncollapse.generation.drafts import Draft
from uncollapse.generation.writer import NO_TEXT, Refused, Writer
from uncollapse.language_models.model import Tokens

TOO_SHORT = "shorter than one block"

# Shumailov et al., Nature 2024, methods: documents in blocks of 64 tokens, and for each block the next 64 tokens; what
# was written, end to end, takes the place of the document.
BLOCKS: dict[str, Any] = {"blocks": True, "opening_tokens": 64, "max_tokens": 64, "keep_opening": False}


class Continue(Writer):
    """Documents of which the beginning is kept and a model writes the rest.

    The opening is cut where a token of the model ends and a character does, too. A document that is no longer than the
    opening is a prompt as a whole; of a prompt that leaves no room in the window its end is read.

    Attributes:
        opening_tokens: how many tokens of each document are the prompt.
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
        tokens = self._model.vocabulary.encode([text or "" for text in texts])
        for row, text in enumerate(texts):
            if not (text or "").strip():
                yield Refused(row, NO_TEXT, "the text is null" if text is None else "there is nothing but blanks")
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
        return Draft(row, tuple(prompts))

    def _opening(self, row: int, data: bytes, tokens: Tokens) -> Draft:
        first, end = int(tokens.offsets[row]), int(tokens.offsets[row + 1])
        wanted = self.opening_tokens
        if self.opening_share is not None:
            wanted = max(1, round(self.opening_share * (end - first)))
        ends = tokens.spans[first:end, 1]
        # A token may end inside of a character; the last one does not.
        whole = np.array([at == len(data) or data[at] & 0xC0 != 0x80 for at in ends.tolist()])
        count = int(np.flatnonzero(whole)[np.flatnonzero(whole) >= min(wanted, end - first) - 1][0]) + 1
        opening = data[: int(ends[count - 1])] if self.keep_opening else b""
        return Draft(row, (tokens.ids[first : first + count],), opening=opening)
