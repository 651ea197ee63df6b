"""Verbs with `--engine ray`, on two nodes of one processor each: what they write is what they write here."""

import json

import pytest

from desk import write_rows
from made_text import made
from uncollapse.language_models import CountedModel

pytest.importorskip("ray", reason="ray: not installed (pip install 'uncollapse[ray]')")
from clusters import joined

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
HUMAN, MACHINE = made(150, seed=1, length=100), made(150, seed=3, length=100, known=700)
RIVALS = [{"text": text, "prompt": n // 3} for n, text in enumerate(made(60, seed=9, length=40))]


@pytest.fixture(scope="module")
def address():
    with joined(2) as running:
        yield running.cluster.address


@pytest.fixture
def here(tmp_path, monkeypatch):
    files = {"web": [*HUMAN[:30], *MACHINE[:20]], "human": HUMAN[30:], "machine": MACHINE[30:]}
    for name, texts in files.items():
        write_rows(tmp_path / f"{name}.jsonl", [{"text": text} for text in texts])
    write_rows(tmp_path / "rivals.jsonl", RIVALS)
    CountedModel.fit(made(40, seed=5), order=2).save(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _untimed(report):
    return {name: value for name, value in report.items() if name != "speed"}


@pytest.mark.parametrize(
    "words",
    [
        ["audit", "web.jsonl", "machine.jsonl", "-r", "human.jsonl", "--model", "model", "--splits", 8],
        ["detect", "web.jsonl", "--calibrate", "human.jsonl", "--machine", "machine.jsonl", "--model", "model"],
        ["evaluate", "model", "--on", "web.jsonl", "--on", "human.jsonl"],
        ["select", "web.jsonl", "--method", "likelihood", "--model", "model", "--budget", 20, "--force"],
        ["arbitrate", "rivals.jsonl", "--score", "likelihood", "--model", "model", "--group", "prompt"],
        ["edit", "web.jsonl", "--model", "model", "--threshold", 0.2],
    ],
    ids=lambda words: words[0],
)
def test_what_is_written_is_the_same(words, address, uncollapse, here):
    one = uncollapse(*words, "-o", "one")
    two = uncollapse(*words, "-o", "two", "--engine", "ray", "--address", address)
    assert two.code == one.code, two.err
    assert one.code in {0, 1}, one.err
    files = [tree(here / name) for name in ("one", "two")]
    for each in files:
        if words[0] == "edit":
            # The report and the page say how long it took.
            each["report.json"] = _untimed(json.loads(each["report.json"]))
            each["edits.html"] = b""
    if words[0] != "edit":
        assert two.out.replace("two", "one") == one.out
    assert files[0].keys() == files[1].keys()
    assert [name for name in files[0] if files[0][name] != files[1][name]] == []
