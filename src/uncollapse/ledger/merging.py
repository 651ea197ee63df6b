"""Segments of a reserve's index put together, so that a reserve that grows in many small steps is searched as one.

Each addition leaves a segment of its own, and a search looks through them all. Segments are therefore merged by size:
the last ones become one as soon as they are FAN and the first of them has no more than FAN times what follows it. What
stays before is then more than FAN times all behind it, so there are few: FAN - 1 and the logarithm of the documents. A
segment is written again only when a quarter of it has been added, so all writing together is five times the last one.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from uncollapse.corpora.storage import Sink, fill_whole, refusals
from uncollapse.duplicates.postings import DOCUMENTS, HASHES, POSTINGS, Segment, SegmentWriter
from uncollapse.ledger.admissions import Charter, Merged

FAN = 4


def due(sizes: Sequence[int]) -> int:
    """How many segments at the end are to become one, out of the documents of each; 0 if none are."""
    behind = sum(sizes)
    for place, size in enumerate(sizes):
        behind -= size
        if size <= FAN * behind:
            count = len(sizes) - place
            return count if count >= FAN else 0
    return 0


def merged(folder: Path, charter: Charter, scratch: Path) -> Charter:
    """The charter with those segments put together that are due, whose files are written; the charter is not.

    The files that they were made of are there still: they count until the charter is written, and are cleared away by
    what its manifest names.

    Raises:
        OutputRefused: the storage does not take them.
    """
    parts = charter.segments
    count = due([part.rows for part in parts])
    if not count:
        return charter
    last = parts[-count:]
    writer = SegmentWriter.joining([Segment.open(folder / part.stem) for part in last], scratch)
    whole = Merged(first=last[0].first, last=last[-1].last, rows=sum(part.rows for part in last), files={})
    files = write_segment(writer, folder / whole.stem)
    kept = [one for one in charter.merged if one.last < whole.first]
    return Charter(charter.admissions, charter.roots, charter.version, [*kept, whole._replace(files=files)])


def write_segment(writer: SegmentWriter, stem: Path) -> dict[str, dict[str, int | str]]:
    """Size and digest of each file of a segment, by its name, once they are written.

    Raises:
        OutputRefused: the storage does not take them.
    """
    fills: dict[str, Callable[[Sink], object]] = {
        HASHES: writer.write_hashes,
        POSTINGS: writer.write_postings,
        DOCUMENTS: writer.write_documents,
    }
    files: dict[str, dict[str, int | str]] = {}
    for ending, fill in fills.items():
        path = stem.with_name(stem.name + ending)
        with refusals(path):
            size, digest = fill_whole(path, fill)
        files[path.name] = {"bytes": size, "blake3": digest}
    return files
