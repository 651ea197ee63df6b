"""Results: arrays with named axes, and the long tables in which they are kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Float64
from numpy import ndarray

from uncollapse.collapse.theory import Curve

AXES = ("generation", "seed", "measure")
PLACES = 400  # generations that a plot shows of a long path
INTERVAL = (0.05, 0.95)  # the quantiles over seeds between which the interval lies

RESULTS = pa.schema(
    {
        "laboratory": pa.dictionary(pa.int32(), pa.string()),
        "regime": pa.dictionary(pa.int32(), pa.string()),
        "generation": pa.int32(),
        "seed": pa.int32(),
        "measure": pa.dictionary(pa.int32(), pa.string()),
        "value": pa.float64(),
    }
)
THEORY = pa.schema(
    {
        "laboratory": pa.string(),
        "regime": pa.string(),
        "generation": pa.int32(),
        "measure": pa.string(),
        "value": pa.float64(),
        "form": pa.string(),
        "statistic": pa.string(),
        "standing": pa.string(),
        "source": pa.string(),
    }
)


@dataclass(frozen=True, eq=False)
class Results:
    """What one regime came to: `values` has the axes generation, seed, measure; generation 0 is the original law."""

    laboratory: str
    regime: str
    measures: tuple[str, ...]
    values: Float64[ndarray, "generation seed measure"]
    curves: Sequence[Curve] = ()
    first_seed: int = 0

    def __getitem__(self, measure: str) -> Float64[ndarray, "generation seed"]:
        """The values of one measure."""
        return self.values[:, :, self.measures.index(measure)]

    def renamed(self, label: str) -> "Results":
        """The same under another label."""
        return replace(self, regime=label)

    @property
    def generations(self) -> int:
        """The number of fits."""
        return len(self.values) - 1

    @property
    def seeds(self) -> int:
        """The number of seeds."""
        return self.values.shape[1]

    def quantiles(
        self, measure: str, shares: Sequence[float] = (INTERVAL[0], 0.5, INTERVAL[1])
    ) -> Float[ndarray, "q generation"]:
        """Quantiles over seeds at each generation; infinite values count as what they are."""
        return np.quantile(self[measure], shares, axis=1, method="inverted_cdf")

    def table(self) -> pa.Table:
        """The values as a long table."""
        generations, seeds, measures = self.values.shape
        generation, seed, measure = np.indices((generations, seeds, measures), dtype=np.int32).reshape(3, -1)
        one = np.zeros(self.values.size, np.int32)
        columns = [
            pa.DictionaryArray.from_arrays(one, [self.laboratory]),
            pa.DictionaryArray.from_arrays(one, [self.regime]),
            pa.array(generation),
            pa.array(seed + np.int32(self.first_seed)),
            pa.DictionaryArray.from_arrays(measure, list(self.measures)),
            pa.array(self.values.ravel()),
        ]
        return pa.Table.from_arrays(columns, schema=RESULTS)

    def theory_table(self) -> pa.Table:
        """The closed forms along the generations as a long table."""
        return theory_table(self.laboratory, self.regime, self.curves)


def theory_table(laboratory: str, regime: str, curves: Sequence[Curve]) -> pa.Table:
    """Curves as a long table."""
    rows = [
        {
            "laboratory": laboratory,
            "regime": regime,
            "generation": curve.start + at,
            "measure": curve.measure,
            "value": float(value),
            "form": curve.form.name,
            "statistic": curve.statistic,
            "standing": curve.form.standing.value,
            "source": curve.form.source,
        }
        for curve in curves
        for at, value in enumerate(curve.values)
    ]
    return pa.Table.from_pylist(rows, schema=THEORY)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several regimes in one laboratory, at the same seeds."""

    parts: tuple[Results, ...]
    settings: Mapping[str, object]

    def __getitem__(self, regime: str) -> Results:
        """The results of the regime with this label, or of the only one whose name it is."""
        found = [part for part in self.parts if part.regime == regime or part.regime.split(" ")[0] == regime]
        exact = [part for part in found if part.regime == regime]
        if len(exact or found) != 1:
            raise KeyError(f"{regime!r}: there are {', '.join(part.regime for part in self.parts)}")
        return (exact or found)[0]

    def __iter__(self) -> Iterator[Results]:
        """The results of each regime."""
        return iter(self.parts)

    def table(self) -> pa.Table:
        """All values in one long table: laboratory, regime, generation, seed, measure, value."""
        return pa.concat_tables([part.table() for part in self.parts])

    def theory_table(self) -> pa.Table:
        """All closed forms in one long table, without seeds, with the form's name."""
        return pa.concat_tables([part.theory_table() for part in self.parts])


def along(generations: int) -> list[int]:
    """The generations that a plot shows: all, or of a long path some in even steps with the first and the last."""
    return np.unique(np.linspace(0, generations, min(generations, PLACES) + 1).round().astype(int)).tolist()


def concatenated(parts: Sequence[Comparison]) -> Comparison:
    """The seeds of all parts, which are those of one experiment in order."""
    regimes = []
    for same in zip(*(part.parts for part in parts), strict=True):
        values = np.concatenate([each.values for each in same], axis=1)
        regimes.append(replace(same[0], values=values))
    return Comparison(tuple(regimes), parts[0].settings)
