"""Which definition of collapse holds: the eight that are in use, each answered from what a laboratory measures.

Source: Schaeffer et al. 2025 (arXiv 2503.03150) list the definitions; early and late collapse are those of
Shumailov et al., Nature 631 (2024), Definition 2.1. The thresholds are ours and stand here.
"""

from collections.abc import Mapping
from enum import StrEnum

import numpy as np

from uncollapse.collapse.laboratory import Laboratory
from uncollapse.collapse.results import Results

CATASTROPHE = 10.0  # times the risk of the first fit
LATE = 0.5  # of the first fit's spread
EARLY = 0.5  # of the original's tail
INVENTED = 0.01  # mass where the original law has none
SIGNS = 4.0  # standard errors of a sign test
STILL_GROWING = 0.5  # of the pace of the first half, in the second half


class Verdict(StrEnum):
    """Whether a definition holds."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "not measured here"


DEFINITIONS: Mapping[str, str] = {
    "catastrophic": f"the median risk is more than {CATASTROPHE:g} times that of the first fit",
    "any increase": f"the risk rose in more seeds than {SIGNS:g} standard errors of a coin allow; "
    f"takes more than {SIGNS**2:g} seeds, as does diverging",
    "diverging": f"the mean risk rises, in the second half at {STILL_GROWING:g} of the first half's pace or faster",
    "variance": f"the median spread is under {LATE:g} of the first fit's: late collapse",
    "scaling law": "the exponent of risk against samples changes (see the scaling forms of the theory)",
    "modes": "a mode of the original law has gone in the median seed",
    "tails": f"the median tail is under {EARLY:g} of the original's: early collapse",
    "hallucination": f"more than {INVENTED:g} of the mass lies where the original law has none",
}


def verdicts(results: Results, laboratory: Laboratory) -> dict[str, Verdict]:
    """Each definition with whether it holds at the last generation."""
    found = dict.fromkeys(DEFINITIONS, Verdict.UNKNOWN)
    found |= _of_risk(results, laboratory.risk)
    if laboratory.spread:
        spread = results.quantiles(laboratory.spread, (0.5,))[0]
        found["variance"] = _verdict(spread[-1] < LATE * spread[1])
    if laboratory.tail:
        tail = results.quantiles(laboratory.tail, (0.5,))[0]
        found["tails"] = _verdict(tail[-1] < EARLY * tail[0])
    if laboratory.modes:
        modes = results.quantiles(laboratory.modes, (0.5,))[0]
        found["modes"] = _verdict(modes[-1] < modes[0])
    if laboratory.invented:
        found["hallucination"] = _verdict(results.quantiles(laboratory.invented, (0.5,))[0, -1] > INVENTED)
    return found


def kind_of_collapse(results: Results, laboratory: Laboratory) -> str:
    """Early or late, both or neither, in words."""
    found = verdicts(results, laboratory)
    known = {
        name: held for name, held in found.items() if name in ("tails", "variance") and held is not Verdict.UNKNOWN
    }
    if not known:
        return "neither tails nor spread are measured"
    if found["variance"] is Verdict.YES:
        tails = ": the tails are gone and the law has contracted" if found["tails"] is Verdict.YES else ": contraction"
        return f"late collapse{tails}"
    if found["tails"] is Verdict.YES:
        return "early collapse: the tails go, the law stands"
    return f"no collapse of {' or '.join({'tails': 'tails', 'variance': 'spread'}[name] for name in known)}"


def sentence(results: Results, laboratory: Laboratory) -> str:
    """Which collapse holds and what becomes of the risk, in words."""
    found = verdicts(results, laboratory)
    said = kind_of_collapse(results, laboratory)
    if found["any increase"] is Verdict.YES:
        said += ", and the risk still grows" if found["diverging"] is Verdict.YES else ", though the risk has risen"
    return f"{results.regime}: {said}"


def _of_risk(results: Results, measure: str) -> dict[str, Verdict]:
    values = results[measure]
    first, half, last = values[1], values[1 + (results.generations - 1) // 2], values[-1]
    risen = np.mean(last > first) > 0.5 + SIGNS * 0.5 / np.sqrt(results.seeds)
    before, end = float(np.median(first)), float(np.median(last))
    mean_before, middle, mean_end = (float(np.mean(part)) for part in (first, half, last))
    growing = mean_end - middle >= STILL_GROWING * (middle - mean_before) > 0
    found = {"catastrophic": _verdict(end > CATASTROPHE * before)}
    # Of so few seeds even all together are no more than a coin's luck.
    if results.seeds > SIGNS**2:
        found["any increase"] = _verdict(risen)
        found["diverging"] = _verdict(risen and (growing or not np.isfinite(end)))
    return found


def _verdict(holds: object) -> Verdict:
    return Verdict.YES if holds else Verdict.NO
