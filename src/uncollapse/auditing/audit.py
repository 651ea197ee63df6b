"""The audit: a corpus, human text to hold it against, and one answer for each way of failing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa
from numpy.random import Generator, Philox
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from uncollapse.auditing import evidence, plots
from uncollapse.auditing.compared import Statistic
from uncollapse.auditing.controls import SPLITS
from uncollapse.auditing.examine import Examined, Prepared, equal, examine, examine_alone, prepare
from uncollapse.auditing.intake import Read
from uncollapse.auditing.notes import notes_of
from uncollapse.auditing.passages import few, most_words, passages, shortened
from uncollapse.auditing.pool import Documents
from uncollapse.auditing.taking import Asked, Batches, Taken, take_in
from uncollapse.auditing.verdicts import NO_REFERENCE, Status, Verdict, judge
from uncollapse.auditing.whole import whole_statistics
from uncollapse.errors import UncollapseError, UnknownModel, UsageError, WorkerLost
from uncollapse.fingerprint import fingerprint
from uncollapse.step import Gather, Spread
from uncollapse.version import __version__

# Documents (or passages) and words of a side, below which nothing is said about what varies between documents.
FEWEST_DOCUMENTS, FEWEST_TOKENS = 20, 4000


class Options(BaseModel):
    """How an audit is done.

    `sample_tokens` bounds the words of each side that are compared (all documents are read, and copies are counted
    over all); `model` is the address of the language model, None for none, `dtype` its number format (auto: bfloat16
    where the hardware multiplies it) and `model_tokens` what it reads of each side; `embed` is the address of an
    embedding model or of a file with embeddings, None for none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_tokens: int = Field(default=400_000, ge=1000)
    model: str | None = None
    model_tokens: int = Field(default=20_000, ge=100)
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    embed: str | None = None
    splits: int = Field(default=SPLITS, ge=8)
    seed: int = 0

    @classmethod
    def checked(cls, given: dict[str, Any]) -> "Options":
        """The options, or an error that names what is wrong."""
        try:
            return cls(**given)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            raise UsageError(f"{name}: {first['msg']}", hint="uncollapse audit --help") from None


class Stage(NamedTuple):
    """How far an audit is: what it does now, and how much of it is done."""

    doing: str
    done: int
    of: int | None


OnProgress = Callable[[Stage], None]


class Hands(NamedTuple):
    """Who does the work, where it is not this process: by whom a corpus is taken in, and by whom the model reads."""

    spread: Spread | None = None
    reading: Gather | None = None


@dataclass(frozen=True, eq=False)
class Audit:
    """What was found. `report` is what `report.json` holds; `offenders` is the table behind the verdicts."""

    report: dict[str, Any]
    offenders: pa.Table

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts."""
        return [Verdict(**verdict) for verdict in self.report["verdicts"]]

    @property
    def failed(self) -> list[str]:
        """The names of the verdicts that say fail."""
        return [verdict.name for verdict in self.verdicts if verdict.status == Status.FAIL]

    def html(self) -> str:
        """The page."""
        from uncollapse.auditing.page import audit_page  # noqa: PLC0415 (templates are slow to import)

        return audit_page([self.report], offenders=self.offenders)

    def to_html(self, path: str) -> None:
        """Writes the page."""
        Path(path).write_text(self.html(), encoding="utf-8")


@dataclass(eq=False)
class Auditor:
    """Human text that was read once, to hold any number of corpora against."""

    options: Options
    reference: Read | None
    on_progress: OnProgress
    hands: Hands
    _card: dict[str, Any] | None = field(default=None, init=False)

    @classmethod
    def of(
        cls,
        reference: Batches | None,
        *,
        options: Options,
        on_progress: OnProgress | None = None,
        hands: Hands | None = None,
    ) -> "Auditor":
        """The reader of a reference, or of none."""
        said = on_progress or _silent
        hands = hands or Hands()
        asked = Asked(options.sample_tokens)
        read = None
        if reference is not None:
            read = _read(reference, asked, hands=hands, said=said, doing="reading the reference").whole.result()
        return cls(options, read, said, hands)

    def audit(self, corpus: Batches, *, name: str = "corpus") -> Audit:
        """The audit of one corpus."""
        return self.judge(self._taken(corpus, None, f"reading {name}").whole.result(), name=name)

    def audit_groups(self, corpus: Batches, *, column: str, name: str = "corpus") -> tuple[Audit, list[Audit]]:
        """The audit of a corpus, and of the documents of each value of a column, in one reading."""
        taken = self._taken(corpus, column, "reading")
        return (
            self.judge(taken.whole.result(), name=name),
            [self.judge(one.result(), name=f"{column} = {value}") for value, one in sorted(taken.groups.items())],
        )

    def _taken(self, corpus: Batches, column: str | None, doing: str) -> Taken:
        known = None if self.reference is None else self.reference.known
        asked = Asked(self.options.sample_tokens, known, column)
        return _read(corpus, asked, hands=self.hands, said=self.on_progress, doing=doing)

    def judge(self, corpus: Read, *, name: str) -> Audit:
        """The audit of a corpus that was read."""
        missing: list[str] = []
        found = self._examine(corpus, missing, name)
        examined = found.examined
        statistics = whole_statistics(corpus, self.reference) + found.statistics
        report = {
            "uncollapse": __version__,
            "name": name,
            "corpus": _described(corpus),
            "reference": None if self.reference is None else _described(self.reference),
            "options": self.options.model_dump(mode="json"),
            "model": self._card,
            "tokens_compared": 0 if examined is None else examined.tokens,
            "splits": 0 if examined is None else len(examined.splits),
            "units": found.units,
            "verdicts": [verdict.as_json() for verdict in judge(statistics, unknown=found.unknown)],
            "statistics": [statistic._asdict() for statistic in statistics],
            "notes": notes_of(corpus, self.reference, examined, units=found.units, shortened=found.shortened),
            "missing": missing,
            "plots": {} if examined is None else plots.plots(examined),
        }
        return Audit(report, evidence.as_table(evidence.offenders(corpus, examined), corpus=name))

    def _examine(self, corpus: Read, missing: list[str], name: str) -> "_Found":
        """The panel, or why there is no control; and what is compared, documents or passages."""
        sides = [corpus.documents] if self.reference is None else [corpus.documents, self.reference.documents]
        self._card = None
        # The smaller side decides how much of the other is compared: where that is too little, it is the one to name.
        order = sorted(range(len(sides)), key=lambda side: sides[side].tokens)
        sides, units, cut = _units(sides)
        prepared = [prepare(side) for side in sides]
        for side, what in ((prepared[at], (name, "the reference")[at]) for at in order):
            words, documents = side.rest.tokens, len(side.documents)
            if documents < FEWEST_DOCUMENTS or words < FEWEST_TOKENS:
                unknown = (
                    f"{what} has {documents:,} different {units} of {words:,} words at equal size; an interval needs "
                    f"{FEWEST_DOCUMENTS} and {FEWEST_TOKENS:,}"
                )
                return _Found(None, [], unknown, units, cut)
        random = Generator(Philox(key=int(fingerprint(["audit", self.options.seed])[:16], 16)))
        self.on_progress(Stage("comparing", 0, self.options.splits))
        prepared = self._with_embeddings(self._with_model(prepared, missing), missing)
        if self.reference is None:
            alone = examine_alone(prepared[0], random=random, count=self.options.splits)
            return _Found(None, alone, NO_REFERENCE, units, cut)
        examined = examine(
            prepared[0],
            prepared[1],
            random=random,
            count=self.options.splits,
            on_split=lambda done: self.on_progress(Stage("comparing", done, self.options.splits)),
        )
        return _Found(examined, examined.statistics, None, units, cut)

    def _with_model(self, prepared: list[Prepared], missing: list[str]) -> list[Prepared]:
        """The samples with the language model's surprise; as they are where there is no model or it fails."""
        if self.options.model is None:
            return prepared
        from uncollapse.auditing import perplexity  # noqa: PLC0415 (torch is slow to import)

        try:
            read = [
                perplexity.surprise_of(
                    side.rest,
                    self._reading,
                    tokens=self.options.model_tokens,
                    on_progress=lambda done: self.on_progress(
                        Stage("perplexity", min(done, self.options.model_tokens), self.options.model_tokens)
                    ),
                )
                for side in prepared
            ]
        except (UsageError, UnknownModel, WorkerLost):
            raise
        except (UncollapseError, RuntimeError, MemoryError, OSError) as error:
            # The rest of the report still comes: the missing part is named, and the exit code says so.
            missing.append(f"perplexity under {self.options.model}: {type(error).__name__}: {error}")
            return prepared
        self._card = self._read_with
        return [
            side._replace(values={**side.values, **found.values}, probabilities=found.tokens)
            for side, found in zip(prepared, read, strict=True)
        ]

    @cached_property
    def _read_with(self) -> dict[str, Any]:
        """The card of the language model."""
        from uncollapse.language_models import resolve  # noqa: PLC0415 (torch is slow to import)

        assert self.options.model is not None
        return dict(resolve(self.options.model, dtype=self.options.dtype).as_json())

    @cached_property
    def _reading(self) -> Gather:
        if self.hands.reading is not None:
            return self.hands.reading
        from uncollapse.language_models.lent import Lent  # noqa: PLC0415 (torch is slow to import)

        assert self.options.model is not None
        return partial(map, Lent.of(self.options.model, dtype=self.options.dtype))

    def _with_embeddings(self, prepared: list[Prepared], missing: list[str]) -> list[Prepared]:
        """The samples with an embedding for each document; as they are where none is asked for or it fails."""
        if self.options.embed is None:
            return prepared
        from uncollapse.auditing.embedding import embeddings  # noqa: PLC0415 (its models are slow to import)

        try:
            vectors = embeddings(self.options.embed, [side.documents for side in prepared])
        except UsageError:
            raise
        except (UncollapseError, RuntimeError, MemoryError, OSError) as error:
            missing.append(f"embeddings by {self.options.embed}: {type(error).__name__}: {error}")
            return prepared
        return [side._replace(embeddings=rows) for side, rows in zip(prepared, vectors, strict=True)]


def audit(corpus: Batches, *, reference: Batches | None = None, name: str = "corpus", **options: Any) -> Audit:
    """The audit of a corpus against human text that nobody has fitted anything to.

    `options` are the fields of `Options` and `on_progress`, a function that is handed a `Stage`.

    Raises:
        UsageError: an option is not possible.
    """
    on_progress = options.pop("on_progress", None)
    chosen = Options.checked(options)
    return Auditor.of(reference, options=chosen, on_progress=on_progress).audit(corpus, name=name)


class _Found(NamedTuple):
    """The comparison, the panel's lines, why there is no control where there is none, and what was compared: documents
    or passages, and how many lost their end for being too long.
    """

    examined: Examined | None
    statistics: list[Statistic]
    unknown: str | None
    units: str
    shortened: int


class _Units(NamedTuple):
    """The samples at equal size, what they consist of, and how many documents lost their end for being too long."""

    sides: list[Documents]
    name: str
    shortened: int


def _units(sides: list[Documents]) -> _Units:
    """The samples as documents, none of which outweighs the rest; as passages where the documents of one are few."""
    same = equal(*sides)
    if any(not len(side) for side in same):
        return _Units(same, "documents", 0)
    if any(few(side) for side in same):
        return _Units(equal(*(passages(side) for side in sides)), "passages", 0)
    limits = [most for side in same if (most := most_words(side)) is not None]
    if not limits:
        return _Units(same, "documents", 0)
    cut = [shortened(side, most=min(limits)) for side in same]
    return _Units(equal(*(side for side, _ in cut)), "documents", sum(number for _, number in cut))


def _described(read: Read) -> dict[str, Any]:
    return {
        "rows": read.rows,
        "empty": read.empty,
        "tokens": read.tokens,
        "single_characters": read.unspaced,
        "different": read.same.different,
        "lineage": read.lineage,
        "sampled_documents": len(read.documents),
        "sampled_tokens": read.documents.tokens,
    }


def _read(corpus: Batches, asked: Asked, *, hands: Hands, said: OnProgress, doing: str) -> Taken:
    total = getattr(corpus, "rows", None)
    return take_in(corpus, asked, spread=hands.spread, on_rows=lambda done: said(Stage(doing, done, total)))


def rank(groups: Sequence[Audit]) -> list[Audit]:
    """The groups, the worst first: by failed verdicts, then by warnings."""

    def weight(one: Audit) -> tuple[int, int, str]:
        status = [verdict.status for verdict in one.verdicts]
        return -status.count(Status.FAIL), -status.count(Status.WARN), str(one.report["name"])

    return sorted(groups, key=weight)


def _silent(_: Stage) -> None: ...
