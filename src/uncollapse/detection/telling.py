"""What was found, as the report that is kept: the headline, the numbers behind every chart, and what cannot be said."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.detection.calibration import LEAST_TOKENS, LENGTHS, Group, Guess, length_of
from uncollapse.detection.findings import Rows, Survey
from uncollapse.detection.judging import Judged
from uncollapse.detection.prevalence import effective_size, rogan_gladen, rogan_gladen_error
from uncollapse.detection.scoring import Scorer, points
from uncollapse.detection.sides import Sides
from uncollapse.version import __version__

BINS = 24
# Shares of a machine's texts that a threshold may find: what the flagged share would mean at each.
FOUND = (0.3, 0.5, 0.7, 0.9, 1.0)
_CLASS = (
    "A class is a guess about one text. Some human texts are flagged whatever is done, and their rate holds for human "
    "text like that which was given and for no other: other domains and lengths, and people who write in a second "
    "language, are flagged more."
)
_CHANGED = (
    "Edited, translated and rephrased text, and text by models that are newer than the labelled ones, is found less "
    "often or not at all."
)
LIMITS = (_CLASS, _CHANGED, "No guess changes what a document says of its origin.")


def report_of(survey: Survey, rows: Rows, judged: Judged, *, scorer: Scorer, sides: Sides) -> dict[str, Any]:
    """The report as JSON."""
    classes = [str(verdict.guess) for verdict in judged.verdicts]
    return {
        "uncollapse": __version__,
        "documents": len(survey.ids),
        "known": survey.known_by_origin(),
        "traced": survey.traced_by_kind(),
        "with_unseen_characters": sum(marks is not None for marks in survey.marks),
        "unknown": int(survey.unknown.sum()),
        "read": len(rows.at),
        "short": int((rows.tokens < LEAST_TOKENS).sum()),
        "judged": sum(group is not None for group in judged.groups),
        "classes": {str(guess): classes.count(guess) for guess in Guess},
        "prevalence": _prevalence(judged),
        "score": {"name": scorer.deciding, "machine": str(points(scorer.deciding))},
        "models": _models(scorer),
        "calibration": [_group(group, sides) for group in _groups(sides)],
        "uncalibrated": _uncalibrated(survey, rows, judged, sides),
        "left_out": dict(sides.left_out),
        "lengths": _lengths(rows, judged),
        "histogram": _histogram(judged, sides),
        "weights": None if judged.weights is None else _weights(judged.weights),
        "limits": [*_own_limits(judged, sides, scorer), *LIMITS],
    }


def _prevalence(judged: Judged) -> dict[str, Any]:
    found = judged.prevalence
    read = sum(each.read for each in judged.flagged)
    flagged = sum(each.flagged for each in judged.flagged)
    human = sum(each.human for each in judged.flagged)
    expected = sum(each.read * each.allowed / (each.human + 1) for each in judged.flagged) / max(read, 1)
    return {
        "share": _number(found.share.value),
        "low": found.share.low,
        "high": found.share.high,
        "kind": "lower bound" if found.lower else "mixture of the labelled sides",
        "texts": found.texts,
        "reason": found.reason,
        "flagged": flagged,
        "flagged_of": read,
        "false_alarms_expected": expected,
        "if_found": [
            {
                "found": rate,
                "share": _number(rogan_gladen(flagged / read, false_alarms=expected, true_positives=rate)),
                "error": _number(rogan_gladen_error((flagged / read, read), (expected, human), (rate, np.inf))),
            }
            for rate in FOUND
            if read and _possible(flagged / read, expected, rate)
        ],
    }


def _possible(flagged: float, expected: float, found: float) -> bool:
    """Whether this share can be flagged where so many of a machine's texts are: no more of all texts than of those."""
    return expected < found and flagged <= found


def _uncalibrated(survey: Survey, rows: Rows, judged: Judged, sides: Sides) -> dict[str, int]:
    """How many texts of each domain are long enough and were not judged, as no human text is there to judge by."""
    if sides.calibration is None:
        return {}
    held = zip(rows.at.tolist(), rows.tokens.tolist(), judged.groups, strict=True)
    known = {domain for domain, _ in sides.calibration.groups}
    found = Counter(survey.domains[at] for at, tokens, group in held if group is None and tokens >= LEAST_TOKENS)
    return {domain: number for domain, number in found.most_common() if domain not in known}


def _models(scorer: Scorer) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if scorer.reader is not None:
        found["model"] = scorer.reader.model.card.as_json()
        if scorer.reader.reference is not None:
            found["reference"] = scorer.reader.reference.card.as_json()
        found["tokens_read"] = scorer.reader.most_tokens
    if scorer.detector is not None:
        found["detector"] = scorer.detector.card
    return found


def _groups(sides: Sides) -> list[Group]:
    return [] if sides.calibration is None else list(sides.calibration.groups.values())


def _group(group: Group, sides: Sides) -> dict[str, Any]:
    assert sides.calibration is not None
    rate = group.rate(sides.calibration.false_alarms)
    return {
        "domain": group.domain,
        "length": group.length,
        "human": len(group.human),
        "machine": len(group.machine),
        "threshold": group.threshold(sides.calibration.false_alarms),
        "false_alarms": {"expected": rate.value, "low": rate.low, "high": rate.high},
    }


def _lengths(rows: Rows, judged: Judged) -> list[dict[str, Any]]:
    """For each length how many texts were read and how they were classed."""
    names = [length_of(tokens) or f"fewer than {LEAST_TOKENS} tokens" for tokens in rows.tokens.tolist()]
    found = []
    for length in (f"fewer than {LEAST_TOKENS} tokens", *LENGTHS):
        own = [str(verdict.guess) for verdict, name in zip(judged.verdicts, names, strict=True) if name == length]
        found.append({"length": length, "read": len(own), **{str(guess): own.count(guess) for guess in Guess}})
    return found


def _histogram(judged: Judged, sides: Sides) -> dict[str, Any] | None:
    """How the deciding score is distributed, higher for a machine, in the corpus and in what was given beside it."""
    parts = {"corpus": judged.scores}
    if sides.human is not None:
        parts["human"] = sides.human.scores
    if sides.machine is not None:
        parts["machine"] = sides.machine.scores
    parts = {name: value[np.isfinite(value)] for name, value in parts.items()}
    everything = np.concatenate(list(parts.values()))
    if not len(everything):
        return None
    low, high = np.quantile(everything, (0.002, 0.998))
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    return {"edges": edges.tolist(), **{name: _counted(value, edges) for name, value in parts.items()}}


def _counted(values: Float64[ndarray, "n"], edges: Float64[ndarray, "e"]) -> list[int]:
    """How many lie in each bin; what lies outside counts in the outermost."""
    counts: list[int] = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0].tolist()
    return counts


def _weights(weights: Float64[ndarray, "w"]) -> dict[str, Any]:
    return {"documents": len(weights), "sum": float(weights.sum()), "effective": effective_size(weights)}


def _own_limits(judged: Judged, sides: Sides, scorer: Scorer) -> Sequence[str]:
    said = []
    if sides.calibration is None:
        said.append("Without human text (--calibrate) there are scores alone: nothing is called human or a machine's.")
    elif sides.machine is None:
        said.append(
            "Without labelled machine's texts (--machine) nothing is called human, and the prevalence is a lower "
            "bound: how many of a machine's texts the threshold finds is not known."
        )
    if scorer.detector is None and scorer.reader is not None and scorer.reader.reference is None:
        said.append(
            f"The score is {scorer.deciding} under one model alone; fused with a detector that was trained on text "
            "like this (--detector) it errs less often."
        )
    if scorer.reader is None:
        said.append("No language model read the texts; lengths are in words.")
    if judged.prevalence.reason:
        said.append(f"There is no prevalence: {judged.prevalence.reason}.")
    return said


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
