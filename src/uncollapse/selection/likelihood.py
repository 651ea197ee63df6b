"""Choosing a band of surprise: documents that a model finds neither usual nor nonsense.

The surprise of a document is the mean of -ln p over its tokens, in nats. A band says from which quantile of the pool
to which; within it documents are drawn at random. Surprise differs between domains, so a band shifts their mix: the
account says so, and the shares by source stand beside it.

Source: Marion et al. 2023, arXiv 2309.04564, and Ankner et al. 2024, arXiv 2405.20541 (bands of perplexity).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from pydantic import BeforeValidator, PrivateAttr

from uncollapse.errors import UsageError
from uncollapse.fingerprint import Json
from uncollapse.language_models.model import LanguageModel
from uncollapse.selection.choosing import Budget, Choice, Looking, Pool, Reasons, Rows, Selector
from uncollapse.selection.filling import filled
from uncollapse.selection.scores import ScoreColumn
from uncollapse.step import Spread, here

CHARACTERS = 2_000
"""So much of each document is read by a model, from its beginning."""
_AT_ONCE = 32
_SHOWN = 30
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
    _spread: Spread = PrivateAttr(default_factory=lambda: here)

    def recipe(self) -> Mapping[str, Json]:
        """Name and fields; of a model its weights and precision and not where it lies, as draws hang on the recipe.

        Raises:
            ModelError: nothing answers to the model's address.
        """
        own = dict(super().recipe())
        if self.score is not None:
            return {**own, "model": None}
        from uncollapse.language_models import resolve  # noqa: PLC0415 (slow import)

        card = resolve(self.model).as_json()
        return {**own, "model": {name: value for name, value in card.items() if name != "address"}}

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
        looking = Looking(self, budget)
        value = self._by_model(pool, looking) if self.score is None else _by_column(pool, looking, self.score)
        rows = looking.rows()
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

    def worked_by(self, spread: Spread) -> Self:
        """The same, with the model read by others."""
        other = self.anew()
        other._spread = spread
        return other

    def _by_model(self, pool: Pool, looking: Looking) -> Float64[ndarray, "n"]:
        """The surprise of all documents."""
        from uncollapse.language_models.lent import Lent  # noqa: PLC0415 (slow import)

        def pieces() -> Iterator[Openings]:
            for batch in pool:
                looking.take(batch)
                texts = [(text or "")[:CHARACTERS] for text in batch.column("text").to_pylist()]
                for at in range(0, len(texts), _AT_ONCE):
                    yield Openings(texts[at : at + _AT_ONCE])

        with self._spread(Lent.of(self.model)) as gather:
            return np.concatenate([np.zeros(0), *gather(pieces())])


@dataclass(frozen=True)
class Openings:
    """The beginnings of some documents, of which it is asked how surprised a model is."""

    texts: Sequence[str]

    @property
    def name(self) -> str:
        """Which these are."""
        return f"{len(self.texts)} texts, the first {self.texts[0][:_SHOWN]!r}"

    def read_by(self, model: LanguageModel) -> Float64[ndarray, "n"]:
        """The mean surprise in nats a token; NaN without a token to judge."""
        tokens = model.vocabulary.encode(self.texts)
        logprob = model.score(tokens).logprob.astype(np.float64)
        parts = np.split(logprob, tokens.offsets[1:-1])
        return np.array([-part[~np.isnan(part)].mean() if (~np.isnan(part)).any() else np.nan for part in parts])


def _by_column(pool: Pool, looking: Looking, name: str) -> Float64[ndarray, "n"]:
    scores = ScoreColumn(name)
    for batch in pool:
        looking.take(batch)
        scores.take(batch)
    return scores.values()


def _quantiles(rows: Rows, value: Float64[ndarray, "n"]) -> Float64[ndarray, "n"]:
    """The share of the documents that are less surprising, equal ones in the order of their draws; NaN stays NaN."""
    order = np.lexsort((rows.draw, value))
    known = int((~np.isnan(value)).sum())
    result = np.full(len(value), np.nan)
    result[order[:known]] = np.arange(known) / max(known, 1)
    return result
