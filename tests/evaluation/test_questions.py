"""Questions out of task files: each known form, and what is none."""

import json

import pytest

from uncollapse.errors import BrokenRow, InputError, MissingInput
from uncollapse.evaluation.questions import Question, read_questions


def written(tmp_path, *rows):
    path = tmp_path / "task.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "question"),
    [
        (
            {"query": "Two and two are ", "choices": ["four", " five"], "gold": 0},
            Question(["Two and two are"] * 2, [" four", " five"], 0),
        ),
        (
            {"context_options": ["The cat ", "The dog "], "continuation": "mews.", "gold": 0},
            Question(["The cat", "The dog"], [" mews."] * 2, 0),
        ),
        (
            {"ctx": "She opens the door", "endings": ["and sings.", "and goes in."], "label": "1"},
            Question(["She opens the door"] * 2, [" and sings.", " and goes in."], 1),
        ),
        ({"context": "Once upon a", "continuation": "time"}, Question(["Once upon a"], [" time"], 0)),
        (
            {"sentence_good": "He has gone.", "sentence_bad": "He have gone."},
            Question(["", ""], ["He has gone.", "He have gone."], 0),
        ),
    ],
)
def test_known_forms(tmp_path, row, question):
    assert read_questions(written(tmp_path, row)) == [question]


def test_empty_lines_do_not_count(tmp_path):
    row = {"query": "A", "choices": ["b", "c"], "gold": 1}
    assert len(read_questions(written(tmp_path, row, "", "  ", row))) == 2


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "line 2: Expecting"),
        ("[1, 2]", "line 2 is a question of no known form"),
        ({"question": "Why?"}, "line 2 is a question of no known form"),
        ({"query": "A", "choices": ["b", "c"], "gold": 2}, "line 2 is a question of no known form"),
        ({"query": "A", "choices": ["b", "c"], "gold": -1}, "line 2 is a question of no known form"),
        ({"query": "A", "choices": [], "gold": 0}, "line 2 is a question of no known form"),
        ({"query": "A", "choices": ["b", "c"]}, "line 2: 'gold'"),
        ({"query": "A", "choices": ["b", "c"], "gold": "first"}, "line 2: invalid literal"),
    ],
)
def test_what_is_no_question_is_named_by_its_line(tmp_path, row, said):
    good = {"query": "A", "choices": ["b", "c"], "gold": 1}
    with pytest.raises(BrokenRow, match=said):
        read_questions(written(tmp_path, good, row))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(MissingInput, match=r"none\.jsonl: No such file"):
        read_questions(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="has no questions"):
        read_questions(written(tmp_path, ""))
    (tmp_path / "latin.jsonl").write_bytes('{"query": "é"}'.encode("latin-1"))
    with pytest.raises(BrokenRow, match="is not UTF-8"):
        read_questions(tmp_path / "latin.jsonl")
