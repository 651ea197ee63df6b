"""Experiments: regimes side by side in one laboratory, in chunks of seeds, so that memory stays bounded."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated, Any

import numpy as np
from numpy.random import Generator, default_rng
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError

from uncollapse.collapse.feeding import models
from uncollapse.collapse.laboratory import Laboratory, laboratory
from uncollapse.collapse.regimes import Regime, regime
from uncollapse.collapse.results import Comparison, Results, concatenated
from uncollapse.errors import UsageError
from uncollapse.fingerprint import fingerprint
from uncollapse.randomness import Stream

LONGEST = 1_000_000  # generations; the path of one seed is then some ten million numbers
CHUNK = 64 * 2**20  # bytes that the seeds of a chunk may take while it runs


class Experiment(BaseModel):
    """What is run: a laboratory, regimes, and how long, how often and from which seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    laboratory: SerializeAsAny[Laboratory]
    regimes: Annotated[tuple[SerializeAsAny[Regime], ...], Field(min_length=1)]
    generations: Annotated[int, Field(ge=1, le=LONGEST)] = 20
    seeds: Annotated[int, Field(ge=1)] = 100
    seed: int = 0

    def model_post_init(self, context: object) -> None:
        """Refuses a regime that the laboratory cannot have."""
        for each in self.regimes:
            self.laboratory.refuse(each)

    @property
    def settings(self) -> dict[str, Any]:
        """All that the numbers depend on."""
        told = {"name": self.laboratory.name, **self.laboratory.model_dump(mode="json")}
        regimes = [{"name": each.name, **each.model_dump(mode="json")} for each in self.regimes]
        own = self.model_dump(mode="json", include={"generations", "seeds", "seed"})
        return {"laboratory": told, "regimes": regimes, **own}

    @property
    def chunk(self) -> int:
        """How many seeds run together; it depends on the settings alone, and so do the numbers."""
        each = max(self.laboratory.footprint(kind, generations=self.generations) for kind in self.regimes)
        kept = 8 * (self.generations + 1) * len(self.laboratory.measures)
        return max(1, min(self.seeds, CHUNK // (each + kept)))

    def chunks(self) -> Iterator[Comparison]:
        """The seeds, chunk by chunk, every regime of a chunk before the next chunk."""
        for first in range(0, self.seeds, self.chunk):
            seeds = min(self.chunk, self.seeds - first)
            parts = tuple(self._part(kind, first=first, seeds=seeds) for kind in self.regimes)
            yield Comparison(parts, self.settings)

    def results(self) -> Comparison:
        """All seeds together."""
        return concatenated(list(self.chunks()))

    def _part(self, kind: Regime, *, first: int, seeds: int) -> Results:
        rng = self._generator(kind, first=first)
        names = tuple(self.laboratory.measures)
        values = np.empty((self.generations + 1, seeds, len(names)))
        every = models(self.laboratory, kind, seeds=seeds, rng=rng)
        for generation, model in enumerate(islice(every, self.generations + 1)):
            found = self.laboratory.measured(model)
            for place, name in enumerate(names):
                values[generation, :, place] = found[name]
        curves = self.laboratory.theory(kind, generations=self.generations)
        return Results(self.laboratory.name, kind.label, names, values, curves, first)

    def _generator(self, kind: Regime, *, first: int) -> Generator:
        step = fingerprint(
            {"laboratory": self.settings["laboratory"], "regime": [kind.name, kind.model_dump(mode="json")]}
        )
        key = Stream.of(self.seed, step, f"seeds from {first}").key
        return default_rng(int.from_bytes(key, "little"))


def run(
    laboratory_name: str,
    *regimes: str | Regime,
    generations: int = 20,
    seeds: int = 100,
    seed: int = 0,
    **settings: Any,
) -> Comparison:
    """The results of regimes in a laboratory: arrays with the axes generation, seed, measure, and the theory beside.

    Regimes are names or `regime("preserve", share=0.3)`; `settings` are the laboratory's.

    Raises:
        UsageError: a name, a setting or a combination that cannot be.
    """
    kinds = [regime(each) if isinstance(each, str) else each for each in regimes or ("replace",)]
    built = laboratory(laboratory_name, **settings)
    return experiment(built, kinds, generations=generations, seeds=seeds, seed=seed).results()


def experiment(built: Laboratory, kinds: Sequence[Regime], **settings: int) -> Experiment:
    """The experiment, when every value can be.

    Raises:
        UsageError: one cannot.
    """
    try:
        return Experiment(laboratory=built, regimes=tuple(kinds), **settings)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        most = f" and at most {LONGEST:,}" if place == "generations" else ""
        raise UsageError(
            f"{place}: {first['msg']}, not {first['input']!r}", hint=f"a whole number, at least 1{most}"
        ) from error
