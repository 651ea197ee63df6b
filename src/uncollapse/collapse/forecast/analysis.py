"""Everything that the readings of one size say, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from numpy.random import Generator

from uncollapse.collapse.forecast import answers, draws
from uncollapse.collapse.forecast.answers import Best, Reached, Recommended
from uncollapse.collapse.forecast.curve import Curve, curve
from uncollapse.collapse.forecast.draws import Estimate, bounds, over_documents, over_domains, over_seeds
from uncollapse.collapse.forecast.readings import LOSS, RATIOS, Readings
from uncollapse.collapse.forecast.theory import Floor, floor
from uncollapse.collapse.forecast.tokens import Counted

LEAST_OF_DOMAIN = 5
"""Held-out documents without which a domain has no numbers of its own."""
LEARNED = 0.1
"""How far the loss of a proxy of share 0 must lie below that of token frequencies alone, as a part of it."""
TRAINING, CALIBRATION = "training_loss", "calibration_error"


class Change(NamedTuple):
    """A difference and its interval."""

    value: float
    low: float
    high: float

    @property
    def told(self) -> str:
        """What the interval says."""
        return "rises" if self.low > 0 else "falls" if self.high < 0 else "is not told apart"


class Shape(NamedTuple):
    """How the training loss and the loss on human text change from share 0 to the greatest share, in nats a token."""

    training: Change
    human: Change

    @property
    def published(self) -> bool:
        """Whether the training loss falls while the loss on human text rises."""
        return self.training.told == "falls" and self.human.told == "rises"


@dataclass(frozen=True)
class Analysis:
    """What the proxies of one size say; `measures` by name, `domains` and `tasks` by theirs.

    `frequencies` is the loss of one who knows how often each token occurs in human text, and nothing else.
    """

    readings: Readings
    measures: Mapping[str, Estimate]
    domains: Mapping[str, Estimate]
    over_domains: Estimate | None
    tasks: Mapping[str, Estimate]
    curve: Curve
    rises: Sequence[Reached]
    best: Best
    recommended: Recommended
    shape: Shape
    floor: Floor
    frequencies: float

    @property
    def learned(self) -> bool:
        """Whether a proxy that read human text alone has learned more than how often tokens occur."""
        return float(self.measures[LOSS].mean[0]) <= (1 - LEARNED) * self.frequencies


def analysed(
    reading: Readings, text: Counted, *, weights: Float64[ndarray, "b d"], generator: Generator, tolerance: float
) -> Analysis:
    """The analysis of one size; `weights` are the draws of documents, the same for all sizes."""
    measures = {name: over_documents(*reading.pair(name), weights, generator) for name in RATIOS}
    measures |= {
        TRAINING: over_seeds(reading.of_account(TRAINING), generator),
        CALIBRATION: over_seeds(reading.whole(CALIBRATION), generator),
    }
    loss = measures[LOSS]
    fitted = curve(reading.shares, loss)
    known = _known(text)
    whole = np.isin(text.domain, list(known))
    above, below = reading.pair(LOSS)
    return Analysis(
        readings=reading,
        measures=measures,
        domains={
            text.domains[at]: over_documents(above[..., own], below[..., own], weights[:, own], generator)
            for at, own in ((at, text.domain == at) for at in known)
        },
        over_domains=over_domains(
            above[..., whole], below[..., whole], weights[:, whole], generator, domain=text.domain[whole]
        )
        if len(known) > 1
        else None,
        tasks=_tasks(reading, generator),
        curve=fitted,
        rises=answers.rises(fitted),
        best=answers.best(reading.shares, loss),
        recommended=answers.recommended(fitted, tolerance=tolerance),
        shape=Shape(_change(measures[TRAINING]), _change(loss)),
        floor=floor(reading.shares, loss),
        frequencies=text.frequencies[reading.size],
    )


def _known(text: Counted) -> list[int]:
    """The domains with documents enough, of several."""
    counts = np.bincount(text.domain, minlength=len(text.domains))
    return [] if len(text.domains) == 1 else np.flatnonzero(counts >= LEAST_OF_DOMAIN).tolist()


def _tasks(reading: Readings, generator: Generator) -> dict[str, Estimate]:
    """The accuracy in each task, counted in each way."""
    found = {}
    for task, ways in reading.accounts[0][0]["tasks"].items():
        for way in ways:
            rights = reading.rights(task, way)
            drawn = draws.weights_of(rights.shape[-1], generator)
            found[f"{task} {way}"] = over_documents(rights, np.ones_like(rights), drawn, generator)
    return found


def _change(estimate: Estimate) -> Change:
    rise = estimate.rise()
    low, high = bounds(rise.drawn[:, -1])
    return Change(float(rise.mean[-1]), float(low), float(high))


def domain_numbers(text: Counted) -> Int64[ndarray, "d"]:
    """How many held-out documents each domain has."""
    return np.bincount(text.domain, minlength=len(text.domains))
