"""How fast proxies learn and read here: each size is timed on a few batches, on as many cores as the study will use."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import mean

import pyarrow as pa

from uncollapse.collapse.forecast.composing import composed
from uncollapse.collapse.forecast.kinds import Lesson, Pace
from uncollapse.collapse.forecast.learning import learn
from uncollapse.collapse.forecast.proxies import answered, read_tasks
from uncollapse.collapse.forecast.text import HELD_OUT, HUMAN
from uncollapse.collapse.forecast.tokens import read_counted
from uncollapse.evaluation.reading import read_texts

BATCHES = 100
SHARE = 10  # one held-out document of so many is read, and one question of so many is asked
LOADED = ("uncollapse.training.trainer", "uncollapse.training.beginning", "uncollapse.training.rows")


@dataclass(frozen=True)
class Speed:
    """Seconds that a proxy takes besides its learning, and the tokens that it learns from in a second."""

    beside: float
    tokens_per_second: float

    def seconds(self, tokens: int) -> float:
        """How long a proxy takes that learns from so many tokens."""
        return self.beside + tokens / self.tokens_per_second


@dataclass(frozen=True)
class Probe:
    """A short training and a short evaluation with a clock beside them."""

    index: int
    size: str
    copy: int
    pace: Pace

    @property
    def name(self) -> str:
        """The size, and which of several that run at once."""
        return f"{self.size}-{self.copy}"

    def work(self, folder: Path) -> Iterator[str | pa.Table]:
        """Where it has come to, and in the end one row: seconds beside learning, tokens a second."""
        for module in LOADED:  # which every process does once, and not every proxy
            import_module(module)
        where = folder.parents[2]
        yield "timing"
        began = time.monotonic()
        text = read_counted(where)
        tokens = BATCHES * self.pace.batch_tokens
        made = composed(text, size=self.size, share=0.0, tokens=tokens, seed=self.copy)
        model, told = learn(Lesson(made.texts, text.texts(HUMAN), self.size, self.copy, self.pace), folder)
        learned = time.monotonic()
        some = text.texts(HELD_OUT)[::SHARE]
        read_texts(model, some)
        answered(model, {name: asked[::SHARE] for name, asked in read_tasks(where).items()})
        whole = sum(len(each) for each in text.texts(HELD_OUT)) / sum(len(each) for each in some)
        beside = learned - began - told["seconds"] + (time.monotonic() - learned) * whole
        yield pa.table({"beside": [beside], "tokens_per_second": [told["tokens_per_second"]]})


def probes(sizes: Sequence[str], *, workers: int, pace: Pace) -> list[Probe]:
    """A probe of each size for each worker, so that all cores are busy while the clock runs."""
    pairs = [(size, copy) for size in sizes for copy in range(workers)]
    return [Probe(index, size, copy, pace) for index, (size, copy) in enumerate(pairs)]


def speeds(tables: Mapping[str, pa.Table], sizes: Sequence[str]) -> dict[str, Speed]:
    """The mean speed of each size's probes."""
    found = {}
    for size in sizes:
        own = [table.to_pylist()[0] for name, table in tables.items() if name.rpartition("-")[0] == size]
        found[size] = Speed(*(mean(row[name] for row in own) for name in ("beside", "tokens_per_second")))
    return found
