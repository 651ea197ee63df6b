"""Design rules against the forms that they come from and against simulation."""

import numpy as np
import pytest

from meeting import assert_mean
from uncollapse.collapse import regime, run
from uncollapse.collapse.planning import asked, fresh_error, plan, share_to_keep
from uncollapse.collapse.theory import regression as forms
from uncollapse.errors import UsageError


def test_replacement_is_not_bounded():
    answer = plan(asked(workflow="replace", generations=9, multiple=3.5))
    assert answer.error == 10
    assert not answer.bounded
    assert "at most 2 rounds" in answer.remedy  # three fits make 3 units


def test_accumulation_is_bounded_by_euler():
    answer = plan(asked(workflow="accumulate", generations=1))
    assert answer.error == 1.25
    assert answer.limit == pytest.approx(np.pi**2 / 6)
    assert answer.remedy == "none is needed"
    assert "no accumulation" in plan(asked(workflow="accumulate", multiple=1.5)).remedy


def test_random_edits_grow_and_the_rate_that_it_names_keeps_them_under():
    answer = plan(asked(workflow="edit", rate=0.1, generations=50, multiple=2))
    assert answer.error == pytest.approx(10.5)
    assert not answer.bounded
    rate = float(answer.remedy.split("at most ")[1].split(" ")[0])
    assert forms.edit_random(np.array([50.0]), q=rate)[0] == pytest.approx(2, abs=0.01)


def test_decaying_edits_are_bounded():
    answer = plan(asked(workflow="edit-decaying", rate=0.125, decay=0.94, generations=100))
    assert answer.error == pytest.approx(5.02, abs=5e-3)
    assert answer.bounded
    assert answer.limit > answer.error


@pytest.mark.parametrize("multiple", [1.2, 2.0, 5.0])
def test_the_share_to_keep_is_just_enough(multiple):
    share = share_to_keep(multiple)
    assert forms.edit_same_limit(1 - share) == pytest.approx(multiple)
    answer = plan(asked(workflow="keep", share=share, generations=1000, multiple=multiple))
    assert answer.limit == pytest.approx(multiple)
    assert answer.error <= multiple + 1e-9


def test_kept_rows_in_the_laboratory_stay_under_the_multiple():
    share = share_to_keep(2.0)
    found = run("regression", regime("preserve", share=share), generations=30, seeds=300, samples=500, dimension=5)
    # Next order in d/T: 1/(1 - d/(share T)).
    assert found.parts[0]["error_units"][-1].mean() < 2.0 * (1 + 5 / (share * 500)) + 0.35


def test_fresh_rows_against_the_laboratory():
    settings = {"generations": 8, "seeds": 4_000, "samples": 400, "dimension": 2, "design": "fresh"}
    found = run("regression", regime("fresh", share=0.3), **settings).parts[0]["error_units"]
    for fit in (1, 2, 8):
        # Next order in d/T is some per cent.
        expected = fresh_error(0.3, rounds=fit - 1)
        assert_mean(found[fit], expected, slack=0.03 * expected)
    answer = plan(asked(workflow="fresh", share=0.3, multiple=1.5))
    assert answer.limit == pytest.approx(1 / (1 - 0.49))
    share = float(answer.remedy.split("at least ")[1].split(" ")[0])
    assert fresh_error(share, rounds=10_000) == pytest.approx(1.5, abs=5e-3)


def test_no_fresh_rows_are_replacement():
    assert fresh_error(0.0, rounds=4) == 5


@pytest.mark.parametrize(
    ("given", "says"), [({"share": 2.0}, "share"), ({"multiple": 1.0}, "multiple"), ({"decay": 1.0}, "decay")]
)
def test_what_cannot_be_is_refused(given, says):
    with pytest.raises(UsageError, match=says):
        asked(workflow="keep", **given)
