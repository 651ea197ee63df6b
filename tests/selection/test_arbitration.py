"""The laws of arbitration over files: every row accounted for, no order matters, provenance is carried."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

import uncollapse as uc
from uncollapse.language_models.counted import CountedModel
from uncollapse.selection.naming import names_of
from uncollapse.selection.winners import REASONS

WORDS = ("river", "town", "sheep", "market", "rain", "house", "tree", "road", "night", "ship")
TEACHERS = ("a", "b", "c")


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def candidates(teacher, *, prompts=30, samples=2):
    rng = np.random.default_rng(TEACHERS.index(teacher))
    return [
        {
            "text": " ".join(rng.choice(WORDS, rng.integers(3, 30))) + f" {teacher} {sample}",
            "prompt": prompt,
            "quality": float(rng.normal() + TEACHERS.index(teacher) / 2),
            "domain": "news" if prompt % 3 else "web",
        }
        for prompt in range(prompts)
        for sample in range(samples)
    ]


def table(folder):
    return pq.read_table(sorted(folder.glob("part-*.parquet")))


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for teacher in TEACHERS:
        lines(tmp_path / f"{teacher}.jsonl", candidates(teacher))
    return tmp_path


POOLS = ("a.jsonl", "b.jsonl", "c.jsonl")
RULES = [
    {},
    {"cap_teacher": 0.4},
    {"keep": "softmax", "temperature": 0.5, "random_floor": 0.1},
    {"cap_stratum": "domain=0.5", "cap_teacher": 0.5, "random_floor": 0.05},
    {"lowest": True},
]


@pytest.mark.parametrize("rules", RULES)
def test_every_row_is_kept_or_dropped_with_a_reason(desk, rules):
    found = uc.arbitrate(*POOLS, score="quality", group="prompt", **rules)
    result = uc.write(found, "out/")
    told = found.plan.arbitration
    kept = table(desk / "out").to_pylist()
    assert result.rows == {"in": 180, "out": told["kept"], "dropped": told["left out"], "failed": {}}
    assert len(kept) == told["kept"] == sum(each["kept"] for each in told["teachers"])
    assert sum(told["left out"].values()) + told["kept"] == 180
    assert len({row["prompt"] for row in kept}) == len(kept)
    behind = [json.loads(line) for line in (desk / "out" / "rejects.jsonl").read_text().splitlines()]
    assert len(behind) == 180 - len(kept)
    assert {row["reason"] for row in behind} <= set(REASONS)
    for row in kept:
        assert row["arbitration_teacher"] == row["source"]
        assert row["arbitration_score"] == row["quality"]
        assert row["arbitration_rivals"] == 5


def test_the_best_is_kept_with_its_rank_and_the_lowest_with_lowest(desk):
    by_prompt = {}
    for row in (row for teacher in TEACHERS for row in candidates(teacher)):
        by_prompt.setdefault(row["prompt"], []).append(row["quality"])
    for lowest, best in ((False, max), (True, min)):
        found = [dict(row.extra) for row in uc.arbitrate(*POOLS, score="quality", group="prompt", lowest=lowest)]
        assert {row["prompt"]: row["quality"] for row in found} == {at: best(all_) for at, all_ in by_prompt.items()}
        assert {row["arbitration_rank"] for row in found} == {1}


@pytest.mark.parametrize("rules", RULES[:4])
def test_neither_order_nor_files_nor_shards_matter(desk, rules):
    rows = [{**row, "who": teacher} for teacher in TEACHERS for row in candidates(teacher)]
    # Equal rows, and two that differ in nothing that is scored.
    rows += [rows[0], {**rows[1], "note": "again"}]
    found = []
    for at, order in enumerate((range(len(rows)), range(len(rows))[::-1])):
        lines(desk / f"all{at}.jsonl", [rows[row] for row in order])
        uc.write(uc.read(f"all{at}.jsonl", origin="synthetic"), f"pool{at}/")
        pool = uc.arbitrate(f"pool{at}/", score="quality", group="prompt", teacher="who", **rules)
        found.append(sorted((row.text, json.dumps(row.extra, sort_keys=True)) for row in pool))
    split = uc.read("all0.jsonl", origin="synthetic", shard_bytes=1500)
    assert len(split.plan.shards) > 3
    uc.write(split, "shards/")
    pool = uc.arbitrate("shards/", score="quality", group="prompt", teacher="who", **rules)
    found.append(sorted((row.text, json.dumps(row.extra, sort_keys=True)) for row in pool))
    assert found[0]
    assert found[0] == found[1] == found[2]


def test_the_seed_decides_the_draws_and_workers_do_not(desk):
    asked = {"score": "quality", "group": "prompt", "keep": "softmax", "random_floor": 0.1}
    for name, seed, workers in (("one", 0, 1), ("two", 0, 2), ("other", 1, 1)):
        uc.write(uc.arbitrate(*POOLS, seed=seed, **asked), f"{name}/", workers=workers)
    assert table(desk / "one").to_pylist() == table(desk / "two").to_pylist()
    assert table(desk / "one").to_pylist() != table(desk / "other").to_pylist()
    again = uc.write(uc.arbitrate(*reversed(POOLS), **asked), "one/")
    assert again.already_done


def test_samples_of_a_model_group_by_their_parent_and_name_their_teacher(desk):
    lines(
        desk / "human.jsonl",
        [{"text": f"the {word} by the {other} " * 9} for word, other in zip(WORDS, WORDS[::-1], strict=True)],
    )
    for name, order in (("small", 1), ("large", 3)):
        CountedModel.fit([f"the {word} by the house was old . " * 5 for word in WORDS], order=order).save(desk / name)
        for draw in range(2):
            step = uc.Continue(model=f"{name}", max_tokens=12, draw=draw, seed=3)
            uc.write(step(uc.read("human.jsonl")), f"{name}{draw}/")
    pools = ("small0/", "small1/", "large0/", "large1/")
    found = uc.arbitrate(*pools, score="likelihood", model="large")
    told = found.plan.arbitration
    assert told["groups"] == told["kept"] == 10
    assert [each["teacher"] for each in told["teachers"]] == ["large", "small"]
    assert {each["offered"] for each in told["teachers"]} == {20}
    uc.write(found, "best/")
    rows = table(desk / "best").to_pylist()
    pool = {row["id"]: row for name in pools for row in table(desk / name).to_pylist()}
    ours = [name for name in rows[0] if name.startswith("arbitration_")]
    assert [{name: row[name] for name in row if name not in ours} for row in rows] == [pool[row["id"]] for row in rows]
    assert uc.verify("best/").holds
    told = uc.arbitrate(*pools, score="agreement", teacher="pool").plan.arbitration
    assert {each["teacher"] for each in told["teachers"]} == {name.rstrip("/") for name in pools}


@pytest.mark.parametrize(
    ("score", "more"), [("lexical-diversity", {}), ("agreement", {}), ("distance", {"reference": "a.jsonl"})]
)
def test_scorers_of_ours_keep_what_they_say(desk, score, more):
    high = uc.arbitrate(*POOLS, score=score, group="prompt", **more).plan.arbitration["mean score"]
    low = uc.arbitrate(*POOLS, score=score, group="prompt", lowest=True, **more).plan.arbitration["mean score"]
    assert low["kept"] < low["candidates"] == high["candidates"] < high["kept"]


def test_a_hole_in_the_scores_names_file_row_and_remedy(desk):
    rows = candidates("a")
    for bad, said in ((float("nan"), "quality is nan"), (None, "quality is missing")):
        lines(desk / "holed.jsonl", [*rows[:7], {**rows[7], "quality": bad}, *rows[8:]])
        with pytest.raises(uc.InputError, match=rf"holed.jsonl, row 8 cannot be scored: {said}") as refused:
            uc.arbitrate("holed.jsonl", score="quality", group="prompt")
        assert "give it a score" in refused.value.hint


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"score": "quality"}, uc.InputError, "a.jsonl, row 1: its ledger names no parent"),
        ({"score": "quality", "group": "topic"}, uc.MissingColumn, "no pool has a column 'topic'"),
        ({"score": "qualty", "group": "prompt"}, uc.UsageError, "nothing scores by 'qualty'"),
        ({"score": "likelihood", "group": "prompt"}, uc.UsageError, "likelihood needs a model"),
        ({"score": "quality", "group": "prompt", "model": "x"}, uc.UsageError, "--model has no meaning"),
        ({"score": "domain", "group": "prompt"}, uc.ColumnClash, "not of numbers"),
        ({"score": "quality", "group": "prompt", "temperature": 2}, uc.UsageError, "no meaning with keep = argmax"),
        ({"score": "quality", "group": "prompt", "cap_teacher": 0.2}, uc.UsageError, "do not allow it"),
        ({"score": "quality", "group": "prompt", "cap_stratum": "half"}, uc.UsageError, "a column and a share"),
        ({"score": "quality", "group": "prompt", "cap_teacher": 0}, uc.UsageError, "cap_teacher"),
        ({"score": "quality", "group": "prompt", "cap_stratum": "text=0.5"}, uc.InputError, "its rival in"),
    ],
)
def test_what_cannot_be_is_refused(desk, fields, error, said):
    with pytest.raises(error, match=said) as refused:
        uc.arbitrate(*POOLS, **fields)
    assert refused.value.hint


def test_a_name_that_is_a_column_and_a_scorer_is_asked_for(desk):
    rows = [{**row, "agreement": row["quality"]} for row in candidates("a")]
    lines(desk / "both.jsonl", rows)
    with pytest.raises(uc.UsageError, match="is a scorer, and a column") as refused:
        uc.arbitrate("both.jsonl", score="agreement", group="prompt")
    assert "column:agreement" in refused.value.hint
    for score in ("column:agreement", "scorer:agreement"):
        told = uc.arbitrate("both.jsonl", score=score, group="prompt").plan.arbitration
        assert told["scored by"] == score.replace(":", " ")


def test_a_pool_that_was_arbitrated_before_says_so(desk):
    uc.write(uc.arbitrate(*POOLS, score="quality", group="prompt"), "once/")
    with pytest.raises(uc.ColumnClash, match="arbitrated before"):
        uc.arbitrate("once/", score="quality", group="prompt")
    names = ("teacher", "score", "rank", "rivals")
    renamed = {f"arbitration_{name}": f"earlier_{name}" for name in names}
    assert uc.arbitrate("once/", score="quality", group="prompt", rename=renamed).plan.arbitration["kept"] == 30


@pytest.mark.parametrize("rules", [{}, {"cap_teacher": 0.6}, *RULES[2:4]])
def test_where_the_pools_lie_and_what_they_are_called_decides_nothing(desk, rules, monkeypatch):
    # Every second row is in both pools, word for word and at the same score, so that ties between pools are many.
    both = candidates("a")
    pools = {
        "a": both,
        "b": [row if at % 2 else other for at, (row, other) in enumerate(zip(both, candidates("b"), strict=True))],
    }
    asked = {"score": "quality", "group": "prompt", **rules}
    found, roots = [], []
    for place, names in (("one", "ab"), ("far/two", "ab"), ("three", "yx")):
        (desk / place).mkdir(parents=True)
        for name, rows in zip(names, pools.values(), strict=True):
            lines(desk / place / f"{name}.jsonl", rows)
        given = [str(desk / place / f"{name}.jsonl") for name in names]
        pool = uc.arbitrate(*given, **asked)
        assert str(desk) not in json.dumps(pool.plan.arbitration)
        again = str.maketrans("yx", "ab")
        found.append(
            sorted(
                (row.text, row.extra["arbitration_teacher"].translate(again), row.extra["arbitration_rank"])
                for row in pool
            )
        )
        monkeypatch.chdir(desk / place)
        roots.append(uc.write(uc.arbitrate(*(f"{name}.jsonl" for name in names), **asked), "best/").manifest["roots"])
    assert found[0]
    assert found[0] == found[1]
    assert [(text, rank) for text, _, rank in found[0]] == [(text, rank) for text, _, rank in found[2]]
    assert {teacher for _, teacher, _ in found[0]} == {"a.jsonl", "b.jsonl"}
    assert roots[0] == roots[1]
    assert roots[0]["contents"] == roots[2]["contents"]


def test_a_pool_is_called_by_as_much_of_its_end_as_tells_it_apart(desk):
    for place in ("first", "second"):
        (desk / place).mkdir()
        lines(desk / place / "made.jsonl", candidates("ab"[place == "second"]))
    given = (str(desk / "first" / "made.jsonl"), "second/made.jsonl", "c.jsonl")
    told = uc.arbitrate(*given, score="distance", reference=str(desk / "a.jsonl"), group="prompt").plan.arbitration
    assert [each["teacher"] for each in told["teachers"]] == ["c.jsonl", "first/made.jsonl", "second/made.jsonl"]
    assert told["asked"]["reference"] == ["a.jsonl"]
    assert names_of(["s3://user:secret@bucket/x/pool/", "pool"]) == {
        "s3://user:secret@bucket/x/pool/": "x/pool",
        "pool": f"{desk.name}/pool",
    }
