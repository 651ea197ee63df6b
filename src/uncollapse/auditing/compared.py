"""From many splits to one line for each statistic: value, control, interval and z."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

from uncollapse.auditing.panel import STATISTICS, Values

CONFIDENCE = 0.95
# Where nothing varies, any difference is beyond doubt; a z is cut off here so that it stays a number.
FARTHEST = 1000.0


class Statistic(NamedTuple):
    """One line of the panel, and of `report.json`.

    `low` and `high` bound the corpus's value at 95 % over documents; `z` is the mean difference from the control over
    its standard error. None where there is no such number.
    """

    name: str
    group: str
    corpus: float | None
    control: float | None
    reference: float | None
    low: float | None
    high: float | None
    z: float | None

    @property
    def effect(self) -> float | None:
        """The change against the control, as a share of it."""
        if self.corpus is None or self.control is None or self.control == 0:
            return None
        return self.corpus / self.control - 1

    @property
    def difference(self) -> float | None:
        """The change against the control."""
        return None if self.corpus is None or self.control is None else self.corpus - self.control


def summarise(corpus: Sequence[Values], control: Sequence[Values], reference: Sequence[Values]) -> list[Statistic]:
    """One line for each statistic, in the order of the panel, out of its values in every split.

    A statistic that is not a number in some split is not one in the line.
    """
    names = [name for name in STATISTICS if name in corpus[0]]
    return [_line(name, *(_column(values, name) for values in (corpus, control, reference))) for name in names]


def _column(values: Sequence[Values], name: str) -> np.ndarray:
    return np.array([one.get(name, np.nan) for one in values])


def _line(name: str, corpus: np.ndarray, control: np.ndarray, reference: np.ndarray) -> Statistic:
    half = float(student.ppf((1 + CONFIDENCE) / 2, len(corpus) - 1)) * float(corpus.std(ddof=1))
    mean = float(corpus.mean())
    # No interval leaves the range of a share.
    least = 0.0 if corpus.min() >= 0 else -np.inf
    most = 1.0 if corpus.max() <= 1 else np.inf
    return Statistic(
        name,
        STATISTICS[name].group.value,
        _number(mean),
        _number(float(control.mean())),
        _number(float(reference.mean())),
        _number(max(mean - half, least)),
        _number(min(mean + half, most)),
        _number(z_of(corpus - control)),
    )


def z_of(differences: np.ndarray) -> float:
    """The mean difference over its standard error, which is the spread over the splits (see `controls`)."""
    mean, spread = float(differences.mean()), float(differences.std(ddof=1))
    if np.isnan(mean):
        return float("nan")
    if spread == 0:
        return 0.0 if mean == 0 else float(np.copysign(FARTHEST, mean))
    return float(np.clip(mean / spread, -FARTHEST, FARTHEST))


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
