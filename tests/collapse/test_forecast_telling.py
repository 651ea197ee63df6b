"""What a forecast says of a study whose answer is known."""

import json

import numpy as np
import pytest

from made_shares import study
from uncollapse.collapse.forecast.keeping import table, write
from uncollapse.collapse.forecast.page import forecast_page
from uncollapse.collapse.forecast.settings import Forecast
from uncollapse.collapse.forecast.telling import answer, as_json, shape_sentence, told, trust_sentence


@pytest.fixture(scope="module")
def done():
    return told(study())


def test_the_share_that_is_recommended_is_near_the_one_of_the_law(done):
    """Where 2 ((1 - s) + .02 s)^-.28 has risen by .04, a hundredth of the loss of 4: s = (1 - 1.02^(-1/.28)) / .98."""
    law = (1 - 1.02 ** (-1 / 0.28)) / 0.98
    plain = as_json(done)
    assert plain["recommended_by"] == "small"
    assert 0.5 * law < plain["recommended_share"] < law
    at = next(row for row in plain["sizes"]["small"]["rises"] if row["measure"] == "loss" and row["rise"] == 0.01)
    assert at["low"] < law < at["high"]
    assert "Up to " in answer(done)
    assert plain["sizes"]["small"]["curve"]["kind"] == "effective tokens"
    worth = plain["sizes"]["small"]["curve"]["worth_of_a_synthetic_token"]
    assert worth["low"] < 0.02 < worth["high"]


def test_the_published_shape_is_named_where_it_is_there(done):
    assert done.main.shape.published
    assert shape_sentence(done.main).endswith("the published shape.")
    assert "the training loss falls (-0.5" in shape_sentence(done.main)
    otherwise = told(study(training=0.5))
    assert not otherwise.main.shape.published
    assert "the training loss rises" in shape_sentence(otherwise.main)
    assert "not the published shape" in shape_sentence(otherwise.main)


def test_proxies_that_know_frequencies_alone_recommend_nothing():
    few = told(study(frequencies=4.3))
    assert as_json(few)["recommended_share"] is None
    assert "have not learned enough" in answer(few)
    assert any("say nothing" in warning for warning in few.warnings)


def test_two_sizes_that_agree_say_so_and_one_says_that_it_is_not_known(done):
    (agreement,) = done.agreements
    assert agreement.spearman[0] == agreement.kendall[0] == 1.0
    assert "rank correlation of 1.00" in trust_sentence(done)
    alone = told(study(Forecast(tokens=1000, sizes=("tiny",), seeds=1)))
    assert "it is not known" in trust_sentence(alone)
    assert any(warning.startswith("one seed") for warning in alone.warnings)


def test_every_number_of_every_proxy_is_in_the_table(done):
    rows = table(done).to_pylist()
    losses = [row for row in rows if row["measure"] == "loss"]
    assert len(losses) == 5 * 3 * 2
    assert {row["on"] for row in rows} == {"all", "news", "law", "piqa"}
    perplexities = {
        (row["size"], row["share"], row["seed"]): row["value"]
        for row in rows
        if (row["measure"], row["on"]) == ("perplexity", "all")
    }
    for row in losses:
        assert np.log(perplexities[row["size"], row["share"], row["seed"]]) == pytest.approx(row["value"])
    assert {row["value"] for row in rows if row["on"] == "piqa"} == {0.6}
    assert {round(row["value"], 9) for row in rows if row["measure"] == "calibration_error"} == {0.05}


def test_the_page_and_the_summary_say_the_same(done, tmp_path):
    plain = as_json(done)
    page = forecast_page(done, plain)
    write(done, plain, page, folder=tmp_path)
    assert json.loads((tmp_path / "forecast.json").read_text()) == plain
    assert answer(done) in page
    for said in ("Training loss beside human text, small", "By domain, tiny", "Questions, small", "Theory beside it"):
        assert said in page
    assert "2" in page[page.index("left out, human: copy") :][:120]


def test_epochs_are_said_where_text_is_read_again():
    again = told(study(Forecast(tokens=3000, sizes=("tiny", "small"))))
    assert any("read more than once at shares of 0%, 25%, 75%, 100%" in warning for warning in again.warnings)
    epochs = as_json(again)["plan"]["epochs"]["tiny"]
    assert [(each["human"], each["synthetic"]) for each in epochs[::2]] == [(2.0, 0.0), (1.0, 1.0), (0.0, 2.0)]
