"""How many tokens each proxy reads: what the scarcer side has, within the budget; said before it begins."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from uncollapse.collapse.forecast.settings import Forecast
from uncollapse.collapse.forecast.text import HUMAN, SYNTHETIC
from uncollapse.collapse.forecast.timing import Speed
from uncollapse.collapse.forecast.tokens import Counted
from uncollapse.errors import InputError, UsageError

KEPT = 0.8
"""The part of the budget that is planned for; what else the machine has to do takes the rest."""
STARTS = 20.0
"""Seconds until the processes have loaded what they need, and the page is written."""
LEAST_STEPS = 400
"""Steps of the optimizer without which no proxy tells anything."""


@dataclass(frozen=True)
class Plan:
    """What is to be done. `tokens` are those of each run; `available` those of each side by size.

    `minutes` are expected with so many workers; None where tokens were given without a budget and nothing was timed.
    """

    tokens: int
    runs: int
    workers: int
    available: Mapping[str, Mapping[str, int]]
    minutes: float | None = None
    speeds: Mapping[str, Speed] | None = None
    limited_by: str = "as asked"

    def as_json(self) -> dict[str, Any]:
        """The plan as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Plan":
        """The plan of plain values."""
        speeds = told["speeds"] and {size: Speed(**each) for size, each in told["speeds"].items()}
        return cls(**{**told, "speeds": speeds})

    def epochs(self, size: str, share: float) -> tuple[float, float]:
        """How often a share reads the human and the synthetic side; 1 is all of it once."""
        own = self.available[size]
        return (1 - share) * self.tokens / own[HUMAN], share * self.tokens / own[SYNTHETIC]


def available(text: Counted, settings: Forecast) -> dict[str, dict[str, int]]:
    """The tokens of each side by size."""
    return {size: {part: text.whole(size, part) for part in (HUMAN, SYNTHETIC)} for size in settings.sizes}


def unrepeated(there: Mapping[str, Mapping[str, int]], settings: Forecast) -> int:
    """The tokens of a run with which no side is read twice at any share."""
    most = max(settings.shares)
    return min(
        round(min(own[HUMAN] / (1 - settings.shares[0]), own[SYNTHETIC] / most if most else own[HUMAN]))
        for own in there.values()
    )


def without_budget(there: Mapping[str, Mapping[str, int]], settings: Forecast, *, workers: int) -> Plan:
    """The plan where the tokens were given and nothing is timed."""
    assert settings.tokens is not None
    return _checked(Plan(settings.tokens, _runs(settings), workers, there), settings)


def within_budget(
    there: Mapping[str, Mapping[str, int]],
    settings: Forecast,
    speeds: Mapping[str, Speed],
    *,
    workers: int,
    spent: float = 0.0,
) -> Plan:
    """The plan whose runs end within the budget; `spent` seconds of it are gone.

    Raises:
        UsageError: what was asked for, or anything useful, does not fit into it.
    """
    assert settings.budget is not None
    left = settings.budget * 60 * KEPT - spent - STARTS
    fits = _fitting(left, settings, speeds, workers=workers)
    most, why = unrepeated(there, settings), "the scarcer side, read once"
    tokens = min(fits, most)
    if settings.tokens is not None:
        tokens, why = settings.tokens, "as asked"
        if tokens > fits:
            raise _too_long(settings, speeds, tokens, fits, workers=workers)
    elif fits < most:
        why = f"the budget of {settings.budget:g} minutes"
    if settings.tokens is None and fits < LEAST_STEPS * settings.batch_tokens <= most:
        raise _too_short(settings, speeds, fits, workers=workers)
    minutes = (seconds(tokens, settings, speeds, workers=workers) + spent + STARTS) / 60
    plan = Plan(tokens, _runs(settings), workers, there, round(minutes, 2), speeds, why)
    return _checked(plan, settings)


def seconds(tokens: int, settings: Forecast, speeds: Mapping[str, Speed], *, workers: int) -> float:
    """How long all runs take: their sum over the workers, and the end, when not all are busy any more."""
    each = [speeds[size].seconds(tokens) for size in settings.sizes]
    return sum(each) * len(settings.shares) * settings.seeds / workers + max(each) * (1 - 1 / workers) / 2


def _fitting(left: float, settings: Forecast, speeds: Mapping[str, Speed], *, workers: int) -> int:
    """The most tokens with which all runs end in so many seconds; 0 where there are none."""
    nothing = seconds(0, settings, speeds, workers=workers)
    million = seconds(10**6, settings, speeds, workers=workers) - nothing
    fits = max(round((left - nothing) / million * 10**6), 0)
    return fits - fits % settings.batch_tokens


def _runs(settings: Forecast) -> int:
    return len(settings.shares) * settings.seeds * len(settings.sizes)


def _checked(plan: Plan, settings: Forecast) -> Plan:
    least = (LEAST_STEPS if settings.tokens is None else 1) * settings.batch_tokens
    if plan.tokens >= least:
        return plan
    if settings.tokens is not None:
        raise UsageError(
            f"{plan.tokens:,} tokens are less than a batch of {settings.batch_tokens:,}", hint=f"--tokens {100 * least}"
        )
    side = min((own[part], part) for own in plan.available.values() for part in own)
    raise InputError(
        f"the {side[1]} side has {side[0]:,} tokens, and a proxy that tells anything reads {least:,}",
        hint=f"more {side[1]} text, or --tokens {least}, which reads it again and says how often",
    )


def _too_long(settings: Forecast, speeds: Mapping[str, Speed], tokens: int, fits: int, *, workers: int) -> UsageError:
    needed = (seconds(tokens, settings, speeds, workers=workers) / KEPT + STARTS) / 60
    return UsageError(
        f"{_runs(settings)} proxies of {tokens:,} tokens take some {needed:.0f} minutes here, "
        f"more than {settings.budget:g}",
        hint=f"--tokens {fits}, or --budget-minutes {needed * 1.1:.0f}",
    )


def _too_short(settings: Forecast, speeds: Mapping[str, Speed], fits: int, *, workers: int) -> UsageError:
    least = LEAST_STEPS * settings.batch_tokens
    needed = (seconds(least, settings, speeds, workers=workers) / KEPT + 4 * STARTS) / 60
    return UsageError(
        f"in {settings.budget:g} minutes each of {_runs(settings)} proxies could read {fits:,} tokens here, "
        f"and one that tells anything reads {least:,}",
        hint=f"--budget-minutes {max(needed * 1.1, 1):.0f}, or fewer --seeds, --shares or --sizes",
    )
