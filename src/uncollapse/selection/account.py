"""What a mixture comes to, in plain values: what was asked, what was reached, and of which origin and depth it is."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy import ndarray

from uncollapse.corpora.claims import ORIGINS
from uncollapse.document import Origin
from uncollapse.provenance.origin import BASES
from uncollapse.selection.drawing import REASONS, Drawn, size_of
from uncollapse.selection.proportions import Asked
from uncollapse.selection.survey import ORIGIN_CODES, Inputs, Role


def as_told(
    settings: Mapping[str, Any], asked: Asked, *, inputs: Inputs, rows: ndarray, drawn: Drawn
) -> dict[str, Any]:
    """What the manifest says of a mixture."""
    taken = drawn.taken
    assert taken is not None
    exact = asked.share * (taken.human_size + taken.synthetic_size)
    sides = {role.name.lower(): role for role in Role}
    sources = [entry.source for entry in inputs.corpus.plan.inputs]
    given = {
        name: [source for source, own in zip(sources, inputs.roles, strict=True) if own is role]
        for name, role in sides.items()
    }
    told = ("human_share", "by", "total", "repeat_cap", "weights", "seed")
    return {
        "given": {name: found for name, found in given.items() if found},
        "asked": {name: settings[name] for name in told},
        "reached": {
            "human_share": float(taken.share),
            "human": taken.human_size,
            "synthetic": taken.synthetic_size,
            "human beyond the share": round(float(taken.human_size - exact), 3),
            **_effective(rows, settings["weights"]),
            **drawn.account,
        },
        "sides": [_side(rows, drawn, human=human, unit=asked.unit) for human in (True, False)],
        "holds": _holds(rows, drawn),
        "depth": _depths(rows, drawn),
    }


def _side(rows: ndarray, drawn: Drawn, *, human: bool, unit: str) -> dict[str, Any]:
    """One side: rows and size that were there, rows and size in the mixture, and why rows were left out."""
    own = (rows["origin"] == ORIGIN_CODES[Origin.HUMAN]) == human
    sizes, taken = size_of(rows, unit), drawn.row[own[drawn.row]]
    out = {reason: int((own & (drawn.fate == code)).sum()) for code, reason in enumerate(REASONS)}
    return {
        "side": "human" if human else "synthetic",
        "rows": int(own.sum()),
        "size": int(sizes[own].sum()),
        "rows in the mixture": len(taken),
        "size in the mixture": int(sizes[taken].sum()),
        "left out": {reason: count for reason, count in out.items() if count},
    }


def _effective(rows: ndarray, weights: str | None) -> dict[str, float]:
    """How many equal weights the weights of the synthetic rows at hand are worth.

    Source: Kish 1965, section 11.7: (sum w)^2 / sum w^2.
    """
    if weights is None:
        return {}
    own = rows["weight"][rows["origin"] != ORIGIN_CODES[Origin.HUMAN]]
    square = float((own**2).sum())
    return {"effective synthetic rows": round(float(own.sum()) ** 2 / square, 3) if square else 0.0}


def _holds(rows: ndarray, drawn: Drawn) -> list[dict[str, Any]]:
    """Rows and words of the mixture by origin and by what that rests on."""
    chosen = rows[drawn.row]
    pairs, at = np.unique(np.stack([chosen["origin"], chosen["basis"]], axis=1), axis=0, return_inverse=True)
    counts = np.bincount(at.ravel(), minlength=len(pairs))
    words = np.bincount(at.ravel(), weights=chosen["words"], minlength=len(pairs))
    return [
        {
            "origin": ORIGINS[int(origin)].as_py(),
            "basis": str(BASES[int(basis)]),
            "rows": int(count),
            "words": int(amount),
        }
        for (origin, basis), count, amount in zip(pairs, counts, words, strict=True)
    ]


def _depths(rows: ndarray, drawn: Drawn) -> list[dict[str, Any]]:
    depths, counts = np.unique(rows["depth"][drawn.row], return_counts=True)
    pairs = zip(depths.tolist(), counts.tolist(), strict=True)
    return [{"depth": None if depth < 0 else depth, "rows": rows_} for depth, rows_ in pairs]
