"""Bands of surprise: by a column and by a model, with the documents outside accounted for."""

import numpy as np
import pytest

from made_text import made
from pools import pool
from uncollapse.errors import UsageError
from uncollapse.language_models import CountedModel
from uncollapse.selection.choosing import Budget
from uncollapse.selection.likelihood import LikelihoodBand

TEXTS = [f"document {n}" for n in range(100)]
SCORES = [float((n * 37) % 100) for n in range(100)]


def select(band, budget, **fields):
    return LikelihoodBand(band=band, score="score", **fields).choose(pool(TEXTS, score=SCORES), budget=Budget(budget))


def test_a_band_holds_the_quantiles_that_it_says():
    choice = select("0.5:0.9", 40)
    taken = np.array(SCORES)[choice.counts > 0]
    assert sorted(taken) == [float(n) for n in range(50, 90)]
    assert choice.account["band in the unit of the surprise"] == [50.0, 89.0]
    assert np.bincount(choice.reasons.of + 1).tolist() == [40, 50, 10]


def test_the_upper_end_is_in_the_band():
    assert np.array(SCORES)[select((0.9, 1.0), 10).counts > 0].max() == 99


@pytest.mark.parametrize(
    ("band", "budget", "said"),
    [
        ("0.5:0.6", 11, "holds 10 documents, and the budget is 11"),
        ("0.6:0.5", 1, "from 0.6 to 0.5 is none"),
        ("half", 1, "low:high"),
    ],
)
def test_a_band_that_cannot_be_is_refused(band, budget, said):
    with pytest.raises(UsageError, match=said):
        select(band, budget)


def test_a_model_is_surprised_by_what_it_has_not_read(tmp_path, monkeypatch):
    usual = made(30, seed=1, length=80, known=200)
    strange = made(30, seed=2, length=80, known=5000)
    CountedModel.fit(usual).save(tmp_path / "model")
    choice = LikelihoodBand(model=str(tmp_path / "model"), band=(0.5, 1.0)).choose(
        pool([*usual, *strange], cuts=[7]), budget=Budget(30)
    )
    assert choice.counts[30:].sum() >= 29
    assert choice.account["mean surprise of the choice"] > choice.account["mean surprise of the pool"]
