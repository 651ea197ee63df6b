"""A folder of objects: whole, made once, put again where a reply was lost."""

import random

import pytest

from object_store import FAULTS, object_store
from uncollapse.corpora import objects
from uncollapse.corpora.objects import Objects, is_object_store
from uncollapse.errors import MissingExtra, OutputRefused

pytest.importorskip("moto")
pytest.importorskip("s3fs")


@pytest.fixture
def way(monkeypatch):
    monkeypatch.setattr(objects, "FIRST_WAIT", 0.01)
    with object_store(monkeypatch) as way:
        yield way


@pytest.fixture
def store(way):
    return Objects.at("s3://bucket/some/folder/")


def test_an_object_is_put_read_and_removed(store, tmp_path):
    store.put("a/b", b"content")
    assert store.get("a/b") == b"content"
    assert store.names() == ["a/b"]
    assert store.names("a/") == ["a/b"]
    assert store.names("c") == []
    assert store.holds("a/b", size=7, digest=objects._digest(b"content"))
    assert not store.holds("a/b", size=8, digest=objects._digest(b"content"))
    assert not store.holds("a/b", size=7, digest=objects._digest(b"another"))
    assert not store.holds("no", size=7, digest=objects._digest(b"content"))
    store.fetch("a/b", tmp_path / "here")
    assert (tmp_path / "here").read_bytes() == b"content"
    store.remove(["a/b"])
    assert store.get("a/b") is None
    assert store.mark("a/b") is None
    with pytest.raises(FileNotFoundError):
        store.fetch("a/b", tmp_path / "there")


def test_the_whole_bucket_is_a_folder(way):
    whole = Objects.at("s3://bucket")
    whole.put("x", b"1")
    assert (whole.names(), whole.get("x")) == (["x"], b"1")


def test_only_one_makes_an_object(store):
    mark = store.create("held", b"mine")
    assert mark == store.mark("held")
    assert store.create("held", b"yours") is None
    assert store.swap("held", b"yours", mark='"another"') is None
    assert store.get("held") == b"mine"
    later = store.swap("held", b"mine again", mark=mark)
    assert later == store.mark("held") != mark
    assert store.swap("held", b"late", mark=mark) is None


def test_large_files_go_in_parts_and_come_whole(store, way, tmp_path, monkeypatch):
    monkeypatch.setattr(objects, "PART", 5 << 20)
    data = random.Random(1).randbytes(12 << 20)
    (tmp_path / "large").write_bytes(data)
    # The reply to the joining of the parts is lost, and so is one of the parts.
    lost = {"uploadId": False, "partNumber=2": False}

    def fault(asked):
        for mark, done in lost.items():
            if mark in asked.path and asked.method == ("POST" if mark == "uploadId" else "PUT") and not done:
                lost[mark] = True
                return "reply lost"
        return None

    way.fault = fault
    store.put("large", tmp_path / "large")
    assert all(lost.values())
    store.fetch("large", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data
    assert store.holds("large", size=len(data), digest=objects._digest(data))
    store.abandon_uploads()
    assert store.names() == ["large"]


def test_parts_that_nobody_joined_are_abandoned(store):
    objects._system().call_s3("create_multipart_upload", Bucket="bucket", Key=store.key("left"))
    assert "Uploads" in objects._system().call_s3("list_multipart_uploads", Bucket="bucket")
    store.abandon_uploads()
    assert "Uploads" not in objects._system().call_s3("list_multipart_uploads", Bucket="bucket")


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_that_passes_costs_another_try(store, way, kind):
    way.fault = lambda asked: kind if asked.number % 2 else None
    for number in range(4):
        store.put(f"n{number}", str(number).encode())
        assert store.get(f"n{number}") == str(number).encode()
    assert store.names() == ["n0", "n1", "n2", "n3"]
    assert way.faults


@pytest.mark.parametrize("kind", ["reply lost", "request lost"])
def test_what_was_made_counts_as_made_though_its_reply_was_lost(store, way, kind):
    first = len(way.asked)
    way.fault = lambda asked: kind if asked.number == first else None
    mark = store.create("held", b"mine")
    assert way.faults == [kind]
    assert mark is not None
    assert mark == store.mark("held")
    first = len(way.asked)
    assert store.swap("held", b"mine still", mark=mark) == store.mark("held")
    assert way.faults == [kind] * 2


def test_a_store_that_stays_away_is_said_after_some_tries(store, way):
    way.fault = lambda _: "503"
    with pytest.raises(OutputRefused, match=r"s3://bucket/some/folder cannot be written: put_object failed 5 times"):
        store.put("x", b"1")


def test_a_bucket_that_is_not_there(way):
    with pytest.raises(OutputRefused, match="bucket does not exist"):
        Objects.at("s3://nobody/x").put("y", b"1")


def test_without_s3fs(monkeypatch):
    monkeypatch.setattr(objects, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match="needs s3fs"):
        Objects.at("s3://bucket/x")


def test_addresses():
    assert [is_object_store(each) for each in ("s3://b/x", "s3a://b", "gs://b/x", "b/x")] == [True, True, False, False]
    assert Objects.at("s3://bucket/a//b/").key("n") == "a//b/n"
