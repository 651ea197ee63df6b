"""Prompts that differ, without a model: a plan over attributes, personas, formats and passages to begin from.

What was drawn for a prompt stands beside its text in columns, so that what is written after it can be chosen and
audited by them.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from uncollapse.errors import UsageError
from uncollapse.fingerprint import Json, fingerprint
from uncollapse.generation import grid
from uncollapse.generation.grid import Axis
from uncollapse.randomness import Stream

PERSONA, FORMAT, SEED = "persona", "format", "seed"
PLACE = re.compile(r"\{([^\W\d][\w .-]*)\}")


class Passage(NamedTuple):
    """A text to begin from, and its id."""

    id: str
    text: str


class Plan(NamedTuple):
    """The prompts: texts, the numbers of the values on each axis, and of the passages (-1 where there are none)."""

    texts: list[str]
    values: Int64[ndarray, "n a"]
    passages: Int64[ndarray, "n"]


def capacity(axes: Sequence[Axis], passages: int) -> int:
    """How many prompts there are that differ."""
    return grid.size(axes) * max(1, passages)


def default_template(axes: Sequence[Axis], *, passages: bool) -> str:
    """A template that names every axis and shows the passage."""
    own = [axis.name for axis in axes if axis.name not in (PERSONA, FORMAT)]
    names = {axis.name for axis in axes}
    lines = (
        ["Write a text that is like this:", *(f"- {name}: {{{name}}}" for name in own)] if own else ["Write a text."]
    )
    lines += ["Write as this person would: {persona}"] if PERSONA in names else []
    lines += ["Give it this form: {format}"] if FORMAT in names else []
    lines += ["", "Take up what this passage is about, in words of your own:", "", "{seed}"] if passages else []
    return "\n".join(lines)


def check_template(template: str, axes: Sequence[Axis], *, passages: bool) -> None:
    """Nothing, where a template has a place for each axis, and no other places.

    Raises:
        UsageError: an axis would not show in the prompts, or a place would stay empty.
    """
    known = [*(axis.name for axis in axes), *([SEED] if passages else [])]
    places = set(PLACE.findall(template))
    for name in sorted(places - set(known)):
        raise UsageError(
            f"the template has a place {{{name}}} and nothing to put there", hint=f"there is {_all(known)}"
        )
    missing = [name for name in known if name not in places]
    if missing:
        raise UsageError(
            f"the template has no place for {_all(missing)}, so prompts that differ would read alike",
            hint="put it into the template, or leave it out of the plan",
        )


def _all(names: Collection[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


def plan(axes: Sequence[Axis], passages: Sequence[Passage], *, amount: int, template: str, seed: int) -> Plan:
    """As many prompts as are asked for, or as there are; the first ones cover much of the axes.

    Passages take turns, each as often as the others; no prompt comes twice.
    """
    check_template(template, axes, passages=bool(passages))
    stream = _stream(axes, seed)
    amount = min(amount, capacity(axes, len(passages)))
    rows = list(islice(_again(axes, stream), amount))
    turns = _turns(rows, len(passages), stream)
    texts = []
    for row, turn in zip(rows, turns, strict=True):
        values = {axis.name: axis.values[value] for axis, value in zip(axes, row, strict=True)}
        texts.append(filled(template, {**values, **({SEED: passages[turn].text} if passages else {})}))
    return Plan(texts, np.array(rows, np.int64).reshape(len(rows), len(axes)), np.array(turns, np.int64))


def covering(axes: Sequence[Axis], *, seed: int) -> int:
    """How many prompts of a plan cover every value and every pair of values."""
    return grid.covering(axes, _stream(axes, seed))


def _stream(axes: Sequence[Axis], seed: int) -> Stream:
    names: Json = [[axis.name, *axis.values] for axis in axes]
    return Stream.of(seed, fingerprint(names), "prompts")


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with its places filled; braces in the values mean nothing, and other braces stay."""
    return PLACE.sub(lambda place: values[place[1]], template)


def _again(axes: Sequence[Axis], stream: Stream) -> Iterator[tuple[int, ...]]:
    """The rows of the grid, and when all have come, once more, for other passages."""
    while True:
        yield from grid.rows_of(axes, stream) if axes else [()]


def _turns(rows: Sequence[tuple[int, ...]], passages: int, stream: Stream) -> list[int]:
    """For each row the number of a passage: all have had equally many turns, and none comes with a row again."""
    if not passages:
        return [-1] * len(rows)
    used = np.zeros(passages, np.int64)
    seen: dict[tuple[int, ...], set[int]] = {}
    order = np.argsort(stream.uniform(np.arange(passages), draw=2**31 - 1), kind="stable")
    found = []
    for start, row in enumerate(rows):
        before = seen.setdefault(row, set())
        turn = next(number for number in _least_used_first(used, order, start=start) if number not in before)
        before.add(turn)
        used[turn] += 1
        found.append(turn)
    return found


def _least_used_first(used: Int64[ndarray, "p"], order: Int64[ndarray, "p"], *, start: int) -> Iterator[int]:
    """The passage whose turn it is, then the others, those with fewest turns first."""
    turn = int(order[start % len(order)])
    if used[turn] == used.min():
        yield turn
    yield from order[np.argsort(used[order], kind="stable")].tolist()
