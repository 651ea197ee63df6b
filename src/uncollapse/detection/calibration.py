"""What a score means in one domain and at one length: thresholds out of human text, and classes that may say unknown.

A threshold is a score of the calibration itself, the k-th largest of n human ones with k = floor(a (n + 1)), so that a
further human text of the same kind lies above it with a chance of k / (n + 1), at most a, whatever the distribution.
For these very n texts the false-alarm rate is a draw from Beta(k, n + 1 - k), which gives its interval.

A text's class is the set of sides of which it can be one at the level a: `machine` when it is too high for a human one
and not too low for a machine's, `human` the other way round (which takes labelled machine's texts), and `unknown` when
it can be either, or neither.

Source: Vovk, Gammerman and Shafer 2005, sections 2.2 and 4.5 (conformal prediction within categories); Wilks 1941 (the
distribution of the rate).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.stats import beta

from uncollapse.detection.accuracy import LEVEL, Interval

# Tokens. Source: docs/detection.md, the table over lengths: below 64 a score says next to nothing.
LEAST_TOKENS = 64
EDGES = (LEAST_TOKENS, 128, 256)
ALL_LENGTHS = "all lengths"
# Human texts that a length needs to have thresholds of its own; with fewer, its domain's lengths are taken together.
OWN_LENGTH = 60


class Guess(StrEnum):
    """What is said of a text."""

    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"


class Known(NamedTuple):
    """Scores of texts of which it is known who wrote them, higher for a machine's, with lengths and domains."""

    scores: Float64[ndarray, "n"]
    tokens: ndarray
    domains: Sequence[str]


class Verdict(NamedTuple):
    """A class, the two chances behind it (NaN where unknown), and the reason in words."""

    guess: Guess
    as_human: float
    as_machine: float
    reason: str


@dataclass(frozen=True, eq=False)
class Group:
    """The known texts of one domain and length: scores in rising order."""

    domain: str
    length: str
    human: Float64[ndarray, "h"]
    machine: Float64[ndarray, "m"]

    @property
    def name(self) -> str:
        """The group in words."""
        return f"{self.domain}, {self.length}" if self.domain else self.length

    def allowed(self, false_alarms: float) -> int:
        """How many human texts lie at or above the threshold; 0 where there are too few for any."""
        return int(false_alarms * (len(self.human) + 1) + 1e-9)

    def threshold(self, false_alarms: float) -> float:
        """The score above which a text is too high for a human one; infinite where there are too few texts."""
        k = self.allowed(false_alarms)
        return float(self.human[-k]) if k else float("inf")

    def rate(self, false_alarms: float, *, level: float = LEVEL) -> Interval:
        """The false-alarm rate at the threshold: expected, and the interval given these calibration texts."""
        k, n = self.allowed(false_alarms), len(self.human)
        if k == 0:
            return Interval(0.0, 0.0, 0.0)
        low, high = beta.ppf([(1 - level) / 2, (1 + level) / 2], k, n + 1 - k)
        return Interval(k / (n + 1), float(low), float(high))

    def as_human(self, score: float) -> float:
        """The chance that a further human text scores as high."""
        above = len(self.human) - int(np.searchsorted(self.human, score, side="left"))
        return (above + 1) / (len(self.human) + 1)

    def as_machine(self, score: float) -> float:
        """The chance that a further machine's text scores as low; NaN without any."""
        if not len(self.machine):
            return float("nan")
        return (int(np.searchsorted(self.machine, score, side="right")) + 1) / (len(self.machine) + 1)

    def judge(self, score: float, *, false_alarms: float) -> Verdict:
        """What is said of a text with this score."""
        human, machine = self.as_human(score), self.as_machine(score)
        can_human, can_machine = human > false_alarms, not machine <= false_alarms
        if can_machine and not can_human:
            guess, why = Guess.MACHINE, f"higher than all but {100 * human:.2g} % of human texts"
        elif can_human and not can_machine:
            guess, why = Guess.HUMAN, f"lower than all but {100 * machine:.2g} % of machine texts"
        elif can_human and can_machine:
            both = np.isnan(machine)
            guess, why = Guess.UNKNOWN, "not too high for a human text" if both else "can be either"
        else:
            guess, why = Guess.UNKNOWN, "like neither the human nor the machine texts given"
        return Verdict(guess, human, machine, f"{why} ({self.name})")


@dataclass(frozen=True, eq=False)
class Calibration:
    """Groups by domain and length, and the false-alarm rate that is asked for."""

    groups: Mapping[tuple[str, str], Group]
    false_alarms: float

    @classmethod
    def of(cls, human: Known, machine: Known | None, *, false_alarms: float) -> "Calibration":
        """The calibration out of known texts; those below 64 tokens say nothing and are left out."""
        groups: dict[tuple[str, str], Group] = {}
        for domain in sorted(set(human.domains)):
            for length in (*LENGTHS, ALL_LENGTHS):
                own = _of(human, domain, length)
                if allowed_at_least(false_alarms, len(own)) and (length == ALL_LENGTHS or len(own) >= OWN_LENGTH):
                    groups[domain, length] = Group(domain, length, own, _nearest(machine, domain, length))
        return cls(groups, false_alarms)

    def group(self, domain: str, tokens: int) -> Group | None:
        """The group of a text; None where its domain has no calibration, or it is too short."""
        length = length_of(tokens)
        if length is None:
            return None
        return self.groups.get((domain, length)) or self.groups.get((domain, ALL_LENGTHS))


def allowed_at_least(false_alarms: float, count: int) -> bool:
    """Whether so many human texts allow this false-alarm rate at all: it takes 1 / rate - 1."""
    return int(false_alarms * (count + 1) + 1e-9) >= 1


def fewest_texts(false_alarms: float) -> int:
    """How many human texts the smallest calibration at this rate takes."""
    return int(np.ceil(1 / false_alarms - 1e-9)) - 1


def length_of(tokens: int) -> str | None:
    """The name of a length in tokens, None below the least."""
    at = int(np.searchsorted(EDGES, tokens, side="right")) - 1
    return None if at < 0 else LENGTHS[at]


LENGTHS = (*(f"{a}-{b - 1} tokens" for a, b in pairwise(EDGES)), f"{EDGES[-1]} tokens and more")


def _of(known: Known, domain: str, length: str) -> Float64[ndarray, "k"]:
    """The scores of one domain and length, rising."""
    held = [
        number
        for number, (own, tokens) in enumerate(zip(known.domains, known.tokens.tolist(), strict=True))
        if own == domain and tokens >= LEAST_TOKENS and length in (ALL_LENGTHS, length_of(tokens))
    ]
    scores = known.scores[np.array(held, dtype=np.int64)]
    return np.sort(scores[~np.isnan(scores)])


def _nearest(machine: Known | None, domain: str, length: str) -> Float64[ndarray, "m"]:
    """The machine's texts of this domain and length; where there are few, of the domain, else of all domains."""
    if machine is None:
        return np.empty(0)
    for place in ((domain, length), (domain, ALL_LENGTHS)):
        found = _of(machine, *place)
        if len(found) >= OWN_LENGTH or (place[1] == ALL_LENGTHS and len(found) >= fewest_texts(0.05)):
            return found
    everything = Known(machine.scores, machine.tokens, [domain] * len(machine.domains))
    return _of(everything, domain, ALL_LENGTHS)
