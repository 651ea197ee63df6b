"""Regimes as data, and what each of them feeds, with a laboratory that only writes down what it was asked."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, ClassVar

import numpy as np
import pytest

from uncollapse.collapse import REGIMES, regime
from uncollapse.collapse.feeding import DIETS, apportioned, masks, models
from uncollapse.collapse.laboratory import PLACES, Laboratory, laboratory
from uncollapse.collapse.materials import Counts, Moments, Rows, choose
from uncollapse.errors import UsageError


class Ledger(Laboratory):
    """Rows are numbers that say where they come from: 0 the original, k the model of fit k."""

    name: ClassVar[str] = "ledger"
    regimes: ClassVar[tuple[str, ...]] = tuple(REGIMES)
    measures: ClassVar[dict[str, str]] = {"rows": "how many rows the last fit saw"}
    risk: ClassVar[str] = "rows"
    samples: int = 10

    def original(self, seeds: int) -> Any:
        return (0, None)

    def real(self, count, *, seeds, rng):
        return Rows(np.zeros((seeds, count)))

    def drawn(self, model, count, *, like, rng):
        return Rows(np.full((model[1].values.shape[0], count), float(model[0])))

    def fitted(self, material, *, before, rng):
        return (before[0] + 1, material)

    def verified(self, model, like, *, regime, rng):
        return Rows(np.full((model[1].values.shape[0], like.size), -float(model[0])))

    def measured(self, model):
        return {"rows": np.array([model[1].size])}


def fed(name: str, fits: int, rng, **settings: Any) -> Iterator[np.ndarray]:
    """What fit 1, 2, ... of the second of three seeds is given."""
    every = models(Ledger(), regime(name, **settings), seeds=3, rng=rng)
    return [model[1].values[1] for _, model in zip(range(fits), islice(every, 1, None), strict=False)]


def shares(rows: np.ndarray) -> dict[float, int]:
    values, counts = np.unique(rows, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def test_every_regime_has_its_diet():
    assert set(DIETS) == set(REGIMES.values())


def test_replace_and_accumulate(rng):
    assert [shares(rows) for rows in fed("replace", 3, rng)] == [{0: 10}, {1: 10}, {2: 10}]
    assert [shares(rows) for rows in fed("accumulate", 3, rng)] == [{0: 10}, {0: 10, 1: 10}, {0: 10, 1: 10, 2: 10}]


def test_subsample_keeps_its_budget_and_draws_from_everything(rng):
    rows = fed("subsample", 40, rng)
    assert all(len(each) == 10 for each in rows)
    assert len(set(rows[-1].tolist())) > 3


def test_preserve_and_fresh_hold_their_share(rng):
    for name in ("preserve", "fresh"):
        assert [shares(rows) for rows in fed(name, 3, rng, share=0.3)] == [{0: 10}, {0: 3, 1: 7}, {0: 3, 2: 7}]
        assert shares(fed(name, 2, rng, share=1)[1]) == {0: 10}
        assert shares(fed(name, 2, rng, share=0)[1]) == {1: 10}


def test_weighted_sees_as_much_of_each_with_its_weight(rng):
    every = models(Ledger(), regime("weighted", weight=0.3), seeds=1, rng=rng)
    _, _, (_, material) = (next(every) for _ in range(3))
    assert shares(material.values[0]) == {0: 10, 1: 10}
    assert material.weights.tolist() == [0.3] * 10 + [0.7] * 10


def test_edits_of_each_mask(rng):
    disjoint = fed("edit", 7, rng, rate=0.3, mask="disjoint")
    assert shares(disjoint[3]) == {0: 1, 1: 3, 2: 3, 3: 3}
    # The last round that finds any takes what is left; after it none are.
    assert shares(disjoint[4]) == {1: 3, 2: 3, 3: 3, 4: 1}
    assert (disjoint[4] == disjoint[6]).all()
    assert shares(fed("edit", 6, rng, rate=0.3, mask="same")[5]) == {0: 7, 5: 3}
    assert shares(fed("edit", 2, rng, rate=0.3)[1]) == {0: 7, 1: 3}


def test_the_same_rows_are_as_many_every_round(rng):
    # A quarter of 10 rows is 2.5: rounded once, and not 2, 3, 2, 3.
    drawn = list(islice(masks(regime("edit", rate=0.25, mask="same"), rows=10, seeds=2, rng=rng), 4))
    assert [int(mask[0].sum()) for mask in drawn] == [2] * 4
    assert all((mask == drawn[0]).all() for mask in drawn)


def test_decaying_rates_are_added_up_before_they_are_rounded(rng):
    # Rates 0.4, 0.2, 0.1, 0.05 of 10 rows: 4, 6, 7, 7.5 (rounded to 8) edits in all.
    kind = regime("edit", rate=0.4, mask="disjoint", decay=0.5)
    counts = [int(mask[0].sum()) for mask in islice(masks(kind, rows=10, seeds=1, rng=rng), 5)]
    assert counts == [4, 2, 1, 1, 0]


def test_random_masks_pick_each_row_as_often(rng):
    picked = np.mean(list(islice(masks(regime("edit", rate=0.3), rows=10, seeds=500, rng=rng), 20)), axis=(0, 1))
    # 10,000 draws of probability .3: standard error .0046.
    assert picked == pytest.approx(np.full(10, 0.3), abs=5.5 * 0.0046)


def test_verify_asks_the_laboratory(rng):
    assert [shares(rows) for rows in fed("verify", 3, rng)] == [{0: 10}, {-1: 10}, {-2: 10}]


def test_the_general_process_mixes_laws_and_not_rows(rng):
    # alpha .5, beta .5: law 1 is the original, law 2 half of it and half of model 1, law 3 a quarter, a quarter, a half.
    rows = fed("mixed", 3, rng, alpha=(0.5,), beta=(0.5,), gamma=(0.0,))
    assert shares(rows[1]) == {0: 5, 1: 5}
    assert shares(rows[2]) in ({0: 3, 1: 2, 2: 5}, {0: 2, 1: 3, 2: 5})
    # With alpha 1 it is replacement, with gamma a fresh share.
    assert shares(fed("mixed", 3, rng, alpha=(1.0,), beta=(0.0,), gamma=(0.0,))[2]) == {2: 10}
    assert shares(fed("mixed", 3, rng, alpha=(0.7,), beta=(0.0,), gamma=(0.3,))[2]) == {0: 3, 2: 7}


def test_a_schedule_goes_on_with_its_last_value(rng):
    rows = fed("mixed", 4, rng, alpha=(1.0, 0.0), beta=(0.0,), gamma=(0.0, 1.0))
    assert [shares(each) for each in rows] == [{0: 10}, {1: 10}, {0: 10}, {0: 10}]


def test_whole_numbers_by_largest_remainder():
    assert apportioned(np.array([0.5, 0.25, 0.25]), 10).tolist() == [5, 3, 2]
    assert apportioned(np.array([2.0, 1.0]), 100).tolist() == [67, 33]


def test_labels_say_what_differs_from_the_usual():
    assert regime("preserve").label == "preserve"
    assert regime("preserve", share=0.25).label == "preserve share=0.25"
    assert regime("edit", mask="same", rate=0.5).label == "edit rate=0.5 mask=same"


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("replce", {}, "no regime 'replce'"),
        ("preserve", {"share": 1.5}, "less than or equal to 1"),
        ("preserve", {"share": -0.1}, "greater than or equal to 0"),
        ("replace", {"share": 0.1}, "Extra inputs"),
        ("mixed", {"alpha": (0.9,)}, "sum to 1"),
        ("weighted", {"weight": 0}, "greater than 0"),
    ],
)
def test_what_cannot_be_is_refused(name, settings, says):
    with pytest.raises(UsageError, match=says) as refused:
        regime(name, **settings)
    assert refused.value.hint


def test_rows_are_chosen_once_each(rng):
    chosen = choose(20, 7, seeds=50, rng=rng)
    assert all(len(set(row)) == 7 for row in chosen.tolist())
    assert choose(3, 5, seeds=2, rng=rng).tolist() == [[0, 1, 2], [0, 1, 2]]


def test_moments_of_parts_are_those_of_the_whole(rng):
    values = rng.standard_normal((2, 12, 3))
    parts = Moments.of(Rows(values[:, :5])).joined(Moments.of(Rows(values[:, 5:])))
    assert parts.mean == pytest.approx(values.mean(axis=1))
    for seed in range(2):
        assert parts.covariance[seed] == pytest.approx(np.cov(values[seed].T, bias=True))


def test_weighed_moments_are_those_of_repeated_rows(rng):
    values = rng.standard_normal((1, 6, 1))
    weighed = Moments.of(Rows(values[:, :2])).weighed(3.0).joined(Moments.of(Rows(values[:, 2:])))
    repeated = np.concatenate([values[0, :2, 0]] * 3 + [values[0, 2:, 0]])
    assert weighed.weight == len(repeated)
    assert weighed.mean[0, 0] == pytest.approx(repeated.mean())
    assert weighed.covariance[0, 0, 0] == pytest.approx(repeated.var())


def test_counts_of_rows_for_each_seed():
    counts = Counts.of(Rows(np.array([[0, 2, 2], [1, 1, 0]])), states=3)
    assert counts.counts.tolist() == [[1, 0, 2], [1, 2, 0]]
    thinned = counts.thinned(2, rng=np.random.default_rng(0))
    assert thinned.counts.sum(axis=1).tolist() == [2, 2]
    assert (thinned.counts <= counts.counts).all()


@pytest.mark.parametrize("name", PLACES)
def test_every_laboratory_names_regimes_that_exist(name):
    if name == "autoencoder":
        pytest.importorskip("sklearn", reason="scikit-learn: not installed")
    built = laboratory(name)
    assert set(built.regimes) <= set(REGIMES)
    assert {built.risk, built.spread, built.tail, built.modes, built.invented} - {""} <= set(built.measures)
