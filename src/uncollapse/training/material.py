"""What is learned from, out of a corpus: its texts, those that are human, and what the model will then descend from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from uncollapse.corpora import Corpus
from uncollapse.corpora.merkle import root
from uncollapse.corpora.weights import Weighing, weighing
from uncollapse.document import Origin
from uncollapse.errors import BrokenRow, MissingColumn
from uncollapse.training.fit import Material
from uncollapse.training.tokens import Pair

# What instruction files call their columns, the likeliest first.
ASKED = ("instruction", "prompt", "question", "query")
ABOUT = ("input", "context")
ANSWERED = ("output", "response", "answer", "completion")


class Questions(NamedTuple):
    """Where an instruction file has the question, and what it is about (perhaps nowhere); its texts are the answers."""

    asked: str
    about: str | None


@dataclass(frozen=True)
class Texts:
    """The texts of a corpus, as often as they are asked for; with `human` only those of origin human.

    Where they have weights, those of weight 0 are left out.
    """

    corpus: Corpus
    human: bool = False
    weigh: Weighing | None = None

    def __iter__(self) -> Iterator[str]:
        for batch in weighty(self.corpus.batches(), self.weigh):
            own = batch
            if self.human:
                own = batch.filter(pc.equal(batch.column("origin").cast(pa.string()), str(Origin.HUMAN)))
            yield from own.column("text").to_pylist()


@dataclass(frozen=True)
class Pairs:
    """The questions and answers of an instruction corpus, as often as they are asked for."""

    corpus: Corpus
    questions: Questions
    weigh: Weighing | None = None

    def __iter__(self) -> Iterator[Pair]:
        asked, about = self.questions
        for batch in weighty(self.corpus.batches(), self.weigh):
            table = {name: batch.column(name).to_pylist() for name in (asked, about) if name}
            for row, answer in enumerate(batch.column("text").to_pylist()):
                question = str(table[asked][row] or "")
                if not question.strip():
                    where = batch.column("source")[row].as_py()
                    raise BrokenRow(
                        f"{where}: the answer {answer[:40]!r} has no question in {asked!r}",
                        hint="leave the row out, or --prompt-column NAME",
                    )
                more = table[about][row] if about else None
                yield Pair(f"{question}\n\n{more}" if more else question, answer)


@dataclass(frozen=True)
class Weights:
    """The weights of a corpus's texts that have any, as often as they are asked for."""

    corpus: Corpus
    weigh: Weighing

    def __iter__(self) -> Iterator[float]:
        for batch in weighty(self.corpus.batches(), self.weigh):
            yield from self.weigh(batch).to_pylist()


def weighty(batches: Iterable[pa.RecordBatch], weigh: Weighing | None) -> Iterator[pa.RecordBatch]:
    """The documents that weigh more than nothing, batch by batch; all of them where nothing is weighed.

    Raises:
        BrokenRow: a weight is no number of 0 or more.
    """
    for batch in batches:
        if weigh is None:
            yield batch
            continue
        told = weigh(batch)
        weights = told.to_numpy(zero_copy_only=False)
        wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
        if len(wrong):
            row = int(wrong[0])
            raise BrokenRow(
                f"{batch.column('source')[row].as_py()}: the text {batch.column('text')[row].as_py()[:40]!r} has the "
                f"weight {told[row].as_py()!r}",
                hint="Weights are numbers, 0 or more; a text without one can be left out with 0.",
            )
        yield batch.filter(pa.array(weights > 0))


def material_of(corpus: Corpus, *, roots: Sequence[str] = (), weights: str | None = None) -> Material:
    """What a model learns from a corpus by predicting its texts; `roots` are those of the corpora in it, `weights` a
    column, or what `detect --weights` wrote.
    """
    weigh = None if weights is None else weighing(corpus, weights)
    descent = descent_of(corpus, roots=roots, weigh=weigh)
    human = Texts(corpus, human=True, weigh=weigh) if descent.human else None
    weighed = None if weigh is None else Weights(corpus, weigh)
    return Material(Texts(corpus, weigh=weigh), human, descent.as_json(), weighed)


def instruction_material_of(
    corpus: Corpus, questions: Questions, *, roots: Sequence[str] = (), weights: str | None = None
) -> Material:
    """What a model learns from a corpus by predicting answers after their questions; `weights` as in `material_of`."""
    weigh = None if weights is None else weighing(corpus, weights)
    weighed = None if weigh is None else Weights(corpus, weigh)
    return Material(
        Pairs(corpus, questions, weigh), None, descent_of(corpus, roots=roots, weigh=weigh).as_json(), weighed
    )


def questions_of(names: Sequence[str], *, asked: str | None = None) -> Questions:
    """The columns of the questions in an instruction file, by what they are called unless named.

    Raises:
        MissingColumn: there is no question in it.
    """
    name = asked if asked is not None else next((usual for usual in ASKED if usual in names), None)
    if name is None or name not in names:
        said = f"no column {name!r}" if name else f"no column with the question: none of {', '.join(ASKED)}"
        raise MissingColumn(f"{said}; there are {', '.join(names)}", hint="--prompt-column NAME")
    about = next((usual for usual in ABOUT if usual in names and usual != name), None) if asked is None else None
    return Questions(name, about)


class Descent(NamedTuple):
    """What a model descends from: greatest depth (None where a text's is unknown), content roots, rows by origin."""

    depth: int | None
    roots: Sequence[str]
    origins: Mapping[str, int]

    @property
    def human(self) -> int:
        """The human texts."""
        return self.origins.get(str(Origin.HUMAN), 0)

    def as_json(self) -> dict[str, Any]:
        """As it stands in `training.json`, and from there in the recipe of whatever the model writes."""
        return {"model_depth": self.depth, "trained_on": list(self.roots), "origins": dict(self.origins)}


def descent_of(corpus: Corpus, *, roots: Sequence[str] = (), weigh: Weighing | None = None) -> Descent:
    """What a model that learns from the corpus descends from, texts without weight left out; every row is read once."""
    depth: int | None = 0
    origins: dict[str, int] = {}
    ids: list[bytes] = []
    for batch in weighty(corpus.known(), weigh):
        depths = batch.column("depth")
        unknown = bool(depths.null_count)
        deepest = pc.max(depths).as_py()
        depth = None if depth is None or unknown else max(depth, int(deepest or 0))
        counts = pc.value_counts(batch.column("origin").cast(pa.string()))
        for each in counts.to_pylist():
            origins[each["values"]] = origins.get(each["values"], 0) + int(each["counts"])
        ids += [bytes.fromhex(each) for each in batch.column("id").to_pylist()]
    return Descent(depth, sorted({root(sorted(ids)), *roots}), dict(sorted(origins.items())))
