"""The text of a study in three parts: human and synthetic text to learn from, and human text to measure by.

What was said of documents is held against what they were given as. Copies are left out, and so is everything on either
side that shares a run of 13 words with held-out text: the machine's continuation of a human opening would give it away.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from blake3 import blake3
from jaxtyping import Bool, UInt64
from numpy import ndarray

from uncollapse.corpora import Corpus, read
from uncollapse.document import Origin
from uncollapse.errors import InputError, MissingColumn
from uncollapse.ngrams import cut
from uncollapse.provenance.claiming import said_otherwise

HUMAN, SYNTHETIC, HELD_OUT = "human", "synthetic", "held-out"
RUN = 13
"""Words of a run that gives held-out text away. Source: Brown et al. 2020, appendix C."""
MOST = 200_000_000
"""Bytes of text that a side holds at most; of more, documents drawn at random."""
LEAST_HELD_OUT = 20
"""Held-out documents, at least: intervals are over them."""


class Written(NamedTuple):
    """A document: its text, the domain that it belongs to, and a draw that puts documents in a random order."""

    text: str
    domain: str
    draw: int


@dataclass(frozen=True)
class Given:
    """What was named on the command line, and how it is read."""

    human: tuple[str, ...]
    synthetic: tuple[str, ...]
    on: tuple[str, ...] = ()
    by: str = "file"
    text_column: str = "text"
    max_rejects: int = 0


@dataclass(frozen=True)
class Parted:
    """The three parts, each in the order of its draws; `left_out` says how many documents are in none, and why."""

    human: Sequence[Written]
    synthetic: Sequence[Written]
    held_out: Sequence[Written]
    left_out: Mapping[str, int]
    broken: int
    rows: int = 0
    warnings: Sequence[str] = ()


@dataclass
class _Side:
    """Documents of one side, and those that were left out."""

    name: str
    documents: list[Written] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    strangers: Counter[tuple[str, str]] = field(default_factory=Counter)
    broken: int = 0
    rows: int = 0
    size: int = 0

    def take(self, document: Written) -> None:
        """The document is among those of the side; of too many, the ones with the least draws stay."""
        self.documents.append(document)
        self.size += len(document.text)
        if self.size > 2 * MOST:
            self.settle()

    def settle(self) -> None:
        """Documents stand in the order of their draws, as many as the side may hold."""
        self.documents.sort(key=lambda document: document.draw)
        size = kept = 0
        for document in self.documents:
            size += len(document.text)
            kept += 1
            if size >= MOST:
                break
        self.left_out[f"{self.name}: more than {MOST // 10**6} MB"] += len(self.documents) - kept
        del self.documents[kept:]
        self.size = size


def parted(given: Given, *, held_out: float) -> Parted:
    """The text of a study; `held_out` is the share of human documents that are measured by, where none were named.

    Raises:
        InputError: something is not there, cannot be read, is not what it was given as, or there is too little of it.
    """
    human = _read(given, given.human, name=HUMAN)
    synthetic = _read(given, given.synthetic, name=SYNTHETIC)
    measured = _read(given, given.on, name=HELD_OUT) if given.on else _Side(HELD_OUT)
    seen: set[bytes] = set()
    for side in (measured, human, synthetic):
        # The human side comes first, so that a text on both is human.
        _once(side, seen, others=side is synthetic)
    if not given.on:
        _hold_out(human, measured, share=held_out)
    _refuse_too_little(measured, given)
    runs = runs_of([each.text for each in measured.documents])
    for side in (human, synthetic):
        _without(side, runs)
    left_out: Counter[str] = Counter()
    for side in (human, synthetic, measured):
        left_out += side.left_out
        if not side.documents:
            raise InputError(
                f"no {side.name} document is left", hint=f"{_told(left_out)}; give other text, or --on FILE to measure"
            )
    return Parted(
        human=human.documents,
        synthetic=synthetic.documents,
        held_out=measured.documents,
        left_out=dict(left_out),
        broken=human.broken + synthetic.broken + measured.broken,
        rows=human.rows + synthetic.rows + measured.rows,
        warnings=_warnings(human, synthetic),
    )


def _read(given: Given, addresses: Sequence[str], *, name: str) -> _Side:
    """The documents of one side, held against what they say of themselves."""
    origin = Origin.SYNTHETIC if name == SYNTHETIC else Origin.HUMAN
    corpus = read(*addresses, origin=origin, text_column=given.text_column, max_rejects=given.max_rejects)
    side = _Side(name, broken=corpus.plan.broken_rows, rows=corpus.rows)
    for document in _documents(corpus, given, side):
        if document.text.strip():
            side.take(document)
        else:
            side.left_out[f"{name}: empty"] += 1
    if side.strangers and name != SYNTHETIC:
        raise _not_human(side.strangers)
    side.settle()
    return side


def _documents(corpus: Corpus, given: Given, side: _Side) -> Iterator[Written]:
    reader = corpus.reader()
    column = None if given.by == "file" else given.by
    for shard in corpus.plan.shards:
        for part in reader.parts(shard):
            batch = part.batch
            _check_domains(column, batch, given, side)
            origins = batch.column("origin").cast("string").to_pylist()
            claims = said_otherwise(batch)
            told = batch.column(column).to_pylist() if column in batch.schema.names else None
            for row, text in enumerate(batch.column("text").to_pylist()):
                source = part.places[row].source
                if (origins[row] == Origin.HUMAN) == (side.name == SYNTHETIC):
                    side.strangers[source, f"its ledger says {origins[row]}"] += 1
                elif side.name != SYNTHETIC and claims[row]:
                    side.strangers[source, claims[row]] += 1
                yield Written(text, str(told[row]) if told is not None else source, _draw(text))


def _check_domains(column: str | None, batch: pa.RecordBatch, given: Given, side: _Side) -> None:
    measured = side.name == (HELD_OUT if given.on else HUMAN)
    if column is not None and measured and column not in batch.schema.names:
        own = ", ".join(repr(name) for name in batch.schema.names)
        raise MissingColumn(
            f"no column {column!r} names domains in the text that is measured by; there are {own}",
            hint="--by COLUMN, or --by file",
        )


def _draw(text: str) -> int:
    return int.from_bytes(blake3(b"forecast\0" + text.encode()).digest(length=8), "little")


def _not_human(strangers: Counter[tuple[str, str]]) -> InputError:
    (source, said), count = strangers.most_common(1)[0]
    more = f", and {strangers.total() - count:,} more elsewhere" if strangers.total() > count else ""
    return InputError(
        f"{source} was given as human, and is not: {said}, in {count:,} of its rows{more}",
        hint="Give it as --synthetic. Who knows better declares it: a plain file with the texts alone.",
    )


def _once(side: _Side, seen: set[bytes], *, others: bool) -> None:
    """Leaves out what came before; `others` says that copies of another side's texts are counted apart."""
    before: frozenset[bytes] = frozenset(seen) if others else frozenset()
    kept = []
    for document in side.documents:
        name = blake3(" ".join(document.text.split()).encode()).digest()
        if name not in seen:
            kept.append(document)
        elif name in before:
            side.left_out[f"{side.name}: the same text is human"] += 1
        else:
            side.left_out[f"{side.name}: copy"] += 1
        seen.add(name)
    side.documents = kept


def _hold_out(human: _Side, measured: _Side, *, share: float) -> None:
    """Moves this share of the human documents, the ones with the least draws, to those that are measured by."""
    count = round(share * len(human.documents))
    measured.documents = human.documents[:count]
    human.documents = human.documents[count:]


def _refuse_too_little(measured: _Side, given: Given) -> None:
    if len(measured.documents) < LEAST_HELD_OUT:
        raise InputError(
            f"there are {len(measured.documents):,} held-out documents, and intervals need {LEAST_HELD_OUT}",
            hint="--on FILE with more human text, one document in each row"
            if given.on
            else "--held-out .2, more human documents, or --on FILE with other human text",
        )


def runs_of(texts: Sequence[str]) -> UInt64[ndarray, "r"]:
    """The numbers of all runs of 13 words, each once, in order."""
    found = [tokens.ngrams(RUN) for tokens in cut(_batch(texts))]
    return np.unique(np.concatenate([np.zeros(0, np.uint64), *found]))


def sharing(texts: Sequence[str], runs: UInt64[ndarray, "r"]) -> Bool[ndarray, "n"]:
    """Which texts have one of these runs."""
    found = [np.zeros(0, np.bool_)]
    for tokens in cut(_batch(texts)):
        counts = np.diff(tokens.ngram_offsets(RUN))
        whose = np.repeat(np.arange(len(counts)), counts)
        held = np.isin(tokens.ngrams(RUN), runs)
        found.append(np.bincount(whose[held], minlength=len(counts)) > 0)
    return np.concatenate(found)


def _batch(texts: Sequence[str]) -> pa.RecordBatch:
    return pa.record_batch({"text": pa.array(texts, pa.large_string())})


def _without(side: _Side, runs: UInt64[ndarray, "r"]) -> None:
    """Leaves out the documents that share a run with held-out text."""
    given_away = sharing([document.text for document in side.documents], runs).tolist()
    side.documents = [document for document, shared in zip(side.documents, given_away, strict=True) if not shared]
    side.left_out[f"{side.name}: {RUN} words in a row are held out"] += sum(given_away)


def _told(left_out: Mapping[str, int]) -> str:
    return "; ".join(f"{count:,} {reason}" for reason, count in left_out.items() if count) or "nothing was left out"


def _warnings(human: _Side, synthetic: _Side) -> list[str]:
    """What a reader has to know of the text."""
    found = []
    if synthetic.strangers:
        (source, _), count = synthetic.strangers.most_common(1)[0]
        found.append(
            f"{source} was given as synthetic, and its ledger says human in {count:,} rows: they count as synthetic"
        )
    for side in (human, synthetic):
        shared = side.left_out[f"{side.name}: {RUN} words in a row are held out"]
        if shared > len(side.documents) / 4:
            found.append(
                f"{shared:,} {side.name} documents share {RUN} words in a row with held-out text and were left out"
            )
    both = synthetic.left_out[f"{SYNTHETIC}: the same text is human"]
    if both > len(synthetic.documents):
        raise InputError(
            f"{both:,} synthetic documents are human documents word for word, more than are left",
            hint="--synthetic FILE, with the text that a model has written",
        )
    if both:
        found.append(f"{both:,} synthetic documents are human documents word for word and were left out")
    return found


def digest_of(parts: Parted) -> str:
    """A hash of the three parts in their order."""
    whole = blake3()
    for side in (parts.human, parts.synthetic, parts.held_out):
        for document in side:
            whole.update(f"{document.domain}\0{document.text}\0".encode())
        whole.update(b"\1")
    return whole.hexdigest(length=16)
