"""A proxy: a small model that reads a share of synthetic text, and then human text that none has learned from."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from uncollapse.collapse.forecast.composing import Composed, composed
from uncollapse.collapse.forecast.kinds import Lesson, Pace
from uncollapse.collapse.forecast.learning import learn
from uncollapse.collapse.forecast.text import HELD_OUT, HUMAN
from uncollapse.collapse.forecast.tokens import read_counted
from uncollapse.evaluation.choice import answer, rights
from uncollapse.evaluation.measures import columns_of
from uncollapse.evaluation.questions import Question
from uncollapse.evaluation.reading import read_texts
from uncollapse.language_models.model import LanguageModel

TASKS = "questions.json"
ACCOUNT = b"account"


@dataclass(frozen=True)
class Proxy:
    """One proxy of the study; what it reads lies beside its folder, and `text` is the digest of its file."""

    index: int
    size: str
    share: float
    seed: int
    tokens: int
    pace: Pace
    text: str | None = None

    @property
    def name(self) -> str:
        """Size, share and seed."""
        return f"{self.size}-{self.share:g}-s{self.seed}"

    def work(self, folder: Path) -> Iterator[str | pa.Table]:
        """Where it has come to, and in the end a table: sums for each held-out document, the account beside them."""
        text = read_counted(folder.parent, digest=self.text)
        made = composed(text, size=self.size, share=self.share, tokens=self.tokens, seed=self.seed)
        yield "learning"
        model, told = learn(Lesson(made.texts, text.texts(HUMAN), self.size, self.seed, self.pace), folder)
        yield "reading"
        columns = columns_of(read_texts(model, text.texts(HELD_OUT)))
        tasks = answered(model, read_tasks(folder.parent))
        yield table_of(columns, {**told, **sides_of(made), "tasks": tasks})


def sides_of(made: Composed) -> dict[str, int | float]:
    """What a proxy read of either side, in tokens and in epochs."""
    return {
        f"{name}_{what}": getattr(side, what)
        for name, side in (("human", made.human), ("synthetic", made.synthetic))
        for what in ("tokens", "epochs")
    }


def answered(model: LanguageModel, tasks: Mapping[str, Sequence[Question]]) -> dict[str, dict[str, list[int]]]:
    """For each task and way of counting, whether each question is answered rightly, as 1 and 0."""
    found = {name: rights(answer(model, asked)) for name, asked in tasks.items()}
    return {name: {way: each.astype(int).tolist() for way, each in ways.items()} for name, ways in found.items()}


def table_of(columns: np.ndarray, account: Mapping[str, Any]) -> pa.Table:
    """Sums for each document, and the account."""
    names = [f"{at}" for at in range(columns.shape[1])]
    return pa.table([pa.array(column) for column in columns.T], names=names).replace_schema_metadata(
        {ACCOUNT: json.dumps(account)}
    )


def sums_of(table: pa.Table) -> np.ndarray:
    """The sums for each document."""
    return np.stack([column.to_numpy() for column in table.columns], axis=1)


def account_of(table: pa.Table) -> dict[str, Any]:
    """The account beside the sums."""
    found: dict[str, Any] = json.loads(table.schema.metadata[ACCOUNT])
    return found


def write_tasks(tasks: Mapping[str, Sequence[Question]]) -> bytes:
    """The questions, for proxies to read."""
    return json.dumps({name: [list(each) for each in asked] for name, asked in tasks.items()}).encode()


def read_tasks(folder: Path) -> dict[str, list[Question]]:
    """The questions that the folder holds."""
    told = json.loads((folder / TASKS).read_bytes())
    return {name: [Question(*each) for each in asked] for name, asked in told.items()}
