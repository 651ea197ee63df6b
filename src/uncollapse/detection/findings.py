"""Where the numbers of a corpus are kept while it is read, and the table that they become."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float64, Int64, UInt64
from numpy import ndarray

from uncollapse.document import Origin

KNOWN, TRACED, UNREAD = "known", "traced", "unread"


@dataclass
class Survey:
    """What a first look at a corpus gives, a row for each document: who it is, and what is known of it."""

    ids: list[str] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    recipes: list[str | None] = field(default_factory=list)
    domains: list[str] = field(default_factory=list)
    keys: list[UInt64[ndarray, "_"]] = field(default_factory=list)
    traces: list[tuple[str, str]] = field(default_factory=list)
    """What kind of trace each has, and what it says; both empty where there is none."""
    marks: list[str | None] = field(default_factory=list)
    """What each holds of characters that no reader sees, by kind."""

    @property
    def unknown(self) -> Bool[ndarray, "n"]:
        """The documents of which the ledger says nothing and that left no trace."""
        both = zip(self.origins, self.traces, strict=True)
        return np.array([origin == Origin.UNKNOWN and not kind for origin, (kind, _) in both], dtype=bool)

    def all_keys(self) -> UInt64[ndarray, "n"]:
        """The number of every text, normalised."""
        return np.concatenate([np.empty(0, np.uint64), *self.keys])

    def known_by_origin(self) -> dict[str, int]:
        """How many documents have each origin that the ledger knows."""
        return {str(origin): self.origins.count(origin) for origin in Origin if origin != Origin.UNKNOWN}

    def traced_by_kind(self) -> dict[str, int]:
        """How many documents have each kind of trace."""
        return dict(sorted(Counter(kind for kind, _ in self.traces if kind).items()))


@dataclass
class Rows:
    """The numbers of the documents that were read, one row each; `at` is their place in the corpus."""

    at: Int64[ndarray, "n"]
    tokens: Int64[ndarray, "n"]
    values: dict[str, Float64[ndarray, "n"]]


def table_of(survey: Survey, rows: Rows, columns: dict[str, Any]) -> pa.Table:
    """One row for each document, in order; `columns` have a value for each row that was read, null for the others."""
    count = len(survey.ids)
    settled = np.where([bool(kind) for kind, _ in survey.traces], TRACED, KNOWN)
    classes = np.where(survey.unknown, UNREAD, settled).astype(object)
    classes[rows.at] = columns["class"]
    evidence = [_evidence(survey, number) for number in range(count)]
    for number, said in zip(rows.at.tolist(), columns["evidence"], strict=True):
        evidence[number] = said
    made: dict[str, pa.Array] = {
        "id": pa.array(survey.ids, pa.string()),
        "row": pa.array(np.arange(1, count + 1), pa.int64()),
        "source": pa.array(survey.sources, pa.string()),
        "domain": pa.array(survey.domains, pa.string()),
        "origin": pa.array(survey.origins, pa.string()),
        "class": pa.array(classes.tolist(), pa.string()),
        "evidence": pa.array(evidence, pa.string()),
        "tokens": _spread(rows.tokens.astype(float), rows.at, count).cast(pa.int32()),
    }
    made["unseen"] = pa.array(survey.marks, pa.string())
    for name, value in {**columns["numbers"], **rows.values}.items():
        made[name] = _spread(value, rows.at, count).cast(pa.float32())
    if columns["weight"] is not None:
        made["weight"] = pa.array(columns["weight"], pa.float32())
    return pa.table(made)


def _evidence(survey: Survey, number: int) -> str:
    origin, recipe = survey.origins[number], survey.recipes[number]
    if survey.traces[number][0]:
        return survey.traces[number][1]
    if origin == Origin.UNKNOWN:
        return "not among the texts that were read"
    return f"the ledger: {origin}" + (f", recipe {recipe}" if recipe else "")


def _spread(value: Float64[ndarray, "n"], at: Int64[ndarray, "n"], count: int) -> pa.Array:
    whole = np.full(count, np.nan)
    whole[at] = value
    return pa.array(whole, mask=np.isnan(whole))
