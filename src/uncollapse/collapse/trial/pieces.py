"""The trainings of a trial as pieces of a study: a base model for each seed, and one model for each arm and seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from uncollapse.collapse.trial import text
from uncollapse.collapse.trial.settings import OBJECTIVES, Objective
from uncollapse.collapse.trial.text import Row
from uncollapse.evaluation import Reading, answer, read_questions, read_texts
from uncollapse.evaluation.choice import rights
from uncollapse.evaluation.paired import COLUMNS
from uncollapse.language_models import load
from uncollapse.training import Material, Trained, Training, fit
from uncollapse.training.settings import SCRATCH
from uncollapse.training.tokens import Pair

HELD_OUT = "held-out"
RESULTS = pa.schema(
    {
        "objective": pa.string(),
        "arm": pa.string(),
        "seed": pa.int64(),
        "file": pa.string(),
        "document": pa.int64(),
        **dict.fromkeys(COLUMNS, pa.float64()),
        "right": pa.float64(),
        "learned": pa.int64(),
        "epochs": pa.float64(),
        "texts": pa.int64(),
    }
)
"""A row for each held-out document (its sums) and each question of a task (whether it was answered rightly)."""


@dataclass(frozen=True)
class Base:
    """A model of other human text, for one seed; it stays where it is, as others begin with it."""

    index: int
    seed: int
    texts: str
    model: str
    size: str
    context: int
    batch_tokens: int
    rate: float
    epochs: float
    tokens: int | None

    @property
    def name(self) -> str:
        """A name that a file can have."""
        return f"base-{self.seed}"

    def work(self, folder: Path) -> Iterator[str | pa.Table]:
        """How far it is, and in the end what was learned."""
        rows = text.read(Path(self.texts))
        yield "learning"
        training = Training(
            size=self.size,
            context=self.context,
            batch_tokens=self.batch_tokens,
            learning_rate=self.rate,
            seed=self.seed,
            tokens=self.tokens or round(self.epochs * scratch_tokens(rows, self.size)),
        )
        trained = fit([row.text for row in rows], self.model, training)
        yield pa.table({"seed": [self.seed], "learned": [trained.account["tokens"]], "loss": [trained.last_loss]})


@dataclass(frozen=True)
class Learner:
    """A model of one arm's text at one seed, and what it makes of the held-out text."""

    index: int
    objective: Objective
    arm: str
    seed: int
    texts: str
    unedited: str
    held_out: str
    start: str
    size: str
    context: int
    batch_tokens: int
    tokens: int | None
    tasks: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """A name that a file can have."""
        return f"{self.objective}-{self.arm}-{self.seed}"

    def work(self, folder: Path) -> Iterator[str | pa.Table]:
        """How far it is, and in the end its results."""
        rows, unedited = (text.read(Path(path)) for path in (self.texts, self.unedited))
        yield "learning"
        trained = fit(self._material(rows, unedited), folder / "model", self._training(unedited))
        yield "reading held-out text"
        model = load(str(trained.folder))
        held_out = text.read(Path(self.held_out))
        questions = [row.question for row in held_out] if self.objective == "instruct" else None
        reading = read_texts(model, [row.text for row in held_out], questions=questions)
        tables = [self._documents(reading, trained, len(rows))]
        for name, path in self.tasks:
            yield f"answering {name}"
            right = rights(answer(model, read_questions(Path(path))))["acc"]
            tables.append(self._table({"right": right.astype(np.float64)}, name, trained, len(rows)))
        yield pa.concat_tables(tables)

    def _material(self, rows: Sequence[Row], unedited: Sequence[Row]) -> Material:
        if self.objective == "instruct":
            return Material([Pair(row.question, row.text) for row in rows])
        return Material([row.text for row in rows], human=[row.text for row in unedited])

    def _training(self, unedited: Sequence[Row]) -> Training:
        plan = OBJECTIVES[self.objective]
        fields: dict[str, Any] = {
            "seed": self.seed,
            "learning_rate": plan.rate,
            "context": self.context,
            "batch_tokens": self.batch_tokens,
        }
        if self.start == SCRATCH:
            there = 0 if self.tokens else scratch_tokens(unedited, self.size)
            fields["size"] = self.size
        else:
            there = 0 if self.tokens else start_tokens(unedited, self.start)
            fields["start"] = self.start
        return Training(**fields, tokens=self.tokens or round(plan.epochs * there))

    def _documents(self, reading: Reading, trained: Trained, texts: int) -> pa.Table:
        sums = {name: np.asarray(getattr(reading, name), np.float64) for name in COLUMNS}
        return self._table(sums, HELD_OUT, trained, texts)

    def _table(self, values: dict[str, Any], file: str, trained: Trained, texts: int) -> pa.Table:
        count = len(next(iter(values.values())))
        same = {
            "objective": self.objective,
            "arm": self.arm,
            "seed": self.seed,
            "file": file,
            "learned": trained.account["tokens"],
            "epochs": trained.account["epochs"],
            "texts": texts,
        }
        columns = {"document": range(count), **{name: [value] * count for name, value in same.items()}, **values}
        return pa.table(
            {name: pa.array(columns.get(name, [None] * count), RESULTS.field(name).type) for name in RESULTS.names}
        )


def scratch_tokens(rows: Sequence[Row], size: str) -> int:
    """The tokens of some texts under the tokenizer that a model from scratch would learn from them."""
    from uncollapse.training.sizes import size_of  # noqa: PLC0415  (torch)
    from uncollapse.training.tokenizer import fit_tokenizer  # noqa: PLC0415

    texts = [row.text for row in rows]
    tokenizer = fit_tokenizer(texts, vocabulary=size_of(size).vocabulary)
    return sum(map(len, tokenizer(texts, add_special_tokens=False)["input_ids"]))


def start_tokens(rows: Sequence[Row], start: str) -> int:
    """The tokens of some texts, of pairs the answers, under a model's own tokenizer."""
    tokens = load(start).vocabulary.encode([row.text for row in rows])
    return len(tokens.ids)
