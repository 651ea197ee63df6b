"""How deep a text lies and how much of it a person wrote: followed through the steps, written as rows of the ledger.

    depth(human text)      = 0
    depth(what a model made) = 1 + max(depth of what it was made from, depth of what the model was trained on)

The share, the hash and the words of a row follow from the row alone; its depth and its basis follow from what it was
made from, which is why they are carried along.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32, Int16, Int64, UInt8
from numpy import ndarray

from uncollapse.document import Origin
from uncollapse.fingerprint import ID_BYTES, Json
from uncollapse.provenance.counting import kept_words, words
from uncollapse.provenance.generators import declared_depth, generators_by_recipe
from uncollapse.provenance.normal import normal_hashes
from uncollapse.provenance.origin import (
    BASES,
    BASIS_NAMES,
    DEEPEST,
    SIDECAR,
    UNKNOWN_GENERATOR_DEPTH,
    OriginBasis,
)

UNKNOWN = -1
"""A depth that nobody knows."""

_CODES = {basis: np.uint8(code) for code, basis in enumerate(BASES)}


class Vouching(Enum):
    """Who speaks for rows that bring no ledger of their own."""

    DECLARED = "declared"
    MANIFEST = "manifest"


@dataclass(frozen=True, slots=True)
class History:
    """For each row of a batch how deep it lies (-1 where nobody knows) and what that rests on (a number in `BASES`)."""

    depth: Int16[ndarray, "rows"]
    basis: UInt8[ndarray, "rows"]

    @classmethod
    def declared(cls, batch: pa.RecordBatch, vouching: Vouching = Vouching.DECLARED) -> Self:
        """The history of rows without a ledger: what origin and generation say of them.

        A text that some model made is as deep as its generation and that model's depth, which nobody knows.
        """
        generation = _generations(batch)
        depth = np.where(generation > 0, generation + UNKNOWN_GENERATOR_DEPTH, generation)
        unknown = _is(batch, Origin.UNKNOWN)
        basis = np.where(unknown, _CODES[OriginBasis.NONE], _CODES[OriginBasis.PUBLISHER_DECLARED])
        if vouching is Vouching.MANIFEST:
            made = batch.column("recipe").is_valid().to_numpy(zero_copy_only=False)
            basis = np.where(made & ~unknown, _CODES[OriginBasis.LEDGER_MATCH], basis)
        return cls(_kept(np.where(unknown, UNKNOWN, depth)), basis.astype(np.uint8))

    @classmethod
    def recorded(cls, rows: pa.RecordBatch) -> Self:
        """The history that rows of a ledger hold."""
        depth = pc.fill_null(rows.column("depth").cast(pa.int16()), UNKNOWN).to_numpy(zero_copy_only=False)
        names = pc.index_in(rows.column("origin_basis").dictionary_decode(), value_set=BASIS_NAMES)
        weakest = len(BASES) - 1
        return cls(depth, pc.fill_null(names, weakest).to_numpy(zero_copy_only=False).astype(np.uint8))

    @classmethod
    def together(cls, parts: Sequence[Self]) -> Self:
        """The history of batches that were joined."""
        return cls(np.concatenate([part.depth for part in parts]), np.concatenate([part.basis for part in parts]))

    def after(self, recipe: Json, *, before: pa.RecordBatch, after: pa.RecordBatch, kept: Sequence[int]) -> Self:
        """The history of a batch that a step has made of another; `kept` are the rows there that went on, in order.

        A row of more generations has been through a model. One of fewer has been taken back to an ancestor, which is
        no better known than it was declared: human text is at 0 again, other text lies below what was made of it.
        """
        rows = np.asarray(kept, np.int64)
        depth, basis = self.depth[rows].astype(np.int64), self.basis[rows].copy()
        earlier, generation = _generations(before)[rows], _generations(after)
        passes = np.where((earlier >= 0) & (generation >= 0), generation - earlier, 0)
        model = declared_depth(recipe)
        model = UNKNOWN_GENERATOR_DEPTH if model is None else model
        made, back = passes > 0, passes < 0
        depth = np.where(made & (depth >= 0), np.maximum(depth, model) + passes, depth)
        depth = np.where(back & (depth >= 0), np.maximum(depth + passes, generation), depth)
        depth[_is(after, Origin.HUMAN)] = 0
        basis[made] = _CODES[OriginBasis.GENERATED_HERE]
        basis[back] = _CODES[OriginBasis.PUBLISHER_DECLARED]
        return type(self)(_kept(depth), basis)


def _kept(depth: Int64[ndarray, "rows"]) -> Int16[ndarray, "rows"]:
    return np.minimum(depth, DEEPEST).astype(np.int16)


def _generations(batch: pa.RecordBatch) -> Int64[ndarray, "rows"]:
    column = pc.fill_null(batch.column("generation"), UNKNOWN)
    return column.to_numpy(zero_copy_only=False).astype(np.int64)


def _is(batch: pa.RecordBatch, origin: Origin) -> ndarray:
    """Which rows have this origin."""
    names = batch.column("origin")
    if pa.types.is_dictionary(names.type):
        names = names.dictionary_decode()
    return pc.fill_null(pc.equal(names, str(origin)), False).to_numpy(zero_copy_only=False)


def human_shares(batch: pa.RecordBatch, counts: Int64[ndarray, "rows"]) -> Float32[ndarray, "rows"]:
    """The share of each text's words that a person wrote; NaN where nobody knows. `counts` are the texts' words.

    1 for human text, 0 for synthetic. For text that was human before its edits it follows from them: a word is the
    person's if no edit put a byte of it there. Where the first text was not human, or is not known, it is unknown.
    """
    shares = np.full(len(batch), np.nan, np.float32)
    shares[_is(batch, Origin.HUMAN)] = 1.0
    shares[_is(batch, Origin.SYNTHETIC)] = 0.0
    # Each round adds one parent and one generation, so these are equal where the first text was at generation 0.
    parents = pc.fill_null(pc.list_value_length(batch.column("parents")), 0).to_numpy(zero_copy_only=False)
    edited = pc.fill_null(pc.list_value_length(batch.column("edits")), 0).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(_is(batch, Origin.EDITED) & (edited > 0) & (parents == _generations(batch)))
    if len(rows):
        chosen = batch.select(["text", "edits"])
        chosen = chosen if len(rows) == len(batch) else chosen.take(pa.array(rows))
        kept = kept_words(chosen.column("text"), chosen.column("edits"), counts[rows])
        # A text without a single word has none that a model wrote.
        shares[rows] = np.where(counts[rows] > 0, kept / np.maximum(counts[rows], 1), 1.0)
    return shares


def sidecar_rows(batch: pa.RecordBatch, history: History, recipes: Mapping[str, Json]) -> pa.RecordBatch:
    """The rows of the ledger for a batch: hash, basis, share, depth, words, generator."""
    counts = words(batch.column("text"))
    shares = human_shares(batch, counts)
    basis = pa.DictionaryArray.from_arrays(pa.array(history.basis.astype(np.int8)), BASIS_NAMES)
    columns = [
        pa.array(normal_hashes(batch.column("text")), pa.binary(ID_BYTES)),
        basis,
        pa.array(shares, pa.float32(), mask=np.isnan(shares)),
        pa.array(np.maximum(history.depth, 0), pa.uint8(), mask=history.depth < 0),
        pa.array(counts, pa.uint32()),
        _generators(batch.column("recipe"), recipes),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SIDECAR)


def _generators(column: pa.Array, recipes: Mapping[str, Json]) -> pa.DictionaryArray:
    """For each row the model of the step that made it, over one dictionary for all batches of a corpus."""
    by_recipe = generators_by_recipe(recipes)
    names = pa.array(sorted(set(by_recipe.values())), pa.string())
    found: list[Any] = [by_recipe.get(mark) for mark in column.to_pylist()]
    indices = pc.index_in(pa.array(found, pa.string()), value_set=names, skip_nulls=True).cast(pa.int16())
    return pa.DictionaryArray.from_arrays(indices, names)


def joined(batch: pa.RecordBatch, rows: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with the rows of its ledger as further columns; columns of the user's of the same names give way."""
    own = [name for name in batch.schema.names if name not in SIDECAR.names]
    schema = pa.schema([*(batch.schema.field(name) for name in own), *SIDECAR])
    return pa.RecordBatch.from_arrays([*(batch.column(name) for name in own), *rows.columns], schema=schema)
