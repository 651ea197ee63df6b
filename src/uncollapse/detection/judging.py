"""From scores to what may be said: a class for each text that has a calibration, the corpus's prevalence, weights."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.detection.accuracy import Interval
from uncollapse.detection.calibration import LEAST_TOKENS, Calibration, Group, Guess, Verdict
from uncollapse.detection.findings import Rows, Survey
from uncollapse.detection.logistic import Platt, platt
from uncollapse.detection.prevalence import Flagged, Stratum, lower_bound, mixture
from uncollapse.detection.reading import Scored
from uncollapse.detection.scoring import Scorer
from uncollapse.detection.sides import Sides
from uncollapse.document import Origin

_SEED = 0
# Machine's texts that a prevalence with two sides takes.
FEWEST_MACHINE = 20


class Prevalence(NamedTuple):
    """The share with its interval, whether it is a lower bound alone, of how many texts, and why there is none."""

    share: Interval
    lower: bool
    texts: int
    reason: str = ""


@dataclass(frozen=True)
class Judged:
    """The verdict on each text that was read, in order, and what follows for the corpus."""

    verdicts: list[Verdict]
    groups: list[Group | None]
    scores: Float64[ndarray, "n"]
    prevalence: Prevalence
    probability: Float64[ndarray, "n"]
    weights: Float64[ndarray, "w"] | None = None
    flagged: list[Flagged] = field(default_factory=list)

    def columns(self) -> dict[str, Any]:
        """What goes into the table, for each text that was read; `weight` has a value for each document."""
        return {
            "class": [str(verdict.guess) for verdict in self.verdicts],
            "evidence": [verdict.reason for verdict in self.verdicts],
            "numbers": {
                "as_human": np.array([verdict.as_human for verdict in self.verdicts], float),
                "as_machine": np.array([verdict.as_machine for verdict in self.verdicts], float),
                "probability": self.probability,
            },
            "weight": self.weights,
        }


def judge(rows: Rows, survey: Survey, *, scorer: Scorer, sides: Sides, weights: float | None) -> Judged:
    """What is said of the texts that were read."""
    scores = scorer.upwards(Scored(rows.tokens, rows.values)) if len(rows.at) else np.zeros(0)
    domains = [survey.domains[at] for at in rows.at.tolist()]
    if sides.calibration is None:
        verdicts = [_unjudged(tokens, scorer.deciding) for tokens in rows.tokens.tolist()]
        none = Prevalence(Interval(float("nan"), 0.0, 1.0), True, 0, "no human text was given to calibrate with")
        return Judged(verdicts, [None] * len(verdicts), scores, none, np.full(len(scores), np.nan))
    groups = [
        sides.calibration.group(domain, tokens) if np.isfinite(score) else None
        for domain, tokens, score in zip(domains, rows.tokens.tolist(), scores.tolist(), strict=True)
    ]
    rate = sides.calibration.false_alarms
    verdicts = [
        _unsaid(domain, tokens, score) if group is None else group.judge(score, false_alarms=rate)
        for domain, tokens, score, group in zip(domains, rows.tokens.tolist(), scores.tolist(), groups, strict=True)
    ]
    flagged = _flagged(groups, scores, rate)
    maps = _maps(sides.calibration)
    prevalence = _prevalence(groups, scores, maps=maps, flagged=flagged)
    probability = _probability(groups, scores, maps=maps, prevalence=prevalence)
    held = None if weights is None else _weights(survey, rows, probability, prevalence=prevalence, power=weights)
    return Judged(verdicts, groups, scores, prevalence, probability, held, flagged)


def _unjudged(tokens: int, deciding: str) -> Verdict:
    why = (
        f"fewer than {LEAST_TOKENS} tokens" if tokens < LEAST_TOKENS else f"{deciding} alone: no calibration, no class"
    )
    return Verdict(Guess.UNKNOWN, float("nan"), float("nan"), why)


def _unsaid(domain: str, tokens: int, score: float) -> Verdict:
    if tokens < LEAST_TOKENS:
        why = f"{tokens} tokens: fewer than {LEAST_TOKENS}"
    elif not np.isfinite(score):
        why = "the score cannot be taken"
    else:
        why = f"no human texts of the domain {domain!r} to compare with"
    return Verdict(Guess.UNKNOWN, float("nan"), float("nan"), why)


def _members(groups: Sequence[Group | None]) -> list[tuple[Group, list[int]]]:
    """Each group that occurs, with its texts."""
    held: dict[int, tuple[Group, list[int]]] = {}
    for number, group in enumerate(groups):
        if group is not None:
            held.setdefault(id(group), (group, []))[1].append(number)
    return list(held.values())


def _flagged(groups: Sequence[Group | None], scores: Float64[ndarray, "n"], rate: float) -> list[Flagged]:
    return [
        Flagged(len(own), int((scores[own] > group.threshold(rate)).sum()), group.allowed(rate), len(group.human))
        for group, own in _members(groups)
    ]


def _maps(calibration: Calibration) -> dict[int, Platt]:
    """The map to probabilities of each group that has machine's texts enough."""
    return {
        id(group): platt(group.human, group.machine)
        for group in calibration.groups.values()
        if len(group.machine) >= FEWEST_MACHINE
    }


def _prevalence(
    groups: Sequence[Group | None], scores: Float64[ndarray, "n"], *, maps: dict[int, Platt], flagged: list[Flagged]
) -> Prevalence:
    members = _members(groups)
    texts = sum(len(own) for _, own in members)
    if not texts:
        return Prevalence(Interval(float("nan"), 0.0, 1.0), True, 0, "no text of 64 tokens with a calibration was read")
    if all(id(group) in maps for group, _ in members):
        strata = []
        for group, own in members:
            sides = (scores[own], group.human, group.machine)
            strata.append(Stratum(*(maps[id(group)].probability(side, prevalence=0.5) for side in sides)))
        share = mixture(strata)
        reason = "the human and the machine's texts given cannot be told apart" if np.isnan(share.value) else ""
        return Prevalence(share, False, texts, reason)
    return Prevalence(lower_bound(flagged, generator=np.random.default_rng(_SEED)), True, texts)


def _probability(
    groups: Sequence[Group | None],
    scores: Float64[ndarray, "n"],
    *,
    maps: dict[int, Platt],
    prevalence: Prevalence,
) -> Float64[ndarray, "n"]:
    """The probability at the corpus's own prevalence; NaN where there is no map, or no prevalence."""
    found = np.full(len(scores), np.nan)
    if prevalence.lower or np.isnan(prevalence.share.value):
        return found
    # Not quite 0 or 1: an estimate at the edge is no certainty about any text.
    share = float(np.clip(prevalence.share.value, 0.5 / prevalence.texts, 1 - 0.5 / prevalence.texts))
    for group, own in _members(groups):
        if id(group) in maps:
            found[own] = maps[id(group)].probability(scores[own], prevalence=share)
    return found


def _weights(
    survey: Survey, rows: Rows, probability: Float64[ndarray, "n"], *, prevalence: Prevalence, power: float
) -> Float64[ndarray, "w"]:
    """(1 - p)^power for each document: p is 0 for what is known as human or edited, 1 for what is known as synthetic.

    A text without a probability of its own has the corpus's prevalence, or a half where there is none.
    """
    share = 0.5 if np.isnan(prevalence.share.value) else prevalence.share.value
    p = np.full(len(survey.ids), share)
    p[rows.at] = np.where(np.isnan(probability), share, probability)
    origins = np.array(survey.origins)
    p[np.isin(origins, [Origin.HUMAN, Origin.EDITED])] = 0.0
    p[origins == Origin.SYNTHETIC] = 1.0
    return (1 - p) ** power
