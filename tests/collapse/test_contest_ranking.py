"""The order of the arms by hand: geometric means, paired intervals, and pages that say it."""

import numpy as np
import pytest

from uncollapse.collapse.contest.arms import arms_of
from uncollapse.collapse.contest.measures import MEASURES
from uncollapse.collapse.contest.page import answer, contest_page, shown
from uncollapse.collapse.contest.ranking import alike, as_json, geometric, mean, ranked, start
from uncollapse.collapse.contest.run import Row

# Perplexities after one generation, by arm and seed.
LAST = {"replace": (200.0, 400.0, 200.0), "human10": (100.0, 200.0, 100.0), "real": (50.0, 50.0, 50.0)}


def rows(student="counted", *, scale=1.0):
    found = []
    for arm, values in LAST.items():
        for seed, value in enumerate(values):
            for measure in MEASURES:
                last = value * scale if measure == "perplexity" else value / 1000
                found += [Row(student, arm, seed, 0, measure, 0.5), Row(student, arm, seed, 1, measure, last)]
    return found


def test_intervals_are_students():
    # t for 95 % and two degrees of freedom is 4.302653.
    found = mean(np.array([1.0, 2.0, 3.0]))
    assert (found.value, found.low, found.high) == pytest.approx((2, 2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5))
    assert geometric(np.array([1.0, 10.0, 100.0])).value == pytest.approx(10)
    alone = mean(np.array([3.0]))
    assert np.isnan(alone.low)
    assert shown(alone) == "3.00"
    assert shown(found._replace(low=1.0, high=2345.6)) == "2.00 (1.00 to 2,346)"


def test_the_order_is_by_perplexity_and_ratios_are_paired():
    found = ranked(rows(), arms_of(list(LAST)), "counted")
    assert [(each.place, each.arm.name) for each in found] == [(1, "real"), (2, "human10"), (3, "replace")]
    ratio = found[1].against["replace"]
    # Seed by seed exactly a half, whatever the seeds differ in.
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((0.5, 0.5, 0.5))
    assert "replace" not in found[2].against
    assert set(found[1].against) == {"replace", "real"}
    assert found[2].last["perplexity"].value == pytest.approx((200 * 400 * 200) ** (1 / 3))
    told = as_json(found, oversampled=4)
    assert told[1]["perplexity against"]["replace"]["value"] == pytest.approx(0.5)


def test_equal_arms_share_a_place():
    same = [row._replace(arm="random") for row in rows() if row.arm == "replace"]
    found = ranked([*rows(), *same], arms_of([*LAST, "random"]), "counted")
    assert [each.place for each in found] == [1, 2, 3, 3]


def test_two_students_that_agree_correlate():
    one = ranked(rows(), arms_of(list(LAST)), "counted")
    other = ranked(rows("small", scale=7.0), arms_of(list(LAST)), "small")
    assert alike(one, other) == pytest.approx(1)
    assert np.isnan(alike(one[:2], other))


def test_the_page_says_who_comes_first_and_that_it_is_a_toy():
    both = [*rows(), *rows("small", scale=7.0)]
    arms = arms_of(list(LAST))
    standings = {name: ranked(both, arms, name) for name in ("counted", "small")}
    begun = {
        name: {measure: each.as_json() for measure, each in start(both, "real", name).items()} for name in standings
    }
    begun["small"]["rare_coverage"]["value"] = None
    told = {
        "text": {"pieces": 100, "words": 20, "copied documents left out": 2, "copied pieces left out": 31},
        "settings": {"generations": 1, "oversampled": 7},
        "seeds": [0, 1, 2],
        "students": {name: {"what": "a student", "start": begun[name]} for name in standings},
    }
    page = contest_page(told, both, standings)
    assert "The counted student is a toy" in page
    assert "Both students side by side" in page
    assert "20 words each; 2 documents and 31 pieces that came before left out" in page
    assert "0.500 (0.500 to 0.500)" in page
    assert page.count("<figure") == 8
    assert answer(standings).startswith(
        "By the counted student, a toy, human10 stays nearest to human text and replace goes farthest from it"
    )
    assert "from it, human text alone apart." in answer(standings)
