"""Differences between models on the same documents, with intervals over documents and seeds.

A document is hard for one model as it is for another, so a difference is surer than either number: every draw takes the
same documents for both. What another training would have given, only several seeds can say.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.stats import norm
from scipy.stats import t as student

from uncollapse.errors import InputError
from uncollapse.evaluation.measures import DRAWS, LEVEL, MEASURES, TOKENS

SEED = re.compile(r"^(?P<arm>.+?)[-_/.](?:seed[-_]?|s)(?P<seed>\d+)/?$")
POWER = 0.8  # how often the smallest difference would have been seen

COMPARED = ("perplexity", "bits_per_byte", "tail_perplexity", "tail_bits_per_byte")
COLUMNS = ("nats", "tokens", "bytes", "rare_nats", "rare_tokens", "rare_bytes")

Sums = Mapping[str, Float64[ndarray, "_ columns"]]
"""For each seed of an arm the sums of each document, in the same order of documents."""


class Difference(NamedTuple):
    """How much an arm differs from the control in one measure on one file.

    `value` is arm minus control, `low` and `high` its 95 % interval, `smallest` the smallest difference that would have
    been seen four times in five, `seeds` the pairs of seeds and `documents` the texts that it rests upon, `p` how often
    equal arms would differ by as much.
    """

    arm: str
    file: str
    measure: str
    value: float
    low: float
    high: float
    smallest: float
    seeds: int
    documents: int
    p: float = float("nan")

    @property
    def told(self) -> str:
        """What the interval says."""
        if not (self.low > 0 or self.high < 0):
            return "not told apart"
        return "higher" if self.low > 0 else "lower"


class Run(NamedTuple):
    """The arm and the seed in the name of a model: `edited-s2` is seed 2 of `edited`."""

    arm: str
    seed: str


def run_of(model: str) -> Run:
    """The arm and the seed that a model's name says; a name that ends in no seed is an arm with one."""
    found = SEED.match(model)
    return Run(found["arm"], found["seed"]) if found else Run(model.rstrip("/"), "0")


def differences(
    arm: Sums, control: Sums, *, names: tuple[str, str], seed: int = 0, draws: int = DRAWS
) -> list[Difference]:
    """For each measure of surprise the difference of two arms; `names` are those of the arm and of the file.

    Seeds of equal name are pairs, and others are left out. With several pairs the interval is Student's over their
    differences, widened by what other documents would change; with one it is over documents alone. Perplexities are
    left out where the two sides cut the text into unequal tokens, and an interval is NaN over a single document.

    Raises:
        InputError: the arms share no seed, or were not read on the same documents.

    Source: a two-factor random model with documents drawn by bootstrap (Owen 2007); degrees of freedom by Welch and
    Satterthwaite.
    """
    ours, theirs = _paired(arm, control, names=names)
    same_tokens = bool((ours[:, :, TOKENS] == theirs[:, :, TOKENS]).all())
    drawn = _drawn(ours, theirs, seed=seed, draws=draws)
    found = []
    for measure in COMPARED:
        if not same_tokens and "perplexity" in measure:
            continue
        each = _of(measure, ours.sum(axis=1)) - _of(measure, theirs.sum(axis=1))
        over_documents = np.mean(_of(measure, drawn[0]) - _of(measure, drawn[1]), axis=0)
        found.append(_difference(names, measure, each, over_documents, count=int(ours.shape[1])))
    return found


def _paired(arm: Sums, control: Sums, *, names: tuple[str, str]) -> tuple[ndarray, ndarray]:
    """The sums of both arms at the seeds that they share, of shape (seeds, documents, columns)."""
    shared = sorted(set(arm) & set(control))
    if not shared:
        raise InputError(
            f"{names[0]} and the control share no seed: {', '.join(sorted(arm))} against {', '.join(sorted(control))}",
            hint="train both with the same seeds, and let the models' names end in them: plain-s0",
        )
    ours, theirs = (np.stack([side[each] for each in shared]) for side in (arm, control))
    if ours.shape != theirs.shape:
        raise InputError(f"{names[0]} and the control were read on unequal documents", hint="evaluate them on one file")
    return ours, theirs


def accuracy_difference(arm: Sums, control: Sums, *, names: tuple[str, str], seed: int = 0) -> Difference:
    """The difference of two arms in the share of questions that are answered rightly.

    Of each seed and question there is one number, 1 where it is answered rightly and 0 elsewhere.

    Raises:
        InputError: the arms share no seed, or were not asked the same questions.
    """
    ours, theirs = _paired(arm, control, names=names)
    drawn = [sums[:, :, 0] / ours.shape[1] for sums in _drawn(ours, theirs, seed=seed, draws=DRAWS)]
    each = (ours - theirs)[:, :, 0].mean(axis=1)
    return _difference(names, "accuracy", each, (drawn[0] - drawn[1]).mean(axis=0), count=int(ours.shape[1]))


def _difference(
    names: tuple[str, str],
    measure: str,
    each: Float64[ndarray, "seeds"],
    over_documents: Float64[ndarray, "draws"],
    *,
    count: int,
) -> Difference:
    bounds = _bounds(each, over_documents, count=count) if count > 1 else Bounds(*[float("nan")] * 4)
    low, high, smallest, p = bounds
    return Difference(*names, measure, float(each.mean()), low, high, smallest, len(each), count, p)


class Bounds(NamedTuple):
    """An interval, the smallest difference that would have been seen four times in five, and the p-value."""

    low: float
    high: float
    smallest: float
    p: float


def _bounds(each: Float64[ndarray, "seeds"], over_documents: Float64[ndarray, "draws"], *, count: int) -> Bounds:
    """The bounds of a mean of paired differences, one for each seed, over so many documents."""
    documents = float(np.nanvar(over_documents, ddof=1))
    tail = (1 - LEVEL) / 2
    if len(each) == 1:
        low, high = np.nanquantile(over_documents, [tail, 1 - tail])
        error = float(np.sqrt(documents))
        p = 2 * norm.sf(abs(each[0]) / error) if error else float(not each[0])
        return Bounds(float(low), float(high), float((norm.ppf(1 - tail) + norm.ppf(POWER)) * error), float(p))
    seeds = float(np.var(each, ddof=1)) / len(each)
    error = float(np.sqrt(seeds + documents))
    law = student(_freedom(seeds, documents, seed_count=len(each), document_count=count))
    reach = float(law.ppf(1 - tail)) * error
    middle = float(each.mean())
    p = 2 * law.sf(abs(middle) / error) if error else float(not middle)
    return Bounds(middle - reach, middle + reach, reach + float(law.ppf(POWER)) * error, float(p))


def _freedom(seeds: float, documents: float, *, seed_count: int, document_count: int) -> float:
    """The degrees of freedom of a sum of two variances.

    Source: Welch 1947 and Satterthwaite 1946, equation 17.
    """
    if not seeds + documents:
        return float(seed_count - 1)
    parts = seeds**2 / (seed_count - 1) + documents**2 / (document_count - 1)
    return (seeds + documents) ** 2 / parts


def _drawn(
    ours: Float64[ndarray, "seeds d columns"], theirs: Float64[ndarray, "seeds d columns"], *, seed: int, draws: int
) -> tuple[Float64[ndarray, "seeds draws columns"], Float64[ndarray, "seeds draws columns"]]:
    """The sums of both arms over the same drawn documents."""
    generator = np.random.default_rng(seed)
    seeds, count, columns = ours.shape
    sides = np.empty((2, seeds, draws, columns))
    for draw in range(draws):
        weights = np.bincount(generator.integers(count, size=count), minlength=count)
        for side, sums in enumerate((ours, theirs)):
            sides[side, :, draw] = np.tensordot(weights, sums, axes=(0, 1))
    return sides[0], sides[1]


def _of(measure: str, sums: Float64[ndarray, "... columns"]) -> ndarray:
    flat = sums.reshape(-1, sums.shape[-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        return MEASURES[measure](flat).reshape(sums.shape[:-1])
