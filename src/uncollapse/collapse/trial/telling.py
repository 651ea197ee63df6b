"""The tables of a trial in words and digits, for page, Markdown and terminal alike."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import NamedTuple

from uncollapse.collapse.trial.arms import NONE
from uncollapse.collapse.trial.edits import Edited
from uncollapse.collapse.trial.results import Compared, Found, Trained, sentence
from uncollapse.collapse.trial.run import Kind, Trial
from uncollapse.collapse.trial.settings import OBJECTIVES
from uncollapse.collapse.trial.text import LeftOut
from uncollapse.report import NONE as DASH
from uncollapse.report import share
from uncollapse.report.numerals import Number

KINDS = {"plain": "the texts", "pairs": "the answers"}


class Grid(NamedTuple):
    """A table: what it shows, its columns, and rows whose first cell names the row."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def edits_grid(name: str, kind: Kind, edits: Mapping[str, Edited]) -> Grid:
    """What the edits of each arm came to, in the prior's tokens."""
    rows = []
    for arm, each in edits.items():
        flagged = DASH if each.flagged is None else _of(each.flagged, each.read)
        expected = DASH if each.expected is None else _of(each.expected, each.read)
        documents = f"{each.documents_changed:,} of {len(kind.sides.training):,}"
        rows.append((arm, f"{each.read:,}", flagged, expected, _of(each.changed, each.read), documents))
    columns = ("arm", "tokens of the prior", "flagged", "expected to change", "changed", "documents changed")
    return Grid(f"What was changed in {KINDS[name]}", columns, rows)


def _of(part: Number, whole: int) -> str:
    shown = f"{part:,.1f}" if isinstance(part, float) else f"{part:,}"
    return f"{shown} ({share(part, whole)})"


def results_grid(found: Found, objective: str) -> Grid:
    """The arms of an objective beside text as it is."""
    rows = []
    for each in found.arms(objective):
        compared = found.difference(objective, each.arm)
        bits = found.difference(objective, each.arm, "bits_per_byte")
        tail = found.difference(objective, each.arm, "tail_perplexity")
        rows.append(
            (
                each.arm,
                f"{each.texts:,}",
                f"{each.learned:,} ({each.epochs:.2f})",
                digits(each.mean("perplexity")),
                *((DASH,) * 6 if each.arm == NONE else _beside(compared, bits, tail, found, objective)),
            )
        )
    columns = (
        "arm",
        "texts",
        "tokens learned (epochs)",
        "perplexity",
        "difference [95 %]",
        "of no edit",
        "smallest to be seen",
        "Holm's p",
        "bits/byte",
        "tail perplexity",
    )
    seeds = len(found.arms(objective)[0].values["perplexity"])
    what = OBJECTIVES[objective].what  # type: ignore[index]
    return Grid(f"{what[:1].upper()}{what[1:]}, {seeds} {'seeds' if seeds > 1 else 'seed'}", columns, rows)


def _beside(
    compared: Compared | None, bits: Compared | None, tail: Compared | None, found: Found, objective: str
) -> tuple[str, ...]:
    if compared is None:
        return (DASH,) * 6
    plain = next(each for each in found.arms(objective) if each.arm == NONE).mean("perplexity")
    each = compared.difference
    return (
        interval(compared),
        f"{100 * each.value / plain:+.2f} %",
        f"{digits(each.smallest)} ({100 * each.smallest / plain:.2f} %)",
        DASH if compared.holm is None else probability(compared.holm),
        DASH if bits is None else interval(bits),
        DASH if tail is None else interval(tail),
    )


def beside_grid(found: Found) -> Grid | None:
    """The edited arm that changed most beside the controls that mirror it; None where they did not take part."""
    rows = [
        (
            f"{each.objective}: {each.difference.arm} against {each.beside}",
            interval(each),
            digits(each.difference.smallest),
            DASH if each.holm is None else probability(each.holm),
        )
        for each in found.compared
        if each.beside != NONE and each.difference.measure == "perplexity"
    ]
    columns = ("", "difference in perplexity [95 %]", "smallest to be seen", "Holm's p")
    return Grid("The edited arm beside the controls that mirror it", columns, rows) if rows else None


def tasks_grid(found: Found) -> Grid | None:
    """Shares of questions answered rightly; None where none were asked."""
    tasks = [name for name in found.trained[0].values if name not in {"perplexity", "bits_per_byte", "tail_perplexity"}]
    rows = [(f"{each.objective}: {each.arm}", *(_task(found, each, task) for task in tasks)) for each in found.trained]
    return Grid("Questions answered rightly, and the difference to no edit", ("", *tasks), rows) if tasks else None


def _task(found: Found, each: Trained, task: str) -> str:
    compared = found.difference(each.objective, each.arm, task)
    mean = f"{100 * each.mean(task):.1f} %"
    if compared is None:
        return mean
    low, high = (100 * bound for bound in (compared.difference.low, compared.difference.high))
    return f"{mean}; {100 * compared.difference.value:+.1f} [{low:+.1f}, {high:+.1f}]"


def interval(compared: Compared) -> str:
    """A difference with its interval, where it has one."""
    value, low, high = (compared.difference.value, compared.difference.low, compared.difference.high)
    shown = signed(value)
    return f"{shown} [{signed(low)}, {signed(high)}]" if isfinite(low) else shown


def signed(value: float) -> str:
    """A difference with three digits."""
    return f"{value:+.3g}" if abs(value) < 1000 else f"{value:+,.0f}"


def digits(value: float) -> str:
    """A number with four digits."""
    return DASH if not isfinite(value) else f"{value:#.4g}".rstrip(".") if abs(value) < 1000 else f"{value:,.0f}"


def probability(value: float) -> str:
    """A p-value."""
    return DASH if not isfinite(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def unchanged_lines(edits: Mapping[str, Mapping[str, Edited]]) -> list[str]:
    """A warning for each arm whose edit changed nothing, so that it learns from the texts of no edit."""
    return [
        f"warning: {arm} changed nothing in {KINDS[name]}: it learns from the text of no edit, and no"
        " difference to that is the edit's"
        for name, by_arm in edits.items()
        for arm, each in by_arm.items()
        if not each.changed
    ]


def left_out_lines(trial: Trial, broken: int) -> list[str]:
    """What took part and what did not, and why."""
    lines = []
    for name, kind in trial.kinds.items():
        lines.append(
            f"{KINDS[name]}: {len(kind.sides.training):,} learned from, {len(kind.sides.held_out):,} set aside, and"
            f" {min(trial.settings.held_out, len(kind.sides.held_out)):,} of these measured by"
            + (f"; half synthetic: {kind.half[0]:,} human and {kind.half[1]:,} model-written" if kind.half else "")
        )
        lines += [_left_out(f"{KINDS[name]}, {whose}", out) for whose, out in kind.left_out.items()]
    if trial.base_left_out is not None:
        lines.append(f"the base models: {len(trial.base):,} texts")
        lines.append(_left_out("the base models", trial.base_left_out))
    return [*lines, f"rows that cannot be read: {broken:,}"] if broken else lines


def _left_out(what: str, out: LeftOut) -> str:
    also = f" {out.human:,} given as human too," if out.human else ""
    return (
        f"{what}, left out: {out.empty:,} empty, {out.copies:,} copies, {out.near_copies:,} near copies,{also}"
        f" {out.near:,} too near to held-out text, {out.spare:,} not needed"
    )


def grids(found: Found, kinds: Mapping[str, Kind], edits: Mapping[str, Mapping[str, Edited]]) -> list[Grid]:
    """All tables of a trial."""
    made = [edits_grid(name, kind, edits[name]) for name, kind in kinds.items() if edits[name]]
    made += [results_grid(found, objective) for objective in found.objectives]
    return [*made, *(grid for grid in (beside_grid(found), tasks_grid(found)) if grid is not None)]


def markdown(found: Found, made: Sequence[Grid], left_out: Sequence[str]) -> str:
    """The tables and the sentence under them as Markdown."""
    parts = []
    for grid in made:
        head = "| " + " | ".join(grid.columns) + " |\n|" + "---|" * len(grid.columns)
        body = "\n".join("| " + " | ".join(row) + " |" for row in grid.rows)
        parts.append(f"**{grid.caption}**\n\n{head}\n{body}")
    parts.append("**" + sentence(found) + "**")
    parts.append("\n".join(f"- {line}" for line in left_out))
    return "\n\n".join(parts) + "\n"
