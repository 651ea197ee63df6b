"""The discrete laboratory against Wright and Fisher; the numbers are those of checks 10 to 14 and 18."""

import numpy as np
import pytest

from meeting import assert_mean, assert_share, assert_variance
from uncollapse.collapse import laboratory, regime, run
from uncollapse.collapse.discrete import decoded, drawn_states, read_counts
from uncollapse.collapse.materials import Counts
from uncollapse.collapse.theory import discrete as forms
from uncollapse.errors import MissingInput, UsageError


def test_frequencies_of_a_family_vary_as_the_sum_of_squares():
    # Check 10: n Var/(p(1-p)) -> 1.640 at t = 200; the form is for large n, and 1/n = 1/2000 is the next order.
    expected = forms.accumulate_inflation(np.arange(201.0))[-1]
    assert expected == pytest.approx(1.640, abs=5e-4)
    settings = {"law": "counts", "counts": (0.7, 0.3), "samples": 2_000}
    found = run("discrete", "accumulate", generations=200, seeds=4_000, **settings)["accumulate"]
    # With two states the sum of squared errors is twice the squared error of one.
    assert_mean(2_000 * found["error"][-1] / 2 / 0.21, expected, slack=expected / 1_000)
    assert 6 / np.pi**2 == pytest.approx(0.6079, abs=1e-4)


def test_heterozygosity_decays_when_data_are_replaced():
    found = run("discrete", "replace", generations=50, seeds=2_000, states=1000, samples=100)["replace"]
    for k, value in {1: 0.96095, 10: 0.87785, 50: 0.58726}.items():
        (curve,) = [curve for curve in found.curves if curve.measure == "heterozygosity"]
        assert curve.values[k] == pytest.approx(value, abs=5e-6)
        assert_mean(found["heterozygosity"][k], value, slack=5e-6)


def test_heterozygosity_stays_when_data_accumulate():
    settings = {"law": "uniform", "states": 20, "samples": 50}
    found = run("discrete", "accumulate", generations=60, seeds=2_000, **settings)["accumulate"]
    for k, value in {1: 0.931, 10: 0.920804, 60: 0.919357}.items():
        (curve,) = [curve for curve in found.curves if curve.measure == "heterozygosity"]
        assert curve.values[k] == pytest.approx(value, abs=5e-7)
        assert_mean(found["heterozygosity"][k], value, slack=5e-7)
    limit = 0.95 * np.sinc(1 / np.sqrt(50))
    assert limit == pytest.approx(0.919053, abs=5e-7)


SURVIVAL = {1: (0.63397, 0.63212), 2: (0.47095, 0.46854), 5: (0.27101, 0.26808), 10: (0.16139, 0.15824)}


@pytest.mark.parametrize("k", SURVIVAL)
def test_a_rare_state_survives_as_the_chain_says(k):
    exact, bound = SURVIVAL[k]
    q = np.array([0.01])
    assert forms.survival(k, q=q, draws=100)[0] == pytest.approx(exact, abs=5e-6)
    assert forms.survival_bound(k, q=q, draws=100)[0] == pytest.approx(bound, abs=5e-6)
    assert exact >= bound
    assert exact <= forms.survival_upper_bound(k, q=q, draws=100)[0]


def test_the_chain_at_fifty_fits_and_the_sampler_beside_it():
    q = np.array([0.01])
    assert forms.survival(50, q=q, draws=100)[0] == pytest.approx(0.04112, abs=5e-6)
    settings = {"law": "counts", "counts": (99, 1), "samples": 100}
    found = run("discrete", "replace", generations=10, seeds=20_000, **settings)["replace"]
    for k in (1, 10):
        # With both alive the support is 2; the frequent state is as good as never the one that is lost.
        assert_share(found["support"][k] == 2, SURVIVAL[k][0], slack=1e-5)


def test_a_poisson_law_survives_as_the_form_says(rng):
    assert forms.poisson_survival(10, n=10, rate=1) == pytest.approx(0.8214, abs=5e-5)
    assert forms.poisson_survival(100, n=10, rate=1) == pytest.approx(0.1775, abs=5e-5)
    rate = np.ones(20_000)
    for _ in range(10):
        rate = rng.poisson(10 * rate) / 10
    assert_share(rate > 0, forms.poisson_survival(10, n=10, rate=1))


@pytest.mark.parametrize(("draws", "fits"), [(50, 67.52), (100, 136.60), (200, 275.00)])
def test_a_law_ends_at_one_state(draws, fits):
    found = forms.absorption(draws)
    assert found.fits[draws // 2 - 1] == pytest.approx(fits, abs=5e-3)
    assert found.fixed == pytest.approx(np.arange(1, draws) / draws, abs=1e-9)
    diffusion = {50: 69.3, 100: 138.6, 200: 277.3}[draws]
    assert forms.absorption_diffusion(0.5, draws=draws) == pytest.approx(diffusion, abs=0.05)


@pytest.mark.parametrize(("draws", "fits"), [(10, 17.50), (100, 196.74), (200, 396.51)])
def test_all_different_states_become_one(draws, fits):
    assert forms.coalescence(draws) == pytest.approx(fits, abs=5e-3)
    assert forms.coalescence(draws) == pytest.approx(2 * (draws - 1), rel=0.03)


def test_time_to_one_state_by_simulation():
    settings = {"law": "uniform", "states": 10, "samples": 10}
    found = run("discrete", "replace", generations=200, seeds=4_000, **settings)["replace"]
    # From the second fit on, at most 10 different states; a uniform law of 10 states is one where draws are all
    # different, so fits to one state are those of the coalescent, counted from the first fit.
    assert (found["support"][-1] == 1).all()
    assert_mean((found["support"] > 1).sum(axis=0), forms.coalescence(10))


def test_seddik_bounds_hold_around_the_chain():
    for k in (1, 10, 50):
        alive = np.arange(51)
        both = 1 - (alive == 0) - (alive == 50)
        law = np.eye(51)[15]
        for _ in range(k):
            law = law @ forms._chain(50)
        low, high = forms.seddik_bounds(k, p=0.3, draws=50)
        assert low <= law @ both <= high


@pytest.mark.parametrize(("share", "fresh", "kept"), [(0.1, 0.04622, 0.12941), (0.5, 0.01218, 0.02436)])
def test_fresh_data_are_worth_more_than_the_same_again(share, fresh, kept):
    regimes = [regime("fresh", share=share), regime("preserve", share=share)]
    found = run("discrete", *regimes, generations=60, seeds=4_000, states=50, samples=100)
    start = float(forms.heterozygosity(laboratory("discrete", states=50).probabilities))
    real = round(100 * share)
    assert forms.fresh_limit(start=start, real=real, made=100 - real) == pytest.approx(fresh, abs=5e-6)
    assert forms.kept_limit(start=start, real=real, made=100 - real) == pytest.approx(kept, abs=5e-6)
    for part, limit in zip(found, (fresh, kept), strict=True):
        assert_mean(part["error"][-1], limit, slack=5e-6 + 1e-4 * limit)


REGIMES = ["replace", "accumulate", regime("fresh", share=0.3), regime("preserve", share=0.3)]


@pytest.mark.parametrize("law", [{"law": "uniform", "states": 5}, {"exponent": 2.0, "states": 30}])
def test_every_closed_form_is_met(law):
    for part in run("discrete", *REGIMES, generations=8, seeds=4_000, samples=30, **law):
        assert part.curves
        for curve in part.curves:
            for k in (0, 1, 2, 8):
                assert_mean(part[curve.measure][k], curve.values[k])


def test_rows_by_themselves_meet_the_same_forms():
    found = run("discrete", "replace", generations=8, seeds=4_000, samples=30, states=20, rows=True)["replace"]
    for curve in found.curves:
        assert_mean(found[curve.measure][-1], curve.values[-1])


def test_states_are_drawn_in_proportion(rng):
    laws = np.tile([[0.5, 0.0, 0.3, 0.2]], (2, 1))
    laws[1] = [0.0, 0.0, 1.0, 0.0]
    drawn = drawn_states(laws, 40_000, rng=rng)
    for state, share in enumerate(laws[0]):
        assert_share(drawn[0] == state, share)
    assert (drawn[1] == 2).all()


def test_measures_of_a_law_by_hand():
    built = laboratory("discrete", law="counts", counts=(6, 3, 1), samples=5)
    found = built.measured(np.array([[0.5, 0.5, 0.0]]))
    assert found["heterozygosity"][0] == 0.5
    assert found["support"][0] == 2
    assert found["entropy"][0] == pytest.approx(np.log(2))
    assert found["kl"][0] == pytest.approx(0.5 * np.log(0.5 / 0.6) + 0.5 * np.log(0.5 / 0.3))
    assert found["error"][0] == pytest.approx(0.01 + 0.04 + 0.01)
    assert found["tail_mass"][0] == 0  # only the last state has less than one expected draw
    assert found["top"][0] == 0.5


def test_decoding_by_hand():
    law = np.array([[0.5, 0.3, 0.2]])
    sharp = decoded(law, laboratory("discrete", temperature=0.5))
    assert sharp[0] == pytest.approx(np.array([25, 9, 4]) / 38)
    assert decoded(law, laboratory("discrete", top_k=2))[0] == pytest.approx([0.625, 0.375, 0])
    assert decoded(law, laboratory("discrete", top_p=0.5))[0] == pytest.approx([1, 0, 0])
    assert decoded(law, laboratory("discrete", top_p=0.51))[0] == pytest.approx([0.625, 0.375, 0])


def test_a_perfect_verifier_keeps_what_the_original_has():
    # With phi 1 and psi 0 what is let through is in proportion to min(model, original).
    built = laboratory("discrete", law="counts", counts=(6, 3, 1), samples=200_000)
    drawn = built.verified(
        np.array([[0.2, 0.3, 0.5]]),
        Counts(np.array([[0, 0, 200_000]]), 200_000),
        regime=regime("verify", phi=1, psi=0),
        rng=np.random.default_rng(1),
    )
    for state, share in enumerate(np.array([0.2, 0.3, 0.1]) / 0.6):
        assert drawn.counts[0, state] / 200_000 == pytest.approx(share, abs=5.5 * np.sqrt(share / 200_000))


def test_a_verifier_that_knows_nothing_changes_nothing():
    settings = {"generations": 5, "seeds": 4_000, "samples": 30, "states": 20}
    blind = run("discrete", regime("verify", phi=0.4, psi=0.4), **settings)["verify"]
    (curve, *_) = run("discrete", "replace", **(settings | {"seeds": 1}))["replace"].curves
    assert_mean(blind["heterozygosity"][-1], curve.values[-1])


def test_a_file_of_counts(tmp_path):
    (tmp_path / "counts.txt").write_text("10, 5\n1 0\n")
    assert read_counts(tmp_path / "counts.txt") == (10, 5, 1, 0)
    (tmp_path / "counts.txt").write_text("10, many")
    with pytest.raises(MissingInput, match="many"):
        read_counts(tmp_path / "counts.txt")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"law": "counts"}, "go together"),
        ({"states": 1}, "states"),
        ({"law": "counts", "counts": (1, 0)}, "two states"),
    ],
)
def test_what_cannot_be_is_refused(settings, says):
    with pytest.raises(UsageError, match=says):
        laboratory("discrete", **settings)


def test_the_error_of_two_states_is_spread_as_it_must(rng):
    settings = {"law": "counts", "counts": (1, 1), "samples": 20}
    found = run("discrete", "replace", generations=1, seeds=20_000, **settings)["replace"]
    assert_variance(
        found["top"][1] - 0.5, 0.25 / 20 - np.mean(np.abs(rng.binomial(20, 0.5, 10**6) / 20 - 0.5)) ** 2, slack=1e-5
    )


@pytest.mark.parametrize("numbers", ["", "1 inf", "3 nan", "4 five"])
def test_a_file_without_numbers_is_refused(tmp_path, numbers):
    path = tmp_path / "counts.txt"
    path.write_text(numbers)
    with pytest.raises(MissingInput, match="holds no list of numbers"):
        read_counts(path)


def test_the_usual_tail_goes_generation_by_generation():
    support = run("discrete", generations=20, seeds=20)["replace"].quantiles("support", (0.5,))[0] / 1000
    assert support[0] == 1
    assert support[1] > 0.7
    assert (np.diff(support) < 0).all()
    assert 0.15 < support[20] < 0.3
