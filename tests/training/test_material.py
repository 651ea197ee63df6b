"""What is learned from, out of a corpus: texts, humans among them, questions, weights, descent."""

import json

import pytest

from uncollapse.corpora import read
from uncollapse.errors import BrokenRow, ColumnClash, MissingColumn
from uncollapse.training.material import (
    Questions,
    descent_of,
    instruction_material_of,
    material_of,
    questions_of,
)
from uncollapse.training.tokens import Pair


def corpus(tmp_path, rows, **given):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read(path, **given)


ROWS = [
    {"text": "A bird sings.", "worth": 2.0},
    {"text": "It rains.", "worth": 0},
    {"text": "The cat sleeps.", "worth": 0.5},
]


def test_texts_and_weights_belong_together_and_what_weighs_nothing_is_left_out(tmp_path):
    found = material_of(corpus(tmp_path, ROWS), weights="worth")
    for _ in range(2):
        assert list(found.texts) == list(found.human) == ["A bird sings.", "The cat sleeps."]
        assert list(found.weights) == [2.0, 0.5]
    assert found.parentage["origins"] == {"human": 2}


def test_without_weights_every_text_is_learned(tmp_path):
    found = material_of(corpus(tmp_path, ROWS))
    assert list(found.texts) == [row["text"] for row in ROWS]
    assert found.weights is None
    assert found.parentage["origins"] == {"human": 3}


@pytest.mark.parametrize("value", [-1.0, None])
def test_what_is_no_weight_is_named(tmp_path, value):
    rows = [*ROWS, {"text": "Snow falls on the house.", "worth": value}]
    with pytest.raises(BrokenRow, match=rf"rows\.jsonl: the text 'Snow falls on the house\.' has the weight {value}"):
        list(material_of(corpus(tmp_path, rows), weights="worth").weights)


def test_a_column_that_is_not_there(tmp_path):
    with pytest.raises(MissingColumn, match="no input has a column 'value' of weights; there are 'worth'"):
        material_of(corpus(tmp_path, ROWS), weights="value")


def test_a_column_of_other_things(tmp_path):
    rows = [*ROWS, {"text": "Snow falls.", "worth": "much"}]
    with pytest.raises(ColumnClash, match="the column 'worth' has other things beside numbers"):
        list(material_of(corpus(tmp_path, rows), weights="worth").weights)


def test_no_human_text_is_told_apart_where_there_is_none(tmp_path):
    found = material_of(corpus(tmp_path, ROWS, origin="synthetic"))
    assert found.human is None
    assert found.parentage["origins"] == {"synthetic": 3}


def test_questions_by_what_they_are_called():
    assert questions_of(["id", "text", "instruction", "input"]) == Questions("instruction", "input")
    assert questions_of(["text", "question", "prompt"]) == Questions("prompt", None)
    assert questions_of(["text", "q", "context"], asked="q") == Questions("q", None)
    with pytest.raises(MissingColumn, match="no column 'q'; there are text"):
        questions_of(["text"], asked="q")
    with pytest.raises(MissingColumn, match="no column with the question"):
        questions_of(["text", "title"])


PAIRS = [
    {"instruction": "Name a bird.", "input": "", "output": "Wren.", "worth": 1.0},
    {"instruction": "Add.", "input": "2 and 3", "output": "5", "worth": 0.0},
    {"instruction": "Greet.", "input": None, "output": "Hello!", "worth": 4.0},
]


def test_questions_with_what_they_are_about(tmp_path):
    source = corpus(tmp_path, PAIRS, text_column="output")
    found = instruction_material_of(source, Questions("instruction", "input"))
    assert list(found.texts) == [
        Pair("Name a bird.", "Wren."),
        Pair("Add.\n\n2 and 3", "5"),
        Pair("Greet.", "Hello!"),
    ]
    weighed = instruction_material_of(source, Questions("instruction", "input"), weights="worth")
    assert [pair.answer for pair in weighed.texts] == ["Wren.", "Hello!"]
    assert list(weighed.weights) == [1.0, 4.0]


def test_an_answer_without_a_question_is_named(tmp_path):
    source = corpus(tmp_path, [*PAIRS, {"instruction": " ", "input": "x", "output": "Yes."}], text_column="output")
    with pytest.raises(BrokenRow, match=r"the answer 'Yes\.' has no question in 'instruction'"):
        list(instruction_material_of(source, Questions("instruction", "input")).texts)


def test_descent_is_the_root_of_the_texts_whatever_their_order(tmp_path):
    one = descent_of(corpus(tmp_path, ROWS))
    other = descent_of(corpus(tmp_path, ROWS[::-1]))
    assert one == other
    assert one.depth == 0
    assert one.human == 3
    assert len(one.roots) == 1
    less = descent_of(corpus(tmp_path, ROWS[:2]))
    assert less.roots != one.roots
