"""From what a person types to the files that are read: folders, globs of storage systems, our own outputs."""

import difflib
import os
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from uncollapse.corpora.manifest import Ledger, ledger_of
from uncollapse.corpora.opening import is_remote
from uncollapse.corpora.plan import Format, Notice, Packing
from uncollapse.corpora.sidecar import NAME as SIDECAR
from uncollapse.errors import InputError, MissingExtra, MissingInput

JSON_ENDINGS = ("jsonl", "ndjson", "json")
TEXT_ENDINGS = ("txt", "text", "md", "utf8")
_PACKINGS = {"gz": Packing.GZIP, "zst": Packing.ZSTD, "zstd": Packing.ZSTD}

# Endings of files that are no plain text though some of them would decode as such.
_OTHER_FORMATS = (
    *("csv", "tsv", "xls", "xlsx", "arrow", "feather", "ipc", "orc", "avro", "npy", "npz", "pt", "bin"),
    *("zip", "tar", "tgz", "bz2", "xz", "lz4", "7z", "rar", "pdf", "doc", "docx", "epub"),
)
_READ = "Read are JSON lines (plain, gz, zst), Parquet and plain text: convert it first."
_FROM_CSV = (
    'Convert it first: python -c "import pyarrow.csv as c, pyarrow.parquet as p; '
    "p.write_table(c.read_csv('IN.csv'), 'OUT.parquet')\""
)
_BESIDE = ".manifest.json"

# A data set's own papers lie beside its data and are no part of it.
_PAPERS = frozenset(["readme", "license", "licence", "notice", "changelog", "citation"])


@dataclass(frozen=True, slots=True)
class Found:
    """One file: the address to open, the one to write down, and how its bytes are to be read.

    `ledger` is the manifest that vouches for the file, where one does; `asked` says that it was named itself and not
    met in a folder.
    """

    address: str
    source: str
    format: Format
    packing: Packing
    ledger: Ledger | None = None
    asked: bool = True


def without_credentials(address: str) -> str:
    """The address without user names, passwords, query strings and fragments, fit to be written down."""
    if not is_remote(address):
        return address
    parts = [re.sub(r"(://)[^/@]*@", r"\1", part) for part in address.split("::")]
    return "::".join(re.sub(r"[?#].*$", "", part) if "://" in part else part for part in parts)


def find(addresses: Iterable[str | os.PathLike[str]]) -> tuple[list[Found], list[Notice]]:
    """The files behind the addresses, in order, and what was left out of folders.

    Raises:
        MissingInput: nothing is there.
        InputError: a file of a kind that is not read, an unfinished run, a file that is named twice.
    """
    found: list[Found] = []
    ignored: list[str] = []
    for address in addresses:
        text = os.fspath(address).removeprefix("file://")
        files, left_out = _remote(text) if is_remote(text) else _local(text)
        found += files
        ignored += left_out
    seen: set[str] = set()
    for file in found:
        if file.address in seen:
            raise InputError(f"{file.source} is named twice", hint="Name every input once.")
        seen.add(file.address)
    if ignored and not found:
        raise MissingInput(
            f"{ignored[0]} is the ledger of a corpus and holds no documents",
            hint="Name the corpus that it lies beside.",
        )
    return found, [Notice("files left out", tuple(ignored))] if ignored else []


def local_folders(addresses: Iterable[str | os.PathLike[str]]) -> tuple[Path, ...]:
    """The addresses that are folders on this machine, as absolute paths."""
    texts = [os.fspath(address).removeprefix("file://") for address in addresses]
    paths = [Path(text).expanduser() for text in texts if not is_remote(text)]
    return tuple(path.resolve() for path in paths if path.is_dir())


def form(name: str) -> tuple[Format, Packing] | None:
    """How a file of this name is read; None if its ending says nothing."""
    parts = name.lower().split(".")
    packing = _PACKINGS.get(parts[-1], Packing.NONE)
    if packing is not Packing.NONE:
        parts.pop()
    ending = parts[-1] if len(parts) > 1 else ""
    if ending in JSON_ENDINGS:
        return Format.JSONL, packing
    if ending in TEXT_ENDINGS:
        return Format.TEXT, packing
    return (Format.PARQUET, packing) if ending == "parquet" and packing is Packing.NONE else None


def _local(text: str) -> tuple[list[Found], list[str]]:
    path = Path(os.path.normpath(Path(text).expanduser()))
    try:
        if path.is_dir():
            names = [entry.relative_to(path).as_posix() for entry in path.rglob("*") if entry.is_file()]
            return _folder(str(path), str(path), names)
        if not path.exists():
            raise MissingInput(f"there is no file {text!r}", hint=_nearest(path))
    except PermissionError as error:
        raise InputError(f"{text} may not be read: {error.strerror}", hint="Check the permissions.") from error
    return _alone(str(path), str(path))


def _nearest(path: Path) -> str:
    names = os.listdir(path.parent) if path.parent.is_dir() else []  # noqa: PTH208
    close = difflib.get_close_matches(path.name, names, n=3)
    return f"Did you mean {' or '.join(close)}?" if close else f"Looked in {path.parent.absolute()}."


def _remote(address: str) -> tuple[list[Found], list[str]]:
    source = without_credentials(address)
    try:
        import fsspec  # noqa: PLC0415  (seldom needed, and slow to load)

        files, path = fsspec.core.url_to_fs(address)
        files.invalidate_cache()  # a process that lives long may have looked before
        if files.isfile(path):
            return _alone(address, source)
        names = [posixpath.relpath(name, path) for name in files.find(path)]
    except ImportError as error:
        raise MissingExtra(f"{source} needs a package that is not installed", hint=str(error)) from error
    except Exception as error:
        # Messages of storage libraries may repeat the address with its key, so only the kind of error is told.
        raise MissingInput(
            f"{source} does not answer: {type(error).__name__}", hint="Check the address and your access to it."
        ) from None
    if not names:
        raise MissingInput(f"there is nothing at {source}", hint="Check the address.")
    return _folder(address.rstrip("/"), source.rstrip("/"), names)


def _alone(address: str, source: str) -> tuple[list[Found], list[str]]:
    """The file that was named, or, where it is the ledger of a corpus, as `edited/*.parquet` names it too, nothing."""
    folder, slash, name = address.rpartition("/")
    if name.endswith(SIDECAR):
        before = name.removesuffix(SIDECAR)
        ledger = ledger_of(f"{folder}{slash}{before}manifest.json", source)
        if ledger is not None and ledger.rows is not None and ledger.rows[0] == name:
            return [], [source]
    return [_single(address, source)], []


def _single(address: str, source: str) -> Found:
    name = posixpath.basename(source)
    how = form(name)
    if how is None:
        ending = name.lower().rpartition(".")[2]
        if ending in _OTHER_FORMATS:
            raise InputError(
                f"{source} is of a kind that is not read",
                hint=_FROM_CSV if ending == "csv" else _READ,
            )
        how = Format.TEXT, Packing.NONE
    return Found(address, source, *how, ledger=ledger_of(f"{address}{_BESIDE}", source))


def _folder(address: str, source: str, names: list[str]) -> tuple[list[Found], list[str]]:
    names = sorted(names)
    for name in names:
        if name.endswith(".progress/plan.json"):
            raise InputError(
                f"{posixpath.normpath(f'{source}/{name}/../..')} holds an unfinished run",
                hint="Finish it first: run the command that writes it again.",
            )
    ledgers = _ledgers(address, source, names)
    _check_complete(source, names, ledgers)
    beside: dict[str, set[str]] = {}
    for name in names:
        if name.endswith(_BESIDE):
            beside.setdefault(posixpath.dirname(name), set()).add(posixpath.basename(name).removesuffix(_BESIDE))
    found: list[Found] = []
    ignored: list[str] = []
    for name in names:
        if any(part.startswith(".") for part in name.split("/")):
            continue
        entry = _entry(address, source, name, ledgers=ledgers, beside=beside)
        if isinstance(entry, Found):
            found.append(entry)
        elif not entry:
            ignored.append(posixpath.join(source, name))
    if not found:
        raise MissingInput(
            f"the folder {source} holds nothing that is read",
            hint="Read are files in jsonl, json, parquet, txt and md.",
        )
    return _without_papers(found, ignored)


def _ledgers(address: str, source: str, names: list[str]) -> dict[str, Ledger]:
    ledgers = {}
    for name in names:
        if posixpath.basename(name) == "manifest.json":
            ledger = ledger_of(f"{address}/{name}", posixpath.join(source, name))
            if ledger is not None:
                ledgers[posixpath.dirname(name)] = ledger
    return ledgers


def _entry(
    address: str, source: str, name: str, *, ledgers: dict[str, Ledger], beside: dict[str, set[str]]
) -> Found | bool:
    """The file to read; True for a file that belongs to a run's papers, False for one that is left out.

    `beside` gives, by folder, the files that have a manifest of their own beside them.
    """
    ledger = ledgers.get(posixpath.dirname(name))
    base = posixpath.basename(name)
    where = f"{address}/{name}", posixpath.join(source, name)
    if ledger is not None and not ledger.single:
        if base not in ledger.digests:
            return True
    elif any(base.startswith(f"{file}.") for file in beside.get(posixpath.dirname(name), ())):
        return True
    elif base in beside.get(posixpath.dirname(name), ()):
        ledger = ledger_of(f"{where[0]}{_BESIDE}", where[1])
    how = form(base)
    return Found(*where, *how, ledger=ledger, asked=False) if how else False


def _check_complete(source: str, names: list[str], ledgers: dict[str, Ledger]) -> None:
    there = set(names)
    for folder, ledger in ledgers.items():
        for name in ledger.digests:
            if posixpath.join(folder, name) not in there:
                raise MissingInput(
                    f"{posixpath.join(source, folder, name)} is listed in its manifest and is not there",
                    hint="Restore it, or make the folder again.",
                )


def _without_papers(found: list[Found], ignored: list[str]) -> tuple[list[Found], list[str]]:
    if all(file.format is Format.TEXT for file in found):
        return found, ignored
    papers = [
        file
        for file in found
        if file.format is Format.TEXT and posixpath.basename(file.source).lower().split(".")[0] in _PAPERS
    ]
    return [file for file in found if file not in papers], ignored + [file.source for file in papers]
