import io

import pytest

from uncollapse.corpora import read
from uncollapse.corpora.commit import Room, commit
from uncollapse.corpora.histories import Histories
from uncollapse.corpora.plan import Format
from uncollapse.corpora.storage import Sink, fill_whole
from uncollapse.errors import OutputRefused


@pytest.fixture
def full(monkeypatch):
    """A disk on which nothing finds room: it refuses what a file still holds when it is closed, as well."""
    made = Sink.__init__

    def onto_a_full_disk(self, path):
        made(self, path)
        self._file.close()
        self._file = io.BufferedWriter(io.FileIO("/dev/full", "w"))

    monkeypatch.setattr(Sink, "__init__", onto_a_full_disk)


def test_a_file_that_is_given_up_on_a_full_disk_says_nothing_more(full, tmp_path):
    sink = Sink(tmp_path / "draft")
    sink.write(b"not yet on the disk")
    sink.discard()
    assert sink.write(b"goes nowhere") == len(b"goes nowhere")
    sink.flush()
    assert sink.size == len(b"not yet on the disk")


def test_what_a_full_disk_refuses_is_said_once_and_leaves_nothing(full, tmp_path):
    with pytest.raises(OSError, match="No space left") as raised:
        fill_whole(tmp_path / "paper", lambda sink: sink.write(b"x" * 100))
    assert raised.value.__context__ is None
    assert list(tmp_path.iterdir()) == []


def test_a_shard_on_a_full_disk_is_refused_with_a_remedy(full, tmp_path):
    (tmp_path / "essays.jsonl").write_text('{"text": "The cat sat."}\n')
    corpus = read(tmp_path / "essays.jsonl")
    room = Room(tmp_path / "out", "0123456789abcdef", Format.JSONL)
    room.progress.mkdir(parents=True)
    (shard,) = corpus.plan.shards
    work = corpus.work(shard, reader=corpus.reader(), histories=Histories(corpus.plan))
    with pytest.raises(OutputRefused, match="there is no space left") as raised:
        list(commit(room, shard, work=work, schema=corpus.schema))
    assert "Free some space" in raised.value.hint
    assert [path.name for path in room.folder.iterdir()] == [".progress"]
