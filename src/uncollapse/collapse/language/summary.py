"""What the numbers of a study say: means with intervals over seeds, slopes, differences from the control, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.collapse.contest.ranking import Estimate, geometric, mean
from uncollapse.collapse.definitions import CATASTROPHE, DEFINITIONS, EARLY, INVENTED, LATE, STILL_GROWING, Verdict
from uncollapse.collapse.language.arms import ARMS, REAL
from uncollapse.collapse.language.comparing import NOT_APART, ONE_SEED, Values, against, beside_control, beside_others
from uncollapse.collapse.language.fresh import Fresh
from uncollapse.collapse.language.measures import MEASURES

HOLDS = {
    "catastrophic": f"the mean perplexity is more than {CATASTROPHE:g} times that of generation 0",
    "any increase": "perplexity is told to be above the control's (of the control, interval over generation 0's)",
    "diverging": f"so, and in the second half it rises at {STILL_GROWING:g} of the first half's pace or faster",
    "variance": f"the deviation of the blocks' log perplexity under generation 0 is under {LATE:g} of the human text's",
    "scaling law": "the exponent of loss against tokens changes; one size of text does not say",
    "modes": "a mode of the original law has gone; text has none that is known",
    "tails": f"what is learned from has under {EARLY:g} of the human text's different words that fresh human text has",
    "hallucination": f"it has {INVENTED:g} more strange words than fresh human text; the control has neither by "
    "construction",
}
"""When each definition of collapse holds here; the thresholds are those of the laboratory."""
assert set(HOLDS) == set(DEFINITIONS)
RATIOS = {"perplexity", "tail_perplexity", "block_p01", "block_p50", "block_p99", "block_spread"}
"""Measures of which the mean over seeds is geometric."""


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


def slope_shown(found: Estimate) -> bool | None:
    """Whether an interval of slopes leaves out 0; None where there is none. One that holds 0 does not show flatness."""
    return None if not np.isfinite(found.low) else not found.low <= 0 <= found.high


def not_ruled_out(values: Values, arm: str) -> float:
    """How many times as high perplexity may be after all generations, by the upper end of the interval of slopes."""
    found = values[arm, "perplexity"]
    return float(np.exp(max(slope(found).high, 0.0) * (found.shape[1] - 1)))


def since_first(values: Values, arm: str, measure: str = "perplexity") -> Estimate:
    """The last generation's value over that of generation 0 at the same seeds."""
    return geometric(values[arm, measure][:, -1] / values[arm, measure][:, 0])


def told_of(values: Values, arm: str, fresh: Fresh) -> dict[str, Any]:
    """All that is said of an arm, as JSON has it."""
    rising = slope(values[arm, "perplexity"])
    found = {
        "what": ARMS[arm],
        "generations": {
            measure: [estimate(measure, column).as_json() for column in values[arm, measure].T] for measure in MEASURES
        },
        "perplexity over generation 0": since_first(values, arm).as_json(),
        "log perplexity a generation": rising.as_json(),
        "slope shown": slope_shown(rising),
        "rise not ruled out": not_ruled_out(values, arm) if np.isfinite(rising.low) else None,
    }
    if arm != REAL:
        found["perplexity over the control"] = beside_control(values)[arm].as_json()
        found["tail perplexity over the control"] = against(values, arm, measure="tail_perplexity").as_json()
    if arm in beside_others(values):
        pair = beside_others(values)[arm]
        found[f"perplexity over {pair.other}"] = pair.as_json()
    return {**found, "definitions": definitions(values, arm, fresh), "said": said(values, arm, fresh)}


def definitions(values: Values, arm: str, fresh: Fresh) -> dict[str, str]:
    """Whether each definition of collapse holds for the arm after the last generation.

    Source: see `collapse.definitions`, whose thresholds these are; an increase is judged beside the control, and words
    beside fresh human text.
    """
    found = {name: str(Verdict.UNKNOWN) for name in DEFINITIONS}
    found["catastrophic"] = _verdict(since_first(values, arm).value > CATASTROPHE)
    since = since_first(values, arm)
    if np.isfinite(since.low):
        higher = since.low > 1 if arm == REAL else beside_control(values)[arm].told == "higher"
        found["any increase"] = _verdict(higher)
        found["diverging"] = _verdict(higher and _still_grows(values[arm, "perplexity"]))
    deviation = values[arm, "block_deviation"].mean(axis=0)
    found["variance"] = _verdict(deviation[-1] < LATE * deviation[0])
    if fresh.words and arm != REAL:
        lost, strange = (values[arm, name][:, -1].mean() for name in ("types_lost", "strange_words"))
        found["tails"] = _verdict(1 - lost < EARLY * (1 - fresh.types_lost))
        found["hallucination"] = _verdict(strange > fresh.strange_words + INVENTED)
    return found


def said(values: Values, arm: str, fresh: Fresh) -> str:
    """What the intervals say of the arm, in words."""
    if arm == REAL:
        told = of_control(values)
        return f"{told[:1].upper()}{told[1:]}."
    beside, since = beside_control(values)[arm], since_first(values, arm)
    return (
        f"{arm}: after {generations(values)} the perplexity of held-out human text is "
        f"{interval(since)} times that of generation 0 and {interval(beside.ratio)} times the control's, {beside.told} "
        f"({beside.corrected}); of rare words {interval(against(values, arm, measure='tail_perplexity'))} times."
        f"{_of_pair(values, arm)} {_blocks(values, arm)} {_beside_fresh(values, arm, fresh)}"
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
    """The study in three sentences."""
    beside = {arm: each for arm, each in beside_control(values).items() if arm in arms}
    told = []
    for said in ("higher", "lower", NOT_APART, ONE_SEED):
        own = sorted(
            (arm for arm, each in beside.items() if each.told == said), key=lambda arm: -beside[arm].ratio.value
        )
        if own:
            told.append(f"{said} under {', '.join(f'{arm} ({beside[arm].ratio.value:.3g} times)' for arm in own)}")
    first = f"Perplexity of human text, after the last generation and beside the control: {'; '.join(told)}."
    number = f"{len(beside)} regimes were compared" if len(beside) > 1 else "1 regime was compared"
    control = of_control(values)
    return f"{first} {number}, by Holm's correction. {control[:1].upper()}{control[1:]}."


def of_control(values: Values) -> str:
    """What is known of the control's slope, without its first capital and its stop."""
    found = slope(values[REAL, "perplexity"])
    change, low, high = (f"{round(100 * np.expm1(part), 2) + 0.0:+.2f}" for part in found)
    shown = slope_shown(found)
    if shown is None:
        return f"the control changes by {change} % a generation; one seed gives no interval"
    reach = f"{change} % ({low} to {high} %) a generation"
    if not shown:
        times = _digits(not_ruled_out(values, REAL))
        return (
            f"no slope of the control is shown: {reach}; a rise of up to {times} times over {generations(values)} "
            "cannot be ruled out"
        )
    return (
        f"the control is not flat: its perplexity changes by {reach}, so that what the other arms show is in part what "
        "fresh seeds do"
    )


def _of_pair(values: Values, arm: str) -> str:
    """How the arm stands beside another one, where the two are compared."""
    pair = beside_others(values).get(arm)
    if pair is None:
        return ""
    return f" It is {interval(pair.ratio)} times that under {pair.other}, {pair.told} ({pair.corrected})."


def _beside_fresh(values: Values, arm: str, fresh: Fresh) -> str:
    lost, strange = (100 * values[arm, name][:, -1].mean() for name in ("types_lost", "strange_words"))
    told = f"{lost:.3g} % of the human text's different words are gone and {strange:.3g} % of the words are strange"
    if not fresh.words:
        return f"{told}; there are no held-out words to compare."
    return (
        f"{told}; held-out human text has not {100 * fresh.types_lost:.3g} % of them at {fresh.words:,} words each, "
        f"and {100 * fresh.strange_words:.3g} % strange ones."
    )


def _blocks(values: Values, arm: str) -> str:
    """What the judge says of the arm's blocks."""
    first, last = (
        [estimate(name, values[arm, name][:, at]).value for name in ("block_p50", "block_p99", "block_spread")]
        for at in (0, -1)
    )
    return (
        f"Under generation 0 the median block goes from {_digits(first[0])} to {_digits(last[0])}, the 99 % quantile "
        f"from {_digits(first[1])} to {_digits(last[1])}, their ratio from {_digits(first[2])} to {_digits(last[2])}."
    )


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
