"""Where a run writes: a folder of shards, or one file that is joined out of them."""

import os
from dataclasses import dataclass
from pathlib import Path

from uncollapse.corpora.commit import PLAN, PROGRESS
from uncollapse.corpora.opening import is_remote
from uncollapse.corpora.plan import Format
from uncollapse.corpora.sidecar import NAME as LEDGER
from uncollapse.errors import OutputRefused, UsageError

_FILES = {".jsonl": Format.JSONL, ".parquet": Format.PARQUET}
_REFUSED_ENDINGS = (".json", ".gz", ".zst", ".csv", ".txt")


@dataclass(frozen=True, slots=True)
class Target:
    """The output that was asked for, and where the shards and papers of a run lie."""

    asked: Path
    form: Format
    single: bool

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

    def paper(self, name: str) -> Path:
        """The path of a paper such as `manifest.json`; beside a single file it bears the file's name."""
        return self.asked.with_name(f"{self.asked.name}.{name}") if self.single else self.asked / name


def target(out: str | os.PathLike[str], *, form: str | None) -> Target:
    """The target for an output and a format, of which a file's ending already is one.

    Raises:
        UsageError: a remote address, an unknown format, or an ending that says another one.
    """
    text = os.fspath(out)
    if is_remote(text):
        raise UsageError("the output must be a local path", hint="Write to a folder and copy it from there.")
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
