"""Who learns from each generation and writes the next one: what every student can, and where each is to be found."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float64
from numpy import ndarray
from numpy.random import Generator
from pydantic import BaseModel, ConfigDict

from uncollapse.collapse.contest.text import Pieces
from uncollapse.errors import UsageError


@runtime_checkable
class Pupil(Protocol):
    """A student that has learned."""

    def write(self, openings: Sequence[str], *, rng: Generator) -> list[str]:
        """A text for each opening, which it begins with; drawn from the model as it is."""
        ...

    def edit(self, texts: Sequence[str], *, rate: float, rng: Generator) -> list[str]:
        """The texts with this share of their words drawn anew, each from the model after the words before it."""
        ...

    def nats(self, texts: Sequence[str]) -> Float64[ndarray, "n"]:
        """How surprised it is by each text, in nats for each word behind the opening."""
        ...


class Lesson(NamedTuple):
    """What a student learns from: texts, the human text that all began with, and how texts and words are cut."""

    texts: Sequence[str]
    human: Sequence[str]
    pieces: Pieces


class Student(BaseModel, ABC):
    """A kind of model with its settings: learns from texts, the same from the same texts and seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    what: ClassVar[str]  # in words, for people

    @abstractmethod
    def learn(self, lesson: Lesson, *, seed: int) -> Pupil:
        """A fresh model of some texts."""

    @abstractmethod
    def teachers(self, own: Pupil, lesson: Lesson, *, seed: int) -> Mapping[str, Pupil]:
        """Three teachers that differ, one of them the model itself, all of which have learned from the same texts."""


PLACES: Mapping[str, tuple[str, str]] = {
    "counted": ("counted", "CountedStudent"),
    "small": ("small", "SmallStudent"),
}
"""Module and class of each student; a module is imported when its student is asked for."""


def student(name: str) -> Student:
    """The student of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in PLACES:
        raise UsageError(f"there is no student {name!r}", hint=f"there are {', '.join(PLACES)}")
    module, kind = PLACES[name]
    found: type[Student] = getattr(import_module(f"uncollapse.collapse.contest.{module}"), kind)
    return found()
