"""The text of a study in three parts, and what is in none."""

import json

import numpy as np
import pytest

from made_text import made
from uncollapse.collapse.forecast.composing import composed, taken
from uncollapse.collapse.forecast.text import HUMAN, Given, digest_of, parted, runs_of, sharing
from uncollapse.collapse.forecast.tokens import counted, read_counted, surprise, write_counted
from uncollapse.errors import InputError, MissingColumn
from uncollapse.ngrams import cut_texts

PERSON, MACHINE = made(120, seed=1), made(100, seed=2)


def put(path, texts, **columns):
    rows = [{"text": text, **{name: values[at] for name, values in columns.items()}} for at, text in enumerate(texts)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture
def sides(tmp_path):
    return Given((put(tmp_path / "h.jsonl", PERSON),), (put(tmp_path / "s.jsonl", MACHINE),))


def texts(documents):
    return [document.text for document in documents]


def test_every_document_is_in_one_part_and_the_draw_is_the_texts_own(sides, tmp_path):
    found = parted(sides, held_out=0.25)
    assert (len(found.human), len(found.held_out), len(found.synthetic)) == (90, 30, 100)
    assert {*texts(found.human), *texts(found.held_out)} == set(PERSON)
    assert not any(found.left_out.values())
    assert (found.broken, found.rows) == (0, 220)
    turned = Given((put(tmp_path / "r.jsonl", PERSON[::-1]),), sides.synthetic)
    again = parted(turned, held_out=0.25)
    assert texts(again.held_out) == texts(found.held_out)
    assert digest_of(again) != digest_of(found)  # the domain is the file


def test_copies_are_left_out_and_so_is_what_gives_held_out_text_away(sides, tmp_path):
    first = parted(sides, held_out=0.25)
    secret = cut_texts([first.held_out[0].text])[0]
    given_away = " ".join(["quite", "another", "opening", *secret[:13], "and", "an", "end"])
    harmless = " ".join(["quite", "another", "opening", *secret[:12], "and", "an", "end"])
    synthetic = [*MACHINE, MACHINE[0], PERSON[0], given_away, harmless, "  "]
    found = parted(Given(sides.human, (put(tmp_path / "s2.jsonl", synthetic),)), held_out=0.25)
    left = {reason: count for reason, count in found.left_out.items() if count}
    assert left == {
        "synthetic: empty": 1,
        "synthetic: copy": 1,
        "synthetic: the same text is human": 1,
        "synthetic: 13 words in a row are held out": 1,
    }
    assert harmless in texts(found.synthetic)
    assert len(found.synthetic) == 101
    assert any("word for word" in warning for warning in found.warnings)


def test_runs_are_those_of_thirteen_words():
    words = [f"w{at}" for at in range(20)]
    runs = runs_of([" ".join(words)])
    assert len(runs) == 8
    there, not_there = " ".join(words[5:18]), " ".join(words[5:17])
    assert sharing([there, not_there, there.upper(), ""], runs).tolist() == [True, False, True, False]
    assert runs_of(["too short"]).tolist() == []


def test_other_text_may_be_measured_by_and_none_is_held_out_then(sides, tmp_path):
    other = put(tmp_path / "o.jsonl", made(40, seed=3), topic=["a", "b"] * 20)
    found = parted(Given(sides.human, sides.synthetic, (other,), by="topic"), held_out=0.25)
    assert (len(found.human), len(found.held_out)) == (120, 40)
    assert [sum(each.domain == name for each in found.held_out) for name in "ab"] == [20, 20]
    with pytest.raises(MissingColumn, match="no column 'topic'"):
        parted(Given(sides.human, sides.synthetic, by="topic"), held_out=0.25)


def test_human_text_that_says_otherwise_is_refused(sides, tmp_path):
    made_by = put(tmp_path / "m.jsonl", PERSON, origin=["synthetic"] * 120)
    with pytest.raises(InputError, match="given as human, and is not: its column origin says synthetic, in 120"):
        parted(Given((made_by,), sides.synthetic), held_out=0.25)


def test_a_synthetic_side_that_is_the_human_one_is_refused(sides):
    with pytest.raises(InputError, match=r"no synthetic document is left|word for word"):
        parted(Given(sides.human, sides.human), held_out=0.25)


def test_too_few_held_out_documents_are_refused_with_what_to_do(sides, tmp_path):
    with pytest.raises(InputError, match="12 held-out documents, and intervals need 20") as refused:
        parted(sides, held_out=0.1)
    assert "--held-out" in refused.value.hint
    few = put(tmp_path / "few.jsonl", made(5, seed=3))
    with pytest.raises(InputError, match="5 held-out documents"):
        parted(Given(sides.human, sides.synthetic, (few,)), held_out=0.1)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    given = Given((put(folder / "h.jsonl", PERSON),), (put(folder / "s.jsonl", MACHINE),))
    return counted(parted(given, held_out=0.25), ["counted", "small"])


def test_text_comes_back_from_the_disk_as_it_went(text, tmp_path):
    write_counted(text, tmp_path)
    again = read_counted(tmp_path)
    assert {part: list(own) for part, own in again.documents.items()} == {
        part: list(own) for part, own in text.documents.items()
    }
    for size, parts in text.tokens.items():
        for part, counts in parts.items():
            assert again.tokens[size][part].tolist() == counts.tolist()
    assert text.whole("small", HUMAN) < text.whole("counted", HUMAN)  # more pieces, fewer tokens
    assert 0 < text.frequencies["counted"] < np.log(1024)


def test_surprise_by_frequencies_is_worked_by_hand():
    """Known 2.5 and .5 of 3 with half a token added: -(3 ln(5/6) + ln(1/6)) / 4."""
    found = surprise(np.array([3.0, 1.0]), np.array([2.0, 0.0]))
    assert found == pytest.approx(-(3 * np.log(5 / 6) + np.log(1 / 6)) / 4)


def test_a_share_reads_the_beginning_of_what_a_greater_one_reads(text):
    quarter, half = (composed(text, size="counted", share=share, tokens=8000, seed=0) for share in (0.25, 0.5))
    assert (quarter.human.tokens, quarter.synthetic.tokens) == (6000, 2000)
    assert half.synthetic.texts[: len(quarter.synthetic.texts) - 1] == quarter.synthetic.texts[:-1]
    assert quarter.human.texts[: len(half.human.texts) - 1] == half.human.texts[:-1]
    other = composed(text, size="counted", share=0.25, tokens=8000, seed=1)
    assert other.human.texts[:5] != quarter.human.texts[:5]
    assert composed(text, size="counted", share=0.0, tokens=8000, seed=0).synthetic == ([], 0, 0.0)


def test_tokens_are_met_by_cutting_the_last_document_and_reading_again():
    documents = ["a b c d e f g h", "i j k l m n o p", "q r s t u v w x"]
    counts, order = np.array([9, 9, 9]), np.array([2, 0, 1])
    some = taken(documents, counts, order=order, wanted=14)
    assert some.texts == [documents[2], "a b c d"]
    assert some.epochs == pytest.approx(14 / 27)
    twice = taken(documents, counts, order=order, wanted=36)
    assert twice.texts == [documents[2], documents[0], documents[1], documents[2]]
    assert twice.epochs == pytest.approx(36 / 27)
