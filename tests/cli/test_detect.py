import json
import shutil

import pyarrow.parquet as pq
import pytest

from desk import read_rows, write_rows
from made_text import made
from uncollapse.language_models import CountedModel

SIDES = {"human": made(150, seed=1, length=100), "made": made(150, seed=3, length=100, known=700)}


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A corpus, labelled texts, texts to learn from, and a counted model."""
    folder = tmp_path_factory.mktemp("texts")
    human, machine = SIDES["human"], SIDES["made"]
    files = {
        "web": [*human[:30], *machine[:20], "too short"],
        "old": human[30:90],
        "made": machine[30:90],
        "learnt": human[90:],
        "learnt_made": machine[90:],
        "three": human[30:33],
        "short": ["too short", "shorter"],
    }
    for name, own in files.items():
        write_rows(folder / f"{name}.jsonl", [{"text": text, "kind": "a", "n": n} for n, text in enumerate(own)])
    CountedModel.fit(made(40, seed=5), order=2).save(folder / "model")
    CountedModel.fit(["something else"]).save(folder / "other")
    return folder


@pytest.fixture
def here(texts, tmp_path, monkeypatch):
    shutil.copytree(texts, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def one_line(text):
    return " ".join(text.split())


def test_a_corpus_against_both_sides(uncollapse, here, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = uncollapse(
        *("detect", "web.jsonl", "--model", "model", "--calibrate", "old.jsonl", "--machine", "made.jsonl"),
        *("--weights", 2, "-o", "out"),
    )
    assert (done.code, done.err) == (0, "")
    assert one_line(done.out).startswith("A machine wrote ")
    assert max(map(len, done.out.splitlines())) <= 80
    assert {path.name for path in (here / "out").iterdir()} == {"report.html", "report.json", "detections.parquet"}
    report = json.loads((here / "out" / "report.json").read_text())
    assert report["prevalence"]["low"] <= 0.4 <= report["prevalence"]["high"]
    assert report["short"] == 1
    table = pq.read_table(here / "out" / "detections.parquet")
    assert table.num_rows == 51
    assert {"id", "likelihood", "curvature", "class", "evidence", "weight"} <= set(table.column_names)
    again = uncollapse("detect", "web.jsonl", "--model", "model", "-o", "out")
    assert again.code == 0


def test_json_is_one_document(uncollapse, here):
    done = uncollapse("detect", "web.jsonl", "--model", "model", "--calibrate", "old.jsonl", "--json")
    report = json.loads(done.out)
    assert report["prevalence"]["kind"] == "lower bound"
    assert report["name"] == "web.jsonl"


def test_without_calibration(uncollapse, here):
    done = uncollapse("detect", "web.jsonl", "--model", "model")
    assert done.code == 0
    assert "cannot be said: no human text was given to calibrate with" in one_line(done.out)


def test_a_detector_is_learned_and_used(uncollapse, here):
    done = uncollapse(
        *("detector", "--human", "learnt.jsonl", "--machine", "learnt_made.jsonl", "--model", "model"),
        *("--model-texts", 50, "-o", "detector"),
    )
    assert (done.code, done.err) == (0, "")
    assert "learned from 60 human and 60 machine's texts" in one_line(done.out)
    assert {path.name for path in (here / "detector").iterdir()} == {"detector.json", "detector.safetensors"}
    found = uncollapse("detect", "web.jsonl", "--detector", "detector", "--calibrate", "old.jsonl", "--json")
    report = json.loads(found.out)
    assert report["score"]["name"] == "fused"
    assert report["models"]["model"]["address"] == "model"
    words = uncollapse("detect", "web.jsonl", "--detector", "detector", "--no-model", "--json")
    assert json.loads(words.out)["score"]["name"] == "words"
    other = uncollapse("detect", "web.jsonl", "--detector", "detector", "--model", "other")
    assert other.code == 2
    assert "fused with the likelihood of model" in one_line(other.err)


def test_a_pair(uncollapse, here):
    shutil.copytree("model", "tuned")
    words = json.loads((here / "tuned" / "counted.json").read_text())
    (here / "tuned" / "counted.json").write_text(json.dumps({**words, "pseudo_count": 0.5}))
    done = uncollapse("detect", "web.jsonl", "--pair", "model", "tuned", "--calibrate", "old.jsonl", "--json")
    report = json.loads(done.out)
    assert report["score"] == {"name": "binoculars", "machine": "lower"}
    assert report["models"]["reference"]["address"] == "model"
    assert report["models"]["model"]["address"] == "tuned"
    refused = uncollapse("detect", "web.jsonl", "--pair", "model", "other")
    assert refused.code == 2
    assert "model and other have unequal tokenizers" in one_line(refused.err)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("web.jsonl", "--calibrate", "three.jsonl"), "3 human texts to calibrate with"),
        (("web.jsonl", "--calibrate", "short.jsonl"), "no domain has enough of 64 tokens"),
        (("web.jsonl", "--machine", "made.jsonl"), "--machine without --calibrate"),
        (("web.jsonl", "--weights", 2), "--weights without --machine"),
        (("web.jsonl", "--no-model"), "--pair and --no-model|--model and --no-model"),
        (("web.jsonl", "--by", "nowhere"), "no column 'nowhere'"),
        (("web.jsonl", "--text-column", "n"), "'n'"),
        (("web.jsonl", "--false-alarms", 0.9), "--false-alarms"),
        (("web.jsonl", "--score", "magic"), "--score magic"),
        (("web.jsonl", "--detector", "model"), "holds no detector"),
        (("empty.jsonl",), "empty.jsonl"),
        (("broken.jsonl",), "broken.jsonl"),
    ],
)
def test_what_cannot_be_is_refused(uncollapse, here, words, said):
    import re

    (here / "empty.jsonl").touch()
    (here / "broken.jsonl").write_bytes(b'{"text": "caf\xe9"}\n')
    done = uncollapse("detect", *words, "--model", "model", "-o", "out")
    assert done.code == 2
    assert re.search(said, one_line(done.err))
    assert not (here / "out" / "report.json").exists()


def test_a_missing_model(uncollapse, here):
    done = uncollapse("detect", "web.jsonl", "--model", "smollm3")
    assert done.code == 2
    assert "no model answers to 'smollm3'" in one_line(done.err)


def test_too_few_texts_to_learn_from(uncollapse, here):
    done = uncollapse("detector", "--human", "three.jsonl", "--machine", "learnt_made.jsonl", "--no-model", "-o", "d")
    assert done.code == 2
    assert "3 human texts are left to learn from" in one_line(done.err)


def test_a_corpus_of_short_texts(uncollapse, here):
    done = uncollapse("detect", "short.jsonl", "--model", "model", "--calibrate", "old.jsonl", "-o", "out")
    assert done.code == 0
    assert "no text of 64 tokens with a calibration was read" in one_line(done.out)
    assert (here / "out" / "report.html").is_file()


def test_a_folder_with_other_things_is_left_alone(uncollapse, here):
    done = uncollapse("detect", "web.jsonl", "--model", "model", "-o", "model")
    assert done.code == 2
    assert "holds other things than a detection" in one_line(done.err)


def test_both_are_steps_of_a_story(uncollapse, here):
    (here / "story.yaml").write_text(
        "steps:\n"
        "- detector: {human: learnt.jsonl, machine: learnt_made.jsonl, no-model: true, output: detector}\n"
        "- detect: {inputs: web.jsonl, detector: detector, no-model: true, calibrate: old.jsonl, output: out}\n"
    )
    done = uncollapse("run", "story.yaml")
    assert (done.code, done.err) == (0, "")
    assert (here / "out" / "detections.parquet").is_file()


def test_what_was_edited_here_is_known(uncollapse, here):
    edit = ("edit", "short.jsonl", "--model", "model", "-o", "edited", "--preset", "paper", "--threshold", 0.01)
    assert uncollapse(*edit).code == 0
    done = uncollapse("detect", "edited", "--model", "model", "-o", "out", "--json")
    report = json.loads(done.out)
    assert sum(report["known"].values()) == 2
    assert report["read"] == 0
    assert read_rows(here / "short.jsonl")


def evidence_of(folder):
    table = pq.read_table(folder / "detections.parquet")
    return list(zip(table["class"].to_pylist(), table["evidence"].to_pylist(), strict=True))


@pytest.mark.parametrize("as_reserve", [True, False])
def test_copies_of_human_text_are_traced_and_not_guessed_at(uncollapse, here, as_reserve):
    human = SIDES["human"]
    cut = " ".join(human[1].split()[:60])
    write_rows(here / "mixed.jsonl", [{"text": text} for text in (human[0], cut, human[2].upper(), SIDES["made"][0])])
    write_rows(here / "kept.jsonl", [{"text": text} for text in human[:3]])
    kept = "kept.jsonl"
    if as_reserve:
        kept = "kept"
        assert uncollapse("reserve", "add", kept, "kept.jsonl", "--basis", "declaration", "--by", "A").code == 0
    done = uncollapse("detect", "mixed.jsonl", "--model", "model", "--reserve", kept, "-o", "out")
    assert (done.code, done.err) == (0, "")
    assert "copies of human text in the reserve, not guessed at 3" in one_line(done.out)
    found = evidence_of(here / "out")
    assert [kind for kind, _ in found] == ["traced"] * 3 + ["unknown"]
    assert [said.partition(":")[0] for _, said in found[:3]] == ["exact", "containment", "normalised"]
    assert [said.rpartition("row ")[2] for _, said in found[:3]] == ["1", "2", "3"]
    report = json.loads((here / "out" / "report.json").read_text())
    assert (report["traced"], report["unknown"], report["read"]) == ({"copy": 3}, 1, 1)


def test_marked_texts_are_traced_and_others_are_not(uncollapse, here):
    (here / "mark.key").write_text("3" * 64)
    made_by_us = ("generate", "--continue", "old.jsonl", "--model", "model", "--max-tokens", 200, "--opening-tokens", 5)
    assert uncollapse(*made_by_us, "--watermark", "mark.key", "-o", "gen").code == 0
    (path,) = (here / "gen").glob("part-*.parquet")
    marked = pq.read_table(path)["text"].to_pylist()
    write_rows(here / "mixed.jsonl", [{"text": text} for text in [*marked, *SIDES["human"][:30]]])
    done = uncollapse("detect", "mixed.jsonl", "--model", "model", "--watermark", "mark.key", "-o", "out")
    assert (done.code, done.err) == (0, "")
    kinds = [kind for kind, _ in evidence_of(here / "out")]
    assert kinds[: len(marked)].count("traced") > 0.9 * len(marked)
    # One human text in ten thousand is taken for a marked one: of 30 none, but in three runs of a thousand.
    assert "traced" not in kinds[len(marked) :]
    assert "bear the mark of the key, not guessed at" in one_line(done.out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--watermark", "none.key", "--model", "model"), "none.key"),
        (("--reserve", "nothing.jsonl", "--model", "model"), "nothing.jsonl"),
    ],
)
def test_traces_that_cannot_be_looked_for(uncollapse, here, words, said):
    done = uncollapse("detect", "web.jsonl", *words)
    assert done.code == 2
    assert said in done.err
    assert "try:" in done.err


def test_domains_without_calibration_are_listed(uncollapse, here):
    rows = [{**row, "kind": ("a", "b", "c")[n % 3]} for n, row in enumerate(read_rows(here / "web.jsonl")[:50])]
    write_rows(here / "kinds.jsonl", rows)
    done = uncollapse("detect", "kinds.jsonl", "--model", "model", "--calibrate", "old.jsonl", "--by", "kind")
    assert done.code == 0
    told = one_line(done.out)
    for kind, count in (("b", 17), ("c", 16)):
        assert f"{count} texts of the domain {kind!r} are not judged" in told
    assert "the domain 'a' are not judged" not in told


@pytest.mark.parametrize("where", ["corpus", "--calibrate", "--machine"])
def test_a_file_without_the_column_of_domains_is_named(uncollapse, here, where):
    write_rows(here / "bare.jsonl", [{"text": text} for text in SIDES["human"][30:60]])
    files = {"corpus": "web.jsonl", "--calibrate": "old.jsonl", "--machine": "made.jsonl", where: "bare.jsonl"}
    corpus = files.pop("corpus")
    options = [word for pair in files.items() for word in pair]
    done = uncollapse("detect", corpus, "--model", "model", "--by", "kind", *options)
    assert done.code == 2
    assert "bare.jsonl has no column 'kind'" in one_line(done.err)
    assert "add the column 'kind' there" in one_line(done.err)


def test_an_earlier_detection_is_replaced_with_a_word_and_nothing_else_is(uncollapse, here):
    words = ("detect", "web.jsonl", "--model", "model", "-o", "out")
    assert uncollapse(*words).err == ""
    assert "out holds a detection of an earlier start, which is replaced" in uncollapse(*words).err
    (here / "foreign").mkdir()
    (here / "foreign" / "detections.parquet").write_bytes((here / "old.jsonl").read_bytes())
    done = uncollapse("detect", "web.jsonl", "--model", "model", "-o", "foreign")
    assert done.code == 2
    assert "holds other things than a detection" in done.err
    assert (here / "foreign" / "detections.parquet").read_bytes() == (here / "old.jsonl").read_bytes()


def test_an_earlier_detector_is_replaced_with_a_word_and_nothing_else_is(uncollapse, here):
    words = ("detector", "--human", "learnt.jsonl", "--machine", "learnt_made.jsonl", "--no-model", "-o")
    assert uncollapse(*words, "d").code == 0
    assert "d holds a detector of an earlier start, which is replaced" in uncollapse(*words, "d").err
    (here / "foreign").mkdir()
    card = next(path.name for path in (here / "d").iterdir() if path.suffix == ".json")
    (here / "foreign" / card).write_text("{}")
    done = uncollapse(*words, "foreign")
    assert done.code == 2
    assert "holds other things than a detector" in done.err


def test_texts_that_continue_human_ones_are_said_before_and_share_a_fold(uncollapse, here):
    human, other = SIDES["human"][:80], SIDES["made"][:80]
    paired = [" ".join([*a.split()[:40], *b.split()[:60]]) for a, b in zip(human, other, strict=True)]
    write_rows(here / "h.jsonl", [{"text": text} for text in human])
    # Another order, so that they are no rows of pairs.
    write_rows(here / "m.jsonl", [{"text": text} for text in reversed(paired)])
    done = uncollapse("detector", "--human", "h.jsonl", "--machine", "m.jsonl", "--no-model", "-o", "d")
    assert done.code == 0
    assert "80 of 80 machine's texts were made from a human text given here, or begin like one" in done.err
    assert "worse than chance" not in one_line(done.out)
    (card,) = (path for path in (here / "d").iterdir() if path.suffix == ".json")
    assert json.loads(card.read_text())["accuracy"]["words"]["auroc"] > 0.5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("sample: -1", "--sample"),
        ("false_alarms: 0.7", "--false-alarms"),
        ("no_model: true", "--no-model without --detector"),
        ("pair: [model, other]\n    model: model", "--pair and --model"),
    ],
)
def test_a_story_with_a_bad_detection_fails_before_its_first_step(uncollapse, here, options, said):
    (here / "story.yaml").write_text(
        "steps:\n- reserve add: {reserve: kept/, inputs: old.jsonl, basis: declaration, by: me}\n"
        f"- detect:\n    inputs: web.jsonl\n    {options}\n"
    )
    done = uncollapse("run", "story.yaml")
    assert done.code == 2
    assert said in one_line(done.err)
    assert not (here / "kept").exists()


def test_messages_that_no_reader_sees_are_evidence_before_containment_and_after_the_same_text(uncollapse, here):
    human, made_text = SIDES["human"], SIDES["made"]
    header = b"C2PATXT\0" + bytes([1]) + (5).to_bytes(4) + b"12345"
    manifest = "".join(chr(0xFE00 + b) if b < 16 else chr(0xE0100 + b - 16) for b in header)
    spelled = "".join(chr(0xE0000 + ord(sign)) for sign in "made by a model")
    cut = " ".join(human[1].split()[:60])
    rows = [
        human[0],
        made_text[0] + manifest,
        made_text[1] + spelled,
        cut + manifest,
        cut,
        made_text[2][:40] + "\u200b" + made_text[2][40:],
        made_text[2],
    ]
    write_rows(here / "mixed.jsonl", [{"text": text} for text in rows])
    write_rows(here / "kept.jsonl", [{"text": text} for text in human[:3]])
    done = uncollapse("detect", "mixed.jsonl", "--model", "model", "--reserve", "kept.jsonl", "-o", "out")
    assert done.code == 0
    found = evidence_of(here / "out")
    assert [kind for kind, _ in found] == ["traced"] * 5 + ["unknown"] * 2
    assert found[0][1].startswith("exact")
    assert found[1][1] == "a C2PA manifest in unseen characters, not verified: version 1, 5 bytes of manifest"
    assert found[2][1] == "tag characters that spell 'made by a model'"
    assert "C2PA" in found[3][1]
    assert found[4][1].startswith("containment")
    table = pq.read_table(here / "out" / "detections.parquet").to_pylist()
    assert [row["unseen"] for row in table[4:]] == [None, "zero-width 1", None]
    # Read without it, the text is the same to the model.
    assert table[5]["likelihood"] == table[6]["likelihood"]
    assert "hold a manifest or a message that no reader sees, not guessed at 3" in one_line(done.out)
    assert "hold characters that no reader sees, read without them 4" in one_line(done.out)
    report = json.loads((here / "out" / "report.json").read_text())
    assert report["traced"] == {"copy": 2, "message": 3}


def test_two_workers_give_the_bytes_of_one(uncollapse, here):
    words = ("detect", "web.jsonl", "--model", "model", "--calibrate", "old.jsonl", "--machine", "made.jsonl")
    assert uncollapse(*words, "-o", "one").code == 0
    done = uncollapse(*words, "-o", "two", "--workers", 2)
    assert done.code == 0, done.err
    for name in ("detections.parquet", "report.json"):
        assert (here / "two" / name).read_bytes() == (here / "one" / name).read_bytes()


def test_a_pair_that_cuts_unlike_is_refused_by_workers_too(uncollapse, here):
    done = uncollapse("detect", "web.jsonl", "--pair", "model", "other", "--workers", 2, "-o", "out")
    assert done.code == 2
    assert "unequal tokenizers" in done.err
