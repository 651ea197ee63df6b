"""The regression laboratory against its closed forms; the numbers are those of checks 7 to 9 and 16."""

from itertools import islice

import numpy as np
import pytest

from meeting import assert_mean
from uncollapse.collapse import laboratory, regime, run
from uncollapse.collapse.feeding import masks
from uncollapse.collapse.theory import regression as forms
from uncollapse.errors import UsageError

SMALL = {"samples": 50, "dimension": 10}


@pytest.mark.parametrize("design", ["same", "fresh"])
def test_replaced_data_add_a_unit_each_fit(design):
    found = run("regression", "replace", generations=20, seeds=2_000, design=design, **SMALL)["replace"]
    for k, value in {1: 0.2564, 5: 1.2821, 20: 5.1282}.items():
        assert forms.replace_error(np.array([float(k)]), rows=50, d=10)[0] == pytest.approx(value, abs=5e-5)
        assert_mean(found["error"][k], value, slack=5e-5)


@pytest.mark.parametrize(("design", "five", "twenty"), [("same", 0.3753, 0.4093), ("fresh", 0.3582, 0.3854)])
def test_accumulated_data_stay_bounded(design, five, twenty):
    found = run("regression", "accumulate", generations=20, seeds=2_000, design=design, **SMALL)["accumulate"]
    (curve, _) = found.curves
    for k, value in {5: five, 20: twenty}.items():
        assert curve.values[k] == pytest.approx(value, abs=5e-5)
        assert_mean(found["error"][k], value, slack=5e-5)
    assert forms.unit(rows=50, d=10) * np.pi**2 / 6 == pytest.approx(0.4218, abs=5e-5)


def test_a_subsample_of_what_accumulates_lies_between():
    # Check 9: two runs of 300 seeds, in units of u; they differ from each other by up to .15, so .25 is allowed.
    settings = {"samples": 100, "dimension": 10}
    found = run("regression", "replace", "subsample", "accumulate", generations=20, seeds=300, **settings)
    for k, value in {1: 1.0, 5: 2.48, 10: 2.78, 20: 3.03}.items():
        assert found["subsample"]["error_units"][k].mean() == pytest.approx(value, abs=0.25)
    ends = [part["error"][-1].mean() for part in found]
    assert ends == sorted(ends, reverse=True)


EDITS = {
    "random": (regime("edit", rate=0.1), lambda n: forms.edit_random(n, q=0.1)),
    "decaying": (regime("edit", rate=0.3, decay=0.8), lambda n: forms.edit_decaying(n, q=0.3, eta=0.8)),
    "disjoint": (regime("edit", rate=0.1, mask="disjoint"), lambda n: forms.edit_disjoint(n, q=0.1)),
    "same": (regime("edit", rate=0.5, mask="same"), lambda n: forms.edit_same(n, q=0.5)),
}


@pytest.mark.parametrize("name", EDITS)
def test_edits_meet_the_exact_error_for_their_masks(name, rng):
    # One design for all seeds and one sequence of masks: the oracle is exact for them, whatever they are.
    kind, _ = EDITS[name]
    rows, d, seeds, rounds = 30, 5, 4_000, 6
    built = laboratory("regression", samples=rows, dimension=d, signal=0.0, rows=True)
    design = rng.standard_normal((rows, d))
    drawn = list(islice(masks(kind, rows=rows, seeds=1, rng=rng), rounds))
    first = built.real(rows, seeds=seeds, rng=rng)
    inputs = np.broadcast_to(design, (seeds, rows, d))
    data = type(first)(inputs, rng.standard_normal((seeds, rows)))
    exact = forms.edit_exact(design, [mask[0] for mask in drawn])
    assert len(exact) == rounds + 1
    for fit, mask in enumerate([*drawn, None]):
        model = built.fitted(data, before=None, rng=rng)
        assert_mean(built.measured(model)["error"], exact[fit])
        if mask is not None:
            new = built.drawn(model, rows, like=data, rng=rng)
            data = data.swapped(new, np.broadcast_to(mask, (seeds, rows)))


@pytest.mark.parametrize("name", EDITS)
def test_closed_forms_are_the_exact_error_to_leading_order(name, rng):
    # T = 400 and d = 2: the next order is d/T = 0.005 in each of a few factors, and the masks are one draw: a design of
    # d = 2 dimensions has an error that varies by about 1/sqrt(T), so 24 designs and 5.5 standard errors are taken.
    kind, form = EDITS[name]
    rows, d, rounds = 400, 2, 8
    errors = []
    for _ in range(24):
        design = rng.standard_normal((rows, d))
        drawn = [mask[0] for mask in islice(masks(kind, rows=rows, seeds=1, rng=rng), rounds)]
        errors.append(forms.edit_exact(design, drawn) / forms.unit(rows=rows, d=d))
    expected = form(np.arange(rounds + 1.0))
    for n in (0, 1, 4, rounds):
        assert_mean([error[n] for error in errors], expected[n], slack=0.02 * expected[n])


def test_with_every_row_edited_it_is_replacement(rng):
    design = rng.standard_normal((20, 4))
    everything = [np.ones(20, dtype=bool)] * 5
    trace = np.trace(np.linalg.inv(design.T @ design))
    assert forms.edit_exact(design, everything) == pytest.approx(trace * np.arange(1, 7))


def test_one_edit_by_the_corrected_formula(rng):
    # Section 6.1 of the reference, for one design and one mask: theorem 1 leaves out what edited rows lose.
    design, mask = rng.standard_normal((50, 10)), np.arange(50) < 25
    inverse = np.linalg.pinv(design)
    projection, m = design @ inverse, np.diag(mask.astype(float))
    start = np.trace(np.linalg.inv(design.T @ design))
    corrected = start + 2 * np.trace(inverse @ m @ inverse.T) - np.trace(inverse @ m @ projection @ m @ inverse.T)
    assert forms.edit_exact(design, [mask])[1] == pytest.approx(corrected)
    printed = start + np.trace(inverse @ m @ inverse.T)
    assert corrected > 1.05 * printed


def test_the_printed_bound_does_not_hold():
    assert forms.theorem_2() == 2
    assert forms.edit_disjoint_small(1) == pytest.approx(4.4366, abs=1e-4)
    assert forms.theorem_1(1) == 2
    assert forms.edit_disjoint(np.array([1000.0]), q=0.001)[0] == pytest.approx(forms.edit_disjoint_small(1), rel=2e-3)
    assert forms.edit_random(np.array([50.0]), q=0.1)[0] == pytest.approx(10.5)
    assert forms.edit_once(0.5) == 1.75


@pytest.mark.parametrize(("q", "n", "value"), [(0.5, 2, 2.6875), (0.1, 10, 3.92), (0.02, 50, 4.32)])
def test_disjoint_edits_by_the_reference(q, n, value):
    assert forms.edit_disjoint(np.array([float(n)]), q=q)[0] == pytest.approx(value, abs=6e-3)


@pytest.mark.parametrize(("q", "value"), [(0.1, 1.21), (0.5, 2.67), (0.9, 14.7)])
def test_an_anchor_that_is_never_edited_bounds_the_error(q, value):
    assert forms.edit_same_limit(q) == pytest.approx(value, abs=0.04)
    assert forms.edit_same(np.array([500.0]), q=q)[0] == pytest.approx(forms.edit_same_limit(q), rel=1e-6)


def test_other_values_of_the_reference():
    assert forms.edit_same(np.array([2.0]), q=0.5)[0] == pytest.approx(2.19, abs=5e-3)
    assert forms.edit_same(np.array([20.0]), q=0.9)[0] == pytest.approx(12.6, abs=0.05)
    assert forms.edit_decaying(np.array([100.0]), q=0.125, eta=0.94)[0] == pytest.approx(5.02, abs=5e-3)


def test_the_laboratory_shows_growth_and_its_bound():
    regimes = [regime("edit", rate=0.3), regime("edit", rate=0.3, mask="same")]
    found = run("regression", *regimes, generations=30, seeds=400, samples=100, dimension=5)
    random, same = (part["error_units"].mean(axis=1) for part in found)
    assert random[-1] > 2 * random[10] > 4
    assert same[-1] < 2.2
    assert same[-1] == pytest.approx(forms.edit_same_limit(0.3), abs=0.4)


@pytest.mark.parametrize(("n", "floor"), [(1_000, 0.0632), (10_000, 0.0423), (100_000, 0.0402)])
def test_a_share_of_wrong_labels_leaves_a_floor(n, floor, rng):
    # Check 16: a fifth of the rows have labels from weights at distance 1; d = 20, 10 fits to n rows.
    assert forms.strong_collapse(share=0.2, distance=1, d=20, n=n) == pytest.approx(floor, abs=5e-5)
    true, wrong = np.zeros((10, 20)), np.zeros((10, 20))
    wrong[:, 0] = 1.0
    built = laboratory("regression", samples=n, dimension=20, signal=0.0, design="fresh")
    real, made = (
        built.drawn(law, rows, like=None, rng=rng) for law, rows in ((true, round(0.8 * n)), (wrong, round(0.2 * n)))
    )
    data = real.joined(made)
    error = built.measured(built.fitted(data, before=None, rng=rng))["error"]
    # Leading order in d/n.
    assert_mean(error, floor, slack=5e-5 + 2 * 20 / n * floor)


def test_sufficient_statistics_and_rows_agree():
    for rows in (False, True):
        for part in run("regression", "replace", "accumulate", generations=4, seeds=4_000, rows=rows, **SMALL):
            assert_mean(part["error"][-1], part.curves[0].values[-1])


def test_ridge_shrinks_and_keeps_shrinking():
    found = run("regression", "replace", generations=10, seeds=50, samples=10_000, dimension=2, ridge=0.1)["replace"]
    # At this many samples a fit divides the weights by 1 + ridge.
    assert np.median(found["bias"][10]) == pytest.approx(1.1**-10 - 1, abs=0.02)
    assert found.curves == []


def test_too_few_rows_are_refused():
    with pytest.raises(UsageError, match="at least 12"):
        laboratory("regression", samples=11, dimension=10)


@pytest.mark.parametrize("rows", [3, 40])
def test_parts_with_too_few_rows_to_be_fitted_join_all_the_same(rows, rng):
    # Least squares on the rows themselves, against what is kept of them.
    built = laboratory("regression", samples=40, dimension=6, signal=0.0, rows=True)
    parts = [built.real(rows, seeds=5, rng=rng), built.real(30, seeds=5, rng=rng)]
    whole = parts[0].joined(parts[1])
    kept = parts[0].normals.weighed(2.0).joined(parts[1].normals)
    found = built.fitted(kept, before=None, rng=rng)
    for seed in range(5):
        root = np.sqrt(np.where(np.arange(rows + 30) < rows, 2.0, 1.0))
        wanted = np.linalg.lstsq(whole.inputs[seed] * root[:, None], whole.labels[seed] * root, rcond=None)[0]
        assert found[seed] == pytest.approx(wanted)


def test_a_design_labelled_again_keeps_the_mean_of_its_solutions(rng):
    built = laboratory("regression", samples=40, dimension=3)
    first = built.real(40, seeds=4, rng=rng)
    again = built.drawn(built.original(4), 40, like=first, rng=rng)
    both = first.joined(again.weighed(3.0))
    assert both.solution == pytest.approx((first.solution + 3 * again.solution) / 4)
    assert built.fitted(both, before=None, rng=rng) is both.solution
    assert np.linalg.solve(both.gram, both.moment[:, :, None])[:, :, 0] == pytest.approx(both.solution)


@pytest.mark.parametrize("rows", [False, True])
def test_least_squares_has_the_same_error_whatever_the_covariance(rows):
    # E error in the rows' own covariance is k d/(T - d - 1) for every covariance (the Lemma of Zhu et al.).
    settings = {"samples": 20, "dimension": 3, "eigenvalues": (4.0, 1.0, 0.01), "rows": rows}
    for part in run("regression", "replace", "accumulate", generations=4, seeds=4_000, **settings):
        assert_mean(part["error"][-1], part.curves[0].values[-1])


def test_rows_have_the_covariance_that_was_asked(rng):
    built = laboratory("regression", samples=20_000, dimension=2, eigenvalues=(4.0, 0.25))
    gram = built.real(20_000, seeds=1, rng=rng).gram[0] / 20_000
    # A variance of 20,000 normal rows has a relative error of .01.
    assert np.diag(gram) == pytest.approx([4.0, 0.25], rel=5.5 * 0.01)
    assert gram[0, 1] == pytest.approx(0, abs=5.5 / np.sqrt(20_000))


def test_ridge_does_mind_the_covariance():
    settings = {"samples": 10_000, "dimension": 2, "ridge": 0.5, "signal": 1.0}
    found = [
        np.median(run("regression", generations=1, seeds=20, eigenvalues=values, **settings).parts[0]["bias"][1])
        for values in ((1.0, 1.0), (0.5, 1.0))
    ]
    # At this many rows a fit divides the weight by 1 + ridge/eigenvalue.
    assert found == pytest.approx([1 / 1.5 - 1, 1 / 2 - 1], abs=0.02)


def test_eigenvalues_of_another_dimension_are_refused():
    with pytest.raises(UsageError, match="2 eigenvalues are not those of 3"):
        laboratory("regression", dimension=3, eigenvalues=(1.0, 1.0))
