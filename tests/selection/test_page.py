"""The page of a selection says what was chosen, beside chance, and holds what it read harmless."""

import json

import pytest

import uncollapse as uc
from made_text import made
from uncollapse.selection.page import selection_page


@pytest.fixture
def told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [
        {"text": text, "topic": "<script>alert(1)</script>" if n % 3 else "b"}
        for n, text in enumerate(made(80, seed=1, length=60))
    ]
    (tmp_path / "pool.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    selection = uc.select("pool.jsonl", method="random", budget=20, strata="topic")
    return selection.report, uc.write(selection, "out/").rows


def test_it_says_what_was_chosen_and_adds_up(told):
    report, rows = told
    html = selection_page(report, rows=rows)
    assert "random took 20 of 80 documents" in html
    assert "it adds up" in html
    assert "By topic, before and after" in html
    assert "<script>alert(1)" not in html


def test_a_loss_that_was_forced_is_said(told):
    report, rows = told
    lost = {**report, "tails": {**report["tails"], "loss": {"share": 0.5, "of": "rare words"}, "forced": True}}
    html = selection_page(lost, rows=rows)
    assert "Of the rare words that chance keeps at as many words, 50" in html
    assert "It was forced." in html
