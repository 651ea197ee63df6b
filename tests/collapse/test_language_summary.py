"""What the numbers say: slopes, ratios, verdicts, on values made by hand."""

import numpy as np
import pytest

from uncollapse.collapse.language import summary
from uncollapse.collapse.language.measures import MEASURES


def values_of(paths, *, seeds=(0.99, 1.0, 1.01)):
    """Values whose perplexity has these paths, and everything else stands still."""
    spread = np.array(seeds)[:, None]
    found = {}
    for arm, path in paths.items():
        for measure in MEASURES:
            found[arm, measure] = np.ones((len(seeds), len(path)))
        # The first seed falls as much in a generation as the last one rises, by next to nothing.
        noise = 1 + 1e-4 * np.outer(np.linspace(-1, 1, len(seeds)) if len(seeds) > 1 else [0], np.arange(len(path)))
        found[arm, "perplexity"] = spread * np.array(path, float) * noise
        found[arm, "types_lost"] = np.zeros((len(seeds), len(path)))
        found[arm, "strange_words"] = np.zeros((len(seeds), len(path)))
    return found


FLAT, RISING = [100] * 6, [100, 120, 140, 160, 180, 200]


def test_a_slope_is_the_log_rise_in_a_generation():
    path = 50 * np.exp(0.1 * np.arange(6))
    found = summary.slope(np.stack([path, 2 * path, 3 * path]))
    assert found.value == pytest.approx(0.1)
    assert summary.is_flat(found) is False
    assert summary.is_flat(summary.slope(path[None])) is None
    assert summary.is_flat(summary.slope(values_of({"real": FLAT})["real", "perplexity"])) is True


def test_a_rising_arm_is_told_from_a_flat_control():
    values = values_of({"real": FLAT, "replace": RISING, "edit": FLAT})
    assert summary.against_control(values, "replace").value == pytest.approx(2, rel=1e-3)
    assert summary.since_first(values, "replace").low > 1.9
    assert "replace: after 5 generations" in summary.said(values, "replace")
    assert "times the control's, higher;" in summary.said(values, "replace")
    assert "not told apart" in summary.said(values, "edit")
    assert "stays flat" in summary.said(values, "real")
    said = summary.answer(values, ["real", "replace", "edit"])
    assert said == (
        "Perplexity of human text, after the last generation and beside the control: higher under replace (2.00 times); "
        "not told apart under edit (1.00 times). The control stays flat within its interval."
    ).replace("2.00", f"{summary.against_control(values, 'replace').value:.3g}").replace(
        "1.00", f"{summary.against_control(values, 'edit').value:.3g}"
    )


def test_a_control_that_drifts_is_said_to():
    values = values_of({"real": RISING, "replace": RISING})
    assert "The control is not flat" in summary.said(values, "real")
    assert summary.told_of(values, "real")["flat"] is False


def test_one_seed_gives_no_interval_and_says_so():
    values = values_of({"real": FLAT, "replace": RISING}, seeds=(1.0,))
    told = summary.told_of(values, "replace")
    assert told["perplexity over the control"]["low"] is None
    assert told["flat"] is None
    assert "one seed" in told["said"]
    assert told["definitions"]["any increase"] == "not measured here"


def test_definitions_hold_where_their_thresholds_are_passed():
    values = values_of({"real": FLAT, "replace": RISING, "edit": [100, 400, 800, 1200, 1250, 1260]})
    assert summary.definitions(values, "replace") == {
        "catastrophic": "no",
        "any increase": "yes",
        "diverging": "yes",
        "variance": "no",
        "scaling law": "not measured here",
        "modes": "not measured here",
        "tails": "no",
        "hallucination": "no",
    }
    values["edit", "types_lost"][:] = 0.6
    values["edit", "strange_words"][:] = 0.02
    values["edit", "block_deviation"][:, -1] = 0.4
    found = summary.definitions(values, "edit")
    assert {name for name, holds in found.items() if holds == "yes"} == {
        *("catastrophic", "any increase", "variance", "tails", "hallucination")
    }
