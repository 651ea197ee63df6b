"""`uncollapse collapse` as a person types it."""

import json
from importlib.util import find_spec

import pyarrow.parquet as pq
import pytest

from uncollapse.cli import collapse_options as options
from uncollapse.cli import pace
from uncollapse.collapse.experiment import Experiment
from uncollapse.collapse.laboratory import PLACES, laboratory
from uncollapse.collapse.planning import Question
from uncollapse.collapse.regimes import REGIMES
from uncollapse.collapse.reproductions import STUDIES


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_comparison_from_words_to_page(uncollapse, folder):
    done = uncollapse(
        "collapse",
        "gaussian",
        "--regime",
        "replace,preserve",
        "--share",
        "0.2",
        "--generations",
        5,
        "--seeds",
        20,
        "-o",
        "lab",
    )
    assert done.code == 0, done.err
    assert "closed forms lie within 4 standard errors" in done.out
    assert "preserve share=0.2" in done.out
    table = pq.read_table(folder / "lab" / "results.parquet")
    assert set(table["regime"].to_pylist()) == {"replace", "preserve share=0.2"}
    assert (folder / "lab" / "index.html").is_file()


def test_json_alone_goes_to_stdout(uncollapse, folder):
    done = uncollapse(
        "collapse", "discrete", "--generations", 3, "--seeds", 5, "--states", 20, "--samples", 50, "--json"
    )
    told = json.loads(done.out)
    assert told["settings"]["laboratory"]["states"] == 20
    assert told["regimes"][0]["last"]["support"]["median"] < 20


def test_an_interrupt_keeps_what_is_finished_and_says_so(uncollapse, folder, monkeypatch):
    whole = Experiment.chunks

    def stopped(self):
        yield from whole(self.model_copy(update={"seeds": 30}))
        raise KeyboardInterrupt

    monkeypatch.setattr(Experiment, "chunks", stopped)
    done = uncollapse("collapse", "gaussian", "--generations", 2, "--seeds", 100, "-o", "lab")
    assert done.code == 130
    assert "30 of 100 seeds are finished and kept" in done.err
    assert pq.read_table(folder / "lab" / "results.parquet")["seed"].to_pylist()[-1] == 29
    assert json.loads((folder / "lab" / "summary.json").read_text())["seeds"] == {
        "asked": 100,
        "finished": 30,
        "shown": 30,
    }


def test_an_interrupt_before_anything_is_finished_leaves_nothing(uncollapse, folder, monkeypatch):
    def stopped(self):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(Experiment, "chunks", stopped)
    assert uncollapse("collapse", "gaussian", "-o", "lab").code == 130
    assert list((folder / "lab").iterdir()) == []


def test_of_very_many_seeds_the_page_shows_the_first_and_the_results_hold_all(uncollapse, folder, monkeypatch):
    from uncollapse.collapse import experiment, output

    monkeypatch.setattr(experiment, "CHUNK", 20_000)
    monkeypatch.setattr(output, "REMEMBERED", 20_000)
    done = uncollapse("collapse", "gaussian", "--generations", 5, "--seeds", 200, "-o", "lab", "--json")
    seeds = json.loads(done.out)["seeds"]
    assert seeds["asked"] == seeds["finished"] == 200
    assert 0 < seeds["shown"] < 200
    held = pq.read_table(folder / "lab" / "results.parquet")["seed"].to_pylist()
    assert sorted(set(held)) == list(range(200))


def test_time_left_is_said_on_the_way(uncollapse, folder, monkeypatch):
    from uncollapse.collapse import experiment

    monkeypatch.setattr(experiment, "CHUNK", 10_000)
    monkeypatch.setattr(pace, "LINE_EVERY", 0.0)
    done = uncollapse("collapse", "gaussian", "--generations", 2, "--seeds", 100, "--json")
    assert "of 100 seeds, about" in done.err


def test_theory_by_itself(uncollapse, folder):
    done = uncollapse(
        "collapse",
        "theory",
        "gaussian",
        "--regime",
        "accumulate",
        "--samples",
        10,
        "--ddof",
        0,
        "--generations",
        10,
        "--json",
        "-o",
        "lab",
    )
    rows = [row for row in json.loads(done.out) if row["measure"] == "variance"]
    assert rows[10]["value"] == pytest.approx(0.851502, abs=5e-7)
    assert pq.read_table(folder / "lab" / "theory.parquet").num_rows == 22
    shown = uncollapse("collapse", "theory", "gaussian", "--generations", 3)
    assert "sum_{j=1..d}" in shown.out


def test_theory_that_is_not_known_is_said(uncollapse, folder):
    done = uncollapse("collapse", "theory", "mixture", "--regime", "subsample")
    assert done.code == 2
    assert "no closed form is known" in done.err


def test_sources_apart(uncollapse, folder):
    done = uncollapse("collapse", "sources", "--generations", 5, "--seeds", 100, "-o", "lab")
    assert done.code == 0, done.err
    assert "without the statistical error" in done.out
    assert "Which source does it" in (folder / "lab" / "index.html").read_text()


def test_without_a_name_the_help_is_all_that_is_said(uncollapse, folder):
    done = uncollapse("collapse", "theory")
    assert done.code == 2
    assert "generation by generation" in done.out + done.err
    assert "uncollapse: \n" not in done.err


def test_long_work_says_how_far_it_is(uncollapse, folder, monkeypatch):
    monkeypatch.setattr(pace, "LINE_EVERY", 0.0)
    done = uncollapse("collapse", "sources", "--generations", 2, "--seeds", 20, "--json")
    assert "sources of error apart: 2 of 5 loops" in done.err
    done = uncollapse("collapse", "reproduce", "zhu", "--json")
    assert "reproducing zhu: 10 claims settled" in done.err
    assert len(json.loads(done.out)["claims"]) == 10


def test_no_sampling_error(uncollapse, folder):
    done = uncollapse("collapse", "gaussian", "--samples", "inf", "--generations", 2, "--seeds", 3, "--json")
    assert json.loads(done.out)["regimes"][0]["last"]["variance"]["mean"] == 1


def test_a_law_from_a_file(uncollapse, folder):
    (folder / "counts.txt").write_text("5 3 2")
    done = uncollapse("collapse", "discrete", "--counts", "counts.txt", "--generations", 1, "--seeds", 3, "--json")
    assert json.loads(done.out)["settings"]["laboratory"]["counts"] == [5, 3, 2]


def test_plan_in_words_and_as_json(uncollapse, folder):
    assert "not bounded" in uncollapse("collapse", "plan", "edit", "--rate", 0.2).out
    told = json.loads(uncollapse("collapse", "plan", "keep", "--share", 0.5, "--json").out)
    assert told["bounded"] is True
    assert told["limit"] == pytest.approx(2 / 0.75)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["gaussian", "--regime", "replce"], "no regime 'replce'"),
        (["gaussian", "--regime", "replace,replace"], "each regime once"),
        (["gaussian", "--regime", ""], "each regime once"),
        (["gaussian", "--generations", "1000000000"], "1,000,000"),
        (["sources", "--seeds", "1"], "one seed does not say"),
        (["gaussian", "--share", "0.1"], "--share has no meaning for replace"),
        (["gaussian", "--regime", "fresh", "--share", "1.1"], "less than or equal to 1"),
        (["gaussian", "--samples", "1"], "samples"),
        (["gaussian", "--samples", "many"], "samples"),
        (["kde", "--samples", "inf"], "no setting 'samples = inf'"),
        (["gaussian", "--samples", "3", "--dimension", "3"], "at least 4"),
        (["regression", "--samples", "11"], "at least 12"),
        (["ngram", "--regime", "verify"], "cannot have the regime verify: a stream of words is never all right"),
        pytest.param(
            ["autoencoder", "--regime", "weighted"],
            "cannot have the regime weighted: its fit has no weights",
            marks=pytest.mark.skipif(find_spec("sklearn") is None, reason="scikit-learn: not installed"),
        ),
        (["gaussian", "--regime", "verify", "--samples", "inf"], "verify judges rows"),
        (["discrete", "--counts", "nowhere.txt"], "nowhere.txt"),
        (["gaussian", "--regime", "mixed", "--alpha", "half"], "is not numbers"),
        (["gaussian", "--regime", "mixed", "--alpha", "0.9"], "sum to 1"),
        (["gaussian", "--seeds", "0"], "seeds"),
        (["sources", "--regime", "replace,fresh"], "one regime"),
        (["plan", "replace", "--share", "0.1"], "no meaning with replace"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_remedy(uncollapse, folder, words, says):
    done = uncollapse("collapse", *words)
    assert done.code == 2, done.out
    assert says in done.err
    assert "   try: " in done.err
    assert list(folder.iterdir()) == []


def test_the_words_of_the_help_are_those_of_the_laboratories():
    pytest.importorskip("sklearn", reason="scikit-learn: not installed")
    assert set(options.LABORATORIES) == set(PLACES)
    assert options.REGIMES.split(", ") == list(REGIMES)
    for name, (_, own, measures) in options.LABORATORIES.items():
        built = laboratory(name)
        assert measures == tuple(built.measures), name
        assert set(own) <= set(type(built).model_fields), name
        assert set(own) <= set(options.LABORATORY_OPTIONS), name
    fields = {field for kind in REGIMES.values() for field in kind.model_fields}
    assert set(options.REGIME_OPTIONS) == fields


def test_choices_are_those_of_the_program():
    from typing import get_args

    (workflow, _), (study, _) = (get_args(each)[:2] for each in (options.Workflow, options.StudyName))
    assert set(get_args(workflow)) == set(get_args(Question.model_fields["workflow"].annotation))
    assert set(get_args(study)) == set(STUDIES)


def test_the_commands_of_the_page_run(uncollapse, folder, project):
    import re
    import shlex

    blocks = re.findall(r"```sh\n(.*?)```", (project / "docs" / "collapse.md").read_text(), re.DOTALL)
    commands = [shlex.split(line) for block in blocks for line in block.splitlines()]
    assert len(commands) == 6
    for name, *words in commands:
        assert name == "uncollapse"
        assert uncollapse(*words).code == 0, words
    assert {path.name for path in folder.iterdir()} == {"lab", "regression", "discrete", "sources"}


def test_the_python_of_the_page_runs(project):
    import re

    (block,) = re.findall(r"```python\n(.*?)```", (project / "docs" / "collapse.md").read_text(), re.DOTALL)
    names = {}
    exec(block.replace("seeds=1000", "seeds=10"), names)
    assert names["found"]["replace"]["log_variance"].shape == (51, 10)
