"""The human text of the study: documents that are learned from and documents that are held out, cut into blocks.

Copies are left out first, also near ones, so that no held-out document has a twin that is learned from. Of fewer
documents than `LEAST_DOCUMENTS`, which are books, passages take the place of documents.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from blake3 import blake3
from jaxtyping import Bool, Int32, Int64
from numpy import ndarray

from uncollapse.collapse.language.settings import Settings
from uncollapse.duplicates.minhash import signatures
from uncollapse.duplicates.near import BANDS, ROWS, SHINGLE, THRESHOLD, links
from uncollapse.errors import InputError
from uncollapse.evaluation.reading import rare_words, touching
from uncollapse.language_models.vocabulary import PieceVocabulary
from uncollapse.ngrams import cut

LEAST_DOCUMENTS = 20
PASSAGE = 4_000
"""Characters of a passage, at least; it ends with a line."""
CHARACTERS = 5
"""Of a token, at most: a model's tokenizer is learned from so many for each token that will be learned from."""
LEAST_BLOCKS = 16
HELD_OUT = 0.2
"""Share of the text that is held out, at most."""


class Account(NamedTuple):
    """Where every document went; `by` says what a document is. `left_over` counts the tokens of documents that are
    learned from which stand behind their last whole block, or beyond the blocks that were asked for.
    """

    by: str
    documents: int
    empty: int
    copies: int
    near_copies: int
    held_out: int
    learned: int
    spare: int
    left_over: int


class Human(NamedTuple):
    """Texts that are learned from and texts that are held out."""

    learned: list[str]
    held_out: list[str]
    account: Account


class Held(NamedTuple):
    """Held-out blocks: the tokens, the bytes of text that each covers, and which touch a rare word."""

    ids: Int32[ndarray, "m b"]
    bytes: Int64[ndarray, "m b"]
    rare: Bool[ndarray, "m b"]


def human_text(documents: Iterable[str], settings: Settings) -> Human:
    """The documents, parted; the same for every regime and seed.

    Raises:
        InputError: there are not enough.
    """
    whole = list(documents)
    full = [text for text in whole if text.strip()]
    by = "document"
    if len(full) < LEAST_DOCUMENTS:
        by, full = "passage", [passage for text in full for passage in passages(text)]
    fresh = _once(full)
    kept = without_near_copies(fresh)
    order = sorted(kept, key=lambda text: blake3(f"language\0{text}".encode()).digest())
    most = CHARACTERS * settings.block * settings.held_blocks
    held, rest = _first(order, characters=min(HELD_OUT * sum(map(len, order)), float(most)))
    learned, spare = _first(rest, characters=float(CHARACTERS * settings.blocks * settings.block))
    if not held or not learned:
        raise InputError(
            f"the text has {len(order):,} different {by}s, and some are to be learned from and some held out",
            hint="give more text",
        )
    account = Account(
        by=by,
        documents=len(full) + len(whole) - len([text for text in whole if text.strip()]),
        empty=len(whole) - len([text for text in whole if text.strip()]),
        copies=len(full) - len(fresh),
        near_copies=len(fresh) - len(kept),
        held_out=len(held),
        learned=len(learned),
        spare=len(spare),
        left_over=0,
    )
    return Human(learned, held, account)


def passages(text: str) -> list[str]:
    """The text in passages that end with a line, each of some thousand characters."""
    found: list[str] = []
    now: list[str] = []
    size = 0
    for line in text.splitlines(keepends=True):
        now.append(line)
        size += len(line)
        if size >= PASSAGE:
            found.append("".join(now))
            now, size = [], 0
    rest = "".join(now)
    return [*found, rest] if rest.strip() else found


def without_near_copies(texts: Sequence[str]) -> list[str]:
    """The texts but for those whose word runs are those of an earlier one, to about four parts in five."""
    drop = near_copies(texts)
    return [text for at, text in enumerate(texts) if at not in drop]


def near_copies(texts: Sequence[str]) -> set[int]:
    """The numbers of the texts whose word runs are those of an earlier one, to about four parts in five."""
    batch = pa.record_batch({"text": pa.array(texts, pa.large_string())})
    first = 0
    held, signed = [], []
    for tokens in cut(batch):
        which, own = signatures(tokens, shingle=SHINGLE, size=BANDS * ROWS)
        held.append(which + first)
        signed.append(own)
        first += len(tokens.offsets) - 1
    if not held:
        return set()
    number = np.concatenate(held)
    one, other, _ = links(np.concatenate(signed), THRESHOLD)
    return set(np.maximum(number[one], number[other]).tolist())


def blocks_of(texts: Sequence[str], vocabulary: PieceVocabulary, *, block: int) -> tuple[Int32[ndarray, "n b"], int]:
    """The whole blocks of each text, and how many tokens stand behind the last of each."""
    tokens = vocabulary.encode(texts)
    rows = _rows(tokens.offsets, block=block)
    return tokens.ids[rows].astype(np.int32), len(tokens.ids) - rows.size


def held_blocks(texts: Sequence[str], vocabulary: PieceVocabulary, settings: Settings) -> Held:
    """The whole blocks of the held-out texts, no more than were asked for.

    Raises:
        InputError: there is none.
    """
    tokens = vocabulary.encode(texts)
    rows = _rows(tokens.offsets, block=settings.block)[: settings.held_blocks]
    if not len(rows):
        raise InputError(
            f"no text that is held out has {settings.block} tokens",
            hint=f"give more text, or shorter blocks: --block {settings.block // 2}",
        )
    rare = touching(tokens, texts, rare_words(texts))
    width = np.diff(tokens.spans, axis=1)[:, 0]
    return Held(tokens.ids[rows].astype(np.int32), width[rows], rare[rows])


def learned_blocks(human: Human, vocabulary: PieceVocabulary, settings: Settings) -> tuple[Int32[ndarray, "n b"], int]:
    """The blocks that are learned from, no more than were asked for, and the tokens left over.

    Raises:
        InputError: there are too few.
    """
    blocks, left = blocks_of(human.learned, vocabulary, block=settings.block)
    if len(blocks) < max(LEAST_BLOCKS, settings.batch_blocks):
        raise InputError(
            f"the text has {len(blocks):,} blocks of {settings.block} tokens to learn from, "
            f"and {max(LEAST_BLOCKS, settings.batch_blocks):,} are needed",
            hint="give more text, or shorter blocks: --block 32",
        )
    return blocks[: settings.blocks], left + settings.block * max(len(blocks) - settings.blocks, 0)


def _rows(offsets: Int64[ndarray, "ends"], *, block: int) -> Int64[ndarray, "n b"]:
    """For each whole block of each document the numbers of its tokens."""
    counts = np.diff(offsets) // block
    document = np.repeat(np.arange(len(counts)), counts)
    number = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return (offsets[document] + number * block)[:, None] + np.arange(block)


def _once(texts: Sequence[str]) -> list[str]:
    """The texts but for those that are an earlier one, but for white space."""
    seen: set[bytes] = set()
    found = []
    for text in texts:
        name = blake3(" ".join(text.split()).encode()).digest()
        if name not in seen:
            seen.add(name)
            found.append(text)
    return found


def _first(texts: Sequence[str], *, characters: float) -> tuple[list[str], list[str]]:
    """The first texts, up to so many characters, and the others."""
    size = 0
    for at, text in enumerate(texts):
        if size >= characters:
            return list(texts[:at]), list(texts[at:])
        size += len(text)
    return list(texts), []
