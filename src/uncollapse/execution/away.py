"""A run whose output lies in a store of objects: what an earlier start left there is brought here, and the end there.

Rows and papers of a shard go to the store when it is committed; this machine keeps what a step needs for itself.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from uncollapse.corpora.commit import PLAN, PROGRESS, SESSION, Receipt, Room
from uncollapse.corpora.objects import Objects
from uncollapse.corpora.storage import refusals
from uncollapse.errors import OutputBusy, OutputRefused
from uncollapse.execution import holding
from uncollapse.execution.holding import Holding
from uncollapse.execution.target import Target
from uncollapse.fingerprint import file_digest

MANIFEST = "manifest.json"
AT_ONCE = 16  # objects that are on their way


@contextmanager
def at_hand(place: Target) -> Iterator[Holding | None]:
    """What holds the store's folder while the output's papers lie here; None where the output is on this machine.

    Raises:
        OutputBusy: another run is writing there.
        OutputRefused: other objects lie there, or the store cannot be reached.
    """
    if place.store is None:
        yield None
        return
    _check_free(place.store, _names(place.store))
    with Holding(place.store) as held:
        names = _names(place.store)
        _check_free(place.store, names)
        if f"{PROGRESS}/{PLAN}" in names:  # nobody else sends parts to a folder that is ours
            place.store.abandon_uploads()
        _bring(place, names)
        yield held
        if not (place.asked / PROGRESS / PLAN).exists():
            shutil.rmtree(place.asked, ignore_errors=True)  # only what is kept for a start to come has to stay


def _names(store: Objects) -> list[str]:
    """The names of all objects but the one that holds the folder."""
    return [name for name in store.names() if name != holding.NAME]


def _check_free(store: Objects, names: Sequence[str]) -> None:
    ours = {MANIFEST, f"{PROGRESS}/{PLAN}"}
    if names and not ours & set(names):
        raise OutputRefused(
            f"{store} holds other objects, such as {names[0]}", hint="Choose another output, or move them away."
        )


def _bring(place: Target, names: Iterable[str]) -> None:
    """The papers that are there lie here, and none that are not."""
    assert place.store is not None
    folder = place.asked
    with refusals(folder):
        (folder / PROGRESS).mkdir(parents=True, exist_ok=True)
        wanted = [name for name in names if name == MANIFEST or name.startswith(f"{PROGRESS}/")]
        # What an earlier start left here and the store has not is void; what a step keeps for itself stays.
        for path in [*folder.glob("*.*"), *(folder / PROGRESS).glob("*.json")]:
            if path.is_file() and path.relative_to(folder).as_posix() not in wanted:
                path.unlink()
        _fetch(place.store, [name for name in wanted if name != f"{PROGRESS}/{SESSION}"], folder)


def _fetch(store: Objects, names: Sequence[str], folder: Path) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda name: store.fetch(name, folder / name), names))


def bring_papers(room: Room, receipts: Iterable[Receipt]) -> None:
    """Nothing; the papers of all shards lie here, wherever they were worked."""
    if room.store is None:
        return
    lacking = [
        paper
        for receipt in receipts
        for paper, digest in zip(
            room.papers(receipt.shard)[:3], (receipt.digests, receipt.ledger, receipt.rejects), strict=True
        )
        if not paper.is_file() or file_digest(paper) != digest
    ]
    with refusals(room.folder):
        _fetch(room.store, [f"{PROGRESS}/{paper.name}" for paper in lacking], room.folder)


def check_rows(room: Room, receipts: Iterable[Receipt]) -> None:
    """Nothing; the store has for every shard the rows that its receipt vouches for.

    Raises:
        OutputBusy: some are others': two runs of a step that does not answer alike have met.
    """
    if room.store is None:
        return
    store = room.store
    with refusals(store), ThreadPoolExecutor(AT_ONCE) as pool:
        ordered = list(receipts)
        whole = pool.map(lambda each: store.holds(each.name, size=each.size, digest=each.blake3), ordered)
        wrong = [receipt for receipt, held in zip(ordered, whole, strict=True) if not held]
    if wrong:
        raise OutputBusy(
            f"{store}/{wrong[0].name} is not what its receipt says: another run has been at work there",
            hint="Run the same command again when that one is over: the shard is then done anew.",
        )


def take_away(place: Target, names: Iterable[str]) -> None:
    """Nothing; the store has the finished output's papers, in this order."""
    if place.store is not None:
        for name in names:
            place.store.put(name, place.paper(name))


def is_left(store: Objects) -> bool:
    """Whether the store has what only an unfinished run needs."""
    return any(name != holding.NAME for name in store.names(f"{PROGRESS}/"))


def clear(place: Target) -> None:
    """Remove what only an unfinished run needs, there and here."""
    assert place.store is not None
    place.store.abandon_uploads()
    place.store.remove([name for name in place.store.names(f"{PROGRESS}/") if name != holding.NAME])
    shutil.rmtree(place.asked, ignore_errors=True)
