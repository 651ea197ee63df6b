"""A reference in two parts: nothing is in both, which part a document is in is a matter of its id, few are not parted."""

import json

from uncollapse.selection.held_out import Reference


def write(path, texts):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return str(path)


def ids(part):
    return {mark for batch in part for mark in batch.column("id").to_pylist()}


TEXTS = [f"text {n}" for n in range(200)]


def test_the_parts_are_the_whole_and_have_nothing_in_common(tmp_path):
    there = Reference.of([write(tmp_path / "a.jsonl", TEXTS)], [], share=0.2)
    back = Reference.of([write(tmp_path / "b.jsonl", TEXTS[::-1])], [], share=0.2)
    assert not ids(there.target) & ids(there.judge)
    assert len(ids(there.target) | ids(there.judge)) == 200
    assert ids(there.judge) == ids(back.judge)
    # 40 are expected, with a standard deviation of 5.7.
    assert 40 - 5 * 5.7 < len(ids(there.judge)) < 40 + 5 * 5.7


def test_few_are_not_parted_and_other_text_may_judge(tmp_path):
    few = Reference.of([write(tmp_path / "a.jsonl", TEXTS[:19])], [], share=0.2)
    assert few.judge is None
    assert len(ids(few.target)) == 19
    other = Reference.of([write(tmp_path / "b.jsonl", TEXTS)], [write(tmp_path / "c.jsonl", ["other"])], share=0.2)
    assert len(ids(other.target)) == 200
    assert len(ids(other.judge)) == 1
    assert other.as_json()["judge"]["share"] == 1.0


def test_without_a_reference_there_is_neither():
    assert Reference.of([], [], share=0.2) == Reference(None, None)
