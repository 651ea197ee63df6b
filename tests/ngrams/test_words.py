"""Words and their numbers, against a cutter that walks one character at a time."""

import re
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncollapse.errors import MissingColumn
from uncollapse.ngrams import WORDS, Case, Cutting, Marks, Rule, cut, cut_texts
from uncollapse.ngrams import words as cutting_room
from uncollapse.ngrams.hashing import LONGEST

SPLIT = Cutting(rule=Rule.WHITE_SPACE, case=Case.KEEP)
LETTERS = "ab X9.,'’-_ \n·é\u0301\u200d\u200b世ไดี👩!?\u2028\u00a0"


def tokens_of(texts, cutting=WORDS):
    return list(cut(pa.record_batch({"text": pa.array(texts, pa.large_string())}), cutting))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't panic, O’Neill!", ["don't", "panic", ",", "o’neill", "!"]),
        ("3.14 is 1,000; no.", ["3.14", "is", "1,000", ";", "no", "."]),
        ("well-known snake_case", ["well", "-", "known", "snake_case"]),
        ("...'end'", ["...'", "end", "'"]),
        ("他说你好。Hello世界", ["他", "说", "你", "好", "。", "hello", "世", "界"]),
        ("ดี กก", ["ดี", "ก", "ก"]),
        ("cafe\u0301 CAFÉ", ["café", "café"]),
        ("\u0301x a\u200bb", ["x", "a", "b"]),
        ("👩\u200d🚀 go", ["👩\u200d🚀", "go"]),
        ("a's 's b'", ["a's", "'", "s", "b", "'"]),
        ("日本〇年 3〇", ["日", "本", "〇", "年", "3", "〇"]),
        ("", []),
        (" \t\r\n\u2028", []),
    ],
)
def test_words(text, words):
    assert cut_texts([text]) == [words]


def test_marks_can_be_skipped_and_capitals_kept():
    assert cut_texts(["A b, C."], Cutting(case=Case.KEEP, marks=Marks.SKIP)) == [["A", "b", "C"]]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=12) | st.text(alphabet=LETTERS, max_size=12), max_size=6))
def test_white_space_alone_parts_words_as_python_does(texts):
    from unicodedata import normalize

    assert cut_texts(texts, SPLIT) == [normalize("NFC", text).split() for text in texts]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(max_size=12) | st.text(alphabet=LETTERS, max_size=12), max_size=6))
def test_neighbours_do_not_change_how_a_document_is_cut(texts):
    assert cut_texts(texts) == [row for text in texts for row in cut_texts([text])]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="abXY019.,'’-_ \n·!?é", max_size=30))
def test_words_agree_with_a_regular_expression(text):
    letter, digit = "[a-z_é]", "[0-9]"
    word = rf"(?:[a-z_é0-9]|(?<={letter})['’.·](?={letter})|(?<={digit})['’.,](?={digit}))+|[^\w\s]+?(?=[\w\s]|$)"
    found = re.findall(word, text.lower())
    assert cut_texts([text]) == [found]


def test_ngrams_stay_within_documents_and_are_spelt():
    (tokens,) = tokens_of(["a b c", "", "d", "e f"])
    assert tokens.documents == 4
    assert tokens.spell(2, np.arange(3)) == ["a b", "b c", "e f"]
    assert tokens.ngram_offsets(2).tolist() == [0, 2, 2, 2, 3]
    assert len(tokens.ngrams(3)) == 1
    assert len(tokens.ngrams(4)) == len(tokens.ngrams(9)) == 0


def test_numbers_depend_on_the_words_alone():
    long, longer = "x" * LONGEST, "x" * (LONGEST + 1)
    texts = ["a b c d", "zz a b c d", long, longer, f"{long} {longer} {long}y"]
    (tokens,) = tokens_of(texts)
    words = tokens.words.tolist()
    assert words[:4] == words[5:9]
    assert words[9:11] == words[11:13]
    assert len(set(words)) == 8
    assert tokens.ngrams(3)[:2].tolist() == tokens.ngrams(3)[3:5].tolist()


def test_words_of_every_length_at_every_place_have_their_own_number():
    words = [letter * size for letter in "ab" for size in range(1, 150)]
    (tokens,) = tokens_of([" " * shift + word for word in words for shift in range(9)])
    numbers = tokens.words.reshape(len(words), 9)
    assert (numbers == numbers[:, :1]).all()
    assert len(set(numbers[:, 0].tolist())) == len(words)


def test_numbers_are_the_same_in_another_process():
    program = (
        "import pyarrow as pa; from uncollapse.ngrams import cut;"
        "[t] = cut(pa.record_batch({'text': pa.array(['The quick brown fox'])})); print(t.ngrams(3).tolist())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    (tokens,) = tokens_of(["The quick brown fox"])
    assert done.stdout.strip() == str(tokens.ngrams(3).tolist())


def test_numbers_are_those_of_the_definition():
    # By Python's own integers, so that counts on disk stay comparable between versions and machines.
    texts = ["a", "quick", "Überfahrt", "internationalisation", "x" * LONGEST]
    (tokens,) = tokens_of([" ".join(texts)])
    words = [plain_number(text.lower().encode()) for text in texts]
    assert tokens.words.tolist() == words
    assert tokens.ngrams(2).tolist() == [plain_mix((a + GOLDEN) ^ b) for a, b in pairwise(words)]


GOLDEN, WRAP = 0x9E3779B97F4A7C15, 2**64 - 1


def plain_mix(value):
    value &= WRAP
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & WRAP
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & WRAP
    return value ^ (value >> 31)


def plain_number(word):
    lanes = [int.from_bytes(word[at : at + 8], "little") for at in range(0, len(word), 8)]
    number = plain_mix(lanes[0] + len(word) * GOLDEN)
    for lane in lanes[1:]:
        number = plain_mix(((number + GOLDEN) & WRAP) ^ lane)
    return number


def test_pieces_do_not_show(monkeypatch):
    texts = [f"document {n} says 你好 and don't" * (n % 3) for n in range(40)]
    whole = tokens_of(texts)
    monkeypatch.setattr(cutting_room, "PIECE", 64)
    pieces = tokens_of(texts)
    assert len(whole) == 1
    assert len(pieces) > 10
    assert sum(piece.documents for piece in pieces) == 40
    assert np.concatenate([piece.ngrams(2) for piece in pieces]).tolist() == whole[0].ngrams(2).tolist()
    assert sum(piece.unspaced for piece in pieces) == whole[0].unspaced == 2 * sum(n % 3 for n in range(40))


def test_slices_strings_and_missing_texts():
    column = pa.array(["out", "in é", None, "b"], pa.string())
    batch = pa.record_batch({"text": column}).slice(1, 3)
    (tokens,) = cut(batch)
    assert tokens.spell(1, np.arange(3)) == ["in", "é", "b"]
    assert np.diff(tokens.offsets).tolist() == [2, 0, 1]
    assert list(cut(batch.slice(0, 0))) == []


def test_a_batch_without_texts_is_an_error():
    with pytest.raises(MissingColumn, match="words"):
        list(cut(pa.record_batch({"words": pa.array(["a"])})))


def test_orders_can_be_asked_for_in_any_order():
    texts = ["a b c d e f", "g h", "a b c d e"]
    for orders in ([1, 2, 3, 5], [5, 3, 2, 1], [3, 5, 3, 1]):
        (tokens,) = tokens_of(texts)
        for order in orders:
            (fresh,) = tokens_of(texts)
            assert tokens.ngrams(order).tolist() == fresh.ngrams(order).tolist()


@pytest.mark.parametrize(
    "text",
    [
        "Ein Caf\u00e9, 12_3!!! don't\u2026 \u0130stanbul \u03a3\u03a3\u03a3",
        "\u4f60\u597d x\u0301y \u00bd",
        "a\u2028b\x1cc",
        "",
        "...\n.",
        "e\u0301 \u00e9",
    ],
)
def test_word_punct_is_the_regular_expression_of_that_name(text):
    found = cut_texts([text], Cutting(rule=Rule.WORD_PUNCT))[0]
    assert found == re.findall(r"\w+|[^\w\s]+", text.lower())
