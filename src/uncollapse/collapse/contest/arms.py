"""What each arm makes of a generation: the text that the next model learns from. None is shown held-out text.

An arm is a name, such as `replace`, `coverage` or `coverage+human10`: what is made, and the share of human text that
takes the place of as much of it. `human10` alone is `replace+human10`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
from jaxtyping import Float64, Int64
from numpy import ndarray
from numpy.random import Generator

from uncollapse.collapse.contest.students import Lesson, Pupil, Student
from uncollapse.collapse.contest.text import OPENING, Pieces, Sides, plain
from uncollapse.document import Origin, declare
from uncollapse.errors import UsageError
from uncollapse.selection.winners import Candidates, Rules, decide

EDITED = 0.1
"""Share of the words of human text that the edit arm draws anew."""
CAP, FLOOR = Fraction(2, 5), Fraction(1, 20)
"""The largest share of one of three teachers, and the share of random rejects, of the capped arms."""
TIMES = "TIMES"
"""Stands in an arm's words for how many texts are written for each that is kept."""


@dataclass(frozen=True)
class Round:
    """What an arm has to make a generation of: human text, the generation before, the model of it, and chance."""

    sides: Sides
    before: Sequence[str]
    pupil: Pupil
    first: Pupil
    judge: Callable[[], Pupil]
    student: Student
    pieces: Pieces
    oversampled: int
    rng: Generator

    def openings(self, count: int) -> list[str]:
        """The first words of texts of the generation before, drawn with replacement."""
        chosen = self.rng.integers(len(self.before), size=count)
        return plain([self.before[at] for at in chosen.tolist()], words=OPENING)

    def written(self, count: int) -> list[str]:
        """As many texts of the model."""
        return self.pupil.write(self.openings(count), rng=self.rng)


Make: TypeAlias = Callable[[Round, int], list[str]]


class Recipe(NamedTuple):
    """How an arm's text is made: so many texts of a round; in words, with TIMES for how many are chosen from.

    `stays` says that earlier generations stay.
    """

    make: Make
    said: str
    stays: bool = False
    whole: bool = False  # all of what it gives is taken, and no human text can be put in its place


class Arm(NamedTuple):
    """An arm of the contest."""

    name: str
    recipe: Recipe
    human: Fraction = Fraction(0)

    def what(self, *, oversampled: int) -> str:
        """The arm in words, where so many times as much is written as is kept."""
        said = self.recipe.said.replace(TIMES, str(oversampled))
        return said + (f"; {float(self.human):.0%} of it human text" if self.human else "")

    def texts(self, now: Round, count: int) -> list[str]:
        """What the next model learns from."""
        human = round(self.human * count)
        chosen = now.rng.permutation(len(now.sides.training))[:human].tolist()
        return [*self.recipe.make(now, count - human), *(now.sides.training[at] for at in chosen)]


def _selected(name: str, kind: str, settings: Mapping[str, Any], now: Round, count: int) -> list[str]:
    """Texts that a selector takes out of several times as many."""
    from uncollapse.selection.choosing import Budget  # noqa: PLC0415  (only some arms need the room)

    made: type[Any] = getattr(import_module(f"uncollapse.selection.{name}"), kind)
    pool = now.written(now.oversampled * count)
    selector = made(seed=int(now.rng.integers(2**31)), **settings)
    # Only what looks at a reference is given one.
    reference = [_documents(now.sides.reference, Origin.HUMAN)] if kind in LOOKING else None
    batch = _documents(pool, Origin.SYNTHETIC)
    if SCORE in settings.values():
        batch = batch.append_column(SCORE, pa.array(-now.first.nats(pool)))
    choice = selector.choose([batch], budget=Budget(count), reference=reference)
    counts = np.asarray(choice.counts)
    assert counts.sum() == count, f"{kind} takes {counts.sum()} texts of {count}"
    return [text for text, times in zip(pool, counts.tolist(), strict=True) for _ in range(times)]


LOOKING = {"Coverage", "Importance"}
SCORE = "likelihood"
"""The column of a text's likelihood under the model of the human text, for what weighs quality."""


def _documents(texts: Sequence[str], origin: Origin) -> pa.RecordBatch:
    return pa.record_batch(declare(texts, origin=origin, source="contest"))


def _top(now: Round, count: int) -> list[str]:
    """The likeliest of several times as many, under the model of the human text."""
    pool = now.written(now.oversampled * count)
    order = np.argsort(now.first.nats(pool), kind="stable")[:count]
    return [pool[at] for at in order.tolist()]


class _Table(NamedTuple):
    group: Int64[ndarray, "n"]
    teacher: Int64[ndarray, "n"]
    score: Float64[ndarray, "n"]


def _best(now: Round, count: int, *, typical: bool) -> list[str]:
    """For each opening one of several texts: the likeliest, or that which surprises the model as much as most."""
    openings = now.openings(count)
    pool = now.pupil.write([opening for opening in openings for _ in range(now.oversampled)], rng=now.rng)
    nats = now.pupil.nats(pool)
    score = -np.abs(nats - nats.mean()) if typical else -nats
    group = np.repeat(np.arange(count), now.oversampled)
    return _winners(pool, _Table(group, np.zeros(len(pool), np.int64), score), Rules(), now.rng)


def _arbitrated(now: Round, count: int, *, typical: bool, rules: Rules) -> list[str]:
    """For each opening one text of three teachers, by what a judge of human text says of them."""
    pools = _pools(now, count)
    pool = [text for texts in pools for text in texts]
    judge = now.judge()
    nats = judge.nats(pool)
    score = -np.abs(nats - judge.nats(now.sides.training).mean()) if typical else -nats
    group = np.tile(np.arange(count), len(pools))
    teacher = np.repeat(np.arange(len(pools)), count)
    return _winners(pool, _Table(group, teacher, score), rules, now.rng)


def _of_teachers(now: Round, count: int) -> list[str]:
    """For each opening a text of one of three teachers, each as likely."""
    pools = _pools(now, count)
    return [pools[which][at] for at, which in enumerate(now.rng.integers(len(pools), size=count).tolist())]


def _pools(now: Round, count: int) -> list[list[str]]:
    """What three teachers write to the same openings."""
    openings = now.openings(count)
    seed = int(now.rng.integers(2**31))
    teachers = now.student.teachers(now.pupil, Lesson(now.before, now.sides.training, now.pieces), seed=seed)
    return [each.write(openings, rng=now.rng) for each in teachers.values()]


def _winners(pool: Sequence[str], table: _Table, rules: Rules, rng: Generator) -> list[str]:
    draw = rng.integers(2**64, size=len(pool), dtype=np.uint64)
    group = table.group.astype(np.uint64)
    found = Candidates(group, draw, table.teacher, table.score, np.zeros(len(pool), np.int64))
    return [pool[at] for at in np.flatnonzero(decide(found, rules).fate < 0).tolist()]


CAPPED = Rules(cap_teacher=CAP, random_floor=FLOOR)
RECIPES: Mapping[str, Recipe] = {
    "real": Recipe(lambda now, _: list(now.sides.training), "the human text again, each generation", whole=True),
    "reference": Recipe(lambda now, _: list(now.sides.reference), "the human reference alone", whole=True),
    "replace": Recipe(lambda now, count: now.written(count), "the model's text in place of all before (naive)"),
    "accumulate": Recipe(lambda now, count: now.written(count), "the model's text beside all before", stays=True),
    "random": Recipe(partial(_selected, "at_random", "AtRandom", {}), "a random part of TIMES times as much"),
    "top-likelihood": Recipe(_top, "the likeliest of TIMES times as much, under the model of human text"),
    "best-of-n": Recipe(partial(_best, typical=False), "for each opening the likeliest of TIMES samples"),
    "typical": Recipe(partial(_best, typical=True), "for each opening the most typical of TIMES samples"),
    "arbitrate": Recipe(
        partial(_arbitrated, typical=False, rules=Rules()),
        "for each opening one of three teachers, by likelihood under a judge of the reference",
    ),
    "arbitrate-capped": Recipe(
        partial(_arbitrated, typical=False, rules=CAPPED),
        "arbitrate with no teacher above 40 % and 5 % random rejects",
    ),
    "teachers": Recipe(_of_teachers, "for each opening one of three teachers, drawn (the control of arbitration)"),
    "arbitrate-typical": Recipe(
        partial(_arbitrated, typical=True, rules=CAPPED),
        "one of three teachers, by how near the judge's surprise is to that of human text, capped",
    ),
    "importance": Recipe(
        partial(_selected, "importance", "Importance", {}),
        "drawn from TIMES times as much by importance for the reference",
    ),
    "coverage": Recipe(
        partial(_selected, "coverage", "Coverage", {"rare_weight": 3.0}),
        "what covers the reference's words, of TIMES times as much; rare ones weigh more",
    ),
    "coverage-even": Recipe(
        partial(_selected, "coverage", "Coverage", {"rare_weight": 1.0}),
        "what covers the reference's words, of TIMES times as much; all words weigh the same",
    ),
    "rebalance": Recipe(
        partial(_selected, "rebalance", "Rebalance", {}), "drawn from the clusters of TIMES times as much, evened out"
    ),
    "cluster-quality": Recipe(
        partial(_selected, "kmeans_quality", "ClusterQuality", {"score": SCORE}),
        "of every cluster of TIMES times as much, the likelier with a greater chance",
    ),
    "edit": Recipe(
        lambda now, count: now.pupil.edit(
            [now.sides.training[at] for at in now.rng.permutation(len(now.sides.training))[:count].tolist()],
            rate=EDITED,
            rng=now.rng,
        ),
        "the human text, a tenth of its words drawn anew from the model",
    ),
}
USUAL = (
    *("real", "replace", "random", "reference", "human10", "human50", "accumulate", "edit"),
    *("importance", "coverage", "coverage-even", "top-likelihood", "importance+human10", "coverage-even+human10"),
    *("rebalance", "cluster-quality"),
    *("best-of-n", "typical", "teachers", "arbitrate", "arbitrate-capped", "arbitrate-typical"),
)
CONTROLS = ("replace", "random", "real")
_NAME = re.compile(r"(?P<base>[a-z][a-z-]*[a-z])?(?:(?(base)\+)human(?P<share>[1-9][0-9]?))?")


def arm(name: str) -> Arm:
    """The arm of this name.

    Raises:
        UsageError: there is none.
    """
    found = None if name in RECIPES else _NAME.fullmatch(name)
    base = name if name in RECIPES else (found["base"] or "replace") if found and found["share"] else ""
    if base not in RECIPES:
        raise UsageError(
            f"there is no arm {name!r}",
            hint=f"There are {', '.join(RECIPES)}; and with a share of human text human10, coverage+human10.",
        )
    share = Fraction(int(found["share"]), 100) if found and found["share"] else Fraction(0)
    if share and RECIPES[base].whole:
        raise UsageError(f"{base} is human text already", hint=f"{base}, without +human")
    return Arm(name, RECIPES[base], share)


def arms_of(names: Sequence[str]) -> list[Arm]:
    """The arms of these names, each once.

    Raises:
        UsageError: there is no such arm, or one is named twice.
    """
    if not names or len(set(names)) < len(names):
        raise UsageError("arms are named once each", hint=f"--arms {','.join(USUAL[:4])}")
    return [arm(name) for name in names]
