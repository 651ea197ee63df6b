"""Several shares in one plot, for those whose order is the story: which goes first."""

from collections.abc import Iterator, Mapping

import numpy as np
from markupsafe import Markup

from uncollapse.collapse.laboratory import Laboratory
from uncollapse.collapse.results import INTERVAL, Comparison, Results, along
from uncollapse.report import Axes, Band, Section, lines


def measures_together(comparison: Comparison, laboratory: Laboratory) -> Iterator[Section]:
    """A section for each group of measures that the laboratory tells together, with one plot for each regime."""
    for title, measures in laboratory.together.items():
        name = "-".join(title.lower().replace(",", "").split())
        charts = [_chart(part, measures, name=f"plot-{name}-{place}") for place, part in enumerate(comparison)]
        yield Section(f"together-{name}", title, _moral(comparison, measures), Markup("").join(charts))


def _chart(part: Results, measures: Mapping[str, str], *, name: str) -> Markup:
    """The plot of one regime, a line with its interval for each measure."""
    bands, x = [], along(part.generations)
    for measure, label in measures.items():
        low, middle, high = (row[x].tolist() for row in part.quantiles(measure))
        bands.append(Band(label, middle, low, high))
    share = 100 * (INTERVAL[1] - INTERVAL[0])
    reading = f"The lines are medians over seeds; each band holds {share:.0f} % of them."
    axes = Axes(name=name, title=f"Regime {part.regime}", reading=reading, x="generation", y="share kept", holds=(0, 1))
    return lines(x, bands=bands, axes=axes).markup()


def _moral(comparison: Comparison, measures: Mapping[str, str]) -> str:
    """What each share has come to, regime by regime."""
    said = []
    for part in comparison:
        ends = [f"{np.median(part[measure][-1]):.0%}" for measure in measures]
        said.append(f"{part.regime} {', '.join(ends)}")
    return f"Medians at the last generation, for {', '.join(measures.values())}: {'; '.join(said)}."
