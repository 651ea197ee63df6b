"""What the numbers of a study say: means with intervals over seeds, slopes, differences from the control, in words."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.collapse.contest.ranking import Estimate, geometric, mean
from uncollapse.collapse.definitions import CATASTROPHE, DEFINITIONS, EARLY, INVENTED, LATE, STILL_GROWING, Verdict
from uncollapse.collapse.language.arms import ARMS, REAL
from uncollapse.collapse.language.measures import MEASURES

HOLDS = {
    "catastrophic": f"the mean perplexity is more than {CATASTROPHE:g} times that of generation 0",
    "any increase": "perplexity over the control's (of the control, over generation 0's) has an interval above 1",
    "diverging": f"so, and in the second half it rises at {STILL_GROWING:g} of the first half's pace or faster",
    "variance": f"the deviation of the blocks' log perplexity under generation 0 is under {LATE:g} of the human text's",
    "scaling law": "the exponent of loss against tokens changes; one size of text does not say",
    "modes": "a mode of the original law has gone; text has none that is known",
    "tails": f"more than {1 - EARLY:g} of the human text's different words are gone from what is learned from",
    "hallucination": f"more than {INVENTED:g} of the words that are learned from stand in no human block",
}
"""When each definition of collapse holds here; the thresholds are those of the laboratory."""
assert set(HOLDS) == set(DEFINITIONS)
RATIOS = {"perplexity", "tail_perplexity", "block_p01", "block_p50", "block_p99", "block_spread"}
"""Measures of which the mean over seeds is geometric."""
NOT_APART, ONE_SEED = "not told apart", "not told apart by one seed"
FLAT = {
    True: "The control stays flat within its interval.",
    False: "The control is not flat.",
    None: "Of the control one seed says nothing.",
}
Values: TypeAlias = Mapping[tuple[str, str], Float64[ndarray, "seeds generations"]]
"""For each arm and measure the values of each seed, generation 0 first."""


def values_of(results: pa.Table) -> Values:
    """The values of a long table."""
    found: dict[tuple[str, str], dict[tuple[int, int], float]] = {}
    for row in results.to_pylist():
        own = found.setdefault((row["regime"], row["measure"]), {})
        own[row["seed"], row["generation"]] = row["value"]
    return {key: _square(own) for key, own in found.items()}


def estimate(measure: str, values: Float64[ndarray, "seeds"]) -> Estimate:
    """The mean over seeds with Student's 95 % interval; NaN where a seed has no value."""
    if not np.isfinite(values).all():
        return Estimate(float("nan"), float("nan"), float("nan"))
    return (geometric if measure in RATIOS else mean)(values)


def slope(values: Float64[ndarray, "seeds generations"]) -> Estimate:
    """How much the logarithm rises in a generation, by least squares in each seed, with an interval over seeds."""
    at = np.arange(values.shape[1]) - (values.shape[1] - 1) / 2
    return mean(np.log(values) @ at / (at @ at))


def is_flat(found: Estimate) -> bool | None:
    """Whether an interval of slopes holds 0; None where there is no interval."""
    return None if not np.isfinite(found.low) else found.low <= 0 <= found.high


def against_control(values: Values, arm: str, measure: str = "perplexity") -> Estimate:
    """The last generation's value over that of the control at the same seeds."""
    return geometric(values[arm, measure][:, -1] / values[REAL, measure][:, -1])


def since_first(values: Values, arm: str, measure: str = "perplexity") -> Estimate:
    """The last generation's value over that of generation 0 at the same seeds."""
    return geometric(values[arm, measure][:, -1] / values[arm, measure][:, 0])


def told_of(values: Values, arm: str) -> dict[str, Any]:
    """All that is said of an arm, as JSON has it."""
    found = {
        "what": ARMS[arm],
        "generations": {
            measure: [estimate(measure, column).as_json() for column in values[arm, measure].T] for measure in MEASURES
        },
        "perplexity over generation 0": since_first(values, arm).as_json(),
        "log perplexity a generation": slope(values[arm, "perplexity"]).as_json(),
        "flat": is_flat(slope(values[arm, "perplexity"])),
    }
    if arm != REAL:
        found["perplexity over the control"] = against_control(values, arm).as_json()
        found["tail perplexity over the control"] = against_control(values, arm, "tail_perplexity").as_json()
    return {**found, "definitions": definitions(values, arm), "said": said(values, arm)}


def definitions(values: Values, arm: str) -> dict[str, str]:
    """Whether each definition of collapse holds for the arm after the last generation.

    Source: see `collapse.definitions`, whose thresholds these are; an increase is judged beside the control.
    """
    found = {name: str(Verdict.UNKNOWN) for name in DEFINITIONS}
    found["catastrophic"] = _verdict(since_first(values, arm).value > CATASTROPHE)
    beside = against_control(values, arm) if arm != REAL else since_first(values, arm)
    if np.isfinite(beside.low):
        found["any increase"] = _verdict(beside.low > 1)
        found["diverging"] = _verdict(beside.low > 1 and _still_grows(values[arm, "perplexity"]))
    deviation = values[arm, "block_deviation"].mean(axis=0)
    found["variance"] = _verdict(deviation[-1] < LATE * deviation[0])
    found["tails"] = _verdict(values[arm, "types_lost"][:, -1].mean() > 1 - EARLY)
    found["hallucination"] = _verdict(values[arm, "strange_words"][:, -1].mean() > INVENTED)
    return found


def said(values: Values, arm: str) -> str:
    """What the intervals say of the arm, in words."""
    if arm == REAL:
        return _of_control(values)
    beside, since = against_control(values, arm), since_first(values, arm)
    return (
        f"{arm}: after {generations(values)} the perplexity of held-out human text is "
        f"{interval(since)} times that of generation 0 and {interval(beside)} times the control's, {_told(beside)}; "
        f"of rare words {interval(against_control(values, arm, 'tail_perplexity'))} times. {_blocks(values, arm)}"
    )


def _digits(value: float, digits: int = 3) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.{digits}g}".rstrip(".")


def generations(values: Values) -> str:
    """How many there were after the first, in words."""
    count = values[REAL, "perplexity"].shape[1] - 1
    return "1 generation" if count == 1 else f"{count} generations"


def interval(found: Estimate, *, digits: int = 3) -> str:
    """A value with its interval, where it has one."""
    value, low, high = (_digits(part, digits) for part in found)
    return f"{value} ({low} to {high})" if np.isfinite(found.low) else value


def answer(values: Values, arms: Sequence[str]) -> str:
    """The study in two sentences."""
    beside = {arm: against_control(values, arm) for arm in arms if arm != REAL}
    told = []
    for said in ("higher", "lower", NOT_APART, ONE_SEED):
        own = sorted((arm for arm, found in beside.items() if _told(found) == said), key=lambda arm: -beside[arm].value)
        if own:
            told.append(f"{said} under {', '.join(f'{arm} ({beside[arm].value:.3g} times)' for arm in own)}")
    first = f"Perplexity of human text, after the last generation and beside the control: {'; '.join(told)}."
    return f"{first} {FLAT[is_flat(slope(values[REAL, 'perplexity']))]}"


def _of_control(values: Values) -> str:
    found = slope(values[REAL, "perplexity"])
    flat = is_flat(found)
    change = f"{100 * found.value:+.2f} %"
    if flat is None:
        return f"The control changes by {change} a generation; one seed gives no interval."
    reach = f"({100 * found.low:+.2f} to {100 * found.high:+.2f} %)"
    if flat:
        return f"The control stays flat: its perplexity changes by {change} {reach} a generation, which holds 0."
    return (
        f"The control is not flat: its perplexity changes by {change} {reach} a generation, so that what the other "
        "arms show is in part what fresh seeds do."
    )


def _blocks(values: Values, arm: str) -> str:
    """What the judge says of the arm's blocks, and what became of the words."""
    first, last = (
        [estimate(name, values[arm, name][:, at]).value for name in ("block_p50", "block_p99", "block_spread")]
        for at in (0, -1)
    )
    lost = values[arm, "types_lost"][:, -1].mean()
    return (
        f"Under generation 0 the median block goes from {_digits(first[0])} to {_digits(last[0])}, the 99 % quantile "
        f"from {_digits(first[1])} to {_digits(last[1])}, their ratio from {_digits(first[2])} to {_digits(last[2])}; "
        f"{100 * lost:.3g} % of the human text's words are gone."
    )


def _told(ratio: Estimate) -> str:
    if not np.isfinite(ratio.low):
        return ONE_SEED
    if ratio.low <= 1 <= ratio.high:
        return NOT_APART
    return "higher" if ratio.low > 1 else "lower"


def _still_grows(values: Float64[ndarray, "seeds generations"]) -> bool:
    """Whether the mean risk rises in the second half at half of the first half's pace or faster."""
    path = values.mean(axis=0)
    middle = (len(path) - 1) // 2
    if not middle:
        return False
    first, second = (path[middle] - path[0]) / middle, (path[-1] - path[middle]) / (len(path) - 1 - middle)
    return bool(first > 0 and second >= STILL_GROWING * first)


def _verdict(holds: Any) -> str:
    return str(Verdict.YES if holds else Verdict.NO)


def _square(values: Mapping[tuple[int, int], float]) -> Float64[ndarray, "seeds generations"]:
    seeds, generations = (sorted({key[at] for key in values}) for at in (0, 1))
    return np.array([[values[seed, generation] for generation in generations] for seed in seeds], np.float64)
