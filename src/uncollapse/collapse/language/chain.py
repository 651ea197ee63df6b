"""The pieces of the study: generation 0 of a seed, and then one arm at that seed, generation after generation.

PIECE/rows-03.parquet    what was measured of generation 3: it is finished
PIECE/blocks-03.npy      what it made; human-03.npy says which tokens are human, nats-03.npy what the judge says
PIECE/model-03/          its model, until that of the next generation is finished
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float64, Int32, Int64
from numpy import ndarray

from uncollapse.collapse.language import measures
from uncollapse.collapse.language.arms import REAL, Batch, kept_blocks, pool_of, taken, writes
from uncollapse.collapse.language.editing import redrawn
from uncollapse.collapse.language.settings import Settings
from uncollapse.collapse.language.store import FIRST, Store, kept_array
from uncollapse.collapse.language.writing import generator, written
from uncollapse.collapse.output import write_table
from uncollapse.corpora.storage import refusals
from uncollapse.errors import MissingInput
from uncollapse.language_models import load
from uncollapse.language_models.neural import NeuralModel
from uncollapse.training import Material, Training, fit
from uncollapse.training.tokens import Block

HISTOGRAM = "histogram"
ROWS = pa.schema(
    {"generation": pa.int32(), "measure": pa.string(), "bin": pa.int32(), "value": pa.float64()},
)
"""What a piece's table has; `bin` is null but for the counts of a histogram."""


@dataclass(frozen=True)
class Learner:
    """How a generation learns and is measured, at one seed."""

    store: Store
    settings: Settings
    seed: int

    def learn(self, blocks: Int32[ndarray, "n b"], folder: Path, *, seed: int, last: Path | None = None) -> int:
        """How many tokens were learned from; the model lies in the folder. It goes on from a last one, if given."""
        settings = self.settings
        told: dict[str, Any] = {
            "context": settings.block + 1,
            "batch_tokens": settings.batch_blocks * (settings.block + 1),
            "tokens": settings.epochs * len(self.store.learned) * settings.block,
            "learning_rate": settings.rate_of_learning,
            "seed": seed,
        }
        if last is not None or not settings.from_scratch:
            told["start"] = str(last) if last is not None else settings.model
        else:
            told["size"] = settings.size
        material = Material([Block(row) for row in blocks], human=self.store.human)
        return int(fit(material, folder, Training(**told)).account["tokens"])

    def opened(self, folder: Path) -> NeuralModel:
        """The model in a folder, in fp32, with a window for one block."""
        return cast("NeuralModel", load(str(folder), dtype="float32", window=self.settings.block + 1))

    @cached_property
    def words(self) -> measures.Words:
        """The words of the human blocks."""
        return measures.words_of(self.store.spelled(self.store.learned), self.store.spelled(self.store.held.ids))

    def rows(self, generation: int, model: Path, batch: Batch, *, tokens: int) -> pa.Table:
        """All that is said of a generation."""
        order = generator(0, "any", generation, "order").permutation(len(batch.blocks))
        values = {
            **measures.of_model(measures.seen(self.opened(model), self.store.held), self.store.held),
            **measures.of_judged(batch.nats),
            **measures.of_text(self.store.spelled(batch.blocks[order]), self.words),
            **measures.of_blocks(batch.blocks, batch.human),
            "tokens": float(tokens),
        }
        return table_of(generation, {name: values[name] for name in measures.MEASURES}, measures.binned(batch.nats))


def table_of(generation: int, values: Mapping[str, float], counts: Int64[ndarray, "bins"]) -> pa.Table:
    """The measures and the histogram of a generation."""
    measured = [(generation, name, None, value) for name, value in values.items()]
    counted = [(generation, HISTOGRAM, at, float(count)) for at, count in enumerate(counts.tolist())]
    columns = zip(*measured, *counted, strict=True)
    return pa.table([pa.array(column) for column in columns], names=ROWS.names).cast(ROWS)


@dataclass(frozen=True)
class First:
    """Generation 0 of a seed: it learns from the human blocks, judges all others, and stays in the study's folder."""

    index: int
    seed: int
    settings: Settings
    study: Path

    @property
    def name(self) -> str:
        """Its name among the pieces."""
        return f"first-{self.seed}"

    def work(self, folder: Path) -> Iterator[str | pa.Table]:
        """Where it has come to, and its table."""
        store = Store(self.study)
        learner = Learner(store, self.settings, self.seed)
        own = store.first(self.seed)
        with refusals(own):
            own.parent.mkdir(exist_ok=True)
        yield "generation 0 learns"
        seed = int(generator(self.seed, FIRST, 0, "learning").integers(2**32))
        tokens = learner.learn(store.learned, own, seed=seed)
        yield "generation 0 is measured"
        nats = measures.block_nats(learner.opened(own), store.learned)
        batch = Batch(store.learned, np.ones(store.learned.shape, np.bool_), nats)
        yield learner.rows(0, own, batch, tokens=tokens)


@dataclass(frozen=True)
class Chain:
    """One arm at one seed."""

    index: int
    arm: str
    seed: int
    settings: Settings
    study: Path

    @property
    def name(self) -> str:
        """Its name among the pieces."""
        return f"{self.arm}-{self.seed}"

    def work(self, folder: Path) -> Iterator[str | pa.Table]:
        """Where it has come to, and its table; generations that are finished are not made again."""
        yield from _Work(self, folder).all()


class _Work:
    """A chain in its folder."""

    def __init__(self, chain: Chain, folder: Path) -> None:
        self.chain, self.folder, self.settings = chain, folder, chain.settings
        self.store = Store(chain.study)
        self.learner = Learner(self.store, chain.settings, chain.seed)
        if not (self.store.first(chain.seed) / "config.json").is_file():
            raise MissingInput(
                f"the model of generation 0 is not at {self.store.first(chain.seed)}",
                hint="Choose another output; this one has lost a part of itself.",
            )

    def all(self) -> Iterator[str | pa.Table]:
        tables = []
        for generation in range(1, self.settings.generations + 1):
            path = self._at("rows", generation, ".parquet")
            if not path.exists():
                yield from self._generation(generation, path)
            shutil.rmtree(self._model(generation - 1, mine=True), ignore_errors=True)
            tables.append(pq.read_table(path))
        yield pa.concat_tables(tables)

    def _generation(self, generation: int, path: Path) -> Iterator[str]:
        said = f"generation {generation}"
        for news in self._made(generation):
            yield f"{said}, {news}"
        yield f"{said} learns"
        seed = int(self._rng(generation, "learning").integers(2**32))
        last = self._model(generation - 1) if self.settings.warm else None
        batch = Batch(*(self._training(generation, what) for what in ("blocks", "human", "nats")))
        tokens = self.learner.learn(batch.blocks, self._model(generation), seed=seed, last=last)
        yield f"{said} is measured"
        rows = self.learner.rows(generation, self._model(generation), batch, tokens=tokens)
        with refusals(self.folder):
            write_table(rows, path)

    def _training(self, generation: int, what: str) -> ndarray:
        """Of what the model of a generation learns from, the blocks or what belongs to them."""
        pool = np.concatenate([self._kept(each, what) for each in pool_of(self.chain.arm, generation)])
        rng = self._rng(generation, "subsample")
        return pool[taken(self.chain.arm, len(pool), len(self.store.learned), rng)]

    def _kept(self, generation: int, what: str) -> ndarray:
        """What a generation has made, or what belongs to it; of generation 0 the human blocks."""
        if what == "nats":
            return kept_array(self._at(what, generation, ".npy"), partial(self._nats, generation))
        if generation:
            return np.asarray(np.load(self._at(what, generation, ".npy"), allow_pickle=False))
        return self.store.learned if what == "blocks" else np.ones(self.store.learned.shape, np.bool_)

    def _nats(self, generation: int) -> Float64[ndarray, "n"]:
        judge = self.learner.opened(self.store.first(self.chain.seed))
        return measures.block_nats(judge, self._kept(generation, "blocks"))

    def _made(self, generation: int) -> Iterator[str]:
        """How far it is; in the end the blocks that this generation adds lie in the folder."""
        path = self._at("blocks", generation, ".npy")
        if path.exists():
            return
        human = self.store.learned
        last = self._model(generation - 1)
        mask = np.zeros(human.shape, np.bool_)
        if self.chain.arm == REAL:
            blocks, mask[:] = human, True
        elif writes(self.chain.arm):
            kept = kept_blocks(self.chain.arm, self.settings, len(human), self._rng(generation, "kept"))
            mask[kept] = True
            rest = np.setdiff1d(np.arange(len(human)), kept)
            blocks = human.copy()
            for news in written(human[rest], last, self.settings, keep=path, rng=self._rng(generation, "writing")):
                if isinstance(news, str):
                    yield news
                else:
                    blocks[rest] = news
        else:
            yield "human text is edited"
            model = self.learner.opened(last)
            blocks, _ = redrawn(human, model, rate=self.settings.rate, rng=self._rng(generation, "editing"))
            mask = blocks == human
        kept_array(self._at("human", generation, ".npy"), lambda: mask)
        kept_array(path, lambda: blocks)
        for part in self.folder.glob(f"{path.stem}-part-*.npy"):
            part.unlink()

    def _model(self, generation: int, *, mine: bool = False) -> Path:
        """Where the model of a generation lies; that of generation 0 is every chain's, unless it must be `mine`."""
        if generation or mine:
            return self.folder / f"model-{generation:02d}"
        return self.store.first(self.chain.seed)

    def _rng(self, generation: int, what: str) -> np.random.Generator:
        return generator(self.chain.seed, self.chain.arm, generation, what)

    def _at(self, what: str, generation: int, ending: str) -> Path:
        return self.folder / f"{what}-{generation:02d}{ending}"
