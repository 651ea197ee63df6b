"""Where a run writes: a folder of shards, or one file that is joined out of them."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from uncollapse.corpora.commit import PLAN, PROGRESS
from uncollapse.corpora.objects import Objects, is_object_store
from uncollapse.corpora.opening import is_remote
from uncollapse.corpora.plan import Format
from uncollapse.corpora.sidecar import NAME as LEDGER
from uncollapse.corpora.storage import Sink, fill_whole, refusals, write_whole
from uncollapse.errors import OutputRefused, UsageError

_FILES = {".jsonl": Format.JSONL, ".parquet": Format.PARQUET}
_REFUSED_ENDINGS = (".json", ".gz", ".zst", ".csv", ".txt")


@dataclass(frozen=True, slots=True)
class Target:
    """The output that was asked for, and where the shards and papers of a run lie.

    Of an output in a `store` of objects, `asked` is the folder of this machine through which it goes.
    """

    asked: Path
    form: Format
    single: bool
    store: Objects | None = None

    def __str__(self) -> str:
        return str(self.store or self.asked)

    @property
    def shards(self) -> Path:
        """The folder of the shards: the output itself, or a hidden folder beside the one file."""
        return self.asked.with_name(f".{self.asked.name}.parts") if self.single else self.asked

    @property
    def folder(self) -> Path:
        """The folder that holds the output's papers."""
        return self.asked.parent if self.single else self.asked

    @property
    def beside(self) -> tuple[Path, ...]:
        """What is written outside of the folder of the shards."""
        return self.asked, self.paper("rejects.jsonl"), self.paper(LEDGER), self.paper("manifest.json")

    def address(self, name: str) -> str:
        """Where a paper such as `manifest.json` is in the end."""
        return str(self.paper(name)) if self.store is None else f"{self.store}/{name}"

    def write(self, name: str, data: bytes) -> None:
        """Nothing; the paper lies beside the documents, whole.

        Raises:
            OutputRefused: no space, no permission.
        """
        if self.store is not None:
            self.store.put(name, data)
            return
        with refusals(self.paper(name)):
            write_whole(self.paper(name), data)

    def fill(self, name: str, fill: Callable[[Sink], object]) -> None:
        """Nothing; the paper that `fill` writes lies beside the documents, whole.

        Raises:
            OutputRefused: no space, no permission.
        """
        path = self.paper(name)
        with refusals(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            fill_whole(path, fill)
        if self.store is not None:
            self.store.put(name, path)
            path.unlink()

    def read(self, name: str) -> bytes | None:
        """A paper that lies beside the documents; None where there is none that can be read."""
        try:
            return self.paper(name).read_bytes() if self.store is None else self.store.get(name)
        except OSError:
            return None

    def is_begun(self) -> bool:
        """Whether a run has been there before."""
        return self.shards.exists() if self.store is None else bool(self.store.names())

    def has_shards(self) -> bool:
        """Whether a shard is committed there."""
        return any(self.shards.glob("part-*") if self.store is None else self.store.names("part-"))

    def has(self, name: str) -> bool:
        """Whether a paper lies beside the documents."""
        return self.paper(name).is_file() if self.store is None else self.store.mark(name) is not None

    def paper(self, name: str) -> Path:
        """The path of a paper such as `manifest.json`; beside a single file it bears the file's name."""
        return self.asked.with_name(f"{self.asked.name}.{name}") if self.single else self.asked / name


def target(out: str | os.PathLike[str], *, form: str | None) -> Target:
    """The target for an output and a format, of which a file's ending already is one.

    Raises:
        UsageError: an address of another kind, an unknown format, or an ending that says another one.
        MissingExtra: it lies in a store of objects, and s3fs is not installed.
    """
    text = os.fspath(out)
    if is_object_store(text):
        return _in_store(text, None if form is None else _format(form))
    if is_remote(text):
        raise UsageError(
            f"{text} cannot be an output", hint="Write to a folder, or to s3://bucket/folder, and copy it from there."
        )
    path = Path(os.path.normpath(Path(text).expanduser()))
    given = None if form is None else _format(form)
    ending = _FILES.get(path.suffix)
    if ending is not None and not path.is_dir():
        if given not in (None, ending):
            raise UsageError(f"{path.name} is to hold {given}", hint=f"Leave out the format or name it *.{given}.")
        return Target(path, ending, single=True)
    if path.suffix in _REFUSED_ENDINGS:
        raise UsageError(
            f"files that end in {path.suffix} are not written", hint="Name a folder, *.jsonl or *.parquet."
        )
    return Target(path, given or Format.PARQUET, single=False)


def _in_store(text: str, form: Format | None) -> Target:
    """The target for a folder of objects; what passes through this machine lies in its folder for temporary files."""
    if set("?#") & set(text):
        raise UsageError(f"{text} has a mark that addresses use otherwise", hint="Name a folder without ? and #.")
    store = Objects.at(text)
    if store.key("x").endswith(
        (*(f"{ending}/x" for ending in _FILES), *(f"{ending}/x" for ending in _REFUSED_ENDINGS))
    ):
        raise UsageError(f"one file cannot be joined in {store}", hint="Name a folder: s3://bucket/edited/")
    folder = Path(tempfile.gettempdir()) / f"uncollapse-{blake3(store.address.encode()).hexdigest()[:16]}"
    return Target(folder, form or Format.PARQUET, single=False, store=store)


def _format(name: str) -> Format:
    if name not in _FILES.values():
        raise UsageError(f"there is no output format {name!r}", hint="Formats are parquet and jsonl.")
    return Format(name)


def check_free(place: Target) -> None:
    """Nothing; raises where something lies that no run of ours has left there.

    Raises:
        OutputRefused: a folder with other files, or a file.
    """
    path = place.asked
    if (place.shards / PROGRESS / PLAN).exists():
        return
    entries = path.iterdir() if path.is_dir() else [path] if path.exists() else []
    if any(entry == path or not entry.name.startswith(".") for entry in entries):
        raise OutputRefused(
            f"{path} is there already and is not an output of this program",
            hint="Choose another output, or move that away.",
        )
