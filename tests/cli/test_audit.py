import json
import shutil

import pyarrow.parquet as pq
import pytest

from desk import BUSY, write_rows
from made_text import made
from uncollapse.auditing import Failing
from uncollapse.language_models import CountedModel

FAST = ("--no-model", "--splits", 8)


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A folder of human text, fresh text like it, and text that lost its rare words and has copies."""
    folder = tmp_path_factory.mktemp("texts")
    bad = made(50, seed=3, known=700)
    for name, own in {"human": made(70, seed=1), "fresh": made(60, seed=2), "bad": [*bad, *bad[:10]]}.items():
        write_rows(folder / f"{name}.jsonl", [{"text": text, "kind": name} for text in own])
    return folder


@pytest.fixture
def here(texts, tmp_path, monkeypatch):
    """A folder to work in with these texts."""
    for path in texts.iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def wordy(tmp_path_factory):
    """The folder of a counted model of made text."""
    folder = tmp_path_factory.mktemp("wordy")
    CountedModel.fit(made(30, seed=5), order=2).save(folder)
    return folder


def status_of(report):
    return {verdict["name"]: verdict["status"] for verdict in report["verdicts"]}


def one_line(text):
    return " ".join(text.split())


def test_a_healthy_corpus_passes_with_code_0(uncollapse, here):
    done = uncollapse("audit", "fresh.jsonl", "-r", "human.jsonl", *FAST, "-o", "out")
    assert (done.code, done.err) == (0, "")
    report = json.loads((here / "out" / "report.json").read_text())
    assert set(status_of(report).values()) == {"pass"}
    assert {path.name for path in (here / "out").iterdir()} == {"report.html", "report.json", "offenders.parquet"}
    for failing in Failing:
        assert failing.value in done.out
    assert "report: out/report.html" in done.out


def test_a_failed_corpus_has_code_1_and_its_rows_behind_it(uncollapse, here):
    done = uncollapse("audit", "bad.jsonl", "-r", "human.jsonl", *FAST, "-o", "out", "--json")
    assert done.code == 1
    assert done.out == (here / "out" / "report.json").read_text()
    report = json.loads(done.out)
    assert {"tails", "duplicates"} <= {name for name, status in status_of(report).items() if status == "fail"}
    rows = pq.read_table(here / "out" / "offenders.parquet").to_pylist()
    assert {"tails", "duplicates"} <= {row["verdict"] for row in rows}
    assert {row["source"].partition(":")[0] for row in rows if row["verdict"] == "duplicates"} == {"bad.jsonl"}


@pytest.mark.parametrize(("watched", "code"), [("tails,duplicates", 1), ("duplicates", 1), ("memorised, topics", 0)])
def test_only_what_is_watched_makes_it_fail(uncollapse, here, watched, code):
    assert uncollapse("audit", "bad.jsonl", "-r", "human.jsonl", *FAST, "--fail-on", watched).code == code


def test_several_corpora_stand_side_by_side(uncollapse, here):
    done = uncollapse("audit", "fresh.jsonl", "bad.jsonl", "-r", "human.jsonl", *FAST, "-o", "out")
    assert done.code == 1
    report = json.loads((here / "out" / "report.json").read_text())
    assert [report["name"], *(one["name"] for one in report["corpora"])] == ["fresh.jsonl", "bad.jsonl"]
    assert status_of(report)["tails"] == "pass"
    assert status_of(report["corpora"][0])["tails"] == "fail"
    assert "Side by side" in (here / "out" / "report.html").read_text()
    assert one_line(done.out).index("fresh.jsonl") < one_line(done.out).index("bad.jsonl")


def test_a_baseline_says_what_has_changed(uncollapse, here):
    assert uncollapse("audit", "fresh.jsonl", "-r", "human.jsonl", *FAST, "-o", "then").code == 0
    then = ("--baseline", "then/report.json")
    assert uncollapse("audit", "bad.jsonl", "-r", "human.jsonl", *FAST, "-o", "now", *then).code == 1
    page = (here / "now" / "report.html").read_text()
    assert "Since then the verdict on tails" in page
    # The same corpus again, into the same folder: an earlier audit there is replaced.
    assert uncollapse("audit", "fresh.jsonl", "-r", "human.jsonl", *FAST, "-o", "then", *then).code == 0
    assert "No verdict has changed." in (here / "then" / "report.html").read_text()


def test_groups_are_told_apart_however_they_are_called(uncollapse, here):
    names = ["[/red]", "<script>alert(1)</script>\u202e"]
    rows = [{"text": text, "kind": names[at % 2]} for at, text in enumerate(made(80, seed=4))]
    write_rows(here / "mixed.jsonl", rows)
    done = uncollapse("audit", "mixed.jsonl", "-r", "human.jsonl", *FAST, "--by", "kind", "-o", "out")
    assert done.code == 0, done.err
    assert "[/red]" in done.out
    assert "\u202e" not in done.out
    report = json.loads((here / "out" / "report.json").read_text())
    assert [group["corpus"]["rows"] for group in report["groups"]] == [40, 40]
    page = (here / "out" / "report.html").read_text()
    assert "\u202e" not in page
    assert "<script>alert" not in page


def test_a_corpus_may_be_called_anything(uncollapse, here):
    (here / "[").mkdir()
    write_rows(here / "[" / "bold].jsonl", [{"text": "too short"}])
    done = uncollapse("audit", "[/bold].jsonl", "-r", "human.jsonl", *FAST, "-o", "[/x]")
    assert done.code == 0, done.err
    assert "[/bold].jsonl has 1 different" in one_line(done.out)
    assert "report: [/x]/report.json" in done.out


def test_without_a_reference_it_says_what_cannot_be_judged(uncollapse, here):
    done = uncollapse("audit", "bad.jsonl", *FAST)
    assert done.code == 1  # copies need no comparison
    assert (
        one_line(done.out).count("there is no reference to compare with") == 6 + 1
    )  # and in the sentence that counts them
    assert uncollapse("audit", "fresh.jsonl", *FAST).code == 0


class TestBadInput:
    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("nowhere.jsonl", "-r", "human.jsonl"), "there is no file 'nowhere.jsonl'"),
            (("fresh.jsonl", "-r", "nowhere.jsonl"), "there is no file 'nowhere.jsonl'"),
            (("fresh.jsonl", "-r", "human.jsonl", "--fail-on", "tails,tales"), "tales: no such verdict"),
            (("fresh.jsonl", "-r", "human.jsonl", "--splits", "3"), "--splits"),
            (("fresh.jsonl", "-r", "human.jsonl", "--sample-tokens", "3"), "--sample-tokens"),
            (("fresh.jsonl", "-r", "human.jsonl", "--text-column", "txt"), "txt"),
            (("fresh.jsonl", "bad.jsonl", "-r", "human.jsonl", "--by", "kind"), "--by takes one corpus apart"),
            (("fresh.jsonl", "-r", "human.jsonl", "--by", "colour"), "no column 'colour'"),
            (("fresh.jsonl", "-r", "human.jsonl", "--baseline", "nowhere.json"), "nowhere.json is not there"),
            (("fresh.jsonl", "-r", "human.jsonl", "--model", "smollm3"), "no model answers to 'smollm3'"),
        ],
    )
    def test_what_cannot_be_is_said_with_code_2(self, uncollapse, here, words, message):
        fast = () if "--model" in words else ("--no-model",)
        done = uncollapse("audit", *words, *fast, "-o", "out")
        assert done.code == 2
        assert message in done.err
        assert "uncollapse edit" not in done.err
        assert not (here / "out" / "report.json").exists()

    def test_nothing_is_made_where_an_input_is_missing(self, uncollapse, here):
        assert uncollapse("audit", "nowhere.jsonl", *FAST, "-o", "out").code == 2
        assert uncollapse("audit", "fresh.jsonl", "--model", "smollm3", "-o", "out").code == 2
        assert not (here / "out").exists()

    def test_a_folder_with_other_things_is_left_alone(self, uncollapse, here):
        (here / "mine").mkdir()
        (here / "mine" / "notes.txt").write_text("mine")
        done = uncollapse("audit", "fresh.jsonl", *FAST, "-o", "mine")
        assert done.code == 2
        assert "holds other things than an audit" in done.err
        assert [path.name for path in (here / "mine").iterdir()] == ["notes.txt"]
        assert "is a file" in uncollapse("audit", "fresh.jsonl", *FAST, "-o", "human.jsonl").err

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            '{"verdicts": 1, "statistics": [3]}',
            '{"verdicts": [{"name": "tails"}], "statistics": []}',
            '{"verdicts": [{"name": "tails", "status": ["fail"]}], "statistics": []}',
            '{"verdicts": [], "statistics": [{"name": "types", "corpus": "many"}]}',
        ],
    )
    def test_a_baseline_that_is_no_audit(self, uncollapse, here, text):
        (here / "earlier.json").write_text(text)
        done = uncollapse("audit", "fresh.jsonl", *FAST, "--baseline", "earlier.json")
        assert done.code == 2
        assert "earlier.json" in done.err


class TestWithAModel:
    @pytest.mark.usefixtures("here")
    def test_surprise_is_measured_on_both_sides(self, uncollapse, wordy):
        done = uncollapse("audit", "fresh.jsonl", "-r", "human.jsonl", "--splits", 8, "--model", wordy, "--json")
        report = json.loads(done.out)
        assert done.code == 0, done.err
        lines = {line["name"]: line for line in report["statistics"]}
        assert lines["surprise"]["corpus"] == pytest.approx(lines["surprise"]["control"], rel=0.05)
        assert sum(report["plots"]["probabilities"]["corpus"]) > 5000
        assert report["missing"] == []

    def test_a_model_that_fails_midway_is_named_and_the_rest_comes(self, uncollapse, here, wordy, monkeypatch):
        calls = []
        score = CountedModel.score

        def failing(self, tokens):
            calls.append(tokens)
            if len(calls) > 2:
                raise RuntimeError("out of memory")
            return score(self, tokens)

        monkeypatch.setattr(CountedModel, "score", failing)
        arguments = ("-r", "human.jsonl", "--splits", 8, "--model", wordy)
        done = uncollapse("audit", "fresh.jsonl", *arguments, "-o", "out")
        assert done.code == 3
        assert "out of memory" in one_line(done.out)
        report = json.loads((here / "out" / "report.json").read_text())
        assert len(report["missing"]) == 1
        assert "perplexity" in report["missing"][0]
        assert "surprise" not in {line["name"] for line in report["statistics"]}
        assert set(status_of(report).values()) == {"pass"}
        assert "Missing: perplexity" in (here / "out" / "report.html").read_text()
        # A verdict that fails weighs more than a part that is missing.
        assert uncollapse("audit", "bad.jsonl", *arguments).code == 1


def test_an_edited_corpus_against_its_own_source_is_lineage(uncollapse, here, wordy):
    edited = uncollapse("edit", "human.jsonl", "-o", "edited", "--model", wordy, *BUSY)
    assert edited.code == 0, edited.err
    done = uncollapse("audit", "edited", "-r", "human.jsonl", *FAST, "--json", "--fail-on", "memorised,duplicates")
    assert done.code == 0, done.out
    report = json.loads(done.out)
    assert status_of(report)["memorised"] == "pass"
    changed = json.loads((here / "edited" / "report.json").read_text())["documents"]["changed"]
    assert report["corpus"]["lineage"] == changed > 15
    assert f"by their own account: {changed}." in " ".join(report["notes"])
    assert next(line for line in report["statistics"] if line["name"] == "copied")["corpus"] == 0


def test_an_edited_corpus_without_its_ledger_is_memorised(uncollapse, here, wordy):
    few = ("--preset", "paper", "--threshold", "0.3", "--seed", "7")
    assert uncollapse("edit", "human.jsonl", "-o", "edited.jsonl", "--model", wordy, *few).code == 0
    rows = [json.loads(line) for line in (here / "edited.jsonl").read_text().splitlines()]
    write_rows(here / "bare.jsonl", [{"text": row["text"]} for row in rows])
    done = uncollapse("audit", "bare.jsonl", "-r", "human.jsonl", *FAST, "--json")
    assert done.code == 1
    assert status_of(json.loads(done.out))["memorised"] == "fail"
    assert json.loads(done.out)["corpus"]["lineage"] == 0


def test_unknown_verdicts_are_counted_with_what_to_give(uncollapse, here):
    done = uncollapse("audit", "fresh.jsonl", *FAST)
    assert done.code == 0
    told = one_line(done.out)
    assert "6 of 8 verdicts unknown: there is no reference to compare with" in told
    assert "to know them: " in told
    assert "verdicts unknown" not in uncollapse("audit", "fresh.jsonl", "-r", "human.jsonl", *FAST).out


def test_an_earlier_audit_is_replaced_with_a_word(uncollapse, here):
    words = ("audit", "fresh.jsonl", *FAST, "-o", "again/")
    assert "replaced" not in uncollapse(*words).err
    assert "again holds an audit of an earlier start, which is replaced" in uncollapse(*words).err


def test_two_workers_give_the_bytes_of_one(uncollapse, desk, tmp_path):
    texts = made(260, seed=3, length=300)
    write_rows(desk / "web.jsonl", [{"text": text, "kind": "ab"[n % 2]} for n, text in enumerate([*texts, *texts[:9]])])
    write_rows(desk / "human.jsonl", [{"text": text} for text in [*made(250, seed=4, length=300), *texts[:3]]])
    CountedModel.fit(made(20, seed=5), order=2).save(desk / "model")
    words = ("audit", "web.jsonl", "-r", "human.jsonl", "--model", "model", "--splits", 8, "--by", "kind")
    one = uncollapse(*words, "-o", "one")
    two = uncollapse(*words, "-o", "two", "--workers", 2)
    assert two.code == one.code, two.err
    for name in ("report.json", "offenders.parquet"):
        assert (desk / "two" / name).read_bytes() == (desk / "one" / name).read_bytes()
    report = json.loads((desk / "two" / "report.json").read_text())
    assert report["missing"] == []
    assert {each["name"] for each in report["statistics"]} >= {"surprise", "copied"}
