"""Texts as tokens on disk: one file of ids, one of the documents' beginnings; mapped into memory when they are read."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from blake3 import blake3
from jaxtyping import Float64, Int64
from numpy import ndarray

from uncollapse.errors import InputError
from uncollapse.language_models.asking import frame_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

AT_ONCE = 1_000  # documents
CHARACTERS_AT_ONCE = 1 << 18
IDS, OFFSETS = "tokens.bin", "documents.bin"


class Pair(NamedTuple):
    """A question, which is read, and its answer, which is learned."""

    question: str
    answer: str


class Block(NamedTuple):
    """Tokens that were cut before, with this very tokenizer: a stretch out of a text, after which no text ends."""

    ids: ndarray


Item: TypeAlias = str | Pair | Block
"""What is learned from: a text, a question with its answer, or tokens."""


class Tokenised(NamedTuple):
    """Documents end to end: document d owns `ids[offsets[d]:offsets[d + 1]]`, of which it only reads the first
    `read[d]`; `digest` names them all. With `open` none of them has an end. Of `weights` the mean over the tokens that
    are learned is 1.
    """

    ids: ndarray
    offsets: Int64[ndarray, "ends"]
    read: Int64[ndarray, "documents"]
    digest: str
    open: bool = False
    weights: Float64[ndarray, "documents"] | None = None

    @property
    def sizes(self) -> Int64[ndarray, "documents"]:
        """The tokens of each document."""
        return np.diff(self.offsets)


def write_tokens(
    texts: Iterable[Item],
    tokenizer: "PreTrainedTokenizerFast",
    folder: Path,
    *,
    weights: Iterable[float] | None = None,
) -> Tokenised:
    """The texts as tokens, put aside in the folder; of a pair the question is framed as the model is asked.

    The frame is the tokenizer's chat template, where it has one, else two line ends. Blocks stand alone or not at
    all. There are as many weights as texts, and all are above 0.

    Raises:
        InputError: there are none, or a block has a token that the tokenizer has not.
    """
    kind = np.dtype(np.uint16 if len(tokenizer) <= 1 << 16 else np.uint32)
    whole = blake3()
    sizes: list[int] = []
    read: list[int] = []
    kinds: set[bool] = set()
    with (folder / IDS).open("wb") as file:
        for some in _stretches(texts):
            kinds |= {isinstance(one, Block) for one in some}
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
    assert len(kinds) == 1, "blocks and texts are not learned together"
    is_open = kinds == {True}
    if is_open:
        whole.update(b"blocks")
    found = Tokenised(np.memmap(folder / IDS, kind, "r"), offsets, np.array(read, np.int64), whole.hexdigest(), is_open)
    return found if weights is None else _weighed(found, np.fromiter(weights, np.float64))


def _weighed(tokens: Tokenised, weights: Float64[ndarray, "documents"]) -> Tokenised:
    """The tokens with weights whose mean over what is learned, each text's end too, is 1."""
    learned = tokens.sizes - tokens.read + (not tokens.open)
    if len(weights) != len(learned):
        raise InputError(
            f"there are {len(weights):,} weights of {len(learned):,} texts", hint="Give a weight for each text."
        )
    digest = blake3(bytes.fromhex(tokens.digest) + weights.astype("<f8").tobytes()).hexdigest()
    return tokens._replace(weights=weights * (learned.sum() / (weights @ learned)), digest=digest)


def _cut(some: Sequence[Item], tokenizer: "PreTrainedTokenizerFast") -> Iterator[tuple[list[int], Sequence[int]]]:
    """For each text the tokens that are read and those that are learned."""
    if isinstance(some[0], Block):
        yield from (([], _known(one, tokenizer)) for one in some if isinstance(one, Block))
        return
    texts = [one for one in some if not isinstance(one, Block)]
    assert len(texts) == len(some), "blocks and texts are not learned together"
    answers = [one.answer if isinstance(one, Pair) else one for one in texts]
    cut = _ids(answers, tokenizer)
    if not any(isinstance(one, Pair) for one in texts):
        yield from (([], ids) for ids in cut)
        return
    framed = [_framed(one.question, tokenizer) if isinstance(one, Pair) else [] for one in texts]
    yield from zip(framed, cut, strict=True)


def _known(block: Block, tokenizer: "PreTrainedTokenizerFast") -> list[int]:
    """The tokens of a block, all of which the tokenizer has."""
    if len(block.ids) and not 0 <= int(block.ids.min()) <= int(block.ids.max()) < len(tokenizer):
        raise InputError(
            f"a block has token {int(block.ids.max()):,}, and the tokenizer {len(tokenizer):,}",
            hint="cut blocks with the tokenizer that the model learns with",
        )
    return [int(token) for token in block.ids]


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


def plain(texts: Iterable[Item]) -> Iterator[str]:
    """The texts, and of pairs both sides, for whoever learns how they are spelled.

    Raises:
        InputError: there are blocks, whose spelling is settled.
    """
    for one in texts:
        if isinstance(one, Block):
            raise InputError(
                "blocks do not say how they are spelled", hint="give the human texts, or a model to start from"
            )
        yield f"{one.question}\n\n{one.answer}" if isinstance(one, Pair) else one


def _stretches(texts: Iterable[Item]) -> Iterator[list[Item]]:
    """Some texts at a time: as many as there may be, or fewer where they are long.

    The tokenizer spends some hundred bytes on each token until a stretch is cut.
    """
    some: list[Item] = []
    size = 0
    for text in texts:
        some.append(text)
        size += _length(text)
        if len(some) == AT_ONCE or size >= CHARACTERS_AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some


def _length(text: Item) -> int:
    """How long a text is, in characters, or a block, in tokens."""
    if isinstance(text, Block):
        return len(text.ids)
    return len(text) if isinstance(text, str) else len(text.question) + len(text.answer)
