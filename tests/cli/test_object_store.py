"""Commands whose output lies in a store of objects."""

import json

import pytest

from desk import BUSY, SENTENCES, write_rows
from object_store import object_store
from uncollapse.corpora import objects
from uncollapse.corpora.objects import Objects

pytest.importorskip("moto")
pytest.importorskip("s3fs")


@pytest.fixture
def store(monkeypatch):
    monkeypatch.setattr(objects, "FIRST_WAIT", 0.01)
    with object_store(monkeypatch):
        yield Objects.at("s3://bucket/edited")


def test_texts_go_there_edited_with_report_and_page_and_come_back(uncollapse, model, store, tmp_path):
    write_rows(tmp_path / "in.jsonl", [{"text": text} for text in SENTENCES])
    done = uncollapse("edit", tmp_path / "in.jsonl", "-o", "s3://bucket/edited/", "--model", model, *BUSY)
    assert done.code == 0, done.err
    assert "s3://bucket/edited/report.json" in done.out
    names = store.names()
    assert {"edits.html", "ledger.parquet", "manifest.json", "report.json"} < set(names)
    assert json.loads(store.get("report.json"))["tokens"]["changed"] > 0
    again = uncollapse("edit", tmp_path / "in.jsonl", "-o", "s3://bucket/edited/", "--model", model, *BUSY)
    assert "nothing to do" in again.out
    back = uncollapse("revert", "s3://bucket/edited/", "-o", tmp_path / "back.jsonl")
    assert back.code == 0, back.err
    texts = [json.loads(line)["text"] for line in (tmp_path / "back.jsonl").read_text().splitlines()]
    assert texts == list(SENTENCES)


def test_a_bucket_that_is_not_there(uncollapse, model, store, tmp_path):
    write_rows(tmp_path / "in.jsonl", [{"text": text} for text in SENTENCES])
    done = uncollapse("edit", tmp_path / "in.jsonl", "-o", "s3://nobody/edited/", "--model", model, *BUSY)
    assert done.code == 2
    assert "s3://nobody/edited cannot be written" in done.err
