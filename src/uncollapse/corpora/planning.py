"""One pass over the input: rows counted, each row tried, types found, bytes digested, shards cut."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from uncollapse.corpora import sidecar, tables
from uncollapse.corpora.addresses import Found
from uncollapse.corpora.columns import (
    FileColumns,
    check_columns,
    check_layout,
    in_corpus,
    merge_columns,
    missing_column,
    moved_names,
)
from uncollapse.corpora.cuts import Cuts
from uncollapse.corpora.kinds import Kinds
from uncollapse.corpora.opening import Counted, is_remote, open_address, unpacked
from uncollapse.corpora.plan import Format, Input, Layout, LedgerPlace, Notice, Plan
from uncollapse.corpora.surveys import Look, Survey, look_at_json, look_at_table, look_at_text
from uncollapse.errors import InputError, MissingInput
from uncollapse.fingerprint import Json


@dataclass
class Draft:
    """A plan in the making."""

    survey: Survey
    inputs: list[Input] = field(default_factory=list)
    columns: list[FileColumns] = field(default_factory=list)
    kinds: Kinds = field(default_factory=Kinds)
    kinds_at: int | None = None
    moved: list[str] = field(default_factory=list)
    names: dict[str, None] = field(default_factory=dict)
    recipes: dict[str, Json] = field(default_factory=dict)
    ledgers: set[str] = field(default_factory=set)

    def add(self, entry: Input, look: Look) -> None:
        """Take one input and what was found in it.

        Raises:
            MissingColumn, ColumnClash: its columns cannot be those of a corpus.
        """
        self.inputs.append(entry)
        if look.columns is None:
            return
        layout = self.survey.layout
        check_columns(look.columns, layout=layout)
        self.names |= dict.fromkeys(look.columns.names)
        self.moved += [name for name in moved_names(look.columns, layout=layout) if name not in self.moved]
        if look.kinds is None:
            self.columns.append(in_corpus(look.columns, layout=layout))
            return
        if self.kinds_at is None:
            self.kinds_at = len(self.columns)
        self.kinds.add(look.kinds, layout=layout, ours=look.ours)

    def plan(self, *, notices: Iterable[Notice]) -> Plan:
        """The finished plan."""
        layout = self.survey.layout
        for name in layout.rename:
            if self.names and name not in self.names:
                raise missing_column(name, source="the input", names=self.names)
        columns = list(self.columns)
        if self.kinds_at is not None:
            prompt = layout.rename.get(layout.prompt_column or "", layout.prompt_column)
            fields = self.kinds.fields(prompt_column=prompt)
            columns.insert(self.kinds_at, FileColumns("the JSON lines", fields, ours=False, from_json=True))
        told = list(notices)
        if layout.text_column != "text":
            told.append(Notice("text column", (f"{layout.text_column} -> text",)))
        if self.moved:
            told.append(Notice("columns that bore one of our names", tuple(self.moved)))
        return Plan(
            inputs=tuple(self.inputs),
            shards=self.survey.cuts.shards(),
            columns=merge_columns(columns),
            layout=layout,
            broken_rows=self.survey.broken,
            notices=tuple(told),
            recipes=self.recipes,
        )


def make_plan(
    files: Sequence[Found],
    *,
    layout: Layout,
    max_rejects: int = 0,
    shard_bytes: int | None = None,
    notices: Iterable[Notice] = (),
) -> Plan:
    """The plan for some files; every row has been tried once.

    Raises:
        InputError: something that no run could get past.
        BrokenRow, TooManyRejects: more rows cannot be read than are allowed.
    """
    check_layout(layout)
    draft = Draft(Survey(layout, Cuts(shard_bytes=shard_bytes), max_rejects))
    empty = []
    for file in files:
        entry, look = _read_once(draft, file)
        if file.ledger is not None:
            look = _vouched(file, look)
            draft.recipes.update(file.ledger.recipes)
        if entry.rows == 0:
            empty.append(file.source)
        draft.add(entry, look)
    if not any(entry.rows for entry in draft.inputs):
        raise MissingInput(f"there is no row in {', '.join(empty[:5])}", hint="Name files that hold at least one row.")
    return draft.plan(notices=[*notices, *([Notice("files without rows", tuple(empty))] if empty else [])])


def _read_once(draft: Draft, file: Found) -> tuple[Input, Look]:
    number = len(draft.inputs)
    try:
        if file.ledger is not None:
            with open_address(file.address) as opened:
                _check_ledger(file, opened)
        with open_address(file.address) as opened:
            counted = Counted(opened, digest=True)
            look, digest = _look(draft.survey, file, counted, number=number)
    except OSError as error:
        raise InputError(
            f"{file.source} cannot be read: {error.strerror or type(error).__name__}",
            hint="Check that it is there and may be read.",
        ) from (None if is_remote(file.address) else error)
    if file.asked and (look.rows == 0 or look.blank):
        raise MissingInput(f"{file.source} is empty", hint="Name a file that holds at least one row.")
    entry = Input(
        source=file.source,
        format=file.format,
        packing=file.packing,
        bytes=counted.count,
        blake3=digest,
        rows=look.rows,
        ours=look.ours,
        address=file.address,
        modified=modified(file.address),
        vouched=file.ledger is not None,
        ledger=_ledger_place(draft, file),
    )
    return entry, look


def _ledger_place(draft: Draft, file: Found) -> LedgerPlace | None:
    """Where the file's rows stand in the ledger of its corpus, which was looked at once."""
    if file.ledger is None or file.ledger.rows is None:
        return None
    name, digest = file.ledger.rows
    folder, slash, _ = file.address.rpartition("/")
    place = LedgerPlace(f"{folder}{slash}{name}", digest, file.ledger.firsts[file.source.rpartition("/")[2]])
    if place.address not in draft.ledgers:
        sidecar.check(place, source=file.ledger.where)
        draft.ledgers.add(place.address)
    return place


def modified(address: str) -> int | None:
    """When a local file was last changed, in nanoseconds; None for others."""
    return None if is_remote(address) else Path(address).stat().st_mtime_ns


def _look(survey: Survey, file: Found, counted: Counted, *, number: int) -> tuple[Look, str]:
    if file.format is Format.PARQUET:
        digest = counted.finish()
        with open_address(file.address) as opened:
            table = tables.open_parquet(opened, source=file.source)
            return look_at_table(survey, table, source=file.source, number=number), digest
    stream = unpacked(counted, packing=file.packing, source=file.source)
    look = look_at_json if file.format is Format.JSONL else look_at_text
    return look(survey, stream, source=file.source, number=number), counted.finish()


def _check_ledger(file: Found, opened: BinaryIO) -> None:
    """Nothing; raises where a file is not the one that its manifest lists, before anything is made of its content."""
    assert file.ledger is not None
    digest = Counted(opened, digest=True).finish()
    if file.ledger.digests.get(file.source.rpartition("/")[2]) != digest:
        raise InputError(
            f"{file.source} is not the file that its manifest lists",
            hint="It was changed after it was written: restore it, or remove the manifest to read it as it is.",
        )


def _vouched(file: Found, look: Look) -> Look:
    """The look at a file that has a manifest, with the column types that the manifest gives."""
    assert file.ledger is not None
    if look.columns is None or file.format is not Format.JSONL or not look.ours:
        return look
    return Look(look.rows, FileColumns(file.source, list(file.ledger.schema), ours=True))
