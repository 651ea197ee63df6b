"""A policy refuses before a run, while it runs, and what an earlier session or run has written."""

import pytest

from desk import SENTENCES, write_rows
from uncollapse.corpora import read
from uncollapse.editing import ToEdit
from uncollapse.errors import PolicyRefused
from uncollapse.execution import run
from uncollapse.language_models.counted import CountedModel
from uncollapse.provenance import Policy

BUSY = {"threshold": 0.3, "strategy": "full", "temperature": 2.0}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a model, essays, and the essays once edited."""
    folder = tmp_path_factory.mktemp("guard")
    CountedModel.fit(SENTENCES, order=3).save(folder / "model")
    write_rows(folder / "essays.jsonl", [{"text": " ".join(SENTENCES[n % 4 :])} for n in range(12)])
    run(step(folder)(read(folder / "essays.jsonl")), folder / "one")
    return folder


def step(place, seed=7):
    return ToEdit(model=str(place / "model"), seed=seed, **BUSY)


def test_what_is_known_before_the_first_row_writes_nothing(place, tmp_path):
    essays, one = place / "essays.jsonl", place / "one"
    for source, limit, depth in ((essays, 1, 2), (one, 2, 3)):
        with pytest.raises(
            PolicyRefused, match=f"max_depth: texts would lie at depth {depth}, the policy allows {limit}"
        ) as no:
            run(step(place)(read(source)), tmp_path / "out", policy=Policy(max_depth=limit))
        assert source.name in no.value.message
        assert no.value.exit_code == 1
        assert not (tmp_path / "out").exists()
    run(step(place)(read(essays)), tmp_path / "out", policy=Policy(max_depth=2))


def test_a_model_does_not_read_what_it_wrote(place, tmp_path):
    forbid = Policy(forbid_self_consumption=True)
    with pytest.raises(PolicyRefused, match=r"forbid_self_consumption: \d+ rows were written by the model"):
        run(step(place)(read(place / "one")), tmp_path / "out", policy=forbid)
    assert not (tmp_path / "out").exists()
    run(step(place)(read(place / "essays.jsonl")), tmp_path / "out", policy=forbid)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_row_that_breaks_the_budget_of_a_position_is_named(workers, place, tmp_path):
    budget = Policy(max_edits_per_position=1)
    with pytest.raises(
        PolicyRefused, match=r"max_edits_per_position: 2 in row \d+ of part-0000\d-.*, the policy allows 1"
    ):
        run(step(place, 8)(read(place / "one", shard_bytes=400)), tmp_path / "out", policy=budget, workers=workers)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_what_was_written_under_no_policy_is_looked_at_again(place, tmp_path):
    out, task = tmp_path / "out", step(place, 8)(read(place / "one", shard_bytes=400))

    def stop(progress):
        if progress.shards_done == progress.shards - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(task, out, on_progress=stop)
    with pytest.raises(PolicyRefused, match="max_edits_per_position: 2 in row"):
        run(task, out, policy=Policy(max_edits_per_position=1))
    assert not run(task, out, policy=Policy(max_edits_per_position=2)).already_done
    with pytest.raises(PolicyRefused, match="max_edits_per_position: 2 in row"):
        run(task, out, policy=Policy(max_edits_per_position=1))
    assert run(task, out, policy=Policy(max_edits_per_position=2)).already_done
