import numpy as np
import pytest

from uncollapse.auditing.passages import FEWEST, LARGEST, LENGTH, few, first_passage, most_words, passages, shortened
from uncollapse.auditing.pool import Pool
from uncollapse.document import Document, to_batch


def documents_of(texts):
    pool = Pool(tokens=10**7)
    pool.update(to_batch([Document(text=text) for text in texts]))
    return pool.result()


def documents(*lengths):
    return documents_of([" ".join(f"w{n}x{at}" for at in range(n)) for n in lengths])


def test_no_byte_is_left_out_and_each_but_the_last_has_250_words():
    long = "  " + "\n".join(" ".join(f"w{line * 7 + at}" for at in range(7)) for line in range(100)) + " \n"
    sample = documents_of([long, "short one"])
    parts = passages(sample)
    by_root = {row.root: "" for row in parts.rows}
    for row, text in zip(parts.rows, parts.texts, strict=True):
        by_root[row.root] += text
    assert sorted(by_root.values()) == sorted([long, "short one"])
    assert sorted(np.diff(parts.offsets).tolist()) == [2, 200, 250, 250]
    assert [row.passage for row in parts.rows if parts.rows.count(row)] == [
        at for text in sample.texts for at in range(3 if text == long else 1)
    ]
    assert parts.words.tolist() == sample.words.tolist()
    assert first_passage(long).split() == [f"w{at}" for at in range(250)]


def test_passages_of_a_copied_document_are_copies():
    text = " ".join(f"w{at}" for at in range(300))
    assert passages(documents_of([text, text, "other"])).copies.tolist().count(2) == 2


def test_scripts_without_spaces_are_cut_by_the_character():
    text = "他说你好。猫坐在垫子上。" * 100
    cut = passages(documents_of([text]))
    assert len(cut) > 4
    assert "".join(cut.texts) == text
    assert len(first_passage(text)) <= 1.5 * LENGTH


def test_few_documents_are_few():
    assert few(documents(*range(1, FEWEST)))
    assert not few(documents(*range(1, FEWEST + 1)))


@pytest.mark.parametrize("longest", [1500, 5000, 100_000])
def test_no_document_outweighs_the_rest(longest):
    held = documents(*range(100, 160), longest)
    most = most_words(held)
    cut, number = shortened(held, most=most)
    assert number == 1
    assert most % LENGTH == 0
    lengths = np.diff(cut.offsets)
    assert lengths.max() == most <= LARGEST * lengths.sum()
    assert most + LENGTH > LARGEST * (lengths.sum() + LENGTH) or most + LENGTH > longest
    before = dict(zip([row.id for row in held.rows], held.texts, strict=True))
    assert all(before[row.id].startswith(text) for row, text in zip(cut.rows, cut.texts, strict=True))


def test_even_documents_stay_as_they_are():
    assert most_words(documents(*range(100, 160))) is None
    assert most_words(documents()) is None


def test_short_documents_are_not_cut_below_a_passage():
    # One of 12 has more than a tenth whatever is cut off: a passage stays.
    assert most_words(documents(900, *range(1, 12))) == LENGTH
