"""Design rules out of the theory: is the error bounded, at what multiple, and what would keep it under another one.

The setting is the regression of Gerstgrasser et al. and Zhu et al.: every generation is fitted to the same number of
rows, and errors are multiples of that of one fit to real labels, to leading order in d/T. For text it is a guide, not a
proof.
"""

from typing import Annotated, Literal, NamedTuple, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.optimize import brentq

from uncollapse.collapse.theory import regression as forms
from uncollapse.errors import UsageError

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Workflow: TypeAlias = Literal["replace", "accumulate", "edit", "edit-decaying", "keep", "fresh"]


class Question(BaseModel):
    """What a user wants to do: how data are made in each of `generations` rounds after the first fit.

    `keep` replays a share of human rows and edits the others every round; `fresh` brings that share of new human rows;
    `edit` edits a random share `rate` each round, `edit-decaying` at rates that fall by `decay`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    workflow: Workflow
    generations: Annotated[int, Field(ge=1)] = 10
    share: Share = 0.1
    rate: Share = 0.1
    decay: Annotated[float, Field(gt=0, lt=1)] = 0.9
    multiple: Annotated[float, Field(gt=1)] = 2.0


class Answer(NamedTuple):
    """The error after the last round and in the limit, in units of one fit to real labels, and what to do.

    `limit` is infinite where there is no bound. `remedy` says what keeps the error under the multiple asked for.
    """

    error: float
    limit: float
    form: str
    remedy: str

    @property
    def bounded(self) -> bool:
        """Whether the error stays bounded however long one goes on."""
        return bool(np.isfinite(self.limit))


def plan(question: Question) -> Answer:
    """What the theory says of the workflow."""
    return {
        "replace": _replace,
        "accumulate": _accumulate,
        "edit": _edit,
        "edit-decaying": _decaying,
        "keep": _keep,
        "fresh": _fresh,
    }[question.workflow](question)


def share_to_keep(multiple: float) -> float:
    """The smallest share of human rows, never edited, that keeps the error under the multiple for ever."""
    return 1 - float(brentq(lambda q: forms.edit_same_limit(q) - multiple, 0.0, 1 - 1e-12))


def fresh_error(share: float, *, rounds: int) -> float:
    """The error with a share of fresh human rows in each fit after the first, in units of one fit; rounds may be many.

    Each fit is a mean of human labels and of answers of the fit before, so e' = 1 + (1 - share)^2 e to leading order.
    """
    left = (1 - share) ** 2
    return rounds + 1.0 if left == 1 else float((1 - left ** (rounds + 1.0)) / (1 - left))


def _replace(question: Question) -> Answer:
    error = question.generations + 1.0
    rounds = max(0, int(np.ceil(question.multiple - 1)) - 1)
    keep = share_to_keep(question.multiple)
    remedy = f"at most {rounds} rounds, or a share of {keep:.3f} of human rows kept in every round"
    return Answer(error, np.inf, "replace-error: k units after k fits", remedy)


def _accumulate(question: Question) -> Answer:
    error = float((1 / np.arange(1, question.generations + 2.0) ** 2).sum())
    limit = np.pi**2 / 6
    remedy = (
        "none is needed" if limit < question.multiple else f"no accumulation alone stays under {question.multiple:g}"
    )
    return Answer(error, float(limit), "accumulate-error: sum 1/i^2, at most pi^2/6; unbiased sampling only", remedy)


def _edit(question: Question) -> Answer:
    q = question.rate
    each = 2 * q - q**2
    error = 1 + question.generations * each
    budget = (question.multiple - 1) / question.generations
    rate = 1 - np.sqrt(max(0.0, 1 - budget))
    remedy = f"a rate of at most {rate:.4f} for {question.generations} rounds, or never edit"
    remedy += f" a share of {share_to_keep(question.multiple):.3f} of the rows at all"
    return Answer(float(error), np.inf if q else 1.0, "edit-random: 1 + n (2q - q^2)", remedy)


def _decaying(question: Question) -> Answer:
    q, eta = question.rate, question.decay
    error = forms.edit_decaying(np.array([float(question.generations)]), q=q, eta=eta)[0]
    limit = 1 + 2 * q / (1 - eta) - q**2 / (1 - eta**2)
    total = (question.multiple - 1) / 2
    remedy = f"rates that sum to at most about {total:.3g} over all rounds (the first {total * (1 - eta):.3g})"
    return Answer(float(error), float(limit), "edit-decaying", remedy)


def _keep(question: Question) -> Answer:
    q = 1 - question.share
    error = forms.edit_same(np.array([float(question.generations)]), q=q)[0]
    limit = forms.edit_same_limit(q) if q < 1 else np.inf
    remedy = f"a share of at least {share_to_keep(question.multiple):.3f} of human rows that are never touched"
    return Answer(float(error), float(limit), "edit-same: (1 + 2q)/(1 - q^2) with q = 1 - share", remedy)


def _fresh(question: Question) -> Answer:
    error = fresh_error(question.share, rounds=question.generations)
    limit = fresh_error(question.share, rounds=10**9) if question.share else np.inf
    wanted = 1 - np.sqrt(1 - 1 / question.multiple)
    remedy = f"a share of at least {wanted:.3f} of fresh human rows in every round"
    return Answer(error, limit, "fresh-limit: 1/(1 - (1-l)^2)", remedy)


def asked(**given: object) -> Question:
    """The question, when every value can be.

    Raises:
        UsageError: one cannot.
    """
    try:
        return Question(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"--{place}: {first['msg']}, not {first['input']!r}", hint="uncollapse collapse plan --help"
        ) from error
