"""A selection as a corpus: every row accounted for, provenance untouched, no order in the bytes, losses refused."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import uncollapse as uc
from cheap_steps import Shout
from made_text import made
from uncollapse.provenance import words
from uncollapse.selection import Selecting, TailLost
from uncollapse.selection.methods import METHODS

POOL = [*made(150, seed=1, length=60), *made(20, seed=2, length=150)]
HUMAN = made(40, seed=3, length=120)


def lines(path, rows):
    path.write_text("".join(json.dumps(row if isinstance(row, dict) else {"text": row}) + "\n" for row in rows))
    return path


def table(folder):
    return pq.read_table(sorted(Path(folder).glob("part-*.parquet")))


def shard_bytes(folder):
    return [path.read_bytes() for path in sorted(Path(folder).glob("part-*")) if path.suffix == ".parquet"]


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines(
        tmp_path / "pool.jsonl", [{"text": text, "score": n % 7, "topic": f"t{n % 4}"} for n, text in enumerate(POOL)]
    )
    lines(tmp_path / "human.jsonl", HUMAN)
    return tmp_path


def test_what_is_written_is_what_was_chosen_and_every_row_is_accounted_for(desk):
    selection = uc.select("pool.jsonl", method="coverage", reference="human.jsonl", budget=2000, by="words")
    result = uc.write(selection, "out/")
    found = table("out")
    size = int(words(found["text"].combine_chunks()).sum())
    assert size == selection.report["chosen"]["chosen"]["words"] <= 2000
    assert result.rows["in"] == len(POOL)
    assert result.rows["out"] == len(found) == selection.report["chosen"]["chosen"]["rows"]
    assert result.rows["dropped"] == {"not chosen": len(POOL) - len(found)}
    rejects = (desk / "out" / "rejects.jsonl").read_text().splitlines()
    assert len(rejects) == len(POOL) - len(found)
    told = json.loads((desk / "out" / "manifest.json").read_text())["plan"]["selection"]
    assert told["asked"] == {"method": "coverage", "budget": 2000, "by": "words", "seed": 0}
    assert told["tails"]["judge"] == "held-out reference"
    assert len(told["tails"]["random"]) == 3


def test_a_duplicate_is_left_behind_with_its_reason(desk):
    lines(desk / "twice.jsonl", [*POOL, *POOL[:5]])
    uc.write(uc.select("twice.jsonl", method="duplicates"), "out/")
    rejects = [json.loads(line) for line in (desk / "out" / "rejects.jsonl").read_text().splitlines()]
    assert len(rejects) == 5
    kept = set(table("out")["id"].to_pylist())
    for reject in rejects:
        assert reject["reason"] == "the same text"
        assert reject["detail"].removeprefix("of ") in kept


def test_provenance_is_untouched(desk):
    uc.write(uc.read("pool.jsonl", origin="human").map(Shout()), "shouted/")
    before = {row["id"]: row for row in table("shouted").to_pylist()}
    uc.write(uc.select("shouted/", method="random", budget=50), "out/")
    found = table("out").to_pylist()
    assert len(found) == 50
    for row in found:
        for name in ("text", "origin", "generation", "parents", "recipe", "source", "edits", "topic"):
            assert row[name] == before[row["id"]][name]
    ledgers = [pq.read_table(desk / name / "ledger.parquet").to_pylist() for name in ("shouted", "out")]
    marks = [table(name)["id"].to_pylist() for name in ("shouted", "out")]
    was = dict(zip(marks[0], ledgers[0], strict=True))
    for mark, row in zip(marks[1], ledgers[1], strict=True):
        assert row == was[mark]


def test_the_same_twice_another_with_another_seed_and_no_order_in_the_bytes(desk):
    rows = [{"text": text, "score": n % 7, "topic": f"t{n % 4}"} for n, text in enumerate(POOL)]
    random = np.random.default_rng(0)
    texts = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        if name == "b":
            lines(desk / "pool.jsonl", [rows[n] for n in random.permutation(len(rows))])
        uc.write(
            uc.select("pool.jsonl", method="importance", reference="human.jsonl", budget=40, seed=seed), f"{name}/"
        )
        texts[name] = table(name)["text"].to_pylist()
    assert texts["a"] == texts["b"]
    assert shard_bytes("a") == shard_bytes("b")
    assert texts["a"] != texts["c"]


def test_rows_may_be_repeated_and_add_up(desk):
    selection = uc.select("pool.jsonl", method="rebalance", by_column="topic", alpha=0, budget=200)
    result = uc.write(selection, "out/")
    assert result.rows["out"] == 200
    assert result.rows["in"] == result.rows["out"] + sum(result.rows["dropped"].values())
    assert len(set(table("out")["text"].to_pylist())) == len(POOL)


def test_a_loss_of_the_tail_is_refused_and_can_be_forced(desk):
    rows = [
        {"text": text, "surprise": float(text.count("ba"))}
        for text in [*made(150, seed=1, known=4000), *["the cat sat"] * 100]
    ]
    lines(desk / "poor.jsonl", [{**row, "surprise": 0.0 if row["text"] == "the cat sat" else 1.0} for row in rows])
    asked = {"method": "likelihood", "score": "surprise", "band": "0:0.4", "budget": 90}
    with pytest.raises(TailLost, match=r"would lose .* % of the .*rare words.*nothing is written") as caught:
        uc.select("poor.jsonl", **asked)
    assert caught.value.exit_code == 1
    assert caught.value.report["tails"]["loss"]["share"] > 0.2
    forced = uc.select("poor.jsonl", force=True, **asked)
    assert forced.report["tails"]["forced"]
    allowed = uc.select("poor.jsonl", max_tail_loss=1.0, **asked)
    assert allowed.report["chosen"]["chosen"]["rows"] == 90


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"method": "coverge", "budget": 1}, "no method 'coverge'"),
        ({"method": "random", "budget": 1, "alpha": 1}, "random has no 'alpha'"),
        ({"method": "random"}, "random needs a budget"),
        ({"method": "random", "budget": 1000}, "the pool holds 170"),
        ({"method": "coverage", "budget": 1}, "there is none"),
        ({"method": "random", "budget": 0}, "budget"),
        ({"method": "random", "budget": 10, "strata": "colour"}, "no column 'colour'"),
        ({"method": "random", "budget": 10, "caps": {"colour": 0.5}}, "no column 'colour'"),
        ({"method": "random", "budget": 10, "caps": {"topic": 1.5}}, "caps"),
        ({"method": "quality", "budget": 10, "score": "topic"}, "not of numbers alone"),
        ({"method": "coverage", "budget": 10, "reference": "nobody.jsonl"}, "nobody.jsonl"),
    ],
)
def test_what_cannot_be_is_refused(desk, fields, said):
    with pytest.raises(uc.UncollapseError, match=said) as caught:
        uc.select("pool.jsonl", **fields)
    assert caught.value.exit_code == 2


def test_nothing_to_choose_from_is_refused(desk):
    with pytest.raises(uc.UsageError, match="nothing to choose from"):
        uc.select(method="random", budget=1)
    lines(desk / "empty.jsonl", [])
    with pytest.raises(uc.UncollapseError):
        uc.select("empty.jsonl", method="random", budget=1)


def test_every_method_is_known_by_its_name_and_settings():
    for name, kind in METHODS.items():
        assert type(Selecting(method=name).selector()) is kind


def test_broken_rows_stay_in_the_account(desk):
    with (desk / "pool.jsonl").open("a") as file:
        file.write("{broken\n")
    with pytest.raises(uc.UncollapseError):
        uc.select("pool.jsonl", method="random", budget=10)
    result = uc.write(uc.select("pool.jsonl", method="random", budget=10, max_rejects=1), "out/", max_rejects=1)
    assert result.rows["in"] == len(POOL) + 1
    assert sum(result.rows["failed"].values()) == 1
