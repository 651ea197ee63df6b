"""Regimes: what each fit is given, as data that every laboratory shares.

Fit 1 always learns from the original law. A regime says what fit k + 1 learns from: new rows from the model of fit k,
rows that were there before, rows of the original.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from uncollapse.errors import UsageError

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Ability: TypeAlias = Literal["join", "thin", "swap", "weigh", "verify"]

GOLDEN = (5**0.5 - 1) / 2  # He, Xu & Cheng 2025: the best weight of fresh real data against the last synthetic


class Regime(BaseModel):
    """What every regime is: a name, what it asks of the laboratory's material, and fields that are its whole setting.

    `asks` lists abilities of a material: to be joined with another, thinned to fewer rows, to have single rows swapped,
    to be weighed; `verify` is asked of the laboratory itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    asks: ClassVar[frozenset[Ability]] = frozenset()

    @property
    def label(self) -> str:
        """The name with what was set otherwise than usual, as it stands in tables and on pages."""
        fields = type(self).model_fields
        set_here = {key: value for key, value in self if value != fields[key].default}
        return " ".join([self.name, *(f"{key}={_shown(value)}" for key, value in set_here.items())])


class Replace(Regime):
    """Each fit sees only what the model before it made."""

    name = "replace"


class Accumulate(Regime):
    """Each fit sees all data so far: the original and what every model made."""

    name = "accumulate"
    asks = frozenset({"join"})


class Subsample(Regime):
    """Data accumulate, and each fit sees a fixed number of rows drawn from them without replacement."""

    name = "subsample"
    asks = frozenset({"join", "thin"})


class Preserve(Regime):
    """A share of each training set is always the same original rows; the rest is what the last model made."""

    name = "preserve"
    asks = frozenset({"join"})
    share: Share = 0.1


class Fresh(Regime):
    """A share of each training set is new data from the original law; the rest is what the last model made."""

    name = "fresh"
    asks = frozenset({"join"})
    share: Share = 0.1


class Edit(Regime):
    """A share of the rows is exchanged for what the last model says there; the others stay as they are.

    `mask` says which: `random` anew each time, `disjoint` none twice (while there are any left), `same` always the same
    ones. In round i (from 0) the rate is `rate * decay**i`.
    """

    name = "edit"
    asks = frozenset({"swap"})
    rate: Share = 0.1
    mask: Literal["random", "disjoint", "same"] = "random"
    decay: Annotated[float, Field(gt=0, le=1)] = 1.0


class Verify(Regime):
    """Each fit sees what the last model made and a verifier kept: right rows at rate phi, wrong ones at rate psi."""

    name = "verify"
    asks = frozenset({"verify"})
    phi: Annotated[float, Field(gt=0, le=1)] = 0.9
    psi: Share = 0.3


class Weighted(Regime):
    """Each fit sees new original data with one weight and as much of the last model's with the rest."""

    name = "weighted"
    asks = frozenset({"join", "weigh"})
    weight: Annotated[float, Field(gt=0, le=1)] = GOLDEN


Schedule: TypeAlias = Annotated[tuple[Share, ...], Field(min_length=1)]


class Mixed(Regime):
    """The law of generation i + 1 is alpha of the new model's, beta of the law before it, gamma of the original.

    One value each, or one for each generation; the last one goes on for ever.

    Source: Shumailov et al., Nature 631 (2024), the general process p[i+1] = alpha p(theta) + beta p[i] + gamma p[0].
    """

    name = "mixed"
    asks = frozenset({"join"})
    alpha: Schedule = (0.5,)
    beta: Schedule = (0.25,)
    gamma: Schedule = (0.25,)

    @model_validator(mode="after")
    def _sums(self) -> "Mixed":
        for step in range(max(map(len, (self.alpha, self.beta, self.gamma)))):
            total = sum(self.at(step))
            if abs(total - 1) > 1e-9:
                raise ValueError(f"alpha, beta and gamma must sum to 1, and sum to {total:g} in round {step}")
        return self

    def at(self, step: int) -> tuple[float, float, float]:
        """Alpha, beta and gamma of this round, counted from 0."""
        alpha, beta, gamma = (part[min(step, len(part) - 1)] for part in (self.alpha, self.beta, self.gamma))
        return alpha, beta, gamma


REGIMES: Mapping[str, type[Regime]] = {
    kind.name: kind for kind in (Replace, Accumulate, Subsample, Preserve, Fresh, Edit, Verify, Weighted, Mixed)
}


def regime(name: str, **settings: Any) -> Regime:
    """The regime of this name with these settings.

    Raises:
        UsageError: no such regime, a setting that it has not, or a value that cannot be.
    """
    if name not in REGIMES:
        raise UsageError(f"there is no regime {name!r}", hint=f"there are {', '.join(REGIMES)}")
    try:
        return REGIMES[name](**settings)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "settings"
        own = ", ".join(REGIMES[name].model_fields) or "none"
        said = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"regime {name}: {place}: {said}", hint=f"its settings: {own}") from error


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "/".join(f"{part:g}" for part in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
