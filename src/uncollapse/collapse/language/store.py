"""The study's folder as every process finds it: blocks, human texts and the tokenizer, written once, and first models.

OUT/text/blocks.npz       what is learned from and what is held out
OUT/text/human.parquet    the human texts that are learned from, out of which tokenizers are made
OUT/text/tokenizer.json   what cut them
OUT/first/seed-S/         the model of generation 0, which judges
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from blake3 import blake3
from jaxtyping import Int32
from numpy import ndarray

from uncollapse.collapse.language.settings import Settings
from uncollapse.collapse.language.text import Account, Held, Human, held_blocks, learned_blocks
from uncollapse.collapse.output import write_table
from uncollapse.corpora.storage import refusals, write_whole
from uncollapse.language_models.vocabulary import FILE, PieceVocabulary

TEXT, FIRST = "text", "first"
BLOCKS, HUMAN = "blocks.npz", "human.parquet"


@dataclass(frozen=True)
class Prepared:
    """The text as it will be written into the folder, and the digest of all of it."""

    human: Human
    learned: Int32[ndarray, "n b"]
    held: Held
    tokenizer: str
    account: Account

    @cached_property
    def digest(self) -> str:
        """A hash of the blocks on both sides, the human texts and the tokenizer."""
        parts = [self.learned.tobytes(), self.held.ids.tobytes(), self.tokenizer.encode()]
        return blake3(b"\0".join([*parts, *(text.encode() for text in self.human.learned)])).hexdigest(length=16)

    def write(self, folder: Path) -> None:
        """Nothing; the text lies in the folder."""
        place = folder / TEXT
        arrays = io.BytesIO()
        np.savez(arrays, learned=self.learned, ids=self.held.ids, bytes=self.held.bytes, rare=self.held.rare)
        with refusals(place):
            place.mkdir(exist_ok=True)
            write_whole(place / BLOCKS, arrays.getvalue())
            write_whole(place / FILE, self.tokenizer.encode())
            write_table(pa.table({"text": pa.array(self.human.learned, pa.large_string())}), place / HUMAN)


def prepared(human: Human, settings: Settings) -> Prepared:
    """The human text, cut by the tokenizer of the model, or by one that is learned from what is learned from.

    Raises:
        InputError: there is too little text.
        ModelError: there is no such model.
    """
    content = _tokenizer(human, settings)
    vocabulary = PieceVocabulary(content)
    learned, left = learned_blocks(human, vocabulary, settings)
    held = held_blocks(human.held_out, vocabulary, settings)
    return Prepared(human, learned, held, content, human.account._replace(left_over=left))


def _tokenizer(human: Human, settings: Settings) -> str:
    if settings.from_scratch:
        from uncollapse.training.sizes import size_of  # noqa: PLC0415
        from uncollapse.training.tokenizer import fit_tokenizer  # noqa: PLC0415  (slow import)

        learned: Any = fit_tokenizer(human.learned, vocabulary=size_of(settings.size).vocabulary)
        return str(learned.backend_tokenizer.to_str())
    from uncollapse.language_models.addresses import folder_of  # noqa: PLC0415

    return (folder_of(settings.model).folder / FILE).read_text("utf-8")


@dataclass(frozen=True)
class Store:
    """The folder of a study, as a piece of it reads it."""

    folder: Path

    @cached_property
    def learned(self) -> Int32[ndarray, "n b"]:
        """The human blocks that are learned from."""
        return self._arrays("learned")["learned"]

    @cached_property
    def held(self) -> Held:
        """The human blocks that are held out."""
        found = self._arrays("ids", "bytes", "rare")
        return Held(found["ids"], found["bytes"], found["rare"])

    @cached_property
    def human(self) -> list[str]:
        """The human texts that are learned from."""
        return list(pq.read_table(self.folder / TEXT / HUMAN).column("text").to_pylist())

    @cached_property
    def surfaces(self) -> list[bytes]:
        """What each token adds to a text."""
        vocabulary = PieceVocabulary((self.folder / TEXT / FILE).read_text("utf-8"))
        return [surface or b"" for surface in vocabulary.surfaces]

    def spelled(self, blocks: Int32[ndarray, "n b"]) -> list[str]:
        """The blocks as texts; where one begins or ends inside of a character, that is left out."""
        surfaces = self.surfaces
        return [b"".join(surfaces[token] for token in row).decode(errors="ignore") for row in blocks.tolist()]

    def first(self, seed: int) -> Path:
        """Where the model of generation 0 lies."""
        return self.folder / FIRST / f"seed-{seed}"

    def _arrays(self, *names: str) -> dict[str, ndarray]:
        with np.load(self.folder / TEXT / BLOCKS) as found:
            return {name: found[name] for name in names}


def kept_array(path: Path, make: Callable[[], ndarray]) -> ndarray:
    """The array that lies at a path; made and put there, whole, where it does not."""
    if not path.exists():
        held = io.BytesIO()
        np.save(held, make(), allow_pickle=False)
        with refusals(path.parent):
            write_whole(path, held.getvalue())
    return np.asarray(np.load(path, allow_pickle=False))
