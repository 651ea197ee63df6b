"""Every document's tokens in each size of proxy, and the parts of the text on disk, where proxies read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from blake3 import blake3
from jaxtyping import Float64, Int64
from numpy import ndarray

from uncollapse.collapse.forecast.kinds import pieces_of, spelling
from uncollapse.collapse.forecast.text import HELD_OUT, HUMAN, SYNTHETIC, Parted, Written
from uncollapse.collapse.output import write_table
from uncollapse.errors import RecipeDiffers
from uncollapse.training.tokenizer import fit_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

FILE = "text.parquet"
AT_ONCE = 1_000


@dataclass(frozen=True)
class Counted:
    """The parts of a study's text; `documents` of each, and `tokens` of each document by size and part.

    A document counts its end, too: it is predicted. `frequencies` has for each size the loss on held-out text, in nats
    a token, of one who knows nothing but how often each token is in the human text to learn from.
    """

    documents: Mapping[str, Sequence[Written]]
    tokens: Mapping[str, Mapping[str, Int64[ndarray, "n"]]]
    frequencies: Mapping[str, float] = field(default_factory=dict)

    def texts(self, part: str) -> list[str]:
        """The texts of a part."""
        return [document.text for document in self.documents[part]]

    def whole(self, size: str, part: str) -> int:
        """The tokens of a part."""
        return int(self.tokens[size][part].sum())

    @cached_property
    def domains(self) -> list[str]:
        """The domains of the held-out text, in the order of their names."""
        return sorted({document.domain for document in self.documents[HELD_OUT]})

    @cached_property
    def domain(self) -> Int64[ndarray, "n"]:
        """The number of each held-out document's domain."""
        number = {name: at for at, name in enumerate(self.domains)}
        return np.array([number[document.domain] for document in self.documents[HELD_OUT]], np.int64)


def counted(parts: Parted, sizes: Sequence[str]) -> Counted:
    """The parts with their tokens; a size's tokenizer learns from the human text to learn from, and nothing else."""
    documents = {HUMAN: parts.human, SYNTHETIC: parts.synthetic, HELD_OUT: parts.held_out}
    tokens, frequencies = {}, {}
    for size in sizes:
        learner = fit_tokenizer(spelling([each.text for each in parts.human]), vocabulary=pieces_of(size))
        cuts = {part: [_cut(some, learner) for some in _stretches(own)] for part, own in documents.items()}
        tokens[size] = {part: np.concatenate([some.sizes for some in own]) + 1 for part, own in cuts.items()}
        counts = {part: sum((some.counts for some in cuts[part]), start=np.zeros(len(learner))) for part in cuts}
        frequencies[size] = surprise(counts[HELD_OUT], counts[HUMAN])
    return Counted(documents, tokens, frequencies)


class _Cut(NamedTuple):
    """How long some documents are in tokens, and how often each token is in them."""

    sizes: Int64[ndarray, "n"]
    counts: Int64[ndarray, "v"]


def _cut(some: Sequence[Written], learner: "PreTrainedTokenizerFast") -> _Cut:
    told = {"add_special_tokens": False, "return_attention_mask": False, "split_special_tokens": True}
    ids = learner([each.text for each in some], **told)["input_ids"]
    sizes = np.array([len(own) for own in ids], np.int64)
    return _Cut(sizes, np.bincount(np.concatenate([np.array(own, np.int64) for own in ids]), minlength=len(learner)))


def _stretches(own: Sequence[Written]) -> list[Sequence[Written]]:
    return [own[begin : begin + AT_ONCE] for begin in range(0, len(own), AT_ONCE)]


def surprise(counts: Float64[ndarray, "v"], known: Float64[ndarray, "v"]) -> float:
    """The mean surprise, in nats, of tokens that occur so often, by how often known ones do, half a token added."""
    frequency = (known + 0.5) / (known + 0.5).sum()
    return float(-(counts @ np.log(frequency)) / counts.sum())


def write_counted(text: Counted, folder: Path) -> None:
    """Nothing; the text lies in the folder."""
    parts = [part for part, own in text.documents.items() for _ in own]
    own = [document for documents in text.documents.values() for document in documents]
    columns: dict[str, pa.Array] = {
        "part": pa.array(parts).dictionary_encode(),
        "text": pa.array([document.text for document in own], pa.large_string()),
        "domain": pa.array([document.domain for document in own]).dictionary_encode(),
        "draw": pa.array([document.draw for document in own], pa.uint64()),
    }
    for size, counts in text.tokens.items():
        columns[f"tokens of {size}"] = pa.array(np.concatenate([counts[part] for part in text.documents]))
    write_table(pa.table(columns), folder / FILE)


def digest_of_file(folder: Path) -> str:
    """The digest of the file of the text in the folder."""
    return blake3().update_mmap(folder / FILE).hexdigest()


def read_counted(folder: Path, *, digest: str | None = None) -> Counted:
    """The text that the folder holds.

    Raises:
        RecipeDiffers: it has another digest.
    """
    if digest is not None and digest_of_file(folder) != digest:
        raise RecipeDiffers(f"{folder / FILE} is not the text of this study any more", hint="Choose another folder.")
    table = pq.read_table(folder / FILE)
    part = np.array(table.column("part").to_pylist())
    columns = (table.column(name).to_pylist() for name in ("text", "domain", "draw"))
    rows = [Written(*row) for row in zip(*columns, strict=True)]
    where = {name: np.flatnonzero(part == name) for name in (HUMAN, SYNTHETIC, HELD_OUT)}
    sizes = {
        name.removeprefix("tokens of "): table.column(name).to_numpy()
        for name in table.schema.names
        if name.startswith("tokens of ")
    }
    return Counted(
        {name: [rows[at] for at in own.tolist()] for name, own in where.items()},
        {size: {name: counts[own] for name, own in where.items()} for size, counts in sizes.items()},
    )
