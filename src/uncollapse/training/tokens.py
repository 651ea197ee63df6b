"""Texts as tokens on disk: one file of ids, one of the documents' beginnings; mapped into memory when they are read."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from blake3 import blake3
from jaxtyping import Float64, Int64
from numpy import ndarray

from uncollapse.errors import InputError
from uncollapse.language_models.asking import frame_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

AT_ONCE = 1_000  # documents
IDS, OFFSETS = "tokens.bin", "documents.bin"


class Pair(NamedTuple):
    """A question, which is read, and its answer, which is learned."""

    question: str
    answer: str


class Tokenised(NamedTuple):
    """Documents end to end: document d owns `ids[offsets[d]:offsets[d + 1]]`, of which it only reads the first
    `read[d]`; `digest` names them all. Of `weights` the mean over the tokens that are learned is 1.
    """

    ids: ndarray
    offsets: Int64[ndarray, "ends"]
    read: Int64[ndarray, "documents"]
    digest: str
    weights: Float64[ndarray, "documents"] | None = None

    @property
    def sizes(self) -> Int64[ndarray, "documents"]:
        """The tokens of each document."""
        return np.diff(self.offsets)


def write_tokens(
    texts: Iterable[str | Pair],
    tokenizer: "PreTrainedTokenizerFast",
    folder: Path,
    *,
    weights: Iterable[float] | None = None,
) -> Tokenised:
    """The texts as tokens, put aside in the folder; of a pair the question is framed as the model is asked.

    The frame is the tokenizer's chat template, where it has one, else two line ends. There are as many weights as
    texts, and all are above 0.

    Raises:
        InputError: there are none.
    """
    kind = np.dtype(np.uint16 if len(tokenizer) <= 1 << 16 else np.uint32)
    whole = blake3()
    sizes: list[int] = []
    read: list[int] = []
    with (folder / IDS).open("wb") as file:
        for some in _stretches(texts):
            for question, ids in _cut(some, tokenizer):
                data = np.array([*question, *ids], kind)
                sizes.append(len(data))
                read.append(len(question))
                whole.update(len(data).to_bytes(8, "little") + len(question).to_bytes(8, "little"))
                whole.update(data.tobytes())
                file.write(data.tobytes())
    if not sum(sizes):
        raise InputError("there is no text to learn from", hint="give a corpus with at least one text")
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.array(sizes, np.int64))])
    (folder / OFFSETS).write_bytes(offsets.tobytes())
    found = Tokenised(np.memmap(folder / IDS, kind, "r"), offsets, np.array(read, np.int64), whole.hexdigest())
    return found if weights is None else _weighed(found, np.fromiter(weights, np.float64))


def _weighed(tokens: Tokenised, weights: Float64[ndarray, "documents"]) -> Tokenised:
    """The tokens with weights whose mean over what is learned, each text's end too, is 1."""
    learned = tokens.sizes - tokens.read + 1
    if len(weights) != len(learned):
        raise InputError(
            f"there are {len(weights):,} weights of {len(learned):,} texts", hint="Give a weight for each text."
        )
    digest = blake3(bytes.fromhex(tokens.digest) + weights.astype("<f8").tobytes()).hexdigest()
    return tokens._replace(weights=weights * (learned.sum() / (weights @ learned)), digest=digest)


def _cut(some: Sequence[str | Pair], tokenizer: "PreTrainedTokenizerFast") -> Iterator[tuple[list[int], list[int]]]:
    """For each text the tokens that are read and those that are learned."""
    answers = [one.answer if isinstance(one, Pair) else one for one in some]
    cut = _ids(answers, tokenizer)
    if not any(isinstance(one, Pair) for one in some):
        yield from (([], ids) for ids in cut)
        return
    framed = [_framed(one.question, tokenizer) if isinstance(one, Pair) else [] for one in some]
    yield from zip(framed, cut, strict=True)


def _framed(question: str, tokenizer: "PreTrainedTokenizerFast") -> list[int]:
    """The question as the model is asked it; the marks of turns are special tokens, the question is plain text."""
    if not tokenizer.chat_template:
        return _ids([question + "\n\n"], tokenizer)[0]
    names = {name: str(getattr(tokenizer, name) or "") for name in ("bos_token", "eos_token")}
    frame = frame_of(str(tokenizer.chat_template), names)
    before, after = _ids(list(frame), tokenizer, marks=True)
    return [*before, *_ids([question], tokenizer)[0], *after]


def _ids(texts: Sequence[str], tokenizer: "PreTrainedTokenizerFast", *, marks: bool = False) -> list[list[int]]:
    """The tokens of each text; the name of a special token is plain text unless the texts are `marks` of turns."""
    told = {"add_special_tokens": False, "return_attention_mask": False, "split_special_tokens": not marks}
    return list(tokenizer(list(texts), **told)["input_ids"])


def plain(texts: Iterable[str | Pair]) -> Iterator[str]:
    """The texts, and of pairs both sides, for whoever learns how they are spelled."""
    for one in texts:
        yield f"{one.question}\n\n{one.answer}" if isinstance(one, Pair) else one


def _stretches(texts: Iterable[str | Pair]) -> Iterator[list[str | Pair]]:
    rest = iter(texts)
    while some := list(islice(rest, AT_ONCE)):
        yield some
