"""What a row says of itself, held against its own bytes and against its row of the ledger."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from uncollapse.corpora.claims import as_origins
from uncollapse.document import SCHEMA, Origin
from uncollapse.fingerprint import Json, content_id
from uncollapse.ledger.findings import Findings
from uncollapse.ledger.lineage import Problem, edit_problems, origin_problems
from uncollapse.ledger.reading import Rows
from uncollapse.provenance import (
    UNKNOWN_GENERATOR_DEPTH,
    History,
    OriginBasis,
    joined,
    sidecar_rows,
)
from uncollapse.provenance.generators import declared_depth
from uncollapse.provenance.origin import DEEPEST


@dataclass(frozen=True)
class Checker:
    """Checks rows of one corpus against its recipes."""

    recipes: Mapping[str, Json]
    findings: Findings

    def check(self, rows: Rows, *, file: str, ledger: pa.RecordBatch | None) -> pa.RecordBatch | None:
        """The rows joined with those of the ledger, for who counts them; None where they cannot be.

        Each broken rule is a finding. Without a ledger what origin and generation say stands in its place.
        """
        for number, row in zip(rows.numbers, rows.batch.to_pylist(), strict=True):
            for problem in self._problems(row):
                self._add(problem, file, number)
        for rule in ("id", "origin", "recipe"):
            self.findings.checked[rule] += len(rows.batch)
        edited = pc.sum(pc.greater(pc.list_value_length(rows.batch.column("edits")), 0)).as_py()
        self.findings.checked["edits"] += edited or 0
        named = pc.sum(pc.greater(pc.list_value_length(rows.batch.column("parents")), 0)).as_py()
        self.findings.checked["parents"] += named or 0
        batch = _countable(rows.batch)
        if batch is None:
            return None
        history = History.declared(batch) if ledger is None else History.recorded(ledger)
        made = sidecar_rows(batch, history, self.recipes)
        if ledger is not None:
            self._against_ledger(rows, made, ledger, file=file)
        return joined(batch, made)

    def _add(self, problem: Problem, file: str, number: int) -> None:
        self.findings.add(problem.rule, file, row=number + 1, found=problem.found, expected=problem.expected)

    def _problems(self, row: Mapping[str, Any]) -> Iterator[Problem]:
        text = row["text"]
        if text is None or row["id"] != content_id(text):
            yield Problem("id", f"id {row['id']}", "no text" if text is None else f"id {content_id(text)}")
        if row["recipe"] is not None and row["recipe"] not in self.recipes:
            yield Problem("recipe", f"recipe {row['recipe']}", "one of the manifest's recipes")
        yield from origin_problems(row)
        if row["edits"] and text is not None:
            yield from edit_problems(row)

    def _against_ledger(self, rows: Rows, made: pa.RecordBatch, ledger: pa.RecordBatch, *, file: str) -> None:
        self.findings.checked["ledger"] += len(made)
        for name in ("norm_hash", "human_share", "words", "generator"):
            found, expected = _plain(ledger.column(name)), _plain(made.column(name))
            if found.equals(expected):
                continue
            for at, (old, new) in enumerate(zip(found.to_pylist(), expected.to_pylist(), strict=True)):
                if old != new:
                    self._add(Problem("ledger", _said(name, old), _said(name, new)), file, rows.numbers[at])
        for number, row, own in zip(rows.numbers, rows.batch.to_pylist(), ledger.to_pylist(), strict=True):
            for problem in _standing_problems(row, own, self._deepest_models):
                self._add(problem, file, number)

    @cached_property
    def _deepest_models(self) -> tuple[int, bool]:
        """The least that a model adds to a depth, and whether every model adds the same."""
        known = [declared_depth(recipe) for recipe in self.recipes.values()]
        depths = {UNKNOWN_GENERATOR_DEPTH if depth is None else depth for depth in known}
        return min(depths, default=UNKNOWN_GENERATOR_DEPTH), len(depths) < 2


def _countable(batch: pa.RecordBatch) -> pa.RecordBatch | None:
    """The batch in our types; None where an origin is none of ours, or a text, a list is not there."""
    columns = {name: batch.column(name) for name in batch.schema.names}
    columns["origin"] = as_origins(columns["origin"])
    if any(columns[name].null_count for name in ("id", "text", "origin", "parents", "edits")):
        return None
    return pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _plain(array: pa.Array) -> pa.Array:
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _said(name: str, value: Any) -> str:
    return f"{name} {value.hex() if isinstance(value, bytes) else value}"


def _standing_problems(
    row: Mapping[str, Any], ledger: Mapping[str, Any], models: tuple[int, bool]
) -> Iterator[Problem]:
    """Whether depth and basis can belong to the row."""
    origin, generation, depth, basis = row["origin"], row["generation"], ledger["depth"], ledger["origin_basis"]
    least, alike = models
    if origin == Origin.UNKNOWN or generation is None:
        if depth is not None:
            yield Problem("ledger", f"depth {depth}", "no depth: nobody knows it")
    elif depth is None:
        yield Problem("ledger", "no depth", f"a depth, as generation {generation} is known")
    elif generation == 0 and depth != 0:
        yield Problem("ledger", f"depth {depth}", "depth 0 for human text")
    elif generation > 0:
        lowest = min(generation + min(least, 1), DEEPEST)
        exact = alike and least == UNKNOWN_GENERATOR_DEPTH and _from_human(row)
        if depth < lowest or (exact and depth != lowest):
            yield Problem("ledger", f"depth {depth}", f"depth {lowest}{'' if exact else ' or more'}")
    if (basis == OriginBasis.NONE) != (origin == Origin.UNKNOWN) and basis != OriginBasis.GENERATED_HERE:
        yield Problem("ledger", f"{origin} on the basis {basis}", "basis none for unknown text, and only there")
    if basis == OriginBasis.GENERATED_HERE and row["recipe"] is None:
        yield Problem("ledger", f"basis {basis} and no recipe", "the recipe that generated it here")
    if basis == OriginBasis.DETECTOR and origin != Origin.UNKNOWN:
        yield Problem("ledger", f"{origin} on the basis {basis}", "a detector's guess is no origin")


def _from_human(row: Mapping[str, Any]) -> bool:
    """Whether a row was made of human text by edits that it carries."""
    return row["origin"] == Origin.EDITED and row["generation"] == len(row["parents"] or ()) and bool(row["edits"])
