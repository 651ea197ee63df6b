"""The discrete laboratory: each generation counts states and takes the counts for the law.

Without temperature or truncation this is the Wright-Fisher model; its closed forms and its exact chain are in
`theory.discrete`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from jaxtyping import Float, Float64
from numpy import ndarray
from numpy.random import Generator
from pydantic import Field, model_validator

from uncollapse.collapse.laboratory import Laboratory
from uncollapse.collapse.materials import Counts, Rows
from uncollapse.collapse.pooled import moments
from uncollapse.collapse.regimes import Edit, Fresh, Preserve, Regime, Verify
from uncollapse.collapse.theory import Curve, pools
from uncollapse.collapse.theory import discrete as forms
from uncollapse.errors import MissingInput

Laws = Float64[ndarray, "seed state"]


class Discrete(Laboratory):
    """A law over states: Zipf's, uniform, or a user's counts."""

    name: ClassVar[str] = "discrete"
    regimes: ClassVar[tuple[str, ...]] = (
        "replace",
        "accumulate",
        "subsample",
        "preserve",
        "fresh",
        "edit",
        "verify",
        "weighted",
        "mixed",
    )
    measures: ClassVar[Mapping[str, str]] = {
        "heterozygosity": "the probability that two draws differ",
        "support": "how many states are left",
        "entropy": "entropy, in nats",
        "kl": "divergence of the model from the original law, KL(model || original), in nats",
        "error": "sum of squared differences of the probabilities from the original ones",
        "tail_mass": "mass of the states that the original gives less than one expected draw",
        "top": "probability of the likeliest state",
    }
    risk: ClassVar[str] = "kl"
    spread: ClassVar[str] = "heterozygosity"
    tail: ClassVar[str] = "support"

    # So many that the rarest of the usual states are drawn now and then: the tail goes generation by generation.
    samples: Annotated[int, Field(ge=1)] = 5000
    law: Literal["zipf", "uniform", "counts"] = "zipf"
    states: Annotated[int, Field(ge=2)] = 1000
    exponent: Annotated[float, Field(gt=0)] = 1.0
    counts: tuple[Annotated[float, Field(ge=0)], ...] = ()
    temperature: Annotated[float, Field(gt=0)] = 1.0
    top_k: Annotated[int, Field(ge=1)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    rows: bool = False  # draw rows one by one instead of counts

    @model_validator(mode="after")
    def _some(self) -> Self:
        if (self.law == "counts") != bool(self.counts):
            raise ValueError("law counts and the counts themselves go together")
        if self.counts and sum(count > 0 for count in self.counts) < 2:
            raise ValueError("the counts must hold two states or more that were seen")
        return self

    @property
    def probabilities(self) -> Float64[ndarray, "state"]:
        """The original law, the likeliest state first."""
        if self.law == "counts":
            weights = np.sort(np.array(self.counts))[::-1]
        elif self.law == "uniform":
            weights = np.ones(self.states)
        else:
            weights = np.arange(1, self.states + 1.0) ** -self.exponent
        return weights / weights.sum()

    @property
    def plain(self) -> bool:
        """Whether states are drawn from the law as it is."""
        return self.temperature == 1 and self.top_k is None and self.top_p == 1

    def suited(self, regime: Regime) -> Self:
        """Rows where the regime asks for single rows, else counts."""
        return self.model_copy(update={"rows": True}) if regime.asks & {"swap", "thin"} else self

    def original(self, seeds: int) -> Laws:
        """The original law for each seed."""
        return np.broadcast_to(self.probabilities, (seeds, len(self.probabilities)))

    def real(self, count: int, *, seeds: int, rng: Generator) -> Counts | Rows:
        """New draws from the original law, without temperature or truncation."""
        return self._made(self.original(seeds), count, rng)

    def drawn(self, model: Laws, count: int, *, like: object, rng: Generator) -> Counts | Rows:
        """New draws from a model, at the temperature and with the truncation that are set."""
        return self._made(decoded(model, self), count, rng)

    def fitted(self, material: Counts | Rows, *, before: object, rng: Generator) -> Laws:
        """The frequencies."""
        counts = Counts.of(material, states=len(self.probabilities)) if isinstance(material, Rows) else material
        return counts.counts / counts.counts.sum(axis=1, keepdims=True)

    def verified(self, model: Laws, like: Any, *, regime: Verify, rng: Generator) -> Counts | Rows:
        """New draws that a verifier has let through.

        A draw of a state that the model gives p and the original p0 is right with probability min(1, p0/p): what the
        model has beyond the original is wrong. Right draws are kept at rate phi, wrong ones at rate psi.
        """
        law = decoded(model, self)
        right = np.minimum(law, self.probabilities)
        kept = regime.phi * right + regime.psi * (law - right)
        return self._made(kept / kept.sum(axis=1, keepdims=True), like.size, rng)

    def measured(self, model: Laws) -> dict[str, Float[ndarray, "seed"]]:
        """The measures by name."""
        original = self.probabilities
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.where(model > 0, np.log(model), 0.0)
            against = np.where(model > 0, np.log(original), 0.0)
        entropy = -(model * logs).sum(axis=1) + 0.0
        return {
            "heterozygosity": forms.heterozygosity(model),
            "support": (model > 0).sum(axis=1).astype(float),
            "entropy": entropy,
            "kl": np.maximum(-entropy - (model * against).sum(axis=1), 0.0),
            "error": ((model - original) ** 2).sum(axis=1),
            "tail_mass": model[:, original * self.samples < 1].sum(axis=1),
            "top": model.max(axis=1),
        }

    def theory(self, regime: Regime, *, generations: int) -> Sequence[Curve]:
        """The closed forms for this regime; none where temperature or truncation bends the draws."""
        if not self.plain:
            return []
        k, start = np.arange(generations + 1.0), float(forms.heterozygosity(self.probabilities))
        if regime.name == "replace":
            values = forms.replace_heterozygosity(k, start=start, draws=self.samples)
            kept = forms.replace_heterozygosity
        elif regime.name == "accumulate":
            values = forms.accumulate_heterozygosity(k, start=start, draws=self.samples)
            kept = forms.accumulate_heterozygosity
        else:
            return self._anchored(regime, k, start)
        # Frequencies are a martingale: what heterozygosity is lost is the squared error that was won.
        return [Curve("heterozygosity", kept, values), Curve("error", kept, start - values), *self._support(regime, k)]

    def _support(self, regime: Regime, k: Float64[ndarray, "generation"]) -> list[Curve]:
        law, draws = self.probabilities, self.samples
        if regime.name == "accumulate":
            first = np.full(len(k), float(forms.survival(1, q=law, draws=draws).sum()))
            first[0] = float((law > 0).sum())
            return [Curve("support", forms.survival, first)]
        if draws <= forms.LARGEST_CHAIN:
            return [Curve("support", forms.support, forms.support(k, law=law, draws=draws))]
        bound = forms.support_bound(k, law=law, draws=draws)
        return [Curve("support", forms.support_bound, bound, statistic="lower bound")]

    def _anchored(self, regime: Regime, k: Float64[ndarray, "generation"], start: float) -> list[Curve]:
        if isinstance(regime, Preserve | Fresh):
            real = round(regime.share * self.samples)
        elif isinstance(regime, Edit) and regime.mask == "same" and regime.decay == 1:
            real = self.samples - round(regime.rate * self.samples)
        else:
            return self._pooled(regime, len(k) - 1, start)
        if not 0 < real < self.samples:
            return []
        kept = not isinstance(regime, Fresh)
        error = forms.anchored_error(k, start=start, real=real, made=self.samples - real, kept=kept)
        return [
            Curve("error", forms.anchored_error, error),
            Curve("heterozygosity", forms.anchored_error, start - error),
        ]

    def _pooled(self, regime: Regime, generations: int, start: float) -> list[Curve]:
        """The forms for indicators of states, whose variance is the heterozygosity."""
        found = moments(regime, generations=generations, samples=self.samples, refit=pools.Refit(start=start))
        if found is None:
            return []
        form, expected = found
        return [Curve("error", form, expected.mean), Curve("heterozygosity", form, expected.variance)]

    def footprint(self, regime: Regime, *, generations: int) -> int:
        """Bytes a seed takes: a few copies of its law, and its rows where there are rows."""
        rows = super().footprint(regime, generations=generations) if self.suited(regime).rows else 0
        return 40 * len(self.probabilities) + rows

    def _made(self, laws: Laws, count: int, rng: Generator) -> Counts | Rows:
        if not self.rows:
            return Counts(rng.multinomial(count, laws / laws.sum(axis=1, keepdims=True)), count)
        return Rows(drawn_states(laws, count, rng=rng))


def drawn_states(laws: Laws, count: int, *, rng: Generator) -> ndarray:
    """So many states for each seed, each from its own law: one search in the laws laid end to end."""
    seeds, states = laws.shape
    ends = np.cumsum(laws, axis=1)
    ends /= ends[:, -1:]
    flat = (ends + np.arange(seeds)[:, None]).ravel()
    wanted = rng.random((seeds, count)) + np.arange(seeds)[:, None]
    found = np.searchsorted(flat, wanted.ravel(), side="right").reshape(seeds, count)
    return np.clip(found - states * np.arange(seeds)[:, None], 0, states - 1)


def decoded(laws: Laws, laboratory: Discrete) -> Laws:
    """The laws as they are drawn from: sharpened by temperature, then cut to the likeliest k, then to the mass p."""
    if laboratory.temperature != 1:
        with np.errstate(divide="ignore"):
            logs = np.log(laws) / laboratory.temperature
        laws = np.exp(logs - logs.max(axis=1, keepdims=True))
        laws = laws / laws.sum(axis=1, keepdims=True)
    if laboratory.top_k is not None or laboratory.top_p < 1:
        order = np.argsort(-laws, axis=1, kind="stable")
        ranked = np.take_along_axis(laws, order, axis=1)
        before = np.cumsum(ranked, axis=1) - ranked
        kept = before < laboratory.top_p - 1e-12
        if laboratory.top_k is not None:
            kept[:, laboratory.top_k :] = False
        cut = np.zeros_like(laws)
        np.put_along_axis(cut, order, np.where(kept, ranked, 0.0), axis=1)
        laws = cut / cut.sum(axis=1, keepdims=True)
    return laws


def read_counts(path: Path) -> tuple[float, ...]:
    """The numbers of a text file, separated by white space or commas.

    Raises:
        MissingInput: there is no such file, or something in it is no number.
    """
    try:
        found = tuple(float(word) for word in path.read_text().replace(",", " ").split())
        if not found or not np.isfinite(found).all():
            raise ValueError("a number in it is not finite" if found else "it is empty")
    except (OSError, ValueError) as error:
        raise MissingInput(
            f"{path} holds no list of numbers: {error}", hint="a text file of numbers, with spaces between them"
        ) from error
    return found
