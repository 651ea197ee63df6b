"""The page of a comparison: a plot for each measure with theory over simulation, and which collapse holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from uncollapse.collapse.definitions import DEFINITIONS, Verdict, kind_of_collapse, sentence, verdicts
from uncollapse.collapse.laboratory import Laboratory
from uncollapse.collapse.results import INTERVAL, Comparison, along
from uncollapse.collapse.side_by_side import measures_together
from uncollapse.collapse.summary import NEAR, Agreement, agreements, met
from uncollapse.report import NONE, Assets, Axes, Band, Figure, Page, Points, Section, Table, lines, page
from uncollapse.report.rendering import asset
from uncollapse.version import __version__

MOST_POINTS = 25  # of theory on a plot, so that they can be told apart


def comparison_page(comparison: Comparison, laboratory: Laboratory, *, first: Sequence[Section] = ()) -> str:
    """The page as HTML; `first` are sections of its own that come before the plots."""
    held = agreements(comparison)
    sections = [*measures_together(comparison, laboratory)]
    sections += [_plot(comparison, laboratory, measure) for measure in laboratory.measures]
    return page(
        Page(
            verb=f"collapse {laboratory.name}",
            title=f"What {comparison.parts[0].generations} generations do to the law",
            answer=answer(comparison, laboratory),
            figures=_figures(comparison, held),
            sections=[*first, _definitions(comparison, laboratory), *sections, _forms(held)],
            assets=Assets(style=asset("uncollapse.collapse", "tables.css")),
            provenance=_provenance(comparison.settings),
        )
    )


def _figures(comparison: Comparison, held: Sequence[Agreement]) -> list[Figure]:
    first = comparison.parts[0]
    judged = [each for each in held if each.judged]
    inside = sum(each.inside for each in judged)
    return [
        Figure(f"{first.seeds:,}", "seeds", f"{first.generations:,} generations each"),
        Figure(f"{inside} of {len(judged)}", "closed forms met", f"within {NEAR:g} standard errors at the end"),
    ]


def _plot(comparison: Comparison, laboratory: Laboratory, measure: str) -> Section:
    x = along(comparison.parts[0].generations)
    bands, points, means = [], [], []
    for number, part in enumerate(comparison):
        low, middle, high = (row[x].tolist() for row in part.quantiles(measure))
        bands.append(Band(part.regime, middle, low, high))
        for curve in part.curves:
            if curve.measure == measure:
                if curve.statistic in ("mean", "leading order"):
                    means.append(Points("mean over seeds", number, x, part[measure][x].mean(axis=1).tolist()))
                there = [place for place in x if curve.start <= place < curve.start + len(curve.values)]
                at = there[:: max(1, -(-len(there) // MOST_POINTS))]
                name = f"theory: {curve.statistic} over seeds"
                points.append(Points(name, number, at, [float(curve.values[place - curve.start]) for place in at]))
    axes = Axes(
        name=f"plot-{measure.replace('_', '-')}",
        title=laboratory.measures[measure][0].upper() + laboratory.measures[measure][1:],
        reading=f"The line is the median over seeds; the band holds {100 * (INTERVAL[1] - INTERVAL[0]):.0f} % of them.",
        x="generation",
        y=measure,
    )
    chart = lines(x, bands=bands, axes=axes, points=points, thin=means)
    return Section(f"measure-{measure.replace('_', '-')}", measure, _moral(comparison, measure), chart.markup())


def answer(comparison: Comparison, laboratory: Laboratory) -> str:
    """Which collapse holds under which regimes, in words."""
    groups: dict[str, list[str]] = {}
    for part in comparison:
        groups.setdefault(kind_of_collapse(part, laboratory), []).append(part.regime)
    return " ".join(f"{_first_up(kind)}: {', '.join(regimes)}." for kind, regimes in groups.items())


def _moral(comparison: Comparison, measure: str) -> str:
    medians = {part.regime: part.quantiles(measure, (0.5,))[0] for part in comparison}
    said = [f"{regime} goes from {path[0]:.4g} to {path[-1]:.4g}" for regime, path in medians.items()]
    return f"Median over seeds: {'; '.join(said)}."


def _definitions(comparison: Comparison, laboratory: Laboratory) -> Section:
    found = [(part.regime, verdicts(part, laboratory)) for part in comparison]
    table = Table(
        caption="Definitions of collapse, at the last generation",
        columns=("regime", *DEFINITIONS),
        rows=[(regime, *(_shown(held[name]) for name in DEFINITIONS)) for regime, held in found],
    )
    terms = Table(
        caption="What each definition means here",
        columns=("definition", "holds when"),
        rows=list(DEFINITIONS.items()),
    )
    sentences = [sentence(part, laboratory) for part in comparison]
    yes = [
        f"{regime}: {', '.join(name for name in held if held[name] is Verdict.YES) or 'none'}" for regime, held in found
    ]
    return Section(
        "definitions",
        "Which definition of collapse holds",
        f"Of the eight definitions in use these hold. {'; '.join(yes)}.",
        table.markup() + Markup("<p>{}.</p>").format("; ".join(sentences)) + terms.markup(),
    )


def _shown(verdict: Verdict) -> str:
    return NONE if verdict is Verdict.UNKNOWN else verdict.value


def _forms(held: Sequence[Agreement]) -> Section:
    rows = [
        (
            f"{each.regime}, {each.measure}",
            each.curve.form.name,
            f"{each.theory:.5g}",
            f"{each.simulated:.5g} ± {each.error:.2g}",
            f"{each.z:+.1f}" if each.judged else each.unjudged,
            each.curve.form.statement,
            f"{each.curve.form.source} ({each.curve.form.standing.value})",
        )
        for each in held
    ]
    columns = ("where", "form", "theory", "simulated", "z", "statement", "source and standing")
    table = Table(caption="Theory against simulation at the last generation", columns=columns, rows=rows)
    said = met(held)[:1].upper() + met(held)[1:] + "."
    return Section("theory", "Theory and simulation", said, table.markup() if held else Markup())


def _provenance(settings: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    regimes = {str(place): _told(each) for place, each in enumerate(settings["regimes"], start=1)}
    run = {name: str(settings[name]) for name in ("generations", "seeds", "seed")}
    own = {name: str(value) for name, value in settings["laboratory"].items()}
    return {"Laboratory": own, "Regimes": regimes, "Run": run, "Made by": {"uncollapse": __version__}}


def _told(each: Mapping[str, Any]) -> str:
    return " ".join([str(each["name"]), *(f"{name}={value}" for name, value in each.items() if name != "name")])


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]
