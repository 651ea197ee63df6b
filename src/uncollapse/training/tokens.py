"""Texts as tokens on disk: one file of ids, one of the documents' beginnings; mapped into memory when they are read."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from blake3 import blake3
from jaxtyping import Int64
from numpy import ndarray

from uncollapse.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

AT_ONCE = 1_000  # documents
IDS, OFFSETS = "tokens.bin", "documents.bin"


class Tokenised(NamedTuple):
    """Documents end to end: document d owns `ids[offsets[d]:offsets[d + 1]]`; `digest` names them all."""

    ids: ndarray
    offsets: Int64[ndarray, "ends"]
    digest: str

    @property
    def sizes(self) -> Int64[ndarray, "documents"]:
        """The tokens of each document."""
        return np.diff(self.offsets)


def write_tokens(texts: Iterable[str], tokenizer: "PreTrainedTokenizerFast", folder: Path) -> Tokenised:
    """The texts as tokens, put aside in the folder; texts without a token are left out by whoever gives them.

    Raises:
        InputError: there are none.
    """
    kind = np.dtype(np.uint16 if len(tokenizer) <= 1 << 16 else np.uint32)
    # The name of a special token in a text is plain text.
    tokenizer.backend_tokenizer.encode_special_tokens = True
    whole = blake3()
    sizes: list[int] = []
    with (folder / IDS).open("wb") as file:
        for some in _stretches(texts):
            for ids in tokenizer(some, add_special_tokens=False, return_attention_mask=False)["input_ids"]:
                data = np.array(ids, kind)
                sizes.append(len(data))
                whole.update(len(data).to_bytes(8, "little"))
                whole.update(data.tobytes())
                file.write(data.tobytes())
    if not sum(sizes):
        raise InputError("there is no text to learn from", hint="give a corpus with at least one text")
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.array(sizes, np.int64))])
    (folder / OFFSETS).write_bytes(offsets.tobytes())
    return Tokenised(np.memmap(folder / IDS, kind, "r"), offsets, whole.hexdigest())


def _stretches(texts: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(texts)
    while some := list(islice(rest, AT_ONCE)):
        yield some
