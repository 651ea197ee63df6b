"""Studies: pieces of work that know nothing of each other, as many at once as the cores allow, each kept once done."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.parquet as pq

from uncollapse.collapse.output import write_table
from uncollapse.corpora.storage import locked, refusals, sweep, write_whole
from uncollapse.errors import OutputRefused, RecipeDiffers
from uncollapse.execution.local import Processes, check_not_a_worker, cores
from uncollapse.execution.progress import Retried

PIECES, CLAIM, WORK = "pieces", "claim.json", ".work"
Reached = Callable[[str], object]


@runtime_checkable
class Piece(Protocol):
    """A piece of a study, which travels to another process; its fields are all that its numbers depend on."""

    @property
    def index(self) -> int:
        """Its number, unlike every other piece's."""
        ...

    @property
    def name(self) -> str:
        """What its file is called, unlike every other piece's."""
        ...

    def work(self, folder: Path) -> Iterator[str | pa.Table]:
        """Where it has come to, in a few words, as often as there is news; the last thing is its table.

        The folder is its own, and is as an earlier start left it: what was trained there need not be trained again.
        """
        ...


def studied(
    pieces: Sequence[Piece], folder: Path, *, claim: Mapping[str, Any], workers: int | None = None, reached: Reached
) -> dict[str, pa.Table]:
    """The table of each piece by its name; those that the folder holds are not worked again.

    Every piece has a process with one thread of arithmetic, so that no number depends on how many are worked at once
    (as many as there are cores, unless said). `claim` is what all of them depend on. `reached` hears how far it is.

    Raises:
        RecipeDiffers: the folder holds pieces of another study.
        OutputRefused: it holds something else, or cannot be written to.
        OutputBusy: another study is writing there.
        WorkerLost: a piece has cost several processes.
    """
    with _taken(folder, claim):
        _sweep_finished(folder / PIECES)
        places = {piece.name: folder / PIECES / f"{piece.name}.parquet" for piece in pieces}
        waiting = [piece for piece in pieces if not places[piece.name].exists()]
        _work(waiting, folder, done=len(pieces) - len(waiting), workers=workers or cores(), reached=reached)
        return {name: pq.read_table(path) for name, path in places.items()}


def claimed(folder: Path, claim: Mapping[str, Any]) -> None:
    """Nothing; the folder is that of the study with this claim, for whoever puts something there before its pieces.

    Raises:
        RecipeDiffers, OutputRefused, OutputBusy: as `studied`.
    """
    with _taken(folder, claim):
        pass


@contextmanager
def _taken(folder: Path, claim: Mapping[str, Any]) -> Iterator[None]:
    """Holds the folder for the study with this claim."""
    check_not_a_worker()
    check_folder(folder)
    with refusals(folder):
        (folder / PIECES).mkdir(parents=True, exist_ok=True)
    with locked(folder, what=folder):
        _claim(claim, folder)
        yield


@dataclass(frozen=True)
class _Work:
    """Works a piece and puts its table in its place."""

    folder: Path

    def __call__(self, piece: Piece) -> Iterator[tuple[str, str | None]]:
        """The piece's name with where it has come to, and in the end with None."""
        own = self.folder / f"{piece.name}{WORK}"
        own.mkdir(exist_ok=True)
        for news in piece.work(own):
            if isinstance(news, str):
                yield piece.name, news
            else:
                with refusals(self.folder):
                    write_table(news, self.folder / f"{piece.name}.parquet")
        shutil.rmtree(own)
        yield piece.name, None


def _work(pieces: Sequence[Piece], folder: Path, *, done: int, workers: int, reached: Reached) -> None:
    whole = done + len(pieces)
    place = folder / PIECES
    pool = Processes(workers, threads=1, on_death=lambda process: sweep(place, process=process))
    with closing(pool.run(pieces, _Work(place))) as events:
        for event in events:
            if isinstance(event, Retried):
                reached(f"{done} of {whole} done; a process was lost and its piece is tried again")
                continue
            name, news = event
            done += news is None
            reached(f"{done} of {whole} done" + ("" if news is None else f"; {name}: {news}"))


def check_folder(folder: Path) -> None:
    """Nothing, where a study can go to the folder; for whoever says it before text is read.

    Raises:
        OutputRefused: it is a file, or holds what no study has written.
    """
    if folder.is_file():
        raise OutputRefused(f"{folder} is a file", hint="-o takes a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / PIECES).is_dir():
        raise OutputRefused(f"{folder} holds files that no study has written", hint="Choose another folder.")


def _sweep_finished(place: Path) -> None:
    """Nothing; a piece that has its table has no folder any more, as one killed between the two would."""
    for own in place.glob(f"*{WORK}"):
        if (place / f"{own.name.removesuffix(WORK)}.parquet").exists():
            with refusals(own):
                shutil.rmtree(own)


def check_same(old: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """Nothing, where two claims are the same.

    Raises:
        RecipeDiffers: names what differs.
    """
    if old != now:
        differ = ", ".join(name for name in {**now, **old} if old.get(name) != now.get(name))
        raise RecipeDiffers(
            f"{folder} holds pieces of another study: other {differ}",
            hint="Choose another folder, or give the same text and settings.",
        )


def _claim(claim: Mapping[str, Any], folder: Path) -> None:
    path = folder / PIECES / CLAIM
    now = json.loads(json.dumps(claim))
    if path.exists():
        check_same(json.loads(path.read_bytes()), now, folder)
    with refusals(folder):
        sweep(path.parent)
        write_whole(path, (json.dumps(now, indent=2) + "\n").encode())
