"""Where a text, or a whole corpus, came from, as far as its ledger says: parents, models, recipes, edits in place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from uncollapse.corpora import Corpus
from uncollapse.document import Edit
from uncollapse.errors import MissingInput, UsageError
from uncollapse.fingerprint import Json, content_id
from uncollapse.provenance import Holdings, Policy, Totals, first_text, generator_of, model_table

AROUND = 18
"""Characters of text that are shown on either side of an edit."""

BEGINNING = 80
"""Characters of an ancestor that are kept."""

SHORTEST_ID = 6
"""Digits of an id that are enough to ask for it."""


class EditInPlace(NamedTuple):
    """One edit with the text around it as it stands now; `probability` is what the prior gave to the old text."""

    left: str
    before: str
    after: str
    right: str
    probability: float
    rounds: int


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A text that this one was made from; `where` names corpus and row, None where it is in none of those at hand."""

    id: str
    where: str | None
    origin: str | None = None
    generation: int | None = None
    beginning: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentTrace:
    """The family tree of one document; `row` counts from 1 over the whole corpus, `copies` are further rows of its id.

    `restored` says whether its edits, undone, give a text whose id is among the parents; None without edits.
    """

    id: str
    row: int
    copies: int
    text: str
    origin: str
    basis: str
    generation: int | None
    depth: int | None
    human_share: float | None
    words: int
    generator: str | None
    recipe: Mapping[str, Json] | None
    source: str | None
    parents: tuple[Ancestor, ...]
    edits: tuple[EditInPlace, ...]
    restored: bool | None

    def as_json(self) -> dict[str, Any]:
        """The trace as plain values."""
        return {**asdict(self), "edits": [edit._asdict() for edit in self.edits]}


@dataclass(frozen=True)
class CorpusTrace:
    """What a corpus was made from: its totals, the models and recipes behind it, and the run that wrote it.

    `run` is None for a corpus without a manifest. `parents` counts the rows that have parents, `at_hand` those of them
    whose nearest parent is in the sources. `deepest` is the greatest depth, with what was declared of the models.
    """

    totals: Totals
    models: Mapping[str, Any]
    recipes: Mapping[str, Json]
    run: Mapping[str, Any] | None
    parents: int
    at_hand: int | None
    deepest: int

    def as_json(self) -> dict[str, Any]:
        """The trace as plain values."""
        return {
            "holdings": self.totals.as_json(),
            "models": dict(self.models),
            "recipes": dict(self.recipes),
            "run": None if self.run is None else dict(self.run),
            "rows_with_parents": self.parents,
            "parents_at_hand": self.at_hand,
            "deepest": self.deepest,
        }


def trace_corpus(
    corpus: Corpus,
    *,
    sources: Sequence[Corpus] = (),
    manifest: Mapping[str, Any] | None = None,
    policy: Policy | None = None,
) -> CorpusTrace:
    """What a corpus holds and came from; `manifest` is that of the run which wrote it, where there is one.

    What a `policy` declares of the models is told beside what their cards say.
    """
    from uncollapse.ledger.kin import Kin  # noqa: PLC0415  (documents are traced without it)

    kin = Kin.of(sources) if sources else None
    holdings = Holdings()
    parents = found = 0
    for batch in corpus.known():
        holdings.update(batch)
        nearest = [own[0] for own in batch.column("parents").to_pylist() if own]
        parents += len(nearest)
        if kin is not None:
            found += sum(1 for mark in nearest if kin.of_id(mark) is not None)
    recipes = corpus.recipes
    run = None if manifest is None else _run(manifest)
    models = (policy or Policy()).known(model_table(recipes))
    totals = holdings.result()
    deepest = (policy or Policy()).deepest(totals, models)
    return CorpusTrace(totals, models, recipes, run, parents, found if kin else None, deepest)


def _run(manifest: Mapping[str, Any]) -> dict[str, Any]:
    same = {name: manifest.get(name) for name in ("run", "uncollapse", "rows", "steps")}
    return {**same, "inputs": manifest.get("plan", {}).get("inputs", [])}


def trace_document(
    corpus: Corpus, *, mark: str | None = None, row: int | None = None, sources: Mapping[str, Corpus] | None = None
) -> DocumentTrace:
    """The family tree of the document with this id (or its first digits), or of this row, from 1.

    Raises:
        UsageError: the digits fit several texts, or are too few.
        MissingInput: there is no such document.
    """
    number, found, copies = _find(corpus, mark, row)
    edits = tuple(Edit(**edit) for edit in found["edits"])
    recipe = corpus.recipes.get(found["recipe"])
    return DocumentTrace(
        id=found["id"],
        row=number,
        copies=copies,
        text=found["text"],
        origin=found["origin"],
        basis=found["origin_basis"],
        generation=found["generation"],
        depth=found["depth"],
        human_share=found["human_share"],
        words=found["words"],
        generator=found["generator"],
        recipe=recipe if isinstance(recipe, Mapping) else None,
        source=found["source"],
        parents=_ancestors(found["parents"], sources or {}),
        edits=tuple(_in_place(found["text"], edits)),
        restored=_restored(found["text"], edits, found["parents"]) if edits else None,
    )


def _find(corpus: Corpus, mark: str | None, row: int | None) -> tuple[int, dict[str, Any], int]:
    """The number of the row, its values, and how many further rows have the same id."""
    if mark is not None and len(mark) < SHORTEST_ID:
        raise UsageError(f"{mark!r} is too little of an id", hint=f"give at least {SHORTEST_ID} of its digits")
    found: tuple[int, dict[str, Any]] | None = None
    copies = 0
    for number, batch, at in _rows_like(corpus, mark, row):
        if found is None:
            found = number, batch.slice(at, 1).to_pylist()[0]
        elif batch.column("id")[at].as_py() == found[1]["id"]:
            copies += 1
        else:
            raise UsageError(f"{mark!r} begins several ids", hint="give more of its digits")
    if found is None:
        what = f"id that begins with {mark}" if mark is not None else f"row {row:,}"
        raise MissingInput(f"there is no {what} among {corpus.rows:,} rows", hint="rows count from 1")
    return *found, copies


def _rows_like(corpus: Corpus, mark: str | None, row: int | None) -> Iterator[tuple[int, pa.RecordBatch, int]]:
    """The rows that are asked for: their numbers, from 1, and where they stand in a batch."""
    first = 1
    for batch in corpus.known():
        if row is not None and first <= row < first + len(batch):
            yield row, batch, row - first
            return
        if mark is not None:
            ids = batch.column("id").to_pylist()
            yield from ((first + at, batch, at) for at, own in enumerate(ids) if own.startswith(mark))
        first += len(batch)


def _ancestors(parents: Sequence[str], sources: Mapping[str, Corpus]) -> tuple[Ancestor, ...]:
    """The parents, nearest first, each with where it is found."""
    missing = set(parents)
    found: dict[str, Ancestor] = {}
    for name, corpus in sources.items():
        number = 1
        for batch in corpus.batches() if missing else ():
            for at, mark in enumerate(batch.column("id").to_pylist()):
                if mark in missing:
                    missing.remove(mark)
                    row = batch.slice(at, 1).to_pylist()[0]
                    beginning = row["text"][:BEGINNING]
                    where = f"{name}, row {number + at:,}"
                    found[mark] = Ancestor(mark, where, row["origin"], row["generation"], beginning)
            number += len(batch)
    return tuple(found.get(mark, Ancestor(mark, None)) for mark in parents)


def _in_place(text: str, edits: Sequence[Edit]) -> Iterator[EditInPlace]:
    data = text.encode()
    shift = 0
    for edit in edits:
        start = edit.position + shift
        size = len(edit.after.encode())
        shift += size - len(edit.before.encode())
        left = data[:start].decode("utf-8", "replace")[-AROUND:]
        right = data[start + size :].decode("utf-8", "replace")[:AROUND]
        yield EditInPlace(left, edit.before, edit.after, right, edit.probability, edit.rounds)


def _restored(text: str, edits: Sequence[Edit], parents: Sequence[str]) -> bool:
    try:
        return content_id(first_text(text.encode(), edits).decode()) in parents
    except ValueError:
        return False


def in_words(recipe: Json) -> str:
    """A recipe in words: the step, the model that it writes with, and what was set."""
    if not isinstance(recipe, Mapping):
        return "unknown"
    card = recipe.get("resolved")
    parts = [str(recipe.get("step", "a step"))]
    if isinstance(card, Mapping) and generator_of(recipe) is not None:
        revision = str(card.get("revision", ""))[:12]
        parts.append(f"with {card.get('address')} ({card.get('backend')} {card.get('dtype')}, weights {revision})")
    told = {name: _value(value) for name, value in recipe.items() if name not in {"step", "resolved", "model"}}
    fields = [f"{name.replace('_', ' ')} {value}" for name, value in told.items() if value]
    return " ".join(parts) + (f": {', '.join(fields)}" if fields else "")


def _value(value: Json) -> str:
    """A setting in words; nothing for one that is not there."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return "" if value is None else str(value)
