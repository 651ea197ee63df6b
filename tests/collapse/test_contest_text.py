"""Pieces of a corpus and their three sides: nothing is shared, nothing is lost, the order of reading decides nothing."""

import numpy as np
import pytest

from uncollapse.collapse.contest.text import Copies, Vocabulary, batch_of, pieces_of, plain, stretches
from uncollapse.errors import InputError

WORDS = [f"w{number}" for number in range(50)]


def texts(count, *, length, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, length)) for _ in range(count)]


def pieces(count=1, *, length=1000, words=10, most=None):
    return pieces_of([batch_of(texts(count, length=length))], words=words, most=most, corpus="c")


def test_a_piece_is_so_many_words_in_plain_form_and_a_rest_is_left_out():
    assert stretches('The cat\nsat: "No," said it. Rest', words=4) == ["the cat sat :", '" no ," said']
    assert plain(["The  Cat sat", "Don't!", ""], words=2) == ["the cat", "don't !", ""]


def test_what_is_plain_stays_as_it_is():
    for text in stretches("“Don't!” — said Mr. O'Neill, 3.14 times; naïve (very)... 日本語 ok", words=3):
        assert plain([text], words=3) == [text]


def test_sides_share_nothing_and_hold_everything():
    found = pieces(words=10)
    assert found.by == "stream"
    sides = found.parted(3)
    assert [len(side) for side in sides] == [40, 20, 40]
    assert sorted(text for side in sides for text in side) == sorted(piece.text for piece in found.pieces)
    assert found.parted(3) == sides
    assert found.parted(4) != sides


def test_many_documents_go_to_a_side_as_a_whole():
    found = pieces(60, length=40, words=10)
    assert found.by == "document"
    sides = found.parted(0)
    document = {piece.text: piece.document for piece in found.pieces}
    owners = [{document[text] for text in side} for side in sides]
    assert [len(owner) for owner in owners] == [24, 12, 24]
    assert not owners[0] & owners[1] | owners[0] & owners[2] | owners[1] & owners[2]


def test_of_too_much_text_some_pieces_are_drawn_from_all_of_it():
    found = pieces(length=4000, words=10, most=1000)
    assert len(found.pieces) == 100
    whole = [piece.text for piece in pieces(length=4000, words=10).pieces]
    places = [whole.index(piece.text) for piece in found.pieces]
    assert places == sorted(places)
    # Of 100 places of 400 the mean has a standard deviation of 10; it is not the beginning alone.
    assert abs(np.mean(places) - 200) < 50


def test_too_little_text_is_refused_with_what_to_do():
    with pytest.raises(InputError, match="c has 40 pieces of 10 words, and a contest needs 50") as refused:
        pieces(length=400)
    assert "--length" in refused.value.hint


def test_numbers_go_to_words_and_back():
    lines = texts(5, length=12)
    vocabulary = Vocabulary.of(lines)
    read = vocabulary.read(lines, words=12)
    assert vocabulary.spell(read) == lines
    assert len(vocabulary) == len({word for line in lines for word in line.split()})
    with pytest.raises(InputError, match="text 2 has fewer than 12 words"):
        vocabulary.read([lines[0], "w1 w2"], words=12)
    with pytest.raises(InputError, match="a word that the vocabulary has not"):
        vocabulary.read(["other " * 12], words=12)


@pytest.mark.parametrize("many", [1, 60])
def test_what_came_before_is_left_out_before_the_sides_are_made(many):
    # 120 lines of ten words, as two documents or as many; each line comes twice, the second time in other clothes.
    lines = texts(120, length=10)
    once = [" ".join(lines[at::many]) for at in range(many)]
    again = [text.replace(" ", " \n ") for text in once]
    shuffled = [" ".join(line.capitalize() for line in lines[::-1])]
    found = pieces_of([batch_of([*once, *again, *shuffled])], words=10, most=None, corpus="c")
    assert found.copies == Copies(documents=many, pieces=120)
    assert [piece.text for piece in found.pieces] == [line for at in range(many) for line in lines[at::many]]
    assert found.parted(0) == pieces_of([batch_of(once)], words=10, most=None, corpus="c").parted(0)
    for seed in range(3):
        sides = found.parted(seed)
        assert not set(sides.held_out) & {*sides.training, *sides.reference}


def test_copies_do_not_make_up_for_too_little_text():
    lines = texts(1, length=400)
    with pytest.raises(InputError, match="has 40 pieces of 10 words without 2 copies, and a contest needs 50"):
        pieces_of([batch_of(lines * 3)], words=10, most=None, corpus="c")
