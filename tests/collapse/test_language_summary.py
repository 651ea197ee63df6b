"""What the numbers say: slopes, ratios, verdicts, on values made by hand."""

import numpy as np
import pytest

from uncollapse.collapse.language import comparing, summary
from uncollapse.collapse.language.fresh import Fresh
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


FRESH = Fresh(100, 0.4, 0.1)
FLAT, RISING = [100] * 6, [100, 120, 140, 160, 180, 200]


def test_a_slope_is_the_log_rise_in_a_generation():
    path = 50 * np.exp(0.1 * np.arange(6))
    found = summary.slope(np.stack([path, 2 * path, 3 * path]))
    assert found.value == pytest.approx(0.1)
    assert summary.slope_shown(found) is True
    assert summary.slope_shown(summary.slope(path[None])) is None
    assert summary.slope_shown(summary.slope(values_of({"real": FLAT})["real", "perplexity"])) is False


def test_what_no_slope_leaves_open_is_said_in_times():
    """Slopes -0.1, 0 and 0.1: Student's t at 2 degrees is 4.303, so up to 4.303 * 0.1 / sqrt(3) in each of 5 steps."""
    values = values_of({"real": FLAT})
    values["real", "perplexity"] = 100 * np.exp(np.outer([-0.1, 0, 0.1], np.arange(6)))
    high = 4.302653 * 0.1 / np.sqrt(3)
    assert summary.not_ruled_out(values, "real") == pytest.approx(np.exp(5 * high), rel=1e-6)
    told = summary.told_of(values, "real", FRESH)
    assert (told["slope shown"], told["rise not ruled out"]) == (False, pytest.approx(np.exp(5 * high), rel=1e-6))
    assert told["said"] == (
        "No slope of the control is shown: +0.00 % (-22.00 to +28.20 %) a generation; a rise of up to 3.46 times over "
        "5 generations cannot be ruled out."
    )
    assert "flat" not in told["said"]


def test_a_rising_arm_is_told_from_a_flat_control():
    values = values_of({"real": FLAT, "replace": RISING, "edit": FLAT})
    assert comparing.against(values, "replace").value == pytest.approx(2, rel=1e-3)
    assert summary.since_first(values, "replace").low > 1.9
    assert "replace: after 5 generations" in summary.said(values, "replace", FRESH)
    assert "times the control's, higher (Holm's p = " in summary.said(values, "replace", FRESH)
    assert "not told apart" in summary.said(values, "edit", FRESH)
    assert "No slope of the control is shown" in summary.said(values, "real", FRESH)
    said = summary.answer(values, ["real", "replace", "edit"])
    said, control = said.split("No slope of the control is shown: ")
    assert control == (
        "+0.00 % (-0.02 to +0.02 %) a generation; a rise of up to 1.00 times over 5 generations cannot be ruled out."
    )
    assert said == (
        "Perplexity of human text, after the last generation and beside the control: higher under replace (2.00 times); "
        "not told apart under edit (1.00 times). 2 regimes were compared, by Holm's correction. "
    ).replace("2.00", f"{comparing.against(values, 'replace').value:.3g}").replace(
        "1.00", f"{comparing.against(values, 'edit').value:.3g}"
    )


def test_a_control_that_drifts_is_said_to():
    values = values_of({"real": RISING, "replace": RISING})
    assert "The control is not flat" in summary.said(values, "real", FRESH)
    assert summary.told_of(values, "real", FRESH)["slope shown"] is True


def test_one_seed_gives_no_interval_and_says_so():
    values = values_of({"real": FLAT, "replace": RISING}, seeds=(1.0,))
    told = summary.told_of(values, "replace", FRESH)
    assert told["perplexity over the control"]["low"] is None
    assert (told["slope shown"], told["rise not ruled out"]) == (None, None)
    assert "one seed" in told["said"]
    assert told["definitions"]["any increase"] == "not measured here"


def test_definitions_hold_where_their_thresholds_are_passed():
    values = values_of({"real": FLAT, "replace": RISING, "edit": [100, 400, 800, 1200, 1250, 1260]})
    assert summary.definitions(values, "replace", FRESH) == {
        "catastrophic": "no",
        "any increase": "yes",
        "diverging": "yes",
        "variance": "no",
        "scaling law": "not measured here",
        "modes": "not measured here",
        "tails": "no",
        "hallucination": "no",
    }
    # Of the types 0.6 are left in fresh text, and half of that is 0.3; 0.1 of its words are strange.
    values["edit", "types_lost"][:] = 0.69
    values["edit", "strange_words"][:] = 0.109
    found = summary.definitions(values, "edit", FRESH)
    assert (found["tails"], found["hallucination"]) == ("no", "no")
    values["edit", "types_lost"][:] = 0.71
    values["edit", "strange_words"][:] = 0.111
    values["edit", "block_deviation"][:, -1] = 0.4
    found = summary.definitions(values, "edit", FRESH)
    assert {name for name, holds in found.items() if holds == "yes"} == {
        *("catastrophic", "any increase", "variance", "tails", "hallucination")
    }


def test_words_are_not_judged_of_the_control_nor_without_fresh_text():
    values = values_of({"real": FLAT, "replace": RISING})
    for arm, fresh in (("real", FRESH), ("replace", Fresh(0, float("nan"), float("nan")))):
        found = summary.definitions(values, arm, fresh)
        assert (found["tails"], found["hallucination"]) == ("not measured here", "not measured here")


def test_holm_takes_back_what_one_of_several_comparisons_would_have_told():
    """Log ratios of 3 seeds: t = 5 alone has p = 0.0377; the second of two to be judged keeps it, of three none does."""
    logs = 0.5 * np.array([1 - np.sqrt(3) / 5, 1, 1 + np.sqrt(3) / 5])
    assert comparing.p_value(logs) == pytest.approx(0.0377, abs=5e-5)
    values = values_of({"real": FLAT, "replace": FLAT, "preserve": FLAT, "edit": FLAT})
    for arm in ("real", "preserve", "edit"):
        values[arm, "perplexity"][:] = 100
    values["replace", "perplexity"][:, -1] = 100 * np.exp(logs)
    alone = comparing.beside_control({key: values[key] for key in values if key[0] in ("real", "replace")})
    assert (alone["replace"].told, alone["replace"].compared) == ("higher", 1)
    found = comparing.beside_control(values)
    assert found["replace"].holm == pytest.approx(3 * 0.0377, abs=2e-4)
    assert {each.told for each in found.values()} == {"not told apart"}
    assert found["replace"].ratio.low > 1


def test_kept_human_text_is_set_beside_replacement_at_the_same_seeds():
    values = values_of({"real": FLAT, "replace": RISING, "preserve": FLAT})
    (pair,) = comparing.beside_others(values).values()
    assert (pair.arm, pair.other, pair.told) == ("preserve", "replace", "lower")
    assert pair.ratio.value == pytest.approx(0.5)
    assert "times that under replace, lower (Holm's p" in summary.said(values, "preserve", FRESH)
    assert summary.told_of(values, "preserve", FRESH)["perplexity over replace"]["compared"] == 1
    values["preserve", "perplexity"] = values["replace", "perplexity"] * np.array([[0.7], [0.9], [1.1]])
    assert "times that under replace, not told apart" in summary.said(values, "preserve", FRESH)
