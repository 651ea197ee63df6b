"""Edits as bytes: every round can be undone, whatever the text holds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncollapse.document import Edit
from uncollapse.editing.respelling import Replacement, compose, respell
from uncollapse.provenance import first_text

HOSTILE = st.text(alphabet=st.characters(codec="utf-8"), max_size=40)


def boundaries(text: bytes) -> list[int]:
    """Where a character begins, and the end."""
    return [i for i, byte in enumerate(text) if byte & 0xC0 != 0x80] + [len(text)]


@settings(max_examples=400)
@given(st.data())
def test_any_number_of_rounds_can_be_undone(data: st.DataObject) -> None:
    first = text = data.draw(HOSTILE).encode()
    edits: tuple[Edit, ...] = ()
    for _ in range(data.draw(st.integers(1, 4))):
        cuts = sorted(data.draw(st.sets(st.sampled_from(boundaries(text)), max_size=8)))
        replacements = [
            Replacement(start, end, data.draw(st.text(max_size=4)).encode(), data.draw(st.floats(0, 1)))
            for start, end in zip(cuts[::2], cuts[1::2], strict=False)
        ]
        after = respell(text, replacements)
        edits = compose(text, edits, replacements)
        assert first_text(after, edits) == first
        assert list(edits) == sorted(edits, key=lambda edit: edit.position)
        text = after
    for edit in edits:
        there = first[edit.position : edit.position + len(edit.before.encode())]
        assert there == edit.before.encode()


def test_neighbours_stay_two_edits() -> None:
    edits = compose(b"one two three", (), [Replacement(3, 7, b" 2", 0.5), Replacement(7, 13, b" 3", 0.25)])
    assert edits == (Edit(3, " two", " 2", 0.5), Edit(7, " three", " 3", 0.25))


def test_a_second_round_on_the_same_word_is_one_edit() -> None:
    first = compose(b"a dog ran", (), [Replacement(1, 5, b" cat", 0.5)])
    second = compose(b"a cat ran", first, [Replacement(1, 5, b" mouse", 0.1)])
    assert second == (Edit(1, " dog", " mouse", 0.1, rounds=2),)


def test_positions_count_in_the_first_text() -> None:
    """The first round makes the text three bytes longer; the second round's edit stands where it stood before that."""
    first = compose("é b c".encode(), (), [Replacement(2, 4, b" long", 0.5)])
    second = compose("é long c".encode(), first, [Replacement(7, 9, b" d", 0.2)])
    assert second == (Edit(2, " b", " long", 0.5), Edit(4, " c", " d", 0.2))


def test_a_replacement_across_an_old_edit_takes_it_in() -> None:
    first = compose(b"abcdef", (), [Replacement(2, 4, b"X", 0.5)])
    assert compose(b"abXef", first, [Replacement(1, 4, b"Y", 0.3)]) == (Edit(1, "bcde", "Y", 0.3, rounds=2),)


def test_a_deletion_beside_a_later_edit() -> None:
    gone = compose(b"abcd", (), [Replacement(1, 2, b"", 0.5)])
    assert gone == (Edit(1, "b", "", 0.5),)
    both = compose(b"acd", gone, [Replacement(1, 2, b"C", 0.4)])
    assert both == (Edit(1, "b", "", 0.5), Edit(2, "c", "C", 0.4))
    assert first_text(b"aCd", both) == b"abcd"


def test_a_text_that_was_changed_afterwards_is_not_reverted() -> None:
    edits = compose(b"a dog ran", (), [Replacement(1, 5, b" cat", 0.5)])
    with pytest.raises(ValueError, match=r"at byte 1 .*' cat'"):
        first_text(b"a cow ran", edits)
