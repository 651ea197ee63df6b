"""What is learned from, out of a corpus: its texts, those that are human, and what the model will then descend from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from uncollapse.corpora import Corpus
from uncollapse.corpora.merkle import root
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
    """The texts of a corpus, as often as they are asked for; with `human` only those of origin human."""

    corpus: Corpus
    human: bool = False

    def __iter__(self) -> Iterator[str]:
        for batch in self.corpus.batches():
            own = batch
            if self.human:
                own = batch.filter(pc.equal(batch.column("origin").cast(pa.string()), str(Origin.HUMAN)))
            yield from own.column("text").to_pylist()


@dataclass(frozen=True)
class Pairs:
    """The questions and answers of an instruction corpus, as often as they are asked for."""

    corpus: Corpus
    questions: Questions

    def __iter__(self) -> Iterator[Pair]:
        asked, about = self.questions
        for batch in self.corpus.batches():
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


def material_of(corpus: Corpus, *, roots: Sequence[str] = ()) -> Material:
    """What a model learns from a corpus by predicting its texts; `roots` are those of the corpora in it."""
    descent = descent_of(corpus, roots=roots)
    return Material(Texts(corpus), Texts(corpus, human=True) if descent.human else None, descent.as_json())


def instruction_material_of(corpus: Corpus, questions: Questions, *, roots: Sequence[str] = ()) -> Material:
    """What a model learns from a corpus by predicting answers after their questions."""
    return Material(Pairs(corpus, questions), None, descent_of(corpus, roots=roots).as_json())


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


def descent_of(corpus: Corpus, *, roots: Sequence[str] = ()) -> Descent:
    """What a model that learns from the corpus descends from; every row is read once."""
    depth: int | None = 0
    origins: dict[str, int] = {}
    ids: list[bytes] = []
    for batch in corpus.known():
        depths = batch.column("depth")
        unknown = bool(depths.null_count)
        deepest = pc.max(depths).as_py()
        depth = None if depth is None or unknown else max(depth, int(deepest or 0))
        counts = pc.value_counts(batch.column("origin").cast(pa.string()))
        for each in counts.to_pylist():
            origins[each["values"]] = origins.get(each["values"], 0) + int(each["counts"])
        ids += [bytes.fromhex(each) for each in batch.column("id").to_pylist()]
    return Descent(depth, sorted({root(sorted(ids)), *roots}), dict(sorted(origins.items())))
