"""What a closed form is: a function that knows where it comes from and how far it may be trusted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Generic, Literal, ParamSpec, TypeAlias, TypeVar

from jaxtyping import Float64
from numpy import ndarray

Arguments = ParamSpec("Arguments")
Value_co = TypeVar("Value_co", covariant=True)
Number: TypeAlias = int | float
Statistic: TypeAlias = Literal["mean", "median", "lower bound", "upper bound", "leading order"]

ROOMS = ("gaussian", "pools", "discrete", "regression", "kernel", "scaling", "text")
_FORMS: dict[str, "Form[..., object]"] = {}


class Standing(StrEnum):
    """How far a form may be trusted."""

    PUBLISHED = "published"
    EXACT = "exact; the paper has it to first order"
    DERIVED = "derived here, checked by simulation"
    REFUTED = "published, but it does not hold"


@dataclass(frozen=True, eq=False)
class Form(Generic[Arguments, Value_co]):
    """A closed form: call it as the function that it is."""

    function: Callable[Arguments, Value_co]
    name: str
    source: str
    standing: Standing
    statement: str

    def __call__(self, *arguments: Arguments.args, **named: Arguments.kwargs) -> Value_co:
        """The form's value."""
        return self.function(*arguments, **named)


def form(
    name: str, *, source: str, standing: Standing, statement: str
) -> Callable[[Callable[Arguments, Value_co]], Form[Arguments, Value_co]]:
    """A decorator that makes a function a closed form of this name and puts it on the list."""

    def made(function: Callable[Arguments, Value_co]) -> Form[Arguments, Value_co]:
        assert name not in _FORMS, name
        built = Form(function, name, source, standing, statement)
        _FORMS[name] = built
        return built

    return made


def forms() -> Mapping[str, "Form[..., object]"]:
    """Every closed form by its name."""
    for room in ROOMS:
        import_module(f"uncollapse.collapse.theory.{room}")
    return dict(_FORMS)


@dataclass(frozen=True, eq=False)
class Curve:
    """A form along the generations of one experiment: what `statistic` over seeds of `measure` must be."""

    measure: str
    form: Form[..., object]
    values: Float64[ndarray, "generation"]
    statistic: Statistic = "mean"
    start: int = 0  # the first generation that the form speaks of
