"""Runs on a real Ray cluster of two nodes on this machine: the same bytes as here, whatever is lost on the way."""

import json
import subprocess
import sys
import threading
import time

import pytest

from cheap_steps import Shout, Sift, Trouble, Visit
from uncollapse.corpora import read
from uncollapse.errors import InputError, OutputBusy, TooManyRejects, WorkerLost
from uncollapse.execution import run
from uncollapse.step import Fate

ray = pytest.importorskip("ray", reason="ray: not installed (pip install 'uncollapse[ray]')")
from clusters import joined  # noqa: E402  (it needs Ray)

pytestmark = [
    # Ray leaves its log files and the processes that it started to the end of the process.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def nodes():
    """Two nodes with room for one worker each."""
    with joined(2) as running:
        yield running


@pytest.fixture
def essays(tmp_path):
    path = tmp_path / "essays.jsonl"
    write_essays(path, 40)
    return path


def write_essays(path, count):
    path.write_text("".join(json.dumps({"text": f"essay {n}", "n": n}) + "\n" for n in range(count)))


def corpus(path, *steps, shard_bytes=400, **options):
    result = read(path, shard_bytes=shard_bytes, **options)
    for step in steps:
        result = result.map(step)
    return result


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["out", "out.parquet", "out.jsonl"])
def test_the_bytes_are_those_of_a_run_here(name, nodes, essays, tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()
    task = corpus(essays, Shout(), Sift(word="ESSAY 7"), Visit(folder=str(marks), nap=0.05))
    seen = []
    here = run(task, tmp_path / "here" / name)
    for mark in marks.iterdir():
        mark.unlink()
    there = run(task, tmp_path / "there" / name, cluster=nodes.cluster, on_progress=seen.append)
    assert tree(tmp_path / "there") == tree(tmp_path / "here")
    assert there.manifest == here.manifest
    assert there.rows == {"in": 40, "out": 39, "dropped": {"holds ESSAY 7": 1}, "failed": {}}
    assert {mark.name.rpartition("-")[0] for mark in marks.iterdir()} == set(nodes.names)
    assert (seen[-1].rows_done, seen[-1].shards_done) == (40, seen[-1].shards)
    assert run(task, tmp_path / "there" / name, cluster=nodes.cluster).already_done


@pytest.mark.parametrize("first", ["here", "there"])
def test_what_was_begun_in_one_place_is_finished_in_the_other(first, nodes, essays, tmp_path):
    task, out, whole = corpus(essays, Shout()), tmp_path / "out", tmp_path / "whole"
    run(task, whole)
    places = {"here": None, "there": nodes.cluster}

    def stop(progress):
        if progress.shards_done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(task, out, cluster=places.pop(first), on_progress=stop)
    assert not list(out.rglob(".tmp-*"))
    (other,) = places.values()
    result = run(task, out, cluster=other)
    assert result.shards_done_before >= 3
    assert result.session_rows < 40
    assert tree(out) == tree(whole)


def test_a_worker_that_is_killed_is_replaced(nodes, essays, tmp_path):
    essays.write_text(essays.read_text().replace("essay 11", "die 11"))
    marks = tmp_path / "marks"
    marks.mkdir()
    for n in range(2):
        (marks / f"died-{n}").touch()
    step = Trouble(folder=str(marks), times=2)
    run(corpus(essays, step), tmp_path / "whole")
    for mark in marks.iterdir():
        mark.unlink()
    run(corpus(essays, step), tmp_path / "out", cluster=nodes.cluster)
    assert len(list(marks.iterdir())) == 2
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_a_shard_that_kills_every_worker_is_set_aside_with_its_rows_named(nodes, tmp_path):
    essays, out = tmp_path / "essays.jsonl", tmp_path / "out"
    write_essays(essays, 200)
    essays.write_text(essays.read_text().replace("essay 70", "die 70"))
    marks = tmp_path / "marks"
    marks.mkdir()
    # A rest before each batch, so that what was said of the first is under way before the worker is killed.
    task = corpus(essays, Trouble(folder=str(marks), times=3, nap=0.3), shard_bytes=30_000)
    assert [shard.rows for shard in task.plan.shards] == [116, 84]
    with pytest.raises(WorkerLost, match=r"^shard 0 has cost 3 workers; .*; see .*essays.jsonl, rows 65 to 116$") as no:
        run(task, out, cluster=nodes.cluster)
    assert no.value.exit_code == 2
    assert [path.name[:10] for path in out.glob("part-*")] == ["part-00001"]
    assert not list(out.rglob(".tmp-*"))
    # What killed the workers has gone: the same command finishes.
    assert run(task, out, cluster=nodes.cluster).shards_done_before == 1


def test_errors_come_back_as_they_were_raised(nodes, essays, tmp_path):
    essays.write_text(essays.read_text().replace("essay 33", "raise 33"))
    with pytest.raises(ValueError, match="a mistake in a step"):
        run(corpus(essays, Trouble()), tmp_path / "a", cluster=nodes.cluster)
    assert not list((tmp_path / "a").rglob(".tmp-*"))
    with pytest.raises(TooManyRejects, match="rows failed, 0 are allowed"):
        run(corpus(essays, Sift(word="5", fate=Fate.FAILED)), tmp_path / "b", cluster=nodes.cluster)
    task = corpus(essays, Shout())
    essays.write_text(essays.read_text().replace("essay 1", "essay one"))
    with pytest.raises(InputError, match=r"essays\.jsonl was changed") as raised:
        run(task, tmp_path / "c", cluster=nodes.cluster)
    assert raised.value.hint


def test_a_second_driver_is_refused(nodes, essays, tmp_path):
    out, task = tmp_path / "out", corpus(essays, Shout())

    def meddle(progress):
        with pytest.raises(OutputBusy, match="another run is writing to"):
            run(task, out)

    run(task, out, cluster=nodes.cluster, on_progress=meddle)
    assert run(task, out).already_done


def test_a_node_that_is_lost_costs_no_row(nodes, essays, tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()
    task = corpus(essays, Visit(folder=str(marks), nap=0.2))
    run(task, tmp_path / "whole")
    third = nodes.add()

    def kill():
        wait_for(lambda: list(marks.glob(f"{third}-*")))
        nodes.kill(third)

    killer = threading.Thread(target=kill)
    killer.start()
    run(task, tmp_path / "out", cluster=nodes.cluster)
    killer.join()
    assert third not in nodes.names
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def wait_for(look, *, seconds=60):
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


STORY = """
steps:
  - edit: {inputs: essays.jsonl, output: edited/, model: model/, threshold: 0.3, strategy: full, temperature: 2.0, seed: 7}
  - mix: {human: essays.jsonl, synthetic: edited/, human-share: 0.6, output: mixed/}
  - revert: {inputs: edited/, output: first.jsonl}
"""


def test_one_recipe_gives_the_same_bytes_here_and_on_two_nodes(nodes, tmp_path):
    from desk import SENTENCES, write_rows
    from uncollapse.language_models.counted import CountedModel

    source = tmp_path / "source"
    source.mkdir()
    CountedModel.fit(SENTENCES, order=3).save(source / "model")
    write_rows(source / "essays.jsonl", [{"text": " ".join(SENTENCES[n % 4 :]), "n": n} for n in range(1500)])
    (source / "story.yaml").write_text(STORY)
    trees = []
    for engine in (["--engine", "local"], ["--engine", "ray", "--address", nodes.cluster.address]):
        tell(source / "story.yaml", *engine)
        made = {name: tree(source / name) for name in ("edited", "mixed")}
        assert len(json.loads(made["edited"]["manifest.json"])["shards"]) > 1
        # A page and a report say how fast it was; everything else is the same to the last byte.
        for name in ("report.json", "edits.html"):
            made["edited"].pop(name)
        trees.append(made | {"first": (source / "first.jsonl").read_bytes()})
        for path in [*source.rglob("*.*")]:
            if path.is_file() and "model" not in path.parts and path.name not in ("essays.jsonl", "story.yaml"):
                path.unlink()
    assert trees[0] == trees[1]


def tell(story, *options):
    program = "from uncollapse.cli.main import run; run()"
    command = [sys.executable, "-c", program, "run", str(story), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
