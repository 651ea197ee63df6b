"""The laws of a mixture: the same bytes twice, no order matters, nothing vanishes, provenance is carried."""

import json
from itertools import pairwise
from math import isnan

import numpy as np
import pyarrow.parquet as pq
import pytest

import uncollapse as uc
from cheap_steps import Shout
from uncollapse.provenance import OriginBasis
from uncollapse.selection import Mixing

WORDS = ("river", "town", "sheep", "market", "rain", "house", "tree", "road", "night", "ship")


def texts(count, *, seed, longest=30):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(3, longest))) + f" {seed} {n}" for n in range(count)]


def lines(path, rows):
    path.write_text("".join(json.dumps(row if isinstance(row, dict) else {"text": row}) + "\n" for row in rows))
    return path


def table(folder):
    return pq.read_table(sorted(folder.glob("part-*.parquet")))


def shard_bytes(folder):
    return [path.read_bytes() for path in sorted(folder.glob("part-*")) if path.suffix == ".parquet"]


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines(tmp_path / "human.jsonl", texts(60, seed=1))
    lines(tmp_path / "made.jsonl", texts(80, seed=2))
    return tmp_path


def test_the_share_is_met_and_the_account_adds_up(desk):
    mixture = uc.mix(human="human.jsonl", synthetic="made.jsonl", human_share=0.6)
    result = uc.write(mixture, "out/")
    reached = mixture.plan.mixture["reached"]
    found = table(desk / "out")
    count = {"human": 0, "synthetic": 0}
    for row in found.to_pylist():
        count[row["origin"]] += len(row["text"].split())
    assert count == {"human": reached["human"], "synthetic": reached["synthetic"]}
    assert 0.6 <= reached["human_share"] < 0.61
    assert result.rows["in"] == 140
    assert result.rows["out"] == len(found)
    assert result.rows["dropped"] == {"not drawn": 140 - len(found)}
    assert len((desk / "out" / "rejects.jsonl").read_text().splitlines()) == 140 - len(found)


def test_the_result_is_shuffled(desk):
    uc.write(uc.mix(human="human.jsonl", synthetic="made.jsonl", human_share=0.5, by="documents"), "out/")
    origins = [row["origin"] for row in table(desk / "out").to_pylist()]
    assert origins.count("human") == origins.count("synthetic") == 60
    runs = 1 + sum(a != b for a, b in pairwise(origins))
    # Runs of a random order of 60 and 60: mean 61, standard deviation 5.5; five of them are one in a million.
    assert 61 - 27 < runs < 61 + 27


def test_twice_the_same_bytes_and_another_seed_another_mixture(desk):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        uc.write(uc.mix(human="human.jsonl", synthetic="made.jsonl", human_share=0.6, seed=seed), f"{name}/")
    assert shard_bytes(desk / "a") == shard_bytes(desk / "b")
    assert (desk / "a/manifest.json").read_bytes() == (desk / "b/manifest.json").read_bytes()
    assert (desk / "a/ledger.parquet").read_bytes() == (desk / "b/ledger.parquet").read_bytes()
    assert shard_bytes(desk / "a") != shard_bytes(desk / "c")


def test_neither_order_nor_shards_of_the_inputs_matter(desk):
    rows = [{"text": text, "n": n, "tag": WORDS[n % 10]} for n, text in enumerate(texts(40, seed=3))]
    # Two rows of one text that differ in a column, and two that are equal.
    rows += [{**rows[0], "n": 99}, rows[1]]
    lines(desk / "rows.jsonl", rows)
    uc.write(uc.read("rows.jsonl", origin="synthetic"), "whole/")
    split = uc.read("whole/", shard_bytes=700)
    assert len(split.plan.shards) > 5
    uc.write(split, "shards/")
    lines(desk / "back.jsonl", table(desk / "whole").to_pylist()[::-1])
    kept = []
    for at, name in enumerate(("whole/", "shards/", "back.jsonl")):
        uc.write(uc.mix(human="human.jsonl", synthetic=name, human_share=0.7), f"out{at}/")
        kept.append(table(desk / f"out{at}").to_pylist())
    assert kept[0]
    assert kept[0] == kept[1] == kept[2]


def test_the_order_on_the_command_line_does_not_matter(desk):
    lines(desk / "more.jsonl", texts(20, seed=5))
    for out, human in (("a", ["human.jsonl", "more.jsonl"]), ("b", ["more.jsonl", "human.jsonl"])):
        uc.write(uc.mix(human=human, synthetic="made.jsonl", human_share=0.6), f"{out}/")
    assert (desk / "a/manifest.json").read_bytes() == (desk / "b/manifest.json").read_bytes()


def test_workers_and_small_shards_change_nothing(desk, monkeypatch):
    from uncollapse.selection import aside, drawing

    one = uc.mix(human="human.jsonl", synthetic="made.jsonl", human_share=0.6)
    uc.write(one, "one/")
    monkeypatch.setattr(drawing, "SMALLEST", 2000)
    monkeypatch.setattr(aside, "HELD_BYTES", 500)
    many = uc.mix(human="human.jsonl", synthetic="made.jsonl", human_share=0.6)
    assert len(many.plan.shards) > 5
    uc.write(many, "many/", workers=2)
    assert table(desk / "many").to_pylist() == table(desk / "one").to_pylist()


def test_provenance_and_ledger_are_carried_and_no_generation_is_made(desk):
    uc.write(Shout()(uc.read("made.jsonl", origin="synthetic")), "shouted/")
    uc.write(uc.mix(human="human.jsonl", synthetic="shouted/", human_share=0.5), "out/")
    before = {row["id"]: row for row in table(desk / "shouted").to_pylist()}
    after = [row for row in table(desk / "out").to_pylist() if row["origin"] == "synthetic"]
    assert after
    assert all(before[row["id"]] == row for row in after)
    known = {row["id"]: row for batch in uc.read("shouted/").known() for row in batch.to_pylist()}
    for batch in uc.read("out/").known():
        for row in batch.to_pylist():
            if row["origin"] == "synthetic":
                assert row == known[row["id"]]
    manifest = json.loads((desk / "out/manifest.json").read_text())
    assert Shout().fingerprint in manifest["recipes"]
    assert list(manifest["plan"]["mixture"]["roots"].values()) == [
        json.loads((desk / "shouted/manifest.json").read_text())["roots"]
    ]


def test_a_mixture_can_be_read_without_being_written_and_go_through_steps(desk):
    mixture = uc.mix(human="human.jsonl", synthetic="made.jsonl", human_share=0.6)
    found = [document.text for document in Shout()(mixture)]
    assert len(found) == sum(side["rows in the mixture"] for side in mixture.plan.mixture["sides"])
    assert all(text == text.upper() for text in found)
    assert {row["origin_basis"] for batch in mixture.known() for row in batch.to_pylist()} == {
        str(OriginBasis.PUBLISHER_DECLARED)
    }


def test_human_rows_are_repeated_at_most_as_often_as_the_cap_and_each_is_accounted_for(desk):
    lines(desk / "few.jsonl", [*texts(4, seed=7), texts(4, seed=7)[0]])
    mixture = uc.mix(human="few.jsonl", synthetic="made.jsonl", human_share=0.5, by="documents", repeat_cap=3)
    result = uc.write(mixture, "out/")
    found = [row["id"] for row in table(desk / "out").to_pylist() if row["origin"] == "human"]
    counts = {mark: found.count(mark) for mark in found}
    # The text that stands there twice is taken twice: twice more would be four times.
    assert sorted(counts.values()) == [2, 3, 3, 3]
    assert mixture.plan.mixture["reached"]["repeated"] == 11 - 5
    assert result.rows["in"] == 5 + 80 + 6
    assert result.account.adds_up
    again = [entry for entry in result.manifest["plan"]["inputs"] if entry.get("turn")]
    assert [(entry["turn"], entry["rows"]) for entry in again] == [(2, 3), (3, 3)]


def test_a_text_counts_once_for_the_input_that_comes_first(desk):
    own = texts(60, seed=1)
    uc.write(uc.mix(human="human.jsonl", synthetic="made.jsonl", human_share=0.6), "first/")
    mixture = uc.mix(human="human.jsonl", synthetic="made.jsonl", accumulate="first/", human_share=0.55)
    uc.write(mixture, "second/")
    found = table(desk / "second").to_pylist()
    assert len({row["id"] for row in found}) == len(found)
    assert {row["id"] for row in table(desk / "first").to_pylist()} <= {row["id"] for row in found}
    human, synthetic = mixture.plan.mixture["sides"]
    assert human["left out"] == {"its text is there already": 60}
    assert human["rows in the mixture"] == len(own) == 60
    assert synthetic["left out"]["its text is there already"] > 0


def test_texts_on_both_sides_are_said(desk):
    lines(desk / "copied.jsonl", [*texts(60, seed=1)[:5], *texts(80, seed=2)])
    mixture = uc.mix(human="human.jsonl", synthetic="copied.jsonl", human_share=0.5, by="documents")
    assert mixture.plan.mixture["reached"]["texts on both sides"] == 5


def test_weights_draw_more_of_what_weighs_more_and_nothing_of_zero(desk):
    rows = [{"text": text, "w": (0.0, 1.0, 9.0)[n % 3]} for n, text in enumerate(texts(3000, seed=8))]
    lines(desk / "weighed.jsonl", rows)
    lines(desk / "many.jsonl", texts(300, seed=9))
    mixture = uc.mix(human="many.jsonl", synthetic="weighed.jsonl", human_share=0.5, by="documents", weights="w")
    uc.write(mixture, "out/")
    found = [row["w"] for row in table(desk / "out").to_pylist() if row["origin"] == "synthetic"]
    assert len(found) == 300
    assert found.count(0.0) == 0
    # 300 of 2000 without replacement: nine in ten are heavy but for what runs out, at least 0.86 expected; 4 sd = 0.08.
    assert 0.78 < found.count(9.0) / 300 < 0.96
    # (1000 * 1 + 1000 * 9)^2 / (1000 * 1 + 1000 * 81)
    assert mixture.plan.mixture["reached"]["effective synthetic rows"] == pytest.approx(10_000**2 / 82_000, abs=0.001)
    assert mixture.plan.mixture["sides"][1]["left out"]["weight 0"] == 1000


@pytest.mark.parametrize(
    ("value", "said"), [(None, "None is no weight"), (-1.0, "-1.0 is no weight"), (float("nan"), "nan is no weight")]
)
def test_a_weight_that_is_none_is_refused_with_its_place(desk, value, said):
    lines(desk / "weighed.jsonl", [{"text": "a b", "w": 1.5}, {"text": "c d"} | ({"w": value} if value else {})])
    broken = value is not None and isnan(value)
    if broken:
        import pyarrow as pa

        pq.write_table(pa.table({"text": ["a b", "c d"], "w": [1.5, value]}), desk / "weighed.parquet")
    name = "weighed.parquet" if broken else "weighed.jsonl"
    with pytest.raises(uc.InputError, match=f"{name}, row 2: {said}"):
        uc.mix(human="human.jsonl", synthetic=name, human_share=0.6, weights="w")


def test_a_column_of_weights_that_is_not_there(desk):
    with pytest.raises(uc.MissingColumn, match="no input has a column 'w' of weights"):
        uc.mix(human="human.jsonl", synthetic="made.jsonl", human_share=0.6, weights="w")


def test_what_its_ledger_says_is_not_human_is_refused_as_human(desk):
    uc.write(uc.read("made.jsonl", origin="synthetic"), "ours/")
    with pytest.raises(uc.InputError, match=r"its ledger says synthetic, in 80 of its rows") as refused:
        uc.mix(human="ours/", synthetic="made.jsonl", human_share=0.6)
    assert "--synthetic" in refused.value.hint
    assert "declares it" in refused.value.hint


def test_a_plain_file_is_declared_by_being_given(desk):
    result = uc.write(uc.mix(human="human.jsonl", synthetic="made.jsonl", human_share=0.6), "out/")
    declared = {entry["source"]: entry["declared"] for entry in result.manifest["plan"]["inputs"]}
    assert declared == {"human.jsonl": "human", "made.jsonl": "synthetic"}


def test_a_file_given_twice_is_refused(desk):
    with pytest.raises(uc.InputError, match="given twice, as --human and as --synthetic"):
        uc.mix(human="human.jsonl", synthetic="human.jsonl", human_share=0.6)
    with pytest.raises(uc.InputError, match="named twice"):
        uc.mix(human=["human.jsonl", "human.jsonl"], synthetic="made.jsonl", human_share=0.6)


def test_the_policy_is_checked_before_anything_is_written(desk):
    strict = uc.Policy(min_human_token_share=0.7, max_depth=1)
    with pytest.raises(uc.PolicyRefused, match=r"max_depth: 2, allowed 1.*min_human_token_share: 0.6\d*, allowed 0.7"):
        uc.mix(human="human.jsonl", synthetic="made.jsonl", human_share=0.6, policy=strict)
    assert {path.name for path in desk.iterdir()} == {"human.jsonl", "made.jsonl"}
    loose = uc.Policy(min_human_token_share=0.6, max_depth=2)
    result = uc.write(uc.mix(human="human.jsonl", synthetic="made.jsonl", human_share=0.6, policy=loose), "out/")
    assert result.manifest["plan"]["mixture"]["policy"] == {
        "min_human_token_share": 0.6,
        "max_depth": 2,
        "verdict": "kept",
    }


def test_auto_keeps_all_human_text_and_stops_at_the_floor(desk):
    mixture = uc.mix(human="human.jsonl", synthetic="made.jsonl", policy=uc.Policy(min_human_token_share=0.8))
    human, synthetic = mixture.plan.mixture["sides"]
    assert human["rows in the mixture"] == 60
    assert 0.8 <= mixture.plan.mixture["reached"]["human_share"] < 0.81
    assert synthetic["rows in the mixture"] > 0
    with pytest.raises(uc.UsageError, match="--repeat-cap has no meaning"):
        uc.mix(human="human.jsonl", synthetic="made.jsonl", policy=uc.Policy(min_human_token_share=0.8), repeat_cap=2)
    with pytest.raises(uc.UsageError, match="no share of human text was asked for"):
        uc.mix(human="human.jsonl", synthetic="made.jsonl")


def test_rows_that_cannot_be_read_are_accounted_for(desk):
    with (desk / "made.jsonl").open("a") as file:
        file.write('{"text": 5}\n')
    mixture = uc.mix(human="human.jsonl", synthetic="made.jsonl", human_share=0.6, max_rejects=1)
    result = uc.write(mixture, "out/")
    assert sum(result.rows["failed"].values()) == 1
    assert result.rows["in"] == 141
    with pytest.raises(uc.UncollapseError):
        uc.mix(human="human.jsonl", synthetic="made.jsonl", human_share=0.6)


@pytest.mark.parametrize(("rows", "each", "most"), [(1, 10, 1), (1000, 1000, 8), (100_000, 1 << 20, 512)])
def test_shards_are_of_one_size_none_is_empty_and_there_are_not_too_many(rows, each, most):
    from uncollapse.selection.drawing import _shards

    found = _shards(np.full(rows, each))
    counts = np.bincount(found)
    assert (np.diff(found) >= 0).all()
    assert counts.min() > 0
    assert len(counts) <= most
    assert counts[:-1].max(initial=0) - counts[:-1].min(initial=rows) <= 1


def test_one_document(desk):
    lines(desk / "one.jsonl", ["one single text"])
    uc.write(uc.mix(human="one.jsonl", human_share=1), "out/")
    assert table(desk / "out").num_rows == 1


@pytest.mark.parametrize(
    "fields", [{"human_share": 1.5}, {"repeat_cap": 0}, {"by": "tokens"}, {"total": 0}, {"nothing": 1}]
)
def test_what_cannot_be_asked(desk, fields):
    with pytest.raises(uc.UsageError):
        uc.mix(**{"human": "human.jsonl", "human_share": 0.5, **fields})


def test_addresses_are_one_or_several():
    assert Mixing(human="a").human == Mixing(human=["a"]).human == ("a",)


def test_columns_of_any_type_pass_through_untouched(desk):
    import pyarrow as pa

    made = texts(30, seed=4)
    tags = pa.array([("red", "green", None)[n % 3] for n in range(30)]).dictionary_encode()
    nested = pa.array([{"a": [n, None], "b": {"c": "x" * (n % 3)}} for n in range(30)])
    pq.write_table(
        pa.table({"text": made, "tag": tags, "deep": nested, "big": pa.array(range(30), pa.uint64())}),
        desk / "made.parquet",
    )
    rows = [
        {"text": text, "any": ([n], {"k": 1.50}, "s", None)[n % 4], "n": n} for n, text in enumerate(texts(20, seed=5))
    ]
    lines(desk / "mixed-types.jsonl", rows)
    result = uc.write(
        uc.mix(human="mixed-types.jsonl", synthetic="made.parquet", human_share=0.5, by="documents"), "out/"
    )
    found = {row["text"]: row for row in table(desk / "out").to_pylist()}
    for n, row in enumerate(rows):
        kept = found[row["text"]]
        assert (kept["any"] and json.loads(kept["any"])) == row["any"]
        assert (kept["n"], kept["tag"], kept["deep"]) == (n, None, None)
    for n, text in enumerate(made):
        if text in found:
            assert found[text]["deep"] == nested[n].as_py()
            assert (found[text]["tag"], found[text]["big"], found[text]["n"]) == (tags[n].as_py(), n, None)
    assert table(desk / "out").schema.field("tag").type == tags.type
    assert result.account.adds_up
    again = uc.write(
        uc.mix(human="mixed-types.jsonl", synthetic="made.parquet", human_share=0.5, by="documents"), "lines.jsonl"
    )
    assert again.manifest["roots"] == result.manifest["roots"]


def test_an_edited_corpus_does_not_double_what_an_edit_left_unchanged(desk):
    uc.write(uc.read("human.jsonl"), "copy/")
    mixture = uc.mix(human="human.jsonl", synthetic=["made.jsonl", "copy/"], human_share=0.5, by="documents")
    human, synthetic = mixture.plan.mixture["sides"]
    assert (human["rows"], human["rows in the mixture"]) == (120, 60)
    assert human["left out"] == {"its text is there already": 60}
    assert synthetic["rows in the mixture"] == 60


def test_human_text_among_the_synthetic_counts_as_human(desk):
    uc.write(uc.read("human.jsonl"), "copy/")
    mixture = uc.mix(synthetic=["made.jsonl", "copy/"], human_share=0.5, by="documents")
    assert mixture.plan.mixture["reached"] | {"human": 60, "synthetic": 60} == mixture.plan.mixture["reached"]


def test_bytes_and_totals(desk):
    mixture = uc.mix(human="human.jsonl", synthetic="made.jsonl", human_share=0.25, by="bytes", total=4000)
    uc.write(mixture, "out/")
    size = {"human": 0, "synthetic": 0}
    for row in table(desk / "out").to_pylist():
        size[row["origin"]] += len(row["text"].encode())
    # The last document is the shortest that covers what is left, and some of fewer than 60 bytes are left.
    assert 1000 <= size["human"] < 1060
    assert size["human"] + size["synthetic"] <= 4000
    assert size["synthetic"] <= 3 * size["human"]
    assert size["human"] + size["synthetic"] > 3900


def test_a_model_that_was_trained_on_an_input_and_wrote_in_it_is_refused(desk):
    def model(**card):
        return type(
            "Written",
            (Shout,),
            {"recipe": lambda self: {**Shout.recipe(self), "resolved": {"revision": "w", "address": "m", **card}}},
        )

    uc.write(uc.read("made.jsonl", origin="synthetic"), "plain/")
    rows = table(desk / "plain").to_pylist()
    assert rows
    step = model()()
    uc.write(step(uc.read("made.jsonl", origin="synthetic")), "written/")
    root = json.loads((desk / "written/manifest.json").read_text())["roots"]["contents"]
    policy = uc.Policy(forbid_self_consumption=True, trained_on={"m": [root]})
    with pytest.raises(uc.PolicyRefused, match=r"forbid_self_consumption.*written by m"):
        uc.mix(human="human.jsonl", synthetic="written/", human_share=0.5, policy=policy)
    fine = uc.Policy(forbid_self_consumption=True, trained_on={"m": ["0" * 64]})
    uc.mix(human="human.jsonl", synthetic="written/", human_share=0.5, policy=fine)


def test_weights_that_a_detector_left_are_found_by_id(desk):
    import pyarrow as pa

    rows = texts(300, seed=8)
    lines(desk / "weighed.jsonl", rows)
    ids = [uc.Document(text=text, source="x").id for text in rows]
    (desk / "found").mkdir()
    weights = pa.table({"id": ids, "weight": pa.array([float(n % 2) for n in range(300)], pa.float32())})
    pq.write_table(weights, desk / "found" / "detections.parquet")
    lines(desk / "many.jsonl", texts(100, seed=9))
    told = {"human": "many.jsonl", "synthetic": "weighed.jsonl", "human_share": 0.5, "by": "documents"}
    uc.write(uc.mix(**told, weights="found"), "out/")
    found = {row["id"] for row in table(desk / "out").to_pylist() if row["origin"] == "synthetic"}
    assert len(found) == 100
    assert found <= set(ids[1::2])
    pq.write_table(weights.slice(1), desk / "found" / "detections.parquet")
    (desk / "empty").mkdir()
    with pytest.raises(uc.InputError, match=r"weighed\.jsonl, row 1: None is no weight"):
        uc.mix(**told, weights="found")
    with pytest.raises(uc.MissingInput, match=r"detections\.parquet"):
        uc.mix(**told, weights="empty")


def test_the_golden_share_is_met(desk):
    lines(desk / "same.jsonl", texts(60, seed=5))
    mixture = uc.mix(human="human.jsonl", synthetic="same.jsonl", human_share="golden", by="documents")
    # As much of each: beside 60 others 60 * .618... / .381... = 97.08 human ones, so 98: 38 of them stand there twice.
    assert (mixture.plan.mixture["reached"]["human"], mixture.plan.mixture["reached"]["synthetic"]) == (98, 60)
    assert mixture.plan.mixture["reached"]["repeated"] == 38
