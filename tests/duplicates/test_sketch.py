import numpy as np
import pyarrow as pa
import pytest

from uncollapse.duplicates.sketch import HIGHEST, LEAST, SCALES, _in_order, sketches_of, together
from uncollapse.duplicates.smoothing import smooth
from uncollapse.errors import UsageError


def sketched(texts, **options):
    return sketches_of(smooth(pa.array(texts, pa.large_string())), **options)


def test_runs_of_three_words_each_once_for_each_document():
    # "a b a b a b": a-b-a and b-a-b; two words are one run; none has none.
    found = sketched(["a b a b a b", "A, b.", "", "a b a"])
    assert found.runs.tolist() == [2, 1, 0, 1]
    assert (np.diff(found.hashes.astype(object)) >= 0).all()
    shared = set(found.hashes[found.document == 0].tolist()) & set(found.hashes[found.document == 3].tolist())
    assert len(shared) == 1


def test_quotes_marks_capitals_and_unseen_signs_do_not_count():
    one, other = (
        sketched(["\u201cDon\u2019t go,\u201d he said \u2014 twice."]),
        sketched(["don't go he s\u200baid twi\u00adce\U000e0041"]),
    )
    assert one.hashes.tolist() == other.hashes.tolist()
    assert len(one.hashes) == 3


def test_the_order_of_runs_can_be_another():
    assert sketched(["a b c d"], order=1).runs.tolist() == [4]
    assert sketched(["a b c d"], order=4).runs.tolist() == [1]


@pytest.mark.parametrize(
    ("runs", "scale"),
    [(1, 1), (2 * LEAST - 1, 1), (2 * LEAST, 2), (4 * LEAST, 4), (16 * LEAST, 16), (500 * LEAST, 16)],
)
def test_the_scale_follows_the_length(runs, scale):
    found = sketched([" ".join(f"w{n}" for n in range(runs + 2))])
    assert found.runs.tolist() == [runs]
    assert 1 << int(found.shifts[0]) == scale


def test_a_text_that_repeats_itself_keeps_all_of_its_few_runs():
    found = sketched(["the cat sat " * 5000])
    assert found.runs.tolist() == [3]
    assert len(found.cut().hashes) == 3


def test_what_is_kept_is_what_is_below_the_bound():
    found = sketched([" ".join(f"w{n}" for n in range(5000)), "a b c d"])
    for column, highest in enumerate(HIGHEST):
        low = found.hashes <= highest
        assert found.kept[:, column].tolist() == np.bincount(found.document[low], minlength=2).tolist()
    kept = found.cut()
    assert kept.hashes[kept.document == 0].max() <= HIGHEST[4]
    # 4,998 runs, each kept with a chance of 1/16: 312 with a standard deviation of 17.
    assert abs(int((kept.document == 0).sum()) - 312) < 5 * 17
    assert int((kept.document == 1).sum()) == 2


@pytest.mark.parametrize("scale", SCALES)
def test_a_scale_for_all(scale):
    assert (1 << sketched(["a b c", "d e f g"], scale=scale).shifts == scale).all()


def test_parts_are_the_whole():
    texts = [f"one two three four n{n}" for n in range(9)]
    whole, parts = sketched(texts), together([sketched(texts[:4]), sketched([]), sketched(texts[4:])])
    for name in ("hashes", "document", "runs", "shifts"):
        assert getattr(whole, name).tolist() == getattr(parts, name).tolist()


@pytest.mark.parametrize("options", [{"order": 0}, {"scale": 3}, {"scale": 0}, {"scale": 32}])
def test_what_cannot_be_is_refused(options):
    with pytest.raises(UsageError):
        sketched(["a"], **options)


@pytest.mark.parametrize("distinct", [2**63, 50, 1])
def test_numbers_are_put_in_order_as_a_stable_sort_does(distinct):
    rng = np.random.default_rng(5)
    values = rng.integers(0, distinct, 3000).astype(np.uint64)
    document = np.sort(rng.integers(0, 40, 3000))
    place = np.argsort(values, kind="stable")
    found = _in_order(values, document)
    assert np.array_equal(found[0], values[place])
    assert np.array_equal(found[1], document[place])


def test_numbers_that_differ_in_their_lowest_bits_alone_are_put_in_order():
    values = np.array([3, 1, 2, 1, 0], np.uint64) | np.uint64(1 << 60)
    ordered, document = _in_order(values, np.arange(5))
    assert (ordered & np.uint64(7)).tolist() == [0, 1, 1, 2, 3]
    assert document.tolist() == [4, 1, 3, 2, 0]
