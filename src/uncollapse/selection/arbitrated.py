"""What an arbitration comes to, in plain values: who offered how much, who won by score, and what caps changed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from uncollapse.selection.candidates import Looked
from uncollapse.selection.naming import portable
from uncollapse.selection.winners import REASONS, Verdict

OF_WHAT = ("score", "lowest", "model", "reference", "prompt", "group", "teacher", "keep", "temperature", "seed")
SHARES = ("random_floor", "cap_teacher", "cap_stratum")


def as_told(settings: Mapping[str, Any], looked: Looked, verdict: Verdict, *, scored_by: str) -> dict[str, Any]:
    """What the manifest says of an arbitration."""
    found, kept = looked.candidates, verdict.fate < 0
    score = -found.score if settings["lowest"] else found.score
    order = sorted(range(len(looked.teachers)), key=lambda number: looked.teachers[number])
    groups = int((verdict.rank == 1).sum())
    left = {reason: int((verdict.fate == code).sum()) for code, reason in enumerate(REASONS)}
    return {
        "asked": {name: settings[name] for name in (*OF_WHAT, *SHARES)} | _named(settings),
        "scored by": scored_by,
        "groups": groups,
        "groups without rivals": int(((verdict.rank == 1) & (verdict.rivals == 0)).sum()),
        "candidates": len(kept),
        "kept": int(kept.sum()),
        "kept that have not the best score": int((kept & (verdict.rank > 1)).sum()),
        "left out": {reason: count for reason, count in left.items() if count},
        "teachers": [_teacher(looked.teachers[at], found.teacher == at, score, verdict) for at in order],
        "mean score": {"candidates": _mean(score), "kept": _mean(score[kept])},
        **_strata(settings, looked, kept),
    }


def _named(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The model and the reference without the places where they lie on this machine."""
    model = settings["model"]
    return {
        "model": None if model is None else portable(model),
        "reference": [portable(address) for address in settings["reference"]],
    }


def _teacher(name: str, own: Bool[ndarray, "n"], score: Float64[ndarray, "n"], verdict: Verdict) -> dict[str, Any]:
    """One teacher: what it offered, how often it had the best score, and what was kept of it."""
    kept = verdict.fate < 0
    return {
        "teacher": name,
        "offered": int(own.sum()),
        "best by score": int((own & (verdict.rank == 1)).sum()),
        "kept": int((own & kept).sum()),
        "share": float((own & kept).sum() / max(int(kept.sum()), 1)),
        "mean score offered": _mean(score[own]),
        "mean score kept": _mean(score[own & kept]),
    }


def _strata(settings: Mapping[str, Any], looked: Looked, kept: Bool[ndarray, "n"]) -> dict[str, Any]:
    if settings["cap_stratum"] is None:
        return {}
    stratum: Int64[ndarray, n] = looked.candidates.stratum
    order = sorted(range(len(looked.strata)), key=lambda number: looked.strata[number])
    groups = [len(np.unique(looked.candidates.group[stratum == at])) for at in order]
    chosen = [int((kept & (stratum == at)).sum()) for at in order]
    rows = zip(order, groups, chosen, strict=True)
    return {"strata": [{"stratum": looked.strata[at], "groups": all_, "kept": some} for at, all_, some in rows]}


def _mean(values: Float64[ndarray, "k"]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
