"""Choosing a band of surprise: documents that a model finds neither usual nor nonsense.

The surprise of a document is the mean of -ln p over its tokens, in nats. A band says from which quantile of the pool
to which; within it documents are drawn at random. Surprise differs between domains, so a band shifts their mix: the
account says so, and the shares by source stand beside it.

Source: Marion et al. 2023, arXiv 2309.04564, and Ankner et al. 2024, arXiv 2405.20541 (bands of perplexity).
"""

from typing import Annotated

import numpy as np
import pyarrow as pa
from jaxtyping import Float64
from numpy import ndarray
from pydantic import BeforeValidator

from uncollapse.errors import UsageError
from uncollapse.fingerprint import Json
from uncollapse.selection.choosing import Budget, Choice, Looking, Pool, Reasons, Rows, Selector
from uncollapse.selection.filling import filled
from uncollapse.selection.scores import ScoreColumn

CHARACTERS = 2_000
"""So much of each document is read by a model, from its beginning."""
_AT_ONCE = 32
REASONS = ("less surprising than the band", "more surprising than the band", "without a token to judge")


def _edges(value: object) -> object:
    """A band as it is typed, `0.5:0.98`, or as a pair."""
    if not isinstance(value, str):
        return value
    parts = value.split(":")
    try:
        return tuple(float(part) for part in parts)
    except ValueError:
        raise ValueError("a band is written as low:high, for example 0.5:0.98") from None


class LikelihoodBand(Selector):
    """Documents whose surprise lies between two quantiles of the pool's.

    `score` is a column that holds the surprise, in any unit that grows with it; else the `model` is asked, of the first
    2,000 characters of each document. The most surprising are left out unless the band says otherwise: they are mostly
    broken text.
    """

    band: Annotated[tuple[float, float], BeforeValidator(_edges)] = (0.5, 0.98)
    score: str | None = None
    model: str = "smollm2-135m"

    def choose(self, pool: Pool, *, budget: Budget, reference: Pool | None = None) -> Choice:  # noqa: ARG002
        """Documents of the band in the order of their draws.

        Raises:
            UsageError: the band is none, or holds less than the budget.
            InputError: a score is missing; says where.
            ModelError: nothing answers to the model's address.
        """
        low, high = self.band
        if not 0 <= low < high <= 1:
            raise UsageError(f"a band from {low:g} to {high:g} is none", hint="--band 0.5:0.98")
        looking, surprise = Looking(self, budget), self._surprise()
        for batch in pool:
            looking.take(batch)
            surprise.take(batch)
        rows, value = looking.rows(), surprise.values()
        place = _quantiles(rows, value)
        inside = (place >= low) & (place < high) if high < 1 else place >= low
        there = int(rows.sizes[inside].sum())
        if budget.amount > there:
            raise UsageError(
                f"the band from {low:g} to {high:g} holds {there:,} {budget.unit}, and the budget is {budget}",
                hint=f"Ask for --budget {there} or less, or for a wider --band.",
            )
        order = rows.order()
        counts = filled(rows, order[inside[order]])
        why = np.where(np.isnan(place), 2, np.where(inside, -1, np.where(place < low, 0, 1)))
        own = value[inside]
        account: dict[str, Json] = {
            "surprise by": self.score or self.model,
            "band in the unit of the surprise": [float(own.min()), float(own.max())],
            "mean surprise of the pool": float(np.sort(value[~np.isnan(value)]).mean()),
            "mean surprise of the choice": float(np.sort(value[counts > 0]).mean()),
            "warning": "surprise differs between domains, so the band shifts their mix: see the shares by source",
        }
        return Choice(counts, account, Reasons(REASONS, why))

    def _surprise(self) -> "ScoreColumn | _ByModel":
        return ScoreColumn(self.score) if self.score is not None else _ByModel(self.model)


class _ByModel:
    """Gathers the mean surprise of a model by each document, in nats a token; NaN without a token to judge."""

    def __init__(self, address: str) -> None:
        from uncollapse.language_models import load  # noqa: PLC0415 (slow import)

        self._model = load(address)
        self._found = [np.zeros(0)]

    def take(self, batch: pa.RecordBatch) -> None:
        """Takes the documents of a batch, behind those that are there."""
        texts = [(text or "")[:CHARACTERS] for text in batch.column("text").to_pylist()]
        for at in range(0, len(texts), _AT_ONCE):
            tokens = self._model.vocabulary.encode(texts[at : at + _AT_ONCE])
            logprob = self._model.score(tokens).logprob.astype(np.float64)
            parts = np.split(logprob, tokens.offsets[1:-1])
            means = [-part[~np.isnan(part)].mean() if (~np.isnan(part)).any() else np.nan for part in parts]
            self._found.append(np.array(means))

    def values(self) -> Float64[ndarray, "n"]:
        """The surprise of all documents."""
        return np.concatenate(self._found)


def _quantiles(rows: Rows, value: Float64[ndarray, "n"]) -> Float64[ndarray, "n"]:
    """The share of the documents that are less surprising, equal ones in the order of their draws; NaN stays NaN."""
    order = np.lexsort((rows.draw, value))
    known = int((~np.isnan(value)).sum())
    result = np.full(len(value), np.nan)
    result[order[:known]] = np.arange(known) / max(known, 1)
    return result
