"""Whose column is it: ours with its provenance, or the user's own that happens to bear one of our names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.types as pt

from uncollapse.corpora.plan import Layout
from uncollapse.corpora.values import ABSENT, leaves_out_nulls
from uncollapse.document import OUR_COLUMNS, USERS
from uncollapse.errors import ColumnClash, InputError, MissingColumn, UsageError

FIELD_ID = b"PARQUET:field_id"

MOST_COLUMNS = 4096
"""Columns of one input; rows whose keys are data would make more and more of them."""

_FORMS = {"generation": "integer", "parents": "list of strings", "edits": "list of structs"}


@dataclass(frozen=True, slots=True)
class FileColumns:
    """The columns of one file, as they are named there, and whether our own are among them."""

    source: str
    columns: Sequence[pa.Field]
    ours: bool
    from_json: bool = False

    @property
    def names(self) -> list[str]:
        """The names of all columns."""
        return [column.name for column in self.columns]


def name_in_corpus(name: str, *, layout: Layout, ours: bool) -> str | None:
    """How a file's column is called in the corpus; None for the text and for columns that are ours."""
    if name == layout.text_column or (ours and name in OUR_COLUMNS):
        return None
    name = layout.rename.get(name, name)
    return f"{USERS}{name}" if name in OUR_COLUMNS else name


def check_layout(layout: Layout) -> None:
    """Nothing; raises where a request makes no sense whatever the input holds.

    Raises:
        UsageError: a column is renamed to one of our names, or two to one, or the text column is renamed.
    """
    for old, new in layout.rename.items():
        if new in OUR_COLUMNS:
            raise UsageError(f"{old!r} cannot be renamed to {new!r}: that column is ours", hint="Choose another name.")
        if old == layout.text_column:
            raise UsageError(f"the text column {old!r} cannot be renamed", hint='In the corpus it is called "text".')
    if len(set(layout.rename.values())) < len(layout.rename):
        raise UsageError("two columns are renamed to the same name", hint="Choose another name for one of them.")


def check_columns(file: FileColumns, *, layout: Layout) -> None:
    """Nothing; raises where a file's columns cannot be those of a corpus.

    Raises:
        MissingColumn: there is no text column, prompt column or column to be renamed.
        ColumnClash: a column bears one of our names with another type, or two columns get one name.
    """
    for wanted in (layout.text_column, layout.prompt_column):
        if wanted is not None and wanted not in file.names:
            raise missing_column(wanted, source=file.source, names=file.names)
    if layout.prompt_column:
        _check_prompt(file, layout=layout)
    if len(file.columns) > MOST_COLUMNS:
        raise InputError(
            f"{file.source} has more than {MOST_COLUMNS:,} columns", hint="Are the keys data? Put them into one object."
        )
    taken: dict[str, str] = {}
    for column in file.columns:
        name = name_in_corpus(column.name, layout=layout, ours=file.ours)
        if name is None:
            continue
        if layout.rename.get(column.name, column.name) in OUR_COLUMNS:
            _check_form(column, source=file.source)
        if name in taken:
            raise ColumnClash(
                f"{file.source}: the columns {taken[name]!r} and {column.name!r} would both be called {name!r}",
                hint=f"Rename one of them: --rename {column.name}=another_name",
            )
        taken[name] = column.name


def missing_column(name: str, *, source: str, names: Iterable[str]) -> MissingColumn:
    """The error that names the columns that are there."""
    there = ", ".join(repr(other) for other in names) or "none"
    return MissingColumn(
        f"{source} has no column {name!r}; its columns: {there}", hint="Name the right one, as with --text-column."
    )


def _check_prompt(file: FileColumns, *, layout: Layout) -> None:
    assert layout.prompt_column is not None
    column = next(column for column in file.columns if column.name == layout.prompt_column)
    if layout.prompt_column in OUR_COLUMNS and layout.prompt_column != "text":
        raise UsageError(
            f"the prompt column cannot be called {layout.prompt_column!r}: that name is ours",
            hint="Rename it in the input first.",
        )
    if not (_is_string(column.type) or pt.is_null(column.type)):
        raise ColumnClash(
            f"{file.source}: the prompt column {column.name!r} has type {column.type}", hint="Prompts are strings."
        )


def _check_form(column: pa.Field, *, source: str) -> None:
    if pt.is_null(column.type) or _has_our_form(column):
        return
    expected = _FORMS.get(column.name, "string")
    raise ColumnClash(
        f"{source}: the column {column.name!r} has type {column.type}, but that name is ours, with type {expected}",
        hint=f"Give it another name: --rename {column.name}=my_{column.name}",
    )


def _has_our_form(column: pa.Field) -> bool:
    kind = column.type
    if column.name == "generation":
        return bool(pt.is_integer(kind))
    if column.name in ("parents", "edits"):
        if isinstance(kind, pa.BaseExtensionType):
            return True
        inner = pt.is_struct if column.name == "edits" else _is_string
        return bool((pt.is_list(kind) or pt.is_large_list(kind)) and inner(kind.value_type))
    return _is_string(kind)


def _is_string(kind: pa.DataType) -> bool:
    if pt.is_dictionary(kind):
        return _is_string(kind.value_type)
    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))


def in_corpus(file: FileColumns, *, layout: Layout) -> FileColumns:
    """The user's columns of a file under the names that they have in the corpus."""
    names = {column.name: name_in_corpus(column.name, layout=layout, ours=file.ours) for column in file.columns}
    columns = [column.with_name(name) for column in file.columns if (name := names[column.name]) is not None]
    return FileColumns(file.source, columns, file.ours, file.from_json)


def merge_columns(files: Sequence[FileColumns]) -> pa.Schema:
    """The user's columns over all files, in the order in which they are first met.

    Raises:
        ColumnClash: a column has different types in different files.
    """
    merged: dict[str, list[tuple[pa.Field, FileColumns]]] = {}
    for file in files:
        for column in file.columns:
            merged.setdefault(column.name, []).append((column, file))
    return pa.schema([_merge(versions, files=len(files)) for versions in merged.values()])


def _merge(versions: Sequence[tuple[pa.Field, FileColumns]], *, files: int) -> pa.Field:
    best, first = versions[0]
    for column, file in versions[1:]:
        fits = file.from_json and _fits(column.type, best.type)
        if fits or best.type.equals(column.type) or pt.is_null(column.type):
            continue
        if not (pt.is_null(best.type) or (first.from_json and _fits(best.type, column.type))):
            raise ColumnClash(
                f"the column {best.name!r} has type {best.type} in {first.source} and {column.type} in {file.source}",
                hint="Convert one of them, or read the files one at a time.",
            )
        best, first = column, file
    fields = [column for column, _ in versions]
    metadata = {key: value for field in fields for key, value in (field.metadata or {}).items() if key != FIELD_ID}
    if not all(leaves_out_nulls(field) for field in fields):
        metadata.pop(ABSENT, None)
    nullable = len(versions) < files or any(field.nullable for field in fields)
    return best.with_metadata(metadata or None).with_nullable(nullable)


def _fits(loose: pa.DataType, strict: pa.DataType) -> bool:
    """Whether the strings of a JSON-lines file can take the type that they have in another file."""
    return pt.is_string(loose) and _is_string(strict)


def moved_names(file: FileColumns, *, layout: Layout) -> list[str]:
    """The user's columns that had to make room for ours, each as `old -> new`."""
    names = [(column.name, name_in_corpus(column.name, layout=layout, ours=file.ours)) for column in file.columns]
    return [f"{old} -> {new}" for old, new in names if new is not None and new != layout.rename.get(old, old)]
