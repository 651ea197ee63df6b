"""Experiments, their results and what they write: axes, seeds, chunks, tables, agreement, page."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

import uncollapse as uc
from uncollapse.collapse import experiment as module
from uncollapse.collapse import laboratory, regime, run
from uncollapse.collapse.definitions import Verdict, kind_of_collapse, verdicts
from uncollapse.collapse.experiment import Experiment, experiment
from uncollapse.collapse.output import write
from uncollapse.collapse.page import answer, comparison_page
from uncollapse.collapse.results import RESULTS, Results, along, concatenated
from uncollapse.collapse.summary import agreements, met
from uncollapse.collapse.theory import Curve
from uncollapse.collapse.theory import gaussian as forms
from uncollapse.errors import UsageError


def test_values_have_the_axes_generation_seed_measure():
    found = uc.collapse.run("gaussian", "replace", "accumulate", generations=3, seeds=5)
    assert [part.regime for part in found] == ["replace", "accumulate"]
    part = found["replace"]
    assert part.values.shape == (4, 5, len(part.measures))
    assert part["variance"].shape == (4, 5)
    assert (part["variance"][0] == 1).all()
    assert (part.generations, part.seeds) == (3, 5)


def test_a_seed_gives_the_same_and_another_gives_others():
    first, again, other = (run("gaussian", "replace", generations=2, seeds=3, seed=seed) for seed in (1, 1, 2))
    assert (first.parts[0].values == again.parts[0].values).all()
    assert (first.parts[0]["mean"][1:] != other.parts[0]["mean"][1:]).all()


def test_a_regime_draws_the_same_whatever_stands_beside_it():
    alone = run("gaussian", "accumulate", generations=2, seeds=3)
    beside = run("gaussian", "replace", "accumulate", generations=2, seeds=3)
    assert (alone["accumulate"].values == beside["accumulate"].values).all()


def test_seeds_run_in_chunks_that_memory_bounds(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 100_000)
    asked = Experiment(laboratory=laboratory("gaussian"), regimes=(regime("replace"),), generations=10, seeds=500)
    assert 1 < asked.chunk < 500
    parts = list(asked.chunks())
    assert [part.parts[0].first_seed for part in parts] == list(range(0, 500, asked.chunk))
    whole = concatenated(parts)["replace"]
    assert whole.seeds == 500
    assert len(np.unique(whole["mean"][1])) == 500
    assert whole.table()["seed"].to_pylist()[-1] == 499


def test_a_seed_larger_than_the_bound_runs_by_itself(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 1)
    assert run("gaussian", "replace", generations=1, seeds=3)["replace"].seeds == 3


def test_the_long_table_holds_every_value_in_its_place():
    part = run("gaussian", "replace", generations=2, seeds=3)["replace"]
    table = part.table()
    assert table.schema == RESULTS
    assert table.num_rows == part.values.size
    for row in table.to_pylist()[::7]:
        assert row["laboratory"] == "gaussian"
        assert row["value"] == part[row["measure"]][row["generation"], row["seed"]]


def test_the_theory_table_has_no_seeds_and_names_its_forms():
    table = run("gaussian", "replace", "accumulate", generations=2, seeds=3).theory_table()
    rows = [row for row in table.to_pylist() if row["regime"] == "accumulate" and row["measure"] == "variance"]
    assert [row["generation"] for row in rows] == [0, 1, 2]
    assert rows[2]["value"] == pytest.approx(1 - 1 / (2 * 199))
    assert rows[0]["form"] == "accumulate-variance"
    assert "seed" not in table.column_names


def results(variance, w2, tail):
    values = np.stack([variance, w2, tail], axis=2).astype(float)
    return Results("gaussian", "replace", ("variance", "w2", "tail_mass"), values)


def constant(*levels, seeds=100):
    return np.tile(np.array(levels)[:, None], (1, seeds))


def test_definitions_by_hand():
    built = laboratory("gaussian")
    found = verdicts(results(constant(1, 1, 0.9, 0.4), constant(0, 1, 2, 3), constant(1, 1, 0.6, 0.3)), built)
    assert found["any increase"] is found["diverging"] is found["variance"] is found["tails"] is Verdict.YES
    assert found["catastrophic"] is Verdict.NO
    assert found["modes"] is found["scaling law"] is found["hallucination"] is Verdict.UNKNOWN
    levelled = verdicts(results(constant(1, 1, 1, 1), constant(0, 0.1, 1.9, 2), constant(1, 1, 1, 1)), built)
    assert levelled["catastrophic"] is levelled["any increase"] is Verdict.YES
    assert levelled["diverging"] is levelled["variance"] is levelled["tails"] is Verdict.NO


def test_a_few_seeds_decide_nothing_about_an_increase():
    built, few = laboratory("gaussian"), [constant(1, 1, 1, 1, seeds=16), constant(0, 1, 2, 3, seeds=16)]
    found = verdicts(results(*few, constant(1, 1, 1, 1, seeds=16)), built)
    assert found["any increase"] is found["diverging"] is Verdict.UNKNOWN
    enough = [constant(*levels, seeds=17) for levels in ((1, 1, 1, 1), (0, 1, 2, 3), (1, 1, 1, 1))]
    assert verdicts(results(*enough), built)["any increase"] is Verdict.YES


def test_kinds_of_collapse_in_words():
    built, flat = laboratory("gaussian"), constant(0, 1, 1, 1)
    assert kind_of_collapse(results(constant(1, 1, 1, 1), flat, constant(1, 1, 1, 0.4)), built).startswith("early")
    assert kind_of_collapse(results(constant(1, 1, 1, 0.4), flat, constant(1, 1, 1, 1)), built).startswith("late")
    assert kind_of_collapse(results(constant(1, 1, 1, 1), flat, constant(1, 1, 1, 1)), built).startswith("no collapse")


def test_agreement_is_judged_in_standard_errors():
    values = np.array([[0.9, 1.1] * 50, [0.8, 1.2] * 50])
    for expected, inside in ((1.0, True), (1.08, True), (1.09, False)):
        curve = Curve("variance", forms.replace_variance, np.array([1.0, expected]))
        part = Results("gaussian", "replace", ("variance",), values[:, :, None], [curve])
        (held,) = agreements(type(run("gaussian", generations=1, seeds=2))((part,), {}))
        assert held.error == pytest.approx(0.2 * np.sqrt(100 / 99) / 10)
        assert held.inside is inside


def test_bounds_are_judged_on_their_own_side():
    values = np.full((2, 10), 0.5) + np.linspace(-0.01, 0.01, 10)
    for statistic, bound, inside in (
        ("upper bound", 1.0, True),
        ("upper bound", 0.4, False),
        ("lower bound", 0.4, True),
    ):
        curve = Curve("variance", forms.replace_variance, np.array([1.0, bound]), statistic=statistic)
        part = Results("gaussian", "replace", ("variance",), values[:, :, None], [curve])
        (held,) = agreements(type(run("gaussian", generations=1, seeds=2))((part,), {}))
        assert held.inside is inside


def test_a_folder_holds_four_files_that_agree(tmp_path):
    built = laboratory("gaussian", samples=20)
    comparison = experiment(built, [regime("replace"), regime("preserve")], generations=5, seeds=30).results()
    told = write(comparison, tmp_path / "out", laboratory=built)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "results.parquet",
        "theory.parquet",
        "summary.json",
        "index.html",
    }
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == told
    table = pq.read_table(tmp_path / "out" / "results.parquet")
    assert table.num_rows == 2 * 6 * 30 * 7
    assert told["seeds"] == {"asked": 30, "finished": 30, "shown": 30}
    assert told["regimes"][0]["last"]["variance"]["median"] == pytest.approx(
        comparison["replace"].quantiles("variance", (0.5,))[0, -1]
    )
    page = (tmp_path / "out" / "index.html").read_text()
    assert answer(comparison, built) in page
    for measure in built.measures:
        assert f'id="plot-{measure.replace("_", "-")}"' in page


def test_a_page_draws_what_is_not_finite_as_a_gap():
    built = laboratory("gaussian", samples=2)
    comparison = experiment(built, [regime("replace")], generations=600, seeds=3).results()
    assert np.isinf(comparison["replace"]["log_variance"][-1]).any()
    assert "inf" in comparison_page(comparison, built)


@pytest.mark.parametrize("settings", [{"seeds": 0}, {"generations": 0}])
def test_nothing_to_run_is_refused(settings):
    with pytest.raises(UsageError, match="greater than or equal to 1"):
        run("gaussian", **settings)


def test_an_unknown_laboratory_names_those_that_are_there():
    with pytest.raises(UsageError, match="no laboratory 'gausian'") as refused:
        run("gausian")
    assert "regression" in refused.value.hint


def test_a_label_or_the_only_name_finds_a_part():
    found = run("gaussian", regime("fresh", share=0.2), regime("fresh", share=0.4), generations=1, seeds=2)
    assert found["fresh share=0.4"].regime == "fresh share=0.4"
    with pytest.raises(KeyError, match=r"share=0\.2"):
        found["fresh"]


def test_few_seeds_are_judged_by_student_and_one_is_not_judged():
    values = np.array([[1.0] * 5, [0.9, 0.95, 1.0, 1.05, 1.1]])
    for seeds, judged in ((5, True), (1, False)):
        curve = Curve("variance", forms.replace_variance, np.array([1.0, 0.8]))
        part = Results("gaussian", "replace", ("variance",), values[:, :seeds, None], [curve])
        (held,) = agreements(type(run("gaussian", generations=1, seeds=2))((part,), {}))
        assert held.judged is judged
    # Four standard errors are passed by 6 in 100,000; Student's law with 4 degrees of freedom has that at 17.4.
    five = Results("gaussian", "replace", ("variance",), values[:, :, None], [curve])
    (held,) = agreements(type(run("gaussian", generations=1, seeds=2))((five,), {}))
    assert held.near == pytest.approx(17.4, abs=0.1)
    assert held.z == pytest.approx(0.2 / (np.std(values[1], ddof=1) / np.sqrt(5)))
    assert held.inside


def test_a_mean_that_a_few_seeds_carry_is_not_judged():
    told = run("gaussian", generations=600, seeds=200)
    held = {each.measure: each for each in agreements(told)}
    assert held["log_variance"].judged
    assert held["log_variance"].inside
    assert held["variance"].unjudged == "few seeds carry the mean"
    assert "carried by a few seeds" in met(list(held.values()))
    assert met([held["variance"]]).startswith("too few seeds")


def test_a_long_path_is_drawn_in_four_hundred_places():
    assert along(5) == [0, 1, 2, 3, 4, 5]
    places = along(100_000)
    assert (len(places), places[0], places[-1]) == (401, 0, 100_000)
    assert set(np.diff(places)) == {250}
    comparison = experiment(laboratory("gaussian"), [regime("replace")], generations=5_000, seeds=2).results()
    assert len(comparison_page(comparison, laboratory("gaussian"))) < 1_000_000


def test_more_generations_than_memory_holds_are_refused():
    with pytest.raises(UsageError, match="less than or equal to 1000000") as refused:
        run("gaussian", generations=10**9)
    assert "1,000,000" in refused.value.hint
