"""What a trial found: each arm beside text as it is, with intervals, and the sentence that follows from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy import ndarray

from uncollapse.collapse.trial.arms import DELETE, EDITED, HALF, MIRRORED, NONE, RANDOM
from uncollapse.collapse.trial.pieces import HELD_OUT
from uncollapse.collapse.trial.settings import OBJECTIVES
from uncollapse.errors import UncollapseError
from uncollapse.evaluation.measures import MEASURES
from uncollapse.evaluation.paired import COLUMNS, Difference, accuracy_difference, differences

MEASURED = ("perplexity", "bits_per_byte", "tail_perplexity")
RANKED = "perplexity"  # the measure that the sentence is about
NEAR = 0.01  # of the tokens learned, which arms may differ by
LEVEL = 0.05  # of all comparisons together, by Holm
BESIDE = ((MIRRORED, RANDOM), (MIRRORED, DELETE))  # compared with one another, besides with text as it is


class Trained(NamedTuple):
    """An arm under an objective: texts it learned from; tokens, epochs and values of each measure by seed."""

    objective: str
    arm: str
    texts: int
    tokens: Mapping[int, int]
    passes: Mapping[int, float]
    values: Mapping[str, Mapping[int, float]]

    @property
    def learned(self) -> int:
        """The mean of the tokens over seeds."""
        return round(np.mean(list(self.tokens.values())))

    @property
    def epochs(self) -> float:
        """The mean of the epochs over seeds."""
        return float(np.mean(list(self.passes.values())))

    def mean(self, measure: str) -> float:
        """The mean over seeds."""
        return float(np.mean(list(self.values[measure].values())))


class Compared(NamedTuple):
    """An arm beside another under an objective in one measure; `holm` is its p-value among all of the ranked one."""

    objective: str
    beside: str
    difference: Difference
    holm: float | None = None

    @property
    def told(self) -> bool:
        """Whether the interval leaves no difference out."""
        return self.difference.low > 0 or self.difference.high < 0

    @property
    def sure(self) -> bool:
        """Whether that is so among all comparisons together."""
        return self.holm is not None and self.holm < LEVEL

    @property
    def way(self) -> str:
        """Which way it goes, for whoever wants less surprise."""
        return "higher" if self.difference.value > 0 else "lower"


@dataclass(frozen=True)
class Found:
    """All that a trial found."""

    trained: Sequence[Trained]
    compared: Sequence[Compared]

    @classmethod
    def of(cls, table: pa.Table) -> "Found":
        """What follows from the results of all pieces."""
        trained: list[Trained] = []
        compared: list[Compared] = []
        for objective in [name for name in OBJECTIVES if name in table.column("objective").unique().to_pylist()]:
            own = table.filter(pc.equal(table.column("objective"), objective))
            trained += _trained(own, objective)
            compared += _compared(own, objective)
        return cls(trained, _with_holm(compared))

    @property
    def objectives(self) -> list[str]:
        """The objectives, in their order."""
        return list(dict.fromkeys(each.objective for each in self.trained))

    def arms(self, objective: str) -> list[Trained]:
        """The arms of an objective."""
        return [each for each in self.trained if each.objective == objective]

    def difference(self, objective: str, arm: str, measure: str = RANKED, *, beside: str = NONE) -> Compared | None:
        """The comparison of an arm with another, if both took part."""
        for each in self.compared:
            found = each.difference
            if (each.objective, found.arm, found.measure, each.beside) == (objective, arm, measure, beside):
                return each
        return None

    @property
    def comparisons(self) -> int:
        """How many comparisons there are on the ranked measure."""
        return sum(each.holm is not None for each in self.compared)


def sums_of(table: pa.Table, arm: str, file: str, columns: Sequence[str]) -> dict[str, ndarray]:
    """For each seed of an arm the sums of each document, in the order of documents."""
    own = table.filter(pc.and_(pc.equal(table.column("arm"), arm), pc.equal(table.column("file"), file)))
    found = {}
    for seed in sorted(own.column("seed").unique().to_pylist()):
        rows = own.filter(pc.equal(own.column("seed"), seed)).sort_by("document")
        found[str(seed)] = np.stack([rows.column(name).to_numpy() for name in columns], axis=1)
    return found


def _trained(table: pa.Table, objective: str) -> list[Trained]:
    found = []
    for arm in table.column("arm").unique().to_pylist():
        own = table.filter(pc.equal(table.column("arm"), arm))
        values = {name: _values(own, arm, name) for name in MEASURED}
        for task in (name for name in own.column("file").unique().to_pylist() if name != HELD_OUT):
            rights = sums_of(own, arm, task, ["right"])
            values[task] = {int(seed): float(each.mean()) for seed, each in rights.items()}
        same = own.group_by(["seed", "texts", "learned", "epochs"]).aggregate([]).sort_by("seed").to_pylist()
        tokens = {row["seed"]: row["learned"] for row in same}
        passes = {row["seed"]: row["epochs"] for row in same}
        found.append(Trained(objective, arm, same[0]["texts"], tokens, passes, values))
    return found


def _values(table: pa.Table, arm: str, measure: str) -> dict[int, float]:
    sums = sums_of(table, arm, HELD_OUT, COLUMNS)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {int(seed): float(MEASURES[measure](each.sum(axis=0)[None])[0]) for seed, each in sums.items()}


def _compared(table: pa.Table, objective: str) -> list[Compared]:
    arms = table.column("arm").unique().to_pylist()
    pairs = [(arm, NONE) for arm in arms if arm != NONE]
    pairs += [(arm, beside) for arm, beside in BESIDE if arm in arms and beside in arms]
    found = []
    for arm, beside in pairs:
        sides = [sums_of(table, each, HELD_OUT, COLUMNS) for each in (arm, beside)]
        own = differences(sides[0], sides[1], names=(arm, HELD_OUT))
        for task in (name for name in table.column("file").unique().to_pylist() if name != HELD_OUT):
            rights = [sums_of(table, each, task, ["right"]) for each in (arm, beside)]
            own.append(accuracy_difference(rights[0], rights[1], names=(arm, task))._replace(measure=task))
        found += [Compared(objective, beside, each) for each in own if each.measure != "tail_bits_per_byte"]
    return found


def _with_holm(compared: Sequence[Compared]) -> list[Compared]:
    ranked = [at for at, each in enumerate(compared) if each.difference.measure == RANKED]
    adjusted = dict(zip(ranked, holm([compared[at].difference.p for at in ranked]), strict=True))
    return [each._replace(holm=adjusted.get(at)) for at, each in enumerate(compared)]


def holm(values: Sequence[float]) -> list[float]:
    """Each p-value adjusted for all of them; NaN counts, and stays what it is.

    Source: Holm 1979.
    """
    order = sorted(range(len(values)), key=lambda at: (isnan(values[at]), values[at]))
    adjusted = [0.0] * len(values)
    highest = 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min((len(values) - rank) * values[at], 1.0)) if not isnan(values[at]) else float("nan")
        adjusted[at] = highest
    return adjusted


def check_equal(found: Found, *, batch_tokens: int) -> None:
    """Nothing; for each seed all arms of an objective have learned from as many tokens, to within a step or 1 %.

    Rows are whole, and how many tokens of a row are predicted differs, so no closer is to be had.

    Raises:
        UncollapseError: they have not.
    """
    for objective in found.objectives:
        arms = found.arms(objective)
        for seed in sorted({seed for each in arms for seed in each.tokens}):
            learned = [each.tokens[seed] for each in arms if seed in each.tokens]
            if max(learned) - min(learned) > max(batch_tokens, NEAR * max(learned)):
                raise UncollapseError(
                    f"{objective}, seed {seed}: the arms have not learned from as many tokens: {learned}", hint=""
                )


def answer(found: Found) -> str:
    """The whole in one line: which edited arms are told apart among all comparisons, and how often the positive control
    is worse.
    """
    apart = [
        f"{each.difference.arm} is {each.way} ({each.objective})"
        for each in found.compared
        if each.holm is not None and each.beside == NONE and each.difference.arm in EDITED and each.sure
    ]
    seen, controls = controls_seen(found)
    begin = "In perplexity " + (", ".join(apart) if apart else "no edited arm is told apart from no edit")
    if not controls:
        return f"{begin}; there is no positive control."
    return f"{begin}; the positive control is higher on {seen} of {controls} objectives."


def controls_seen(found: Found) -> tuple[int, int]:
    """On how many objectives the positive control is higher, as it should be, by Holm; and on how many there is one."""
    halves = [each for each in (found.difference(name, HALF) for name in found.objectives) if each is not None]
    return sum(each.sure and each.way == "higher" for each in halves), len(halves)


def sentence(found: Found) -> str:
    """What the intervals say of all objectives, edited arms first, then controls."""
    said = " ".join(sentence_of(found, objective) for objective in found.objectives)
    return said + " " + multiplicity(found)


def sentence_of(found: Found, objective: str) -> str:
    """What the intervals say of one objective; told apart is what stands Holm's correction."""
    beside = {each.arm: found.difference(objective, each.arm) for each in found.arms(objective) if each.arm != NONE}
    known = {arm: each for arm, each in beside.items() if each is not None}
    if any(isnan(each.difference.low) for each in known.values()):
        return f"{_name(objective)}: there is no interval, as one document says nothing of others."
    parts = [_edited(known), *_controls(known), _positive(known)]
    return f"{_name(objective)}: " + "; ".join(part for part in parts if part) + "."


def _name(objective: str) -> str:
    return {"scratch": "From scratch", "continual": "Continual", "instruct": "Instruction"}[objective]


def _edited(known: Mapping[str, Compared]) -> str:
    there = [arm for arm in EDITED if arm in known]
    apart = [arm for arm in there if known[arm].sure]
    if not there:
        return ""
    if not apart:
        none = "no edited arm is" if len(there) > 1 else f"{there[0]} is not"
        return f"{none} told apart from no edit"
    said = ", ".join(_told(arm, known[arm]) for arm in apart)
    rest = [arm for arm in there if arm not in apart]
    return said + (f", and {' and '.join(rest)} not told apart from no edit" if rest else "")


def _controls(known: Mapping[str, Compared]) -> list[str]:
    there = [arm for arm in (RANDOM, DELETE) if arm in known]
    said = [_told(arm, known[arm]) for arm in there if known[arm].sure]
    quiet = [arm for arm in there if not known[arm].sure]
    if quiet:
        said.append(f"{' and '.join(quiet)} {'is' if len(quiet) == 1 else 'are'} not told apart from it")
    return said


def _positive(known: Mapping[str, Compared]) -> str:
    if HALF not in known:
        return "there is no positive control, so that nothing says what this trial could have seen"
    if known[HALF].sure and known[HALF].way == "lower":
        said = _told(HALF, known[HALF])
        return f"the positive control is told apart the wrong way round: {said}, so that this says little of text"
    if known[HALF].sure:
        return "the positive control is told apart: " + _told(HALF, known[HALF])
    others = [arm for arm in known if known[arm].sure]
    if others:
        said = f"{' and '.join(others)} {'is' if len(others) == 1 else 'are'}"
        return f"the positive control is not told apart, though {said}: of half of the text this trial says nothing"
    return "the positive control is not told apart either, so that this trial could not have seen half of the text go"


def _told(arm: str, found: Compared) -> str:
    each = found.difference
    return f"{arm} is {found.way} by {abs(each.value):.3g} [{each.low:+.3g}, {each.high:+.3g}]"


def multiplicity(found: Found) -> str:
    """How many intervals leave zero out, how many would by chance, and which do not stand the number of them."""
    ranked = [each for each in found.compared if each.holm is not None]
    told = [each for each in ranked if each.told]
    lost = [each for each in told if not each.sure]
    begin = (
        f"Of {len(ranked)} intervals of 95 %, {LEVEL * len(ranked):.2g} would leave zero out by chance alone"
        f" and {len(told)} do"
    )
    if not told:
        return begin + "."
    if not lost:
        return begin + "; all of these stand after Holm's correction for the number."
    names = ", ".join(f"{each.difference.arm} against {each.beside} ({each.objective})" for each in lost)
    return begin + f"; after Holm's correction, by which it is judged here, these are not told apart: {names}."


def as_json(found: Found) -> dict[str, Any]:
    """What `trial.json` holds of it."""
    return {
        objective: {
            "what": OBJECTIVES[objective].what,  # type: ignore[index]
            "sentence": sentence_of(found, objective),
            "arms": {each.arm: _arm(found, each) for each in found.arms(objective)},
        }
        for objective in found.objectives
    }


def _arm(found: Found, each: Trained) -> dict[str, Any]:
    beside: dict[str, dict[str, Any]] = {}
    for one in found.compared:
        if (one.objective, one.difference.arm) == (each.objective, each.arm):
            told = {name: value for name, value in one.difference._asdict().items() if name not in {"arm", "measure"}}
            beside.setdefault(one.beside, {})[one.difference.measure] = {
                **{name: _plain(value) for name, value in told.items()},
                "told": one.difference.told,
                **({} if one.holm is None else {"holm": _plain(one.holm), "sure": one.sure}),
            }
    return {
        "texts": each.texts,
        "tokens learned": each.learned,
        "epochs": each.epochs,
        "values": {name: {str(seed): _plain(value) for seed, value in by.items()} for name, by in each.values.items()},
        "means": {name: _plain(each.mean(name)) for name in each.values},
        "against": beside,
    }


def _plain(value: Any) -> Any:
    """A number in JSON, which has none for what is not there."""
    return None if isinstance(value, float) and isnan(value) else value
