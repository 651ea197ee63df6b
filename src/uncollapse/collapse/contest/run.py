"""The contest: each arm feeds models their own text for some generations, on the same human text, seed by seed.

A unit is one arm at one seed of one student. Its draws are keyed by (seed, arm, generation), so arms do not disturb one
another and any of them can be run alone, or later; what is finished lies in the folder, one file for each unit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.random import Generator, default_rng
from pydantic import BaseModel, ConfigDict, Field

from uncollapse.collapse.contest.arms import Arm, Round
from uncollapse.collapse.contest.measures import MEASURES, Yardstick
from uncollapse.collapse.contest.students import Lesson, Pupil, Student
from uncollapse.collapse.contest.text import Pieces
from uncollapse.randomness import Stream
from uncollapse.version import __version__


class Settings(BaseModel):
    """What every number of a contest depends on, beside the text, the arms and the students."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    generations: Annotated[int, Field(ge=1, le=1000)] = 8
    length: Annotated[int, Field(ge=8, le=2000)] = 60
    words: Annotated[int, Field(ge=400)] | None = 130_000
    oversampled: Annotated[int, Field(ge=2, le=64)] = 4


class Unit(NamedTuple):
    """One arm at one seed of one student."""

    student: Student
    arm: Arm
    seed: int

    @property
    def name(self) -> str:
        """A name that a file can have."""
        return f"{self.student.name}-{self.arm.name}-{self.seed}"


class Row(NamedTuple):
    """One number: whose, of which generation, of what."""

    student: str
    arm: str
    seed: int
    generation: int
    measure: str
    value: float


@dataclass
class _Start:
    """What all arms of a seed begin with: sides, the first model, the judge, and the yardstick."""

    student: Student
    pieces: Pieces
    seed: int
    _judges: list[Pupil] = field(default_factory=list)

    @cached_property
    def yardstick(self) -> Yardstick:
        sides = self.pieces.parted(self.seed)
        return Yardstick(sides, len(sides.training), generator(self.seed, "encoder", 0))

    @cached_property
    def first(self) -> Pupil:
        seed = int(generator(self.seed, "first", 0).integers(2**31))
        return self.student.learn(self.lesson(self.yardstick.sides.training), seed=seed)

    @cached_property
    def values(self) -> dict[str, float]:
        texts = self.yardstick.sides.training
        return self.yardstick.measured(texts, self.first, rng=generator(self.seed, "measured", 0))

    def lesson(self, texts: Sequence[str]) -> Lesson:
        return Lesson(texts, self.yardstick.sides.training, self.pieces)

    def judge(self) -> Pupil:
        if not self._judges:
            seed = int(generator(self.seed, "judge", 0).integers(2**31))
            self._judges.append(self.student.learn(self.lesson(self.yardstick.sides.reference), seed=seed))
        return self._judges[0]


@dataclass
class Contest:
    """A contest on some pieces; remembers what the arms of the last seed began with."""

    pieces: Pieces
    settings: Settings
    _start: _Start | None = None

    def __call__(self, unit: Unit, reached: Callable[[int], object] = lambda _: None) -> list[Row]:
        """All numbers of a unit; `reached` hears of each generation."""
        start = self._begun(unit)
        rows = _rows(unit, 0, start.values)
        for generation, (texts, pupil) in enumerate(self._generations(unit, start), start=1):
            rng = generator(unit.seed, f"{unit.arm.name} measured", generation)
            rows += _rows(unit, generation, start.yardstick.measured(texts, pupil, rng=rng))
            reached(generation)
        return rows

    def _begun(self, unit: Unit) -> _Start:
        now = self._start
        if now is None or (now.student, now.seed) != (unit.student, unit.seed):
            self._start = now = _Start(unit.student, self.pieces, unit.seed)
        return now

    def _generations(self, unit: Unit, start: _Start) -> Iterator[tuple[Sequence[str], Pupil]]:
        sides, texts, pupil = start.yardstick.sides, start.yardstick.sides.training, start.first
        for generation in range(1, self.settings.generations + 1):
            rng = generator(unit.seed, unit.arm.name, generation)
            now = Round(
                sides=sides,
                before=texts,
                pupil=pupil,
                first=start.first,
                judge=start.judge,
                student=unit.student,
                pieces=self.pieces,
                oversampled=self.settings.oversampled,
                rng=rng,
            )
            new = unit.arm.texts(now, len(sides.training))
            texts = [*texts, *new] if unit.arm.recipe.stays else new
            pupil = unit.student.learn(start.lesson(texts), seed=int(rng.integers(2**31)))
            yield texts, pupil


def _rows(unit: Unit, generation: int, values: Mapping[str, float]) -> list[Row]:
    named = unit.student.name, unit.arm.name, unit.seed, generation
    return [Row(*named, measure, values[measure]) for measure in MEASURES]


def generator(seed: int, what: str, generation: int) -> Generator:
    """The draws of one thing in one generation."""
    return default_rng(int.from_bytes(Stream.of(seed, f"contest {what}", f"generation {generation}").key, "little"))


def units(students: Sequence[Student], arms: Sequence[Arm], seeds: Sequence[int]) -> list[Unit]:
    """All units, those of one student and seed together, since they begin with the same."""
    return [Unit(student, each, seed) for student in students for seed in seeds for each in arms]


def claim(pieces: Pieces, settings: Settings, student: Student) -> dict[str, Any]:
    """What the numbers of a student's units depend on; arms and seeds may be added later."""
    return {
        "uncollapse": __version__,
        "text": {"pieces": len(pieces.pieces), "words": pieces.words, "blake3": pieces.digest, "parted by": pieces.by},
        "settings": settings.model_dump(mode="json"),
        "student": {"name": student.name, **student.model_dump(mode="json")},
    }


def as_values(rows: Sequence[Row]) -> dict[tuple[str, str, str], np.ndarray]:
    """For each student, arm and measure the values, of shape (seeds, generations)."""
    found: dict[tuple[str, str, str], dict[tuple[int, int], float]] = {}
    for row in rows:
        found.setdefault((row.student, row.arm, row.measure), {})[row.seed, row.generation] = row.value
    return {key: _square(values) for key, values in found.items()}


def _square(values: Mapping[tuple[int, int], float]) -> np.ndarray:
    seeds = sorted({seed for seed, _ in values})
    generations = sorted({generation for _, generation in values})
    return np.array([[values[seed, generation] for generation in generations] for seed in seeds])
