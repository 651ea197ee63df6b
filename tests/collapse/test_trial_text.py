"""How the text of a trial is parted."""

import numpy as np
import pytest

from uncollapse.collapse.trial.text import RUN, Row, beside, digest, half_and_half, nearness, parted, read, write
from uncollapse.errors import InputError


def rows(seed, count, length=30):
    rng = np.random.default_rng(seed)
    return [Row(" ".join(f"w{number}" for number in rng.integers(10_000, size=length))) for _ in range(count)]


def test_every_row_is_on_a_side_or_left_out_with_a_reason():
    own = rows(0, 100)
    given = [*own, own[3], Row("  \n"), Row(own[4].text.replace(" ", "\n"))]
    sides = parted(given, words=900, held_out=10, what="it")
    assert len(sides.held_out) == 10
    assert len(sides.training) == 30  # 900 words in rows of 30
    assert sides.left_out == (1, 2, 0, 60, 0, 0)
    assert not {row.text for row in sides.training} & {row.text for row in sides.held_out}
    assert parted(reversed(own), words=900, held_out=10, what="it").training == sides.training
    assert len(parted(own, words=900, held_out=1000, what="it").held_out) == 20  # a fifth at most


def test_rows_near_to_held_out_ones_are_gone():
    own = rows(1, 60)
    sides = parted(own, words=10_000, held_out=8, what="it")
    words = sides.held_out[0].text.split()
    near = Row("new words " + " ".join(words[5 : 5 + RUN]) + " and more")
    far = Row("new words " + " ".join(words[5 : 4 + RUN]) + " and more of them so that it is long enough to be told")
    chosen = beside([near, far, sides.held_out[1], *rows(2, 3)], sides.held_out)
    assert far in chosen.rows
    assert near not in chosen.rows
    assert chosen.left_out == (0, 0, 2, 0, 0, 0)


def test_a_phrase_of_several_held_out_rows_is_no_copy_but_a_row_of_nothing_else_is():
    notice = " ".join(f"n{number}" for number in range(RUN))
    held_out = [Row(f"{row.text} {notice}") for row in rows(3, 2)]
    guard = nearness(held_out)
    assert not guard(Row(f"something else altogether {notice}"))  # 1 run of 4
    assert not guard(Row(f"else {notice}"))  # 1 of 2
    assert guard(Row(notice))
    assert guard(held_out[0])
    twins = [held_out[0], Row(held_out[0].text.upper())]  # no run of theirs stands in one alone
    assert nearness(twins)(Row(held_out[0].text.replace(" ", ", ")))


def test_of_near_copies_one_takes_part():
    """Each row thrice, in other letters and with other marks: with a fifth held out, most would have twins there."""
    own = rows(5, 60, length=60)
    thrice = [*own, *(Row(row.text.upper()) for row in own), *(Row(row.text.replace(" ", ", ") + "!") for row in own)]
    sides = parted(thrice, words=100_000, held_out=12, what="it")
    assert sides.left_out.near_copies == 120
    assert (len(sides.held_out), len(sides.training)) == (12, 48)
    assert len({tuple(row.words) for row in (*sides.training, *sides.held_out)}) == 60


def test_human_text_is_not_taken_for_a_models():
    own = rows(6, 12)
    chosen = beside([*rows(7, 3), Row(own[0].text.replace(" ", "  ")), own[1]], [], human=own)
    assert len(chosen.rows) == 3
    assert chosen.left_out.human == 2
    same = beside(own, [], human=own)
    with pytest.raises(InputError, match="has 0 bytes of text that is apart from held-out text and not given as human"):
        half_and_half(own, same.rows, what="it")


def test_the_same_question_is_never_on_both_sides():
    guard = nearness([Row("Yes.", "Is it so?")])
    assert guard(Row("It is not, whatever they say of it.", "Is  it so?"))
    assert guard(Row("Yes.", "Is it so?"))
    assert not guard(Row("Yes.", "Was it so?"))


def test_half_and_half_by_bytes():
    human = [Row("a" * 10)] * 10
    made = [Row("b" * 25)] * 9
    ours, theirs = half_and_half(human, made, what="it")
    assert (len(ours), len(theirs)) == (5, 2)
    with pytest.raises(InputError, match="40 bytes"):
        half_and_half(human, [Row("b" * 20)] * 2, what="it")


def test_too_little_is_refused():
    with pytest.raises(InputError, match="20 different rows, of which 4 are held out"):
        parted(rows(4, 20), words=100, held_out=8, what="it")
    with pytest.raises(InputError, match=r"80 of the\s+others are not too near to these, and of them 4 make 100 words"):
        parted(rows(4, 100), words=100, held_out=30, what="it")


def test_rows_lie_in_files_as_they_are(tmp_path):
    own = [Row("naïve\n", "why?"), Row("<b>")]
    write(own, tmp_path / "a" / "rows.parquet")
    assert read(tmp_path / "a" / "rows.parquet") == own
    write(own[:1], tmp_path / "a" / "rows.parquet")  # what is there stays
    assert read(tmp_path / "a" / "rows.parquet") == own
    assert digest(own) != digest(own[::-1])
