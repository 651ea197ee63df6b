"""What `collapse LAB` does once it is known what is asked: run, write, say."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from uncollapse.cli.collapse_options import LABORATORY_OPTIONS, REGIME_OPTIONS
from uncollapse.cli.pace import Pace, Steps
from uncollapse.collapse.experiment import Experiment, experiment
from uncollapse.collapse.laboratory import laboratory
from uncollapse.collapse.output import PAGE_FILE, gathered, gathered_into, write, write_theory, write_told
from uncollapse.collapse.regimes import REGIMES, Regime, regime
from uncollapse.collapse.results import concatenated, theory_table
from uncollapse.collapse.summary import Seeds, summary
from uncollapse.collapse.theory import Curve
from uncollapse.errors import UsageError

INTERRUPTED = 130


def perform(name: str, given: Mapping[str, Any]) -> int:
    """The exit code: 0, or 130 where it was interrupted; what was finished by then is kept."""
    asked = planned(name, given)
    output: Path | None = given.get("output")
    if output is None:
        done = gathered(asked.chunks(), kept=Pace(asked.seeds))
    else:
        done = gathered_into(output, asked.chunks(), kept=Pace(asked.seeds))
    comparison, seeds = concatenated(done.parts), Seeds(asked.seeds, done.seeds)
    if output is None:
        told = summary(comparison, asked.laboratory, seeds=seeds)
    else:
        told = write_told(comparison, output, laboratory=asked.laboratory, seeds=seeds)
    if done.stopped:
        sys.stderr.write(f"stopped: {done.seeds:,} of {asked.seeds:,} seeds are finished and kept\n")
    if given.get("as_json"):
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        _say(told, output)
    return INTERRUPTED if done.stopped else 0


def tell_theory(name: str, given: Mapping[str, Any]) -> int:
    """The exit code; the closed forms are printed, and written where an output is named."""
    from rich.console import Console
    from rich.table import Table

    asked = planned(name, given)
    curves = [(kind.label, curve) for kind in asked.regimes for curve in _curves(asked, kind)]
    if not curves:
        raise UsageError(
            f"no closed form is known for {', '.join(kind.label for kind in asked.regimes)} with these settings",
            hint=f"uncollapse collapse {name} simulates it",
        )
    if given.get("output") is not None:
        write_theory(name, curves, given["output"])
    if given.get("as_json"):
        rows = [row for label, curve in curves for row in theory_table(name, label, [curve]).to_pylist()]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return 0
    table = Table(box=None, pad_edge=False)
    table.add_column("generation", justify="right")
    for label, curve in curves:
        table.add_column(
            f"{label}\n{curve.measure}\n{curve.form.name}\n{curve.statistic}", justify="right", overflow="fold"
        )
    for generation in shown(asked.generations):
        places = [(curve, generation - curve.start) for _, curve in curves]
        cells = [f"{curve.values[at]:.5g}" if 0 <= at < len(curve.values) else "" for curve, at in places]
        table.add_row(str(generation), *cells)
    console = Console()
    console.print(table)
    for form in {curve.form.name: curve.form for _, curve in curves}.values():
        console.print(
            f"{form.name}: {form.statement}. {form.source} ({form.standing.value})", soft_wrap=True, markup=False
        )
    return 0


def _curves(asked: Experiment, kind: Regime) -> Sequence[Curve]:
    return asked.laboratory.theory(kind, generations=asked.generations)


def shown(generations: int) -> list[int]:
    """The generations that a table shows: all of a few, else the first ones and then some twenty in even steps."""
    if generations <= 24:
        return list(range(generations + 1))
    step = -(-generations // 20)
    return sorted({0, 1, 2, 5, *range(0, generations + 1, step), generations})


def tell_sources(name: str, given: Mapping[str, Any]) -> int:
    """The exit code; the loop with all sources of error and without each is run, printed and written."""
    from uncollapse.collapse.sources import apart, section, shares

    usual: dict[str, Any] = {"peaks": 1.5, "steps": 6, "precision": "bfloat16"}
    given = usual | {option: value for option, value in given.items() if value is not None}
    asked = planned(name, given)
    if len(asked.regimes) != 1:
        raise UsageError("sources takes one regime", hint="--regime replace")
    if asked.seeds < 2:
        raise UsageError("one seed does not say how sure a share is", hint="--seeds 100")
    run = {each: getattr(asked, each) for each in ("generations", "seeds", "seed")}
    with Steps("sources of error apart") as reached:
        comparison = apart(asked.laboratory, asked.regimes[0], reached=reached, **run)  # type: ignore[arg-type]
    output: Path | None = given.get("output")
    if output is None:
        told = summary(comparison, asked.laboratory, seeds=Seeds(asked.seeds, asked.seeds))
    else:
        first = [section(comparison)]
        told = write(comparison, output, laboratory=asked.laboratory, first=first)
    found = {source: each._asdict() for source, each in shares(comparison).items()}
    if given.get("as_json"):
        sys.stdout.write(json.dumps(told | {"sources": found}, indent=2) + "\n")
        return 0
    _say(told, output)
    for source, each in found.items():
        interval = f"[{each['low']:.1%}, {each['high']:.1%}]"
        sys.stdout.write(f"without the {source} error: {each['value']:.1%} of the distance goes {interval}\n")
    return 0


def planned(name: str, given: Mapping[str, Any]) -> Experiment:
    """The experiment that these options describe.

    Raises:
        UsageError: a value that cannot be, or an option that none of the regimes asked for has.
    """
    own = settings_of(given)
    run = {each: given[each] for each in ("generations", "seeds", "seed") if given.get(each) is not None}
    kinds = regimes_of(given)
    built = laboratory(name, **own)
    return experiment(built, kinds, **{**type(built).usual, **run})


def settings_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The laboratory's settings as it takes them: a file of counts is read, `inf` samples mean no sampling error."""
    own = {each: given[each] for each in LABORATORY_OPTIONS if given.get(each) is not None}
    if "counts" in own:
        from uncollapse.collapse.discrete import read_counts

        own |= {"law": "counts", "counts": read_counts(own["counts"])}
    if "eigenvalues" in own:
        from uncollapse.collapse.discrete import read_counts

        own["eigenvalues"] = read_counts(own["eigenvalues"])
        own.setdefault("dimension", len(own["eigenvalues"]))
    if own.get("samples") == "inf":
        own["sampling"] = False
        del own["samples"]
    return own


def regimes_of(given: Mapping[str, Any]) -> list[Regime]:
    """The regimes that are asked for, each with those of the options that it has.

    Raises:
        UsageError: an unknown regime, one named twice, or an option that would be ignored.
    """
    asked = given.get("regime")
    names = [name.strip() for name in ("replace" if asked is None else asked).split(",")]
    if "" in names or len(set(names)) < len(names):
        raise UsageError(
            f"--regime {asked!r}: each regime once, with commas between them", hint=f"there are {', '.join(REGIMES)}"
        )
    settings = {each: _value(each, given[each]) for each in REGIME_OPTIONS if given.get(each) is not None}
    known = {name: set(REGIMES[name].model_fields) for name in names if name in REGIMES}
    for each in settings:
        if not any(each in fields for fields in known.values()):
            wanted = ", ".join(name for name, kind in REGIMES.items() if each in kind.model_fields)
            raise UsageError(f"--{each} has no meaning for {', '.join(names)}", hint=f"it is for {wanted}")
    return [
        regime(name, **{each: value for each, value in settings.items() if each in known.get(name, ())})
        for name in names
    ]


def _value(name: str, given: Any) -> Any:
    if name not in {"alpha", "beta", "gamma"}:
        return given
    try:
        return tuple(float(part) for part in given.split(","))
    except ValueError as error:
        raise UsageError(f"--{name} {given} is not numbers", hint=f"--{name} 0.5, or --{name} 0.5,0.25") from error


def _say(told: Mapping[str, Any], output: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    regimes: Sequence[Mapping[str, Any]] = told["regimes"]
    table = Table(title="median over seeds at the last generation", title_justify="left", box=None, pad_edge=False)
    table.add_column("measure")
    for each in regimes:
        table.add_column(each["regime"], justify="right")
    for measure in regimes[0]["last"]:
        table.add_row(measure, *(_interval(each["last"][measure]) for each in regimes))
    console.print(table)
    for each in regimes:
        console.print(each["sentence"], soft_wrap=True)
    console.print(told["agreement"], soft_wrap=True)
    if output is not None:
        console.print(f"page: {output / PAGE_FILE}", soft_wrap=True)


def _interval(value: Mapping[str, float | None]) -> str:
    middle, low, high = (value[name] for name in ("median", "low", "high"))
    shown = ["inf" if each is None else f"{each:.4g}" for each in (middle, low, high)]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"
