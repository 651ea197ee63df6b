"""The text of a trial, parted by document: what is learned from, and what is measured by and never learned from.

A row is a text, or an answer with its question. Rows that came before are left out first, also near copies. Of the
rest, in an order that their own words give, the first are held out, and the next are learned from, until there are
words enough. Whatever is learned from, human or not, loses the rows that share a long run of words with a held-out one.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from blake3 import blake3

from uncollapse.collapse.language.text import near_copies
from uncollapse.collapse.output import write_table
from uncollapse.errors import InputError

HELD_OUT = 0.2  # of the documents
SET_ASIDE = 200  # at most; fewer may be measured by, and what is learned from stays the same
RUN = 13  # words; Source: Brown et al. 2020, appendix C, where texts with such a run in common are taken to overlap
PHRASES = 0.5  # of the runs of a row, at most, that may be set phrases of held-out rows
LEAST = 8  # documents on each side
WORD = re.compile(r"\w+")
QUESTION, ROW = "question", "row"


class Row(NamedTuple):
    """A text, which of a pair is the answer, and the question where there is one."""

    text: str
    question: str = ""

    @property
    def words(self) -> list[str]:
        """The words of both in small letters."""
        return [word.lower() for word in WORD.findall(f"{self.question}\n{self.text}")]


class LeftOut(NamedTuple):
    """Rows that take no part: nothing in them, the same as one before, too near to a held-out one, not needed, near
    copies of one before, and model-written ones whose text was given as human too.
    """

    empty: int = 0
    copies: int = 0
    near: int = 0
    spare: int = 0
    near_copies: int = 0
    human: int = 0


class Sides(NamedTuple):
    """Rows to learn from and held-out rows."""

    training: list[Row]
    held_out: list[Row]
    left_out: LeftOut


class Chosen(NamedTuple):
    """Rows to learn from beside these sides."""

    rows: list[Row]
    left_out: LeftOut


def parted(rows: Iterable[Row], *, words: int, what: str, held_out: int = SET_ASIDE) -> Sides:
    """The two sides: at most `held_out` rows and a fifth, and rows of about so many words of text to learn from.

    Raises:
        InputError: there are too few.
    """
    different, empty, copies = _in_order(rows)
    again = near_copies([" ".join(row.words) for row in different])
    order = [row for at, row in enumerate(different) if at not in again]
    kept = order[: min(held_out, int(HELD_OUT * len(order)))]
    guard = nearness(kept)
    rest = order[len(kept) :]
    apart = [row for row in rest if not guard(row)]
    training = list(until(apart, words, size=lambda row: len(WORD.findall(row.text))))
    if min(len(kept), len(training)) < LEAST:
        raise InputError(
            f"{what} has {len(order):,} different rows, of which {len(kept):,} are held out; {len(apart):,} of the"
            f" others are not too near to these, and of them {len(training):,} make {words:,} words or all there are;"
            f" there must be {LEAST} to learn from and {LEAST} to measure by",
            hint="give more text, or text cut into more rows, or learn from more words",
        )
    left_out = LeftOut(empty, copies, len(rest) - len(apart), len(apart) - len(training), len(again))
    return Sides(training, kept, left_out)


def beside(rows: Iterable[Row], held_out: Sequence[Row], *, human: Iterable[Row] = ()) -> Chosen:
    """The rows that are apart from held-out ones and no `human` text, each once, in an order that their words give."""
    order, empty, copies = _in_order(rows)
    theirs = {_plain(row.text) for row in human}
    other = [row for row in order if _plain(row.text) not in theirs]
    guard = nearness(held_out)
    apart = [row for row in other if not guard(row)]
    return Chosen(apart, LeftOut(empty, copies, len(other) - len(apart), human=len(order) - len(other)))


def half_and_half(human: Sequence[Row], synthetic: Sequence[Row], *, what: str) -> tuple[list[Row], list[Row]]:
    """The first rows of each that have half the bytes of the human texts.

    Raises:
        InputError: the synthetic texts have fewer.
    """
    half = sum(map(_bytes, human)) // 2
    there = sum(map(_bytes, synthetic))
    if there < half:
        raise InputError(
            f"{what} has {there:,} bytes of text that is apart from held-out text and not given as human too; half the"
            f" human text is {half:,}",
            hint="give more of it, or learn from less human text: --words, --answer-words",
        )
    return list(until(human, half, size=_bytes)), list(until(synthetic, half, size=_bytes))


def _bytes(row: Row) -> int:
    return len(row.text.encode())


def until(rows: Iterable[Row], enough: int, *, size: Callable[[Row], int]) -> Iterator[Row]:
    """The first rows whose sizes come to so much together."""
    total = 0
    for row in rows:
        if total >= enough:
            return
        total += size(row)
        yield row


def nearness(held_out: Sequence[Row]) -> Callable[[Row], bool]:
    """What says of a row whether it is near a held-out one: a run of words, the question, or all words in common.

    A run that stands in several held-out rows is a set phrase (a paper's notice below each article): one says nothing,
    but a row that is made of held-out runs for the most part is near, whatever these are.
    """
    counts = Counter(run for row in held_out for run in set(_runs(row)))
    questions = {_plain(row.question) for row in held_out if row.question}

    def near(row: Row) -> bool:
        if row.question and _plain(row.question) in questions:
            return True
        found = [counts[run] for run in set(_runs(row))]
        return 1 in found or sum(map(bool, found)) > PHRASES * len(found)

    return near


def _runs(row: Row) -> Iterator[bytes]:
    """The runs of words of a row; all its words, where they are fewer."""
    words = row.words
    for at in range(max(len(words) - RUN + 1, 1)):
        yield blake3(" ".join(words[at : at + RUN]).encode()).digest(length=12)


def _in_order(rows: Iterable[Row]) -> tuple[list[Row], int, int]:
    """The rows that hold something, each once, by their digests; how many were empty, and how many copies."""
    found: dict[bytes, Row] = {}
    empty = copies = 0
    for row in rows:
        if not row.text.strip():
            empty += 1
            continue
        name = blake3(f"trial\0{_plain(row.question)}\0{_plain(row.text)}".encode()).digest()
        copies += name in found
        found.setdefault(name, row)
    return [found[name] for name in sorted(found)], empty, copies


def _plain(text: str) -> str:
    return " ".join(text.split())


def digest(rows: Iterable[Row]) -> str:
    """A hash of the rows in their order."""
    whole = blake3()
    for row in rows:
        for part in row:
            whole.update(len(part.encode()).to_bytes(8, "little") + part.encode())
    return whole.hexdigest(length=8)


def write(rows: Sequence[Row], path: Path) -> None:
    """Nothing; the rows lie at the path with their numbers, unless they did before."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = {"text": [row.text for row in rows], QUESTION: [row.question for row in rows]}
        table = pa.table({name: pa.array(values, pa.large_string()) for name, values in columns.items()})
        write_table(table.append_column(ROW, pa.array(range(len(rows)), pa.int64())), path)


def read(path: Path) -> list[Row]:
    """The rows of a file, or of a folder that a run wrote."""
    files = sorted(path.glob("part-*.parquet")) if path.is_dir() else [path]
    tables = [pq.read_table(file, columns=["text", QUESTION, ROW]) for file in files]
    rows = sorted(pa.concat_tables(tables).to_pylist(), key=lambda row: row[ROW])
    return [Row(row["text"], row[QUESTION]) for row in rows]
