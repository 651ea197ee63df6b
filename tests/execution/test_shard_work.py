"""A worker works for the driver whose session it is, and leaves nothing where another one has begun."""

import json

import pytest

from uncollapse.corpora import read
from uncollapse.corpora.commit import SESSION, Receipt, Room
from uncollapse.corpora.plan import Format
from uncollapse.errors import OutputBusy, OutputRefused
from uncollapse.execution.shard_work import ShardWork, begin_session


@pytest.fixture
def room(tmp_path):
    made = Room(tmp_path / "out", "0123456789abcdef", Format.JSONL)
    made.progress.mkdir(parents=True)
    return made


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "essays.jsonl"
    path.write_text("".join(json.dumps({"text": f"essay {n}"}) + "\n" for n in range(200)))
    return read(path)


def files(room):
    return sorted(str(path.relative_to(room.folder)) for path in room.folder.rglob("*") if path.is_file())


def test_what_is_worked_for_the_driver_in_charge_is_committed(room, corpus):
    session = begin_session(room)
    *_, last = ShardWork(corpus, room, session=session)(corpus.plan.shards[0])
    assert isinstance(last, Receipt)
    assert room.committed(0) == last


def test_nothing_is_begun_for_a_driver_that_another_one_has_followed(room, corpus):
    work = ShardWork(corpus, room, session=begin_session(room))
    assert begin_session(room) != work.session
    with pytest.raises(OutputBusy, match="another run has taken over"):
        next(work(corpus.plan.shards[0]))
    assert files(room) == [f".progress/{SESSION}"]


def test_a_shard_that_is_under_way_when_another_driver_begins_is_not_committed(room, corpus):
    events = ShardWork(corpus, room, session=begin_session(room))(corpus.plan.shards[0])
    assert next(events).rows == 64
    begin_session(room)
    with pytest.raises(OutputBusy, match="another run has taken over"):
        list(events)
    assert files(room) == [f".progress/{SESSION}"]


def test_a_machine_that_does_not_see_the_output_says_so(room, corpus, tmp_path):
    work = ShardWork(corpus, Room(tmp_path / "elsewhere", room.run, room.form), session="1")
    with pytest.raises(OutputRefused, match="is not seen as the driver sees it from") as raised:
        next(work(corpus.plan.shards[0]))
    assert "storage that they share" in raised.value.hint
    assert not (tmp_path / "elsewhere").exists()
