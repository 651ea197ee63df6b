import errno
import gc
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cheap_steps import Shout, Sift, Trouble
from uncollapse.corpora import read
from uncollapse.corpora.plan import Format, Input, Layout, Packing, Piece, Plan, Shard
from uncollapse.corpora.storage import Sink
from uncollapse.errors import OutputBusy, OutputRefused, RecipeDiffers, TooManyRejects, UsageError
from uncollapse.execution import Cluster, finish, run
from uncollapse.execution.local import InProcess, Processes
from uncollapse.execution.on_ray import OnRay
from uncollapse.execution.progress import rows_after
from uncollapse.fingerprint import content_id, file_digest
from uncollapse.step import Fate


@pytest.fixture
def essays(tmp_path):
    path = tmp_path / "essays.jsonl"
    path.write_text("".join(json.dumps({"text": f"essay {n}", "n": n}) + "\n" for n in range(20)))
    return path


def corpus(path, *steps, **options):
    result = read(path, shard_bytes=150, **options)
    for step in steps:
        result = result.map(step)
    return result


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_holds_shards_and_a_manifest_that_accounts_for_them(essays, tmp_path):
    out = tmp_path / "out"
    result = run(corpus(essays, Shout(), Sift(word="ESSAY 7")), out)
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert result.manifest == manifest
    assert result.rows == manifest["rows"] == {"in": 20, "out": 19, "dropped": {"holds ESSAY 7": 1}, "failed": {}}
    assert result.tally["documents"] == {"shouted": 20, "sifted": 1}
    assert not result.already_done
    assert result.shards_done_before == 0
    assert result.session_rows == 20
    assert result.session_text_bytes == sum(len(f"essay {n}") for n in range(20))
    names = [shard["name"] for shard in manifest["shards"]]
    assert sorted([*names, "ledger.parquet", "manifest.json", "rejects.jsonl"]) == sorted(names_in(out))
    assert len(names) > 3
    assert [path.name for path in result.paths] == names
    for shard in manifest["shards"]:
        path = out / shard["name"]
        assert shard["blake3"] == file_digest(path)
        assert shard["bytes"] == path.stat().st_size
        assert shard["rows"] == pq.read_metadata(path).num_rows
    assert sum(shard["rows_in"] for shard in manifest["shards"]) == 20
    texts = pa.concat_tables([pq.read_table(path) for path in result.paths]).column("text").to_pylist()
    assert texts == [f"ESSAY {n}" for n in range(20) if n != 7]
    assert [json.loads(line) for line in (out / "rejects.jsonl").read_text().splitlines()] == [
        {"source": str(essays), "row": 8, "fate": "dropped", "reason": "holds ESSAY 7", "detail": "ESSAY 7"}
    ]


def test_recipes_are_in_the_manifest_in_full_and_ancestors_too(essays, tmp_path):
    first = run(corpus(essays, Shout()), tmp_path / "first").manifest
    second = run(read(tmp_path / "first").map(Shout(times=2)), tmp_path / "second").manifest
    one, two = Shout(), Shout(times=2)
    assert first["steps"] == [one.fingerprint]
    assert first["recipes"] == {one.fingerprint: {"step": "Shout", "times": 1}}
    assert second["steps"] == [two.fingerprint]
    assert second["recipes"] == {**first["recipes"], two.fingerprint: {"step": "Shout", "times": 2}}


@pytest.mark.parametrize("name", ["out", "out.parquet", "out.jsonl"])
def test_a_finished_run_run_again_does_nothing(name, essays, tmp_path):
    out = tmp_path / "to" / name
    first = run(corpus(essays, Shout()), out)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "to").rglob("*")}
    seen = []
    again = run(corpus(essays, Shout()), out, on_progress=seen.append)
    assert again.already_done
    assert seen == []
    assert (again.manifest, again.rows, again.tally, again.paths) == (
        first.manifest,
        first.rows,
        first.tally,
        first.paths,
    )
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "to").rglob("*")} == before


def test_one_file_holds_what_the_folder_holds_with_its_papers_beside_it(essays, tmp_path):
    task = corpus(essays, Sift(word="essay 3"))
    folder = run(task, tmp_path / "out", format="jsonl")
    lines = run(task, tmp_path / "one.jsonl")
    table = run(task, tmp_path / "one.parquet")
    joined = b"".join(path.read_bytes() for path in folder.paths)
    assert (tmp_path / "one.jsonl").read_bytes() == joined
    assert pq.read_table(tmp_path / "one.parquet").num_rows == 19
    beside = sorted(name for name in names_in(tmp_path) if name.startswith((".", "one")))
    papers = [
        f"one.{kind}{paper}"
        for kind in ("jsonl", "parquet")
        for paper in ("", ".ledger.parquet", ".manifest.json", ".rejects.jsonl")
    ]
    assert beside == papers
    assert folder.manifest["roots"] == lines.manifest["roots"] == table.manifest["roots"]
    assert lines.manifest["shards"] == [
        {
            "name": "one.jsonl",
            "rows": 19,
            "rows_in": 20,
            "bytes": len(joined),
            "blake3": file_digest(tmp_path / "one.jsonl"),
        }
    ]


def test_roots_stay_when_the_rows_are_cut_otherwise_and_come_in_another_order(essays, tmp_path, monkeypatch):
    rows = essays.read_text().splitlines(keepends=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / essays.name).write_text("".join(reversed(rows)))
    monkeypatch.chdir(tmp_path)
    first = run(read("essays.jsonl").map(Shout()), "first").manifest
    monkeypatch.chdir(other)
    second = run(read("essays.jsonl", shard_bytes=100).map(Shout()), "second").manifest
    assert len(first["shards"]) < len(second["shards"])
    assert first["roots"] == second["roots"]


def test_a_run_goes_on_where_it_stopped(essays, tmp_path):
    out, whole = tmp_path / "out", tmp_path / "whole"
    run(corpus(essays, Shout()), whole)
    stop_after(3, corpus(essays, Shout()), out)
    assert len(list(out.glob("part-*"))) == 3
    assert not (out / "manifest.json").exists()
    kept = {path: path.stat().st_mtime_ns for path in out.glob("part-*")}
    result = run(corpus(essays, Shout()), out)
    assert result.shards_done_before == 3
    assert result.session_rows < result.rows["in"] == 20
    assert result.session_tally["documents"]["shouted"] == result.session_rows
    assert result.tally["documents"]["shouted"] == 20
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert tree(out) == tree(whole)


def names_in(folder):
    return [path.name for path in folder.iterdir()]


def stop_after(shards, task, out):
    """A run that is interrupted when so many shards are committed."""

    def watch(progress):
        if progress.shards_done == shards:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(task, out, on_progress=watch)


@pytest.mark.parametrize("damage", ["data", "no data", "receipt", "no receipt", "digests", "rejects"])
def test_what_is_damaged_is_made_again(damage, essays, tmp_path):
    out, whole = tmp_path / "out", tmp_path / "whole"
    run(corpus(essays, Shout()), whole)
    stop_after(3, corpus(essays, Shout()), out)
    path = {
        "data": next(out.glob("part-00001-*")),
        "no data": next(out.glob("part-00001-*")),
        "receipt": out / ".progress/00001.json",
        "no receipt": out / ".progress/00001.json",
        "digests": out / ".progress/00001.digests",
        "rejects": out / ".progress/00001.rejects.jsonl",
    }[damage]
    if damage.startswith("no"):
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert run(corpus(essays, Shout()), out).shards_done_before == 2
    assert tree(out) == tree(whole)


def test_leftovers_of_a_killed_run_are_swept(essays, tmp_path):
    out, whole = tmp_path / "out", tmp_path / "whole"
    run(corpus(essays), whole)
    stop_after(2, corpus(essays), out)
    (out / ".tmp-00003-4711-0a0b0c0d").write_bytes(b"half")
    (out / ".progress/.tmp-00003.json-4711-0a0b0c0d").write_bytes(b"half")
    run(corpus(essays), out)
    assert tree(out) == tree(whole)


@pytest.mark.parametrize("finished", [True, False])
def test_another_recipe_is_refused_and_each_difference_named(finished, essays, tmp_path):
    out = tmp_path / "out"
    if finished:
        run(corpus(essays, Shout()), out)
    else:
        stop_after(2, corpus(essays, Shout()), out)
    before = tree(out)
    with pytest.raises(RecipeDiffers, match=r"another run: steps\.0\.times: 1, now 2$"):
        run(corpus(essays, Shout(times=2)), out)
    with pytest.raises(RecipeDiffers, match=r"rows as: 'parquet', now 'jsonl'$"):
        run(corpus(essays, Shout()), out, format="jsonl")
    with pytest.raises(RecipeDiffers, match=r"origin: 'human', now 'unknown'$"):
        run(corpus(essays, Shout(), origin="unknown"), out)
    with pytest.raises(RecipeDiffers, match="the input is cut into other shards"):
        run(read(essays).map(Shout()), out)
    with pytest.raises(RecipeDiffers, match=r"steps\.1\.step: not there, now 'Sift'"):
        run(corpus(essays, Shout(), Sift(word="x")), out)
    essays.write_text(essays.read_text().replace("essay 1", "essay one"))
    with pytest.raises(RecipeDiffers, match=r"input .*essays\.jsonl: its content has changed$") as raised:
        run(corpus(essays, Shout()), out)
    assert raised.value.hint
    assert tree(out) == before


def test_a_second_driver_is_refused(essays, tmp_path):
    out = tmp_path / "out"

    def meddle(progress):
        with pytest.raises(OutputBusy, match="another run is writing to"):
            run(corpus(essays), out)

    run(corpus(essays), out, on_progress=meddle)
    assert run(corpus(essays), out).already_done


@pytest.mark.parametrize("name", ["out", "out.jsonl"])
def test_what_is_not_ours_is_left_alone(name, essays, tmp_path):
    out = tmp_path / name
    if name == "out":
        out.mkdir()
        (out / "thesis.txt").write_text("years of work")
    else:
        out.write_text("years of work")
    with pytest.raises(OutputRefused, match="is there already and is not an output of this program"):
        run(corpus(essays), out)
    assert "years of work" in [path.read_text() for path in [out, *out.glob("*")] if path.is_file()]


def test_a_finished_output_that_was_damaged_is_named(essays, tmp_path):
    result = run(corpus(essays), tmp_path / "out")
    result.paths[1].write_bytes(b"")
    with pytest.raises(OutputRefused, match=r"part-00001-.* is damaged, though the run"):
        run(corpus(essays), tmp_path / "out")
    result.paths[1].unlink()
    with pytest.raises(OutputRefused, match=r"part-00001-.* is missing, though the run"):
        run(corpus(essays), tmp_path / "out")


def test_an_output_inside_of_its_input_is_refused(essays, tmp_path):
    with pytest.raises(UsageError, match="lies inside of the input"):
        run(read(tmp_path), tmp_path / "deep" / "out")
    assert names_in(tmp_path) == ["essays.jsonl"]


def test_a_step_may_hold_rows_to_be_broken_up_to_a_number(essays, tmp_path):
    out = tmp_path / "out"
    task = corpus(essays, Sift(word="5", fate=Fate.FAILED))
    with pytest.raises(TooManyRejects, match="1 rows failed, 0 are allowed: 1 x holds 5"):
        run(task, out)
    assert list(out.glob("part-*"))
    assert not (out / "manifest.json").exists()
    result = run(task, out, max_rejects=2)
    assert result.shards_done_before > 0
    assert result.rows == {"in": 20, "out": 18, "dropped": {}, "failed": {"holds 5": 2}}
    assert [json.loads(line)["row"] for line in (out / "rejects.jsonl").read_text().splitlines()] == [6, 16]


def test_rows_that_cannot_be_read_are_known_before_anything_is_written(essays, tmp_path):
    essays.write_text(essays.read_text().replace('{"text": "essay 4"', '{"text": '))
    task = corpus(essays, max_rejects=1)
    with pytest.raises(TooManyRejects, match="1 rows cannot be read, 0 are allowed"):
        run(task, tmp_path / "out", max_rejects=0)
    assert names_in(tmp_path) == ["essays.jsonl"]
    result = run(task, tmp_path / "out")
    assert result.rows == {"in": 20, "out": 19, "dropped": {}, "failed": {"broken JSON": 1}}


def test_a_corpus_of_rejects_alone_is_an_output_with_a_schema(essays, tmp_path):
    result = run(corpus(essays, Sift(word="essay")), tmp_path / "out.parquet")
    assert result.rows["out"] == 0
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.num_rows == 0
    assert table.schema.names[-1] == "n"


@pytest.mark.parametrize(("code", "words"), [(errno.ENOSPC, "no space left"), (errno.EACCES, "not permitted")])
@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_a_storage_that_refuses_leaves_what_is_committed(form, code, words, essays, tmp_path, monkeypatch):
    out, whole = tmp_path / "out", tmp_path / "whole"
    run(corpus(essays, Shout()), whole, format=form)
    written = 0
    write = Sink.write

    def refuse(self, data):
        nonlocal written
        written += len(data)
        if written > 20_000 if form == "parquet" else written > 12_000:
            raise OSError(code, os.strerror(code))
        return write(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(Sink, "write", refuse)
        with pytest.raises(OutputRefused, match=words) as raised:
            run(corpus(essays, Shout()), out, format=form)
    assert "run the same command again" in raised.value.hint
    assert list(out.glob("part-*"))
    assert not list(out.rglob(".tmp-*"))
    assert run(corpus(essays, Shout()), out, format=form).shards_done_before > 0
    assert tree(out) == tree(whole)


def test_a_mistake_in_a_step_is_raised_as_it_is_and_nothing_half_stays(essays, tmp_path):
    essays.write_text(essays.read_text().replace("essay 9", "raise 9"))
    for workers in (1, 2):
        out = tmp_path / f"out-{workers}"
        with pytest.raises(ValueError, match="a mistake in a step"):
            run(corpus(essays, Trouble()), out, workers=workers)
        assert not list(out.rglob(".tmp-*"))


def test_progress_counts_rows_and_text_of_the_whole_run(essays, tmp_path):
    out = tmp_path / "out"
    stop_after(2, corpus(essays, Shout()), out)
    seen = []
    run(corpus(essays, Shout()), out, on_progress=seen.append)
    first, last = seen[0], seen[-1]
    assert (first.shards_done, first.rows) == (2, 20)
    assert (last.shards_done, last.rows_done, last.text_bytes_done) == (last.shards, 20, last.text_bytes)
    assert last.text_bytes == sum(len(f"essay {n}") for n in range(20))
    assert last.session_rows == 20 - (first.rows_done - first.session_rows)
    assert last.tally["documents"]["shouted"] == last.session_rows
    assert [event.rows_done for event in seen] == sorted(event.rows_done for event in seen)


@pytest.mark.parametrize(
    ("out", "options", "words"),
    [
        ("gs://bucket/out", {}, "gs://bucket/out cannot be an output"),
        ("out.jsonl", {"format": "parquet"}, "out.jsonl is to hold parquet"),
        ("out.jsonl.gz", {}, r"files that end in \.gz are not written"),
        ("out", {"format": "csv"}, "no output format 'csv'"),
        ("out", {"workers": 0}, "0 workers cannot work"),
    ],
)
def test_requests_that_make_no_sense(out, options, words, essays, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=words):
        run(corpus(essays), out, **options)
    assert names_in(tmp_path) == ["essays.jsonl"]


def test_ids_name_their_texts(essays, tmp_path):
    run(corpus(essays, Shout()), tmp_path / "out.jsonl")
    for line in (tmp_path / "out.jsonl").read_text().splitlines():
        row = json.loads(line)
        assert row["id"] == content_id(row["text"])


@pytest.mark.parametrize("name", ["out", "out.jsonl"])
def test_files_that_only_look_like_our_drafts_are_left_alone(name, essays, tmp_path):
    out = tmp_path / "to" / name
    foreign = [out.parent / ".tmp-foo", out.parent / ".tmp-", out.parent / f".tmp-{name}-1-notes"]
    if name == "out":
        out.mkdir(parents=True)
        foreign += [out / ".tmp-foo", out / ".tmp-a-1-b"]
    out.parent.mkdir(exist_ok=True)
    for path in foreign:
        path.write_text("theirs")
    draft = (out if name == "out" else out.parent) / f".tmp-{'00000' if name == 'out' else name}-1-0123abcd"
    draft.write_text("ours, of a run that was killed")
    run(corpus(essays, Shout()), out)
    assert [path.read_text() for path in foreign] == ["theirs"] * len(foreign)
    assert not draft.exists()


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_join_that_is_interrupted_leaves_no_file_and_says_nothing_when_it_is_collected(essays, tmp_path, monkeypatch):
    batches = finish._batches

    def interrupted(part):
        yield from batches(part)
        raise KeyboardInterrupt

    out = tmp_path / "out.parquet"
    with monkeypatch.context() as patch:
        patch.setattr(finish, "_batches", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(corpus(essays, Shout()), out)
    gc.collect()
    assert not out.exists()
    assert not [name for name in names_in(tmp_path) if name.startswith(".tmp-")]
    assert run(corpus(essays, Shout()), out).rows["out"] == 20


@pytest.mark.parametrize(
    ("options", "longest_first"), [({}, False), ({"workers": 2}, True), ({"cluster": Cluster()}, True)]
)
def test_the_longest_shard_begins_first_where_several_are_worked_at_a_time(
    options, longest_first, tmp_path, monkeypatch
):
    sizes = [300, 900, 300, 1200, 300]
    for number, size in enumerate(sizes):
        (tmp_path / f"{number}.jsonl").write_text(json.dumps({"text": f"{number}" * size}) + "\n")
    task = read(*sorted(tmp_path.glob("*.jsonl")), shard_bytes=1)
    assert [shard.text_bytes for shard in task.plan.shards] == sizes
    begun = []

    def here(self, shards, work):
        for shard in shards:
            begun.append(shard.index)
            yield from work(shard)

    for executor in (InProcess, Processes, OnRay):
        monkeypatch.setattr(executor, "run", here)
    result = run(task, tmp_path / "out", **options)
    assert begun == ([3, 1, 0, 2, 4] if longest_first else [0, 1, 2, 3, 4])
    assert [pq.read_table(path)["text"][0].as_py()[0] for path in result.paths] == ["0", "1", "2", "3", "4"]


def test_rows_over_which_a_worker_ended_are_those_after_the_last_batch_that_passed():
    pieces = (Piece(0, 0, 0, 11, 100), Piece(1, 0, 0, 1, 30))
    inputs = tuple(
        Input(
            source=name, format=Format.JSONL, packing=Packing.NONE, bytes=0, blake3="", rows=0, ours=False, address=""
        )
        for name in ("a.jsonl", "b.jsonl")
    )
    plan = Plan(inputs=inputs, shards=(), columns=pa.schema([]), layout=Layout())
    shard = Shard(0, pieces, 0)
    assert list(rows_after(shard, 0, plan=plan)) == ["a.jsonl, rows 11 to 74"]
    assert list(rows_after(shard, 64, plan=plan)) == ["a.jsonl, rows 75 to 110", "b.jsonl, rows 1 to 28"]
    assert list(rows_after(shard, 128, plan=plan)) == ["b.jsonl, rows 29 to 30"]
    assert list(rows_after(shard, 130, plan=plan)) == []
