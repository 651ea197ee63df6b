"""One law over every laboratory and regime: where a closed form is meant to hold exactly, the simulation meets it.

5.5 standard errors (see `meeting`); some 70 curves at three generations each.
"""

import numpy as np
import pytest

from meeting import assert_mean
from uncollapse.collapse import regime, run

SETTINGS = {
    "gaussian": ({"samples": 12}, {"samples": 12, "ddof": 0}, {"samples": 12, "dimension": 3}),
    "discrete": ({"samples": 25, "states": 15}, {"samples": 25, "law": "uniform", "states": 6}),
    "kde": ({"samples": 15, "bandwidth": 0.3},),
    "regression": (
        {"samples": 25, "dimension": 4},
        {"samples": 25, "dimension": 4, "design": "fresh"},
    ),
}
REGIMES = (
    regime("replace"),
    regime("accumulate"),
    regime("preserve", share=0.4),
    regime("fresh", share=0.4),
    regime("weighted"),
    regime("edit", rate=0.25),
    regime("edit", rate=0.25, mask="same"),
)
PLACES = [(name, settings) for name, every in SETTINGS.items() for settings in every]


@pytest.mark.parametrize(("name", "settings"), PLACES, ids=str)
def test_simulations_meet_their_forms(name, settings):
    met = 0
    for part in run(name, *REGIMES, generations=6, seeds=3_000, seed=11, **settings):
        for curve in part.curves:
            if curve.statistic == "mean":
                for k in (1, 3, 6):
                    assert_mean(part[curve.measure][k], curve.values[k - curve.start])
                    met += 1
    assert met >= 12


def test_the_measure_sees_a_form_that_is_wrong():
    part = run("gaussian", "replace", generations=6, seeds=3_000, samples=12)["replace"]
    (curve,) = [curve for curve in part.curves if curve.measure == "std"]
    with pytest.raises(AssertionError):
        assert_mean(part["std"][6], np.asarray(curve.values[6]) * 1.1)
