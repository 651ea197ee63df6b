"""What a forecast says: `forecast.json`, and the sentences that stand on the page and in the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite
from typing import Any

import numpy as np

from uncollapse.collapse.forecast import draws
from uncollapse.collapse.forecast.analysis import LEARNED, LEAST_OF_DOMAIN, Analysis, Change, analysed, domain_numbers
from uncollapse.collapse.forecast.answers import Recommended
from uncollapse.collapse.forecast.draws import Estimate
from uncollapse.collapse.forecast.kinds import COUNTED
from uncollapse.collapse.forecast.readings import BITS, LOSS, readings
from uncollapse.collapse.forecast.study import Studied, runs_of
from uncollapse.collapse.forecast.text import HELD_OUT
from uncollapse.collapse.forecast.trust import Agreement, agreements

OF_COUNTS = " (of counts, that on documents of the mixture which are not counted yet)"
POINTS = 101
EVEN = 0.005
"""How far the tokens of two proxies may differ, as a part of them, before it is said."""


@dataclass(frozen=True)
class Told:
    """Everything that is said: the study, the analysis of each size, and how the sizes agree."""

    studied: Studied
    analyses: Mapping[str, Analysis]
    agreements: Sequence[Agreement]
    warnings: Sequence[str]

    @property
    def main(self) -> Analysis:
        """The analysis that speaks for all: of the proxies that read human text best, by bits a byte at share 0."""
        return min(self.analyses.values(), key=lambda each: float(each.measures[BITS].mean[0]))

    @property
    def tokens(self) -> tuple[int, int]:
        """The fewest and the most tokens that a proxy learned from."""
        every = [each.readings.of_account("tokens") for each in self.analyses.values()]
        return int(min(each.min() for each in every)), int(max(each.max() for each in every))


def told(studied: Studied) -> Told:
    """What is said of a study."""
    settings, text = studied.settings, studied.text
    found = readings(studied.tables, runs_of(settings, studied.plan), settings)
    weights = draws.weights_of(len(text.documents[HELD_OUT]), np.random.default_rng((settings.seed, 0)))
    analyses = {
        size: analysed(
            reading,
            text,
            weights=weights,
            generator=np.random.default_rng((settings.seed, number)),
            tolerance=settings.tolerance,
        )
        for number, (size, reading) in enumerate(found.items(), start=1)
    }
    agree = agreements({size: each.measures[LOSS] for size, each in analyses.items()})
    done = Told(studied, analyses, agree, ())
    return Told(studied, analyses, agree, _warnings(done))


def _warnings(done: Told) -> list[str]:
    settings, plan = done.studied.settings, done.studied.plan
    found = list(done.studied.parts.warnings)
    least, most = done.tokens
    if most - least > EVEN * most:
        found.append(f"proxies learned from unequal numbers of tokens: {least:,} to {most:,}")
    if settings.seeds == 1:
        found.append("one seed says nothing of what another would give: intervals are over documents alone")
    for size in settings.sizes:
        often = {share: max(plan.epochs(size, share)) for share in settings.shares}
        again = [f"{share:.0%}" for share, epochs in often.items() if epochs > 1]
        if again:
            found.append(f"{size}: text is read more than once at shares of {', '.join(again)}; see the epochs")
    for size, each in done.analyses.items():
        if not each.learned:
            found.append(f"{size}: proxies know little more than how often tokens occur, and say nothing")
        if each.curve.kind == "through the means" and len(settings.shares) > 3:
            found.append(f"{size}: no curve of the form fits; between the shares that were tried it is a guess")
    small = domain_numbers(done.studied.text)
    names = [name for name, count in zip(done.studied.text.domains, small, strict=True) if count < LEAST_OF_DOMAIN]
    if names and len(small) > 1:
        found.append(f"too few held-out documents for numbers of their own: {', '.join(names)}")
    return found


def as_json(done: Told) -> dict[str, Any]:
    """What `forecast.json` holds; null where there is no number."""
    studied = done.studied
    plan = studied.plan.as_json()
    epochs = {
        size: [
            {"share": share, **dict(zip(("human", "synthetic"), studied.plan.epochs(size, share), strict=True))}
            for share in studied.settings.shares
        ]
        for size in studied.settings.sizes
    }
    told = {
        "answer": answer(done),
        "recommended_share": done.main.recommended.share if done.main.learned else None,
        "recommended_by": done.main.readings.size,
        "shape": shape_sentence(done.main),
        "trust": trust_sentence(done),
        "settings": studied.settings.model_dump(mode="json"),
        "plan": {**plan, "epochs": epochs, "minutes_of_this_start": round(studied.seconds / 60, 2)},
        "text": {
            "rows": studied.parts.rows,
            **{part: len(own) for part, own in studied.text.documents.items()},
            "left_out": dict(studied.parts.left_out),
            "rows_that_cannot_be_read": studied.parts.broken,
            "domains": dict(zip(studied.text.domains, domain_numbers(studied.text).tolist(), strict=True)),
        },
        "sizes": {size: _size(each) for size, each in done.analyses.items()},
        "agreement": [each._asdict() for each in done.agreements],
        "warnings": list(done.warnings),
    }
    plain: dict[str, Any] = _plain(told)
    return plain


def _size(each: Analysis) -> dict[str, Any]:
    step = (len(each.curve.grid) - 1) // (POINTS - 1)
    low, high = draws.bounds(each.curve.drawn)
    points = [
        {"share": share, "loss": value, "low": below, "high": above, "perplexity": exp(value)}
        for share, value, below, above in zip(
            *(column[::step].tolist() for column in (each.curve.grid, each.curve.values, low, high)), strict=True
        )
    ]
    worth = dict(zip(("value", "low", "high"), each.curve.form.worth, strict=True))
    named = {**each.measures, **({} if each.over_domains is None else {"loss over domains": each.over_domains})}
    return {
        "parameters": each.readings.accounts[0][0]["parameters"],
        "tokenizer": each.readings.accounts[0][0]["tokenizer"],
        "curve": {
            "kind": each.curve.kind,
            "worth_of_a_synthetic_token": worth,
            "left": each.curve.form.left,
            "lack_of_fit_p": each.curve.form.unfit,
            "points": points,
        },
        "measures": {name: _by_share(each, estimate) for name, estimate in named.items()},
        "domains": {name: _by_share(each, estimate) for name, estimate in each.domains.items()},
        "tasks": {name: _by_share(each, estimate) for name, estimate in each.tasks.items()},
        "rises": [reached._asdict() for reached in each.rises],
        "best": {**each.best._asdict(), "helps": each.best.helps},
        "recommended": each.recommended._asdict(),
        "shape": {
            "training_loss": each.shape.training._asdict(),
            "human_loss": each.shape.human._asdict(),
            "published": each.shape.published,
        },
        "floor": each.floor._asdict(),
        "frequencies": each.frequencies,
        "learned": each.learned,
    }


def _by_share(each: Analysis, estimate: Estimate) -> list[dict[str, Any]]:
    """A measure at each share, and what it has risen by since share 0, each with its interval."""
    low, high = estimate.within()
    rise = estimate.rise()
    rise_low, rise_high = rise.within()
    columns = (each.readings.shares, estimate.mean, low, high, rise.mean, rise_low, rise_high)
    names = ("share", "value", "low", "high", "rise", "rise_low", "rise_high")
    return [dict(zip(names, map(float, row), strict=True)) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    """The value in JSON, which has no number for what is not there."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def percent(share: float) -> str:
    """A share in words."""
    return f"{100 * share:.3g} %"


def answer(done: Told) -> str:
    """The recommendation in words."""
    main = done.main
    found = main.recommended
    who = f"{main.readings.size} proxies of {done.studied.plan.tokens:,} tokens"
    if not main.learned:
        return (
            f"No share can be recommended or advised against: {who} have not learned enough. {learned_sentence(main)}"
        )
    if main.best.helps:
        return f"{helps_sentence(main)} {_recommended(found, who)}"
    return _recommended(found, who)


def _recommended(found: Recommended, who: str) -> str:
    tolerance = percent(found.tolerance)
    if found.share == 0:
        return (
            f"No share of this synthetic text can be recommended: by {who}, a rise of the loss on human text by more"
            f" than {tolerance} cannot be ruled out at any share."
        )
    end = ", the most that was tried" if found.bounded_by.startswith("the greatest") else ""
    return (
        f"Up to {percent(found.share)} synthetic text{end}: by {who}, the loss on human text then rises by less than"
        f" {tolerance} ({percent(found.rise)}, interval {percent(found.low)} to {percent(found.high)})."
    )


def learned_sentence(each: Analysis) -> str:
    """How much the proxies of share 0 know beyond token frequencies."""
    loss, frequencies = float(each.measures[LOSS].mean[0]), each.frequencies
    return (
        f"At share 0 the loss on human text is {loss:.3f} nats a token, and that of token frequencies alone"
        f" {frequencies:.3f}: {percent(1 - loss / frequencies)} below, where a forecast needs {percent(LEARNED)}"
        f"{'' if each.learned else '; give it more minutes, more text or fewer proxies'}."
    )


def helps_sentence(each: Analysis) -> str:
    """Whether some synthetic text is better than none."""
    best = each.best
    if best.share == 0:
        return "No share that was tried has a lower loss on human text than none."
    gain = f"{best.gain:.3g} nats a token ({best.low:.3g} to {best.high:.3g}, widened for the choice)"
    if best.helps:
        return f"Some synthetic text helps: {percent(best.share)} lowers the loss on human text by {gain}."
    return f"The lowest loss is at {percent(best.share)}, lower by {gain}: that some helps is not shown."


def shape_sentence(each: Analysis) -> str:
    """Whether the training loss falls while human perplexity rises."""
    training, human = each.shape
    counts = each.readings.size == COUNTED
    last = percent(each.readings.shares[-1])
    facts = (
        f"From none to {last} synthetic text the training loss{OF_COUNTS if counts else ''} {training.told}"
        f" ({_nats(training)}), and the perplexity"
        f" of held-out human text {human.told} (times {exp(human.value):.3g}, {_times(human)})"
    )
    if each.shape.published:
        return f"{facts}: the published shape{', of counts and not of networks' if counts else ''}."
    return f"{facts}: not the published shape, which is that the first falls and the second rises."


def _nats(change: Change) -> str:
    said = f"{change.value:+.3g} nats a token"
    return f"{said}, {change.low:+.3g} to {change.high:+.3g}" if isfinite(change.low) else f"{said}, no interval"


def _times(change: Change) -> str:
    return f"{exp(change.low):.3g} to {exp(change.high):.3g}" if isfinite(change.low) else "no interval"


def trust_sentence(done: Told) -> str:
    """How far proxies can be trusted."""
    if not done.agreements:
        return "With one size of proxy it is not known whether a larger model would put the shares in the same order."
    said = [
        f"{each.sizes[0]} and {each.sizes[1]} put {each.shares} shares in orders with a rank correlation of"
        f" {each.spearman[0]:.2f} ({each.spearman[1]:.2f} to {each.spearman[2]:.2f}; Kendall's {each.kendall[0]:.2f},"
        f" {each.kendall[1]:.2f} to {each.kendall[2]:.2f})"
        for each in done.agreements
    ]
    few = [size for size, each in done.analyses.items() if not each.learned]
    doubt = f" Of these {', '.join(few)} have not learned enough to put shares in any order." if few else ""
    return f"{'; '.join(said)}.{doubt} What a model of another order of size would say is not known."
