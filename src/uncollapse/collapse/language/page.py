"""The page of a study: the curves of each arm, and its histograms as in the paper's first figure."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float64
from markupsafe import Markup
from numpy import ndarray

from uncollapse.collapse.language.arms import ARMS, REAL
from uncollapse.collapse.language.comparing import Values, against
from uncollapse.collapse.language.measures import BIN_EDGES, MEASURES
from uncollapse.collapse.language.published import CLAIMS, DIFFERS, SHOWN
from uncollapse.collapse.language.summary import (
    HOLDS,
    estimate,
    generations,
    interval,
    of_control,
    since_first,
    slope,
    slope_shown,
    values_of,
)
from uncollapse.report import NONE, Assets, Axes, Band, Figure, Page, Section, Table, lines, page
from uncollapse.report.rendering import asset
from uncollapse.version import __version__

CURVES = ("perplexity", "tail_perplexity", "block_p50", "block_p99", "types_lost", "distinct_1", "repeats", "entropy")
TABLED = ("perplexity", "bits_per_byte", "tail_perplexity", "entropy", "block_p01", "block_p50", "block_p99")
OF_TEXT = ("distinct_1", "distinct_3", "types", "types_lost", "strange_words", "repeats", "human_share")
MOST = 6
"""Generations that one plot of histograms can show apart."""


def language_page(told: Mapping[str, Any], results: pa.Table, histograms: pa.Table) -> str:
    """The page as HTML."""
    values = values_of(results)
    arms = list(told["regimes"])
    sections = [
        _answers(told, arms),
        *(_curve(values, arms, measure) for measure in CURVES),
        *(_histograms(histograms, arm) for arm in arms),
        _last(("model", "The last generation's models"), values, arms, TABLED),
        _last(("text", "What the last generation learned from"), values, arms, OF_TEXT, told["fresh human text"]),
        _definitions(told, arms),
        _paper(values, arms),
        _arms(told, arms),
    ]
    return page(
        Page(
            verb="collapse language",
            title=f"{generations(values)} of a language model",
            answer=told["answer"],
            figures=_figures(told, values, arms),
            sections=sections,
            assets=Assets(style=asset("uncollapse.collapse", "language.css")),
            provenance=_provenance(told),
        )
    )


def _figures(told: Mapping[str, Any], values: Values, arms: Sequence[str]) -> list[Figure]:
    seeds = len(told["seeds"])
    first = estimate("perplexity", values[REAL, "perplexity"][:, 0])
    shown = {True: "shown", False: "not shown", None: "no interval"}[slope_shown(slope(values[REAL, "perplexity"]))]
    return [
        Figure(str(len(arms) - 1), "regimes", "beside a control of human text"),
        Figure(str(seeds), "seeds" if seeds > 1 else "seed", f"{generations(values)} each"),
        Figure(f"{told['text']['blocks']:,}", "blocks of human text", f"{told['settings']['block']} tokens each"),
        Figure(interval(first), "perplexity of generation 0", "of held-out human text, for each token"),
        Figure(shown, "slope of the control", of_control(values)),
    ]


def _answers(told: Mapping[str, Any], arms: Sequence[str]) -> Section:
    rows = [(arm, told["regimes"][arm]["said"]) for arm in arms]
    table = Table(caption="What the intervals say", columns=("regime", "in words"), rows=rows)
    sentence = "Intervals are Student's at 95 % over seeds; ratios are taken at the same seed before they are averaged."
    return Section("words", "In words", sentence, table.markup())


def _curve(values: Values, arms: Sequence[str], measure: str) -> Section:
    generations = values[arms[0], measure].shape[1]
    bands = []
    for arm in arms:
        found = [estimate(measure, column) for column in values[arm, measure].T]
        # A single seed has no interval: the band is the line itself.
        low, high = ([each[at] if np.isfinite(each[at]) else each[0] for each in found] for at in (1, 2))
        bands.append(Band(arm, [each.value for each in found], low, high))
    axes = Axes(
        name=f"curve-{measure}".replace("_", "-"),
        title=measure.replace("_", " "),
        reading="The line is the mean over seeds, the band its 95 % interval; generation 0 is the same in every arm.",
        x="generation",
        y=measure.replace("_", " "),
    )
    chart = lines(list(range(generations)), bands=bands, axes=axes)
    what = MEASURES[measure]
    return Section(axes.name, measure.replace("_", " ").capitalize(), f"{what[:1].upper()}{what[1:]}.", chart.markup())


def _histograms(histograms: pa.Table, arm: str) -> Section:
    """The densities of each generation's blocks over the power of ten of their perplexity."""
    own = histograms.filter(pc.equal(histograms["regime"].cast(pa.string()), arm))
    generations = sorted(set(own["generation"].to_pylist()))
    bands = []
    shares = {each: _shares(own, each) for each in _shown(generations)}
    stretch = _stretch(list(shares.values()))
    for generation, found in shares.items():
        line = found[stretch].tolist()
        bands.append(Band(f"generation {generation}", line, line, line))
    middle = [(low + high) / 2 for low, high in pairwise(BIN_EDGES.tolist())][stretch]
    axes = Axes(
        name=f"histogram-{arm}",
        title=f"{arm}: perplexity of the training blocks under generation 0",
        reading="Share of blocks in each bin, all seeds together; 1 on the lower axis is a perplexity of 10, 2 of 100.",
        x="power of ten of the perplexity",
        y="share of blocks",
        holds=(0,),
    )
    sentence = (
        "What each generation learned from, judged by generation 0. The paper's two signs: mass moves to low "
        "perplexity, and the tail of high perplexity becomes longer."
    )
    chart = lines(middle, bands=bands, axes=axes)
    return Section(axes.name, f"Histograms: {arm}", sentence, chart.markup())


def _shares(own: pa.Table, generation: int) -> Float64[ndarray, "bins"]:
    rows = own.filter(pc.equal(own["generation"], generation)).to_pydict()
    counts = np.zeros(len(BIN_EDGES) - 1)
    at = np.searchsorted(10**BIN_EDGES, np.array(rows["low"]) * 1.0001) - 1
    np.add.at(counts, at, rows["blocks"])
    return counts / counts.sum()


def _shown(generations: Sequence[int]) -> list[int]:
    """The generations of a plot: all of few, else those that the paper shows, else some from first to last."""
    if len(generations) <= MOST:
        return list(generations)
    if set(SHOWN) <= set(generations) and generations[-1] == SHOWN[-1]:
        return list(SHOWN)
    return [generations[at] for at in np.linspace(0, len(generations) - 1, MOST).round().astype(int)]


def _stretch(shares: Sequence[Float64[ndarray, "bins"]]) -> slice:
    """The bins that hold something, and one on each side."""
    held = np.flatnonzero(np.sum(shares, axis=0))
    return slice(max(int(held[0]) - 1, 0), min(int(held[-1]) + 2, len(BIN_EDGES) - 1))


def _last(
    named: tuple[str, str],
    values: Values,
    arms: Sequence[str],
    measures: Sequence[str],
    fresh: Mapping[str, int | float | None] | None = None,
) -> Section:
    name, heading = named
    columns = ("regime", *(measure.replace("_", " ") for measure in measures))
    first = [interval(estimate(measure, values[REAL, measure][:, 0])) for measure in measures]
    rows = [("generation 0", *first)]
    for arm in arms:
        rows.append((arm, *(_shown_value(measure, values[arm, measure][:, -1]) for measure in measures)))
    sentence = "Means over seeds with their intervals; what each number is stands further below."
    if fresh is not None:
        known = [fresh.get(measure) for measure in measures]
        rows.append(("held-out human text", *(NONE if each is None else f"{each:.3g}" for each in known)))
        sentence += (
            f" Held-out human text is beside the blocks that are learned from, at {fresh['words']:,} words of "
            "each; the control reads these blocks again, so that it loses nothing by construction."
        )
    table = Table(caption=heading, columns=columns, rows=rows)
    return Section(f"last-{name}", heading, sentence, table.markup())


def _shown_value(measure: str, values: Float64[ndarray, "seeds"]) -> str:
    found = estimate(measure, values)
    return interval(found) if np.isfinite(found.value) else NONE


def _definitions(told: Mapping[str, Any], arms: Sequence[str]) -> Section:
    rows = [
        (name, *(told["regimes"][arm]["definitions"][name] for arm in arms), sentence)
        for name, sentence in HOLDS.items()
    ]
    table = Table(
        caption="Which definition of collapse holds", columns=("definition", *arms, "it holds where"), rows=rows
    )
    sentence = (
        "The eight definitions that Schaeffer et al. 2025 list, each after the last generation. Words are judged "
        "beside held-out human text, which lacks many of the others' words and has many of its own."
    )
    return Section("definitions", "Definitions of collapse", sentence, table.markup())


def _paper(values: Values, arms: Sequence[str]) -> Section:
    table = Table(caption="Beside the paper", columns=("what", "published", "here"), rows=published_rows(values, arms))
    what = "".join(f"<li>{each}</li>" for each in DIFFERS)
    sentence = "For orientation, and not to be met: another model, other text, another way of writing."
    return Section("paper", "Beside Shumailov et al. 2024", sentence, table.markup() + Markup(f"<ul>{what}</ul>"))  # noqa: S704  (sentences of ours)


def published_rows(values: Values, arms: Sequence[str]) -> list[tuple[str, str, str]]:
    """Each published number with ours beside it, of the arms that took part."""
    first = estimate("perplexity", values[REAL, "perplexity"][:, 0])
    rows = [(*CLAIMS["real"][:2], interval(first))]
    for arm in ("replace", "preserve"):
        if arm in arms:
            points = values[arm, "perplexity"][:, -1] - values[arm, "perplexity"][:, 0]
            since = since_first(values, arm)
            ours = f"{interval(estimate('points', points))} points, {interval(since)} times; "
            rows.append((*CLAIMS[arm][:2], f"{ours}{interval(against(values, arm))} times the control's"))
    if "replace" in arms:
        for name, measure in (("median", "block_p50"), ("tail", "block_p99")):
            first, last = (estimate(measure, values["replace", measure][:, at]) for at in (0, -1))
            rows.append((*CLAIMS[name][:2], f"{interval(first)} to {interval(last)}"))
    return rows


def _arms(told: Mapping[str, Any], arms: Sequence[str]) -> Section:
    tokens = {arm: told["regimes"][arm]["tokens"] for arm in arms}
    table = Table(
        caption="The regimes",
        columns=("regime", "what the next model learns from", "tokens read in each generation"),
        rows=[(arm, ARMS[arm], f"{tokens[arm]:,}") for arm in arms],
    )
    sentence = "Every model of every arm reads as many tokens in as many steps; what accumulates is read less often."
    measures = Table(
        caption="The measures",
        columns=("measure", "what it is"),
        rows=[(name.replace("_", " "), what) for name, what in MEASURES.items()],
    )
    return Section("regimes", "The regimes and the measures", sentence, table.markup() + measures.markup())


def _provenance(told: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {
        "Text": {name: str(value) for name, value in told["text"].items()},
        "Protocol": {name: str(value) for name, value in told["settings"].items()},
        "Run": {"seeds": ", ".join(map(str, told["seeds"])), **{name: str(each) for name, each in told["run"].items()}},
        "Made by": {"uncollapse": __version__},
    }
