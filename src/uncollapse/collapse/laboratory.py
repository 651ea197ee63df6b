"""Laboratories: what every one of them can do, and where each is to be found."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any, ClassVar, Self

from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from uncollapse.collapse.materials import Material
from uncollapse.collapse.regimes import Regime, Verify
from uncollapse.collapse.theory import Curve
from uncollapse.errors import UsageError

# Module and class of each laboratory; a module is imported when its laboratory is asked for.
PLACES: Mapping[str, tuple[str, str]] = {
    "gaussian": ("gaussian", "Gaussian"),
    "discrete": ("discrete", "Discrete"),
    "kde": ("kde", "Kde"),
    "regression": ("regression", "Regression"),
    "ngram": ("ngram", "NGram"),
    "mixture": ("mixture", "Mixtures"),
    "autoencoder": ("autoencoder", "Autoencoder"),
}


class Laboratory(BaseModel, ABC):
    """What can draw from an original law and from models, fit models, and measure them, for all seeds at once.

    Its fields are its whole setting. A model is whatever `fitted` returns and `drawn` understands, for all seeds. The
    first axis of every array is the seed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    regimes: ClassVar[tuple[str, ...]]  # names of those it can have
    measures: ClassVar[Mapping[str, str]]  # each with what it means and its unit
    risk: ClassVar[str]  # the measure that says how bad the model is
    spread: ClassVar[str] = ""  # the measure that falls when late collapse comes, where there is one
    tail: ClassVar[str] = ""  # the measure that falls when early collapse comes, where there is one
    modes: ClassVar[str] = ""  # the measure that counts modes, where there is one
    usual: ClassVar[Mapping[str, int]] = {}  # generations and seeds on the command line, where others than the usual
    together: ClassVar[
        Mapping[str, Mapping[str, str]]
    ] = {}  # by title, shares told best in one plot, with their labels
    reasons: ClassVar[Mapping[str, str]] = {}  # why it cannot have a regime, by the regime's name
    invented: ClassVar[str] = ""  # the measure of mass where the original law has none, where there is one

    samples: Annotated[int, Field(ge=1)] = 100

    @abstractmethod
    def original(self, seeds: int) -> Any:
        """The original law as a model: generation 0."""

    @abstractmethod
    def real(self, count: int, *, seeds: int, rng: Generator) -> Material:
        """New rows from the original law; `count` may be 0."""

    @abstractmethod
    def drawn(self, model: Any, count: int, *, like: Material, rng: Generator) -> Material:
        """New rows from a model; where rows have inputs that are kept, at those of `like`."""

    @abstractmethod
    def fitted(self, material: Any, *, before: Any, rng: Generator) -> Any:
        """The model of the material; `before` is the model before it, for those that start from there."""

    @abstractmethod
    def measured(self, model: Any) -> Mapping[str, Float[ndarray, "seed"]]:
        """Each measure of the model."""

    def verified(self, model: Any, like: Any, *, regime: Verify, rng: Generator) -> Material:
        """As many new rows as `like` has, from a model, that a verifier has let through."""
        raise AssertionError(f"{self.name} has no verifier")

    def theory(self, regime: Regime, *, generations: int) -> Sequence[Curve]:
        """The closed forms that hold here, along generations 0 to `generations`."""
        return []

    def suited(self, regime: Regime) -> Self:
        """The same laboratory with materials that can do what the regime asks."""
        return self

    def footprint(self, regime: Regime, *, generations: int) -> int:
        """About how many bytes one seed takes while it runs; seeds run in chunks that keep the sum bounded."""
        return 8 * self.samples * (3 * generations if regime.name in {"accumulate", "subsample"} else 5)

    def refuse(self, regime: Regime) -> None:
        """Nothing, where this laboratory can have the regime.

        Raises:
            UsageError: it cannot; the hint says which it can.
        """
        if regime.name not in self.regimes:
            why = f": {self.reasons[regime.name]}" if regime.name in self.reasons else ""
            raise UsageError(
                f"the laboratory {self.name} cannot have the regime {regime.name}{why}",
                hint=f"it can have {', '.join(self.regimes)}",
            )


def laboratory(name: str, **settings: Any) -> Laboratory:
    """The laboratory of this name with these settings.

    Raises:
        UsageError: no such laboratory, a setting that it has not, or a value that cannot be.
    """
    if name not in PLACES:
        raise UsageError(f"there is no laboratory {name!r}", hint=f"there are {', '.join(PLACES)}")
    module, kind = PLACES[name]
    found: type[Laboratory] = getattr(import_module(f"uncollapse.collapse.{module}"), kind)
    try:
        return found(**settings)
    except ValidationError as error:
        raise _refused(found, error) from error


def _refused(kind: type[Laboratory], error: ValidationError) -> UsageError:
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        own = ", ".join(kind.model_fields)
        # What the command line calls samples without end.
        place = "samples = inf" if place == "sampling" else place
        return UsageError(f"the laboratory {kind.name} has no setting {place!r}", hint=f"it has {own}")
    message = first["msg"].removeprefix("Value error, ")
    got = f", not {first['input']!r}" if place else ""
    return UsageError(
        f"the laboratory {kind.name}: {place + ': ' if place else ''}{message}{got}",
        hint=f"uncollapse collapse {kind.name} --help says what it takes",
    )
