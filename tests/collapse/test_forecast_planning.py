"""How many tokens each proxy reads."""

import pytest

from uncollapse.collapse.forecast.planning import KEPT, STARTS, Plan, seconds, unrepeated, within_budget, without_budget
from uncollapse.collapse.forecast.settings import Forecast
from uncollapse.collapse.forecast.timing import Probe, Speed, probes, speeds
from uncollapse.errors import InputError, UsageError

THERE = {"tiny": {"human": 900_000, "synthetic": 600_000}}
FAST, SLOW = {"tiny": Speed(5.0, 10_000.0)}, {"tiny": Speed(5.0, 100.0)}


def asked(**fields):
    return Forecast(sizes=("tiny",), **fields)


def test_the_scarcer_side_is_read_once_where_the_budget_allows():
    plan = within_budget(THERE, asked(budget_minutes=60), FAST, workers=2)
    assert (plan.tokens, plan.runs, plan.limited_by) == (600_000, 15, "the scarcer side, read once")
    assert plan.epochs("tiny", 1.0) == (0.0, 1.0)
    assert plan.epochs("tiny", 0.25) == (0.5, 0.25)
    # 15 runs of 65 s on two cores, and half of the last one alone.
    assert seconds(600_000, asked(), FAST, workers=2) == 15 * 65 / 2 + 65 / 4
    assert plan.minutes == pytest.approx((15 * 65 / 2 + 65 / 4 + STARTS) / 60, abs=0.01)


def test_shares_that_ask_less_of_a_side_allow_more():
    assert unrepeated(THERE, asked(shares=(0.0, 0.5))) == 900_000
    assert unrepeated(THERE, asked(shares=(0.0, 0.75))) == 800_000


def test_a_budget_sets_the_tokens_so_that_all_ends_within_it():
    settings = asked(budget_minutes=10)
    plan = within_budget(THERE, settings, FAST, workers=2, spent=60.0)
    assert plan.limited_by == "the budget of 10 minutes"
    assert plan.tokens % settings.batch_tokens == 0
    taken = seconds(plan.tokens, settings, FAST, workers=2) + 60 + STARTS
    more = seconds(plan.tokens + 2 * settings.batch_tokens, settings, FAST, workers=2) + 60 + STARTS
    assert taken <= KEPT * 600 < more


def test_a_budget_that_is_too_small_is_refused_with_one_that_is_not():
    with pytest.raises(UsageError, match="in 5 minutes each of 15 proxies could read") as refused:
        within_budget(THERE, asked(budget_minutes=5), SLOW, workers=1)
    minutes = float(refused.value.hint.split()[1].rstrip(","))
    assert within_budget(THERE, asked(budget_minutes=minutes), SLOW, workers=1).tokens >= 400 * 128


def test_tokens_that_do_not_fit_the_budget_are_refused_with_some_that_do():
    with pytest.raises(UsageError, match="more than 10") as refused:
        within_budget(THERE, asked(budget_minutes=10, tokens=600_000), SLOW, workers=2)
    tokens = int(refused.value.hint.split()[1].rstrip(","))
    assert within_budget(THERE, asked(budget_minutes=10, tokens=max(tokens, 1000)), FAST, workers=2).tokens


def test_too_little_text_is_refused_and_may_be_read_again_where_that_is_asked():
    small = {"tiny": {"human": 90_000, "synthetic": 3_000}}
    with pytest.raises(InputError, match="the synthetic side has 3,000 tokens"):
        within_budget(small, asked(budget_minutes=60), FAST, workers=2)
    plan = without_budget(small, asked(tokens=6_000), workers=2)
    assert (plan.minutes, plan.limited_by, plan.epochs("tiny", 1.0)) == (None, "as asked", (0.0, 2.0))
    with pytest.raises(UsageError, match="less than a batch"):
        without_budget(small, asked(tokens=100), workers=2)


def test_a_plan_survives_being_written_down():
    plan = within_budget(THERE, asked(budget_minutes=60), FAST, workers=2)
    assert Plan.from_json(plan.as_json()) == plan


def test_each_size_is_timed_on_all_cores_at_once():
    import pyarrow as pa

    tried = probes(["tiny", "counted"], workers=2, pace=asked().pace)
    assert [each.name for each in tried] == ["tiny-0", "tiny-1", "counted-0", "counted-1"]
    assert isinstance(tried[0], Probe)
    tables = {
        each.name: pa.table({"beside": [4.0 + each.copy], "tokens_per_second": [100.0 * (1 + each.copy)]})
        for each in tried
    }
    assert speeds(tables, ["tiny"]) == {"tiny": Speed(4.5, 150.0)}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"shares": (0.5, 1.0)}, "share 0 is what all others are held against"),
        ({"shares": (0.0, 1.0, 0.5)}, "--shares rise"),
        ({"shares": (0.0, 1.0, 1.0)}, "named once"),
        ({"sizes": ("huge",)}, "no size 'huge'"),
    ],
)
def test_settings_that_cannot_be_are_refused(fields, said):
    with pytest.raises(UsageError, match=said):
        Forecast(**fields)


def test_a_budget_is_half_an_hour_unless_tokens_say_how_much():
    assert (Forecast().budget, Forecast(tokens=9).budget, Forecast(tokens=9, budget_minutes=4).budget) == (30, None, 4)
