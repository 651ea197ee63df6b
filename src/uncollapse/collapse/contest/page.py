"""The page of a contest: who comes first, by how much, and the way there."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
from markupsafe import Markup

from uncollapse.collapse.contest.arms import CONTROLS, Arm
from uncollapse.collapse.contest.measures import MEASURES
from uncollapse.collapse.contest.ranking import SURE, Estimate, Standing, alike, geometric, mean
from uncollapse.collapse.contest.run import Row, as_values
from uncollapse.report import NONE, Assets, Axes, Band, Figure, Page, Section, Table, lines, page
from uncollapse.report.rendering import asset
from uncollapse.version import __version__

LINES = 8  # that can be told apart in one plot
BESIDE = ("real", "replace")  # in every plot
PLOTTED = ("perplexity", "rare_coverage", "jsd", "vendi")
TOY = (
    "The counted student is a toy: it knows nothing but the words that it has counted, and cannot generalise. Its "
    "order of the arms is a hint for what to try on a real model, and no more."
)
ALL_HUMAN = {"real", "reference"}


def contest_page(told: Mapping[str, Any], rows: Sequence[Row], standings: Mapping[str, Sequence[Standing]]) -> str:
    """The page as HTML; `standings` are those of each student by name."""
    sections: list[Section] = []
    for name, ranks in standings.items():
        what = told["students"][name]["what"]
        sections.append(_ranking(name, what, ranks, told["students"][name]["start"]))
        sections += _plots(name, [each.arm for each in ranks], rows)
    return page(
        Page(
            verb="contest",
            title=f"{len(next(iter(standings.values())))} ways through {told['settings']['generations']} generations",
            answer=answer(standings),
            figures=_figures(told, standings),
            sections=[*_both(standings), *sections, _what(next(iter(standings.values())), told)],
            assets=Assets(style=asset("uncollapse.collapse", "contest.css")),
            provenance=_provenance(told),
        )
    )


def answer(standings: Mapping[str, Sequence[Standing]]) -> str:
    """Who came first and last of those that learn from more than human text, and whether that is more than chance."""
    said = []
    for name, ranks in standings.items():
        fed = [each for each in ranks if each.arm.name not in ALL_HUMAN]
        who = f"the {name} student, a toy" if name == "counted" else f"the {name} student"
        if len(fed) < 2:
            continue
        first, last = fed[0], fed[-1]
        beside = "" if len(fed) == len(ranks) else ", human text alone apart"
        said.append(
            f"By {who}, {first.arm.name} stays nearest to human text and {last.arm.name} goes farthest from it"
            f"{beside}{_doubt(first)}."
        )
    return " ".join(said) or "No two arms took part that learn from other than human text alone."


def _doubt(first: Standing) -> str:
    """What an interval leaves open of the first place."""
    beside = first.against.get("replace")
    if first.arm.name == "replace" or beside is None:
        return ""
    if not isfinite(beside.low):
        return "; one seed gives no interval, so the order may be chance"
    return "; the first cannot be told from replace" if beside.low <= 1 <= beside.high else ""


def shown(estimate: Estimate, *, digits: int = 3) -> str:
    """A value with its interval, where it has one."""
    value, low, high = (_digits(part, digits) for part in estimate)
    return f"{value} ({low} to {high})" if isfinite(estimate.low) else value


def _plain(value: float | None) -> str:
    """A measure, or nothing where the text has none, as of rare words where no word is rare."""
    return NONE if value is None or not isfinite(value) else f"{value:.4g}" if value >= 100 else f"{value:.3g}"


def _digits(value: float, digits: int) -> str:
    """So many digits, with the zeros at their end."""
    return f"{value:,.0f}" if abs(value) >= 10 ** (digits - 1) else f"{value:#.{digits}g}"


def _figures(told: Mapping[str, Any], standings: Mapping[str, Sequence[Standing]]) -> list[Figure]:
    ranks = next(iter(standings.values()))
    seeds = len(told["seeds"])
    figures = [
        Figure(str(len(ranks)), "arms", f"{told['settings']['generations']} generations each"),
        Figure(str(seeds), "seeds" if seeds > 1 else "seed", "the text is parted anew for each"),
        Figure(f"{told['text']['pieces']:,}", "pieces of human text", _each(told["text"])),
    ]
    if len(standings) == 2:
        one, other = standings.values()
        figures.append(Figure(f"{alike(one, other):.2f}", "rank correlation", "of the two students' orders"))
    return figures


def _each(text: Mapping[str, Any]) -> str:
    """How long the pieces are, and how many were left out."""
    left = text["copied documents left out"], text["copied pieces left out"]
    copies = f"; {left[0]:,} documents and {left[1]:,} pieces that came before left out" if any(left) else ""
    return f"{text['words']} words each{copies}"


def _ranking(
    name: str, what: str, ranks: Sequence[Standing], begun: Mapping[str, Mapping[str, float | None]]
) -> Section:
    controls = [control for control in CONTROLS if any(control in each.against for each in ranks)]
    rows = [
        (
            f"{each.place}. {each.arm.name}",
            shown(each.last["perplexity"], digits=4),
            *(shown(each.against[control]) if control in each.against else NONE for control in controls),
        )
        for each in ranks
    ]
    rows.append(("generation 0", _plain(begun["perplexity"]["value"]), *(NONE for _ in controls)))
    columns = ("arm", "perplexity", *(f"× {control}" for control in controls))
    table = Table(caption=f"After the last generation, {name} student", columns=columns, rows=rows)
    sentence = (
        f"{what[:1].upper()}{what[1:]}. Perplexity of held-out human text, lowest first, and its ratio to each"
        f" control's at the same seeds, with {SURE:.0%} intervals over seeds; one that holds 1 says nothing."
    )
    toy = f" {TOY}" if name == "counted" else ""
    body = table.markup() + _others(name, ranks, begun).markup()
    return Section(f"ranking-{name}", f"The order, {name} student", sentence + toy, body)


def _others(name: str, ranks: Sequence[Standing], begun: Mapping[str, Mapping[str, float | None]]) -> Table:
    """The measures of the text."""
    others = [measure for measure in MEASURES if measure != "perplexity"]
    rows = [(each.arm.name, *(_plain(each.last[measure].value) for measure in others)) for each in ranks]
    rows.append(("generation 0", *(_plain(begun[measure]["value"]) for measure in others)))
    columns = ("arm", *(measure.replace("_", " ") for measure in others))
    return Table(caption=f"What the text of the last generation holds, {name} student", columns=columns, rows=rows)


def _plots(name: str, arms: Sequence[Arm], rows: Sequence[Row]) -> Iterator[Section]:
    values = as_values(rows)
    beside = [each.name for each in arms if each.name in BESIDE]
    others = [each.name for each in arms if each.name not in BESIDE]
    step = LINES - len(beside)
    groups = [[*beside, *others[at : at + step]] for at in range(0, max(len(others), 1), step)]
    for measure in PLOTTED:
        charts = [
            _chart(name, measure, number, {arm: values[name, arm, measure] for arm in group})
            for number, group in enumerate(groups)
        ]
        heading = measure.replace("_", " ")
        sentence = f"{MEASURES[measure][:1].upper()}{MEASURES[measure][1:]}."
        yield Section(
            f"{name}-{measure}".replace("_", "-"), f"{heading}, {name} student", sentence, Markup().join(charts)
        )


def _chart(name: str, measure: str, number: int, values: Mapping[str, np.ndarray]) -> Markup:
    generations = next(iter(values.values())).shape[1]
    bands = []
    for arm, found in values.items():
        middle = [(geometric if measure == "perplexity" else mean)(found[:, at]).value for at in range(generations)]
        bands.append(Band(arm, middle, found.min(axis=0).tolist(), found.max(axis=0).tolist()))
    axes = Axes(
        name=f"plot-{name}-{measure}-{number}".replace("_", "-"),
        title=f"{measure.replace('_', ' ')}: {', '.join(values)}",
        reading="The line is the mean over seeds, the band goes from the lowest seed to the highest.",
        x="generation",
        y=measure.replace("_", " "),
    )
    return lines(list(range(generations)), bands=bands, axes=axes).markup()


def _both(standings: Mapping[str, Sequence[Standing]]) -> list[Section]:
    """The two tables side by side, where there are two students."""
    if len(standings) < 2:
        return []
    names = list(standings)
    places = {name: {each.arm.name: each for each in ranks} for name, ranks in standings.items()}
    rows = [
        (
            each.arm.name,
            *(_placed(places[name][each.arm.name]) if each.arm.name in places[name] else NONE for name in names),
        )
        for each in standings[names[0]]
    ]
    table = Table(caption="Place and perplexity under each student", columns=("arm", *names), rows=rows)
    one, other = (standings[name] for name in names[:2])
    sentence = (
        "Where two kinds of model agree, the order is less likely to be a matter of the model: their rank correlation"
        f" is {alike(one, other):.2f}. Perplexities of two students cannot be compared with one another."
    )
    return [Section("both", "Both students side by side", sentence, table.markup())]


def _placed(standing: Standing) -> str:
    return f"{standing.place}. {shown(standing.last['perplexity'], digits=4)}"


def _what(ranks: Sequence[Standing], told: Mapping[str, Any]) -> Section:
    times = told["settings"]["oversampled"]
    rows = [(each.arm.name, each.arm.what(oversampled=times)) for each in ranks]
    table = Table(caption="What the next model learns from", columns=("arm", "what it is"), rows=rows)
    measures = Table(
        caption="What is measured",
        columns=("measure", "what it is"),
        rows=[(measure.replace("_", " "), what) for measure, what in MEASURES.items()],
    )
    sentence = (
        "Every generation has as many pieces as the human text that was learned from; accumulate keeps all. No model,"
        " selector or encoder is given held-out text; the counted students' list of words is that of the whole text."
    )
    return Section("arms", "The arms and the measures", sentence, table.markup() + measures.markup())


def _provenance(told: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {
        "Text": {name: str(value) for name, value in told["text"].items()},
        "Settings": {name: str(value) for name, value in told["settings"].items()},
        "Run": {"seeds": ", ".join(map(str, told["seeds"])), "students": ", ".join(told["students"])},
        "Made by": {"uncollapse": __version__},
    }
