"""Values that are known: worked by hand, or checked against other packages when the formulas were written down."""

import math

import numpy as np
import pyarrow as pa
import pytest

from uncollapse.measures import energy_distance, jensen_shannon, kullback_leibler, spectrum
from uncollapse.measures.lexical import mattr, mtld, window_types
from uncollapse.measures.repetition import compression_ratio, distinct, self_bleu, self_repetition
from uncollapse.ngrams import Case, Cutting, EqualTokens, Rule

FOX = (
    "The quick brown fox jumps over the lazy dog.",
    "The quick brown fox jumps over the lazy dog again.",
    "Suddenly, the quick brown fox leaps swiftly over the sleeping dog.",
)
# The example of lexicalrichness's README (MIT), after its preprocessing: 57 tokens, 39 types.
RICH = (
    "measure of textual lexical diversity computed as the mean length of sequential words in a text that maintains a "
    "minimum threshold ttr score iterates over words until ttr scores falls below a threshold then increase factor "
    "counter by and start over mccarthy and jarvis pg recommends a factor threshold in the range of mccarthy mccarthy "
    "and jarvis"
)
SPLIT = Cutting(rule=Rule.WHITE_SPACE, case=Case.KEEP)
SIX = np.array([10, 5, 2, 1, 1, 1])
LN2 = math.log(2)


def rows_of(*texts, cutting=SPLIT):
    sample = EqualTokens(tokens=10**6, cutting=cutting)
    sample.update(pa.record_batch({"text": pa.array(texts)}))
    return sample.result().rows()


def close(value, expected):
    return value == pytest.approx(expected, rel=0, abs=5e-11)


def test_counts_10_5_2_1_1_1():
    assert close(spectrum.entropy(SIX), 1.3727655309)
    assert close(math.exp(spectrum.entropy(SIX)), 3.9462490924)
    assert close(spectrum.miller_madow(SIX), 1.4977655309)
    assert close(1 - spectrum.repeat_chance(SIX), 0.67)
    assert close(1 / spectrum.repeat_chance(SIX), 3.0303030303)
    assert close(spectrum.unseen_mass(SIX), 0.15)


def test_entropies():
    assert close(spectrum.entropy(np.array([9, 1])) / LN2, 0.4689955936)
    assert close(spectrum.entropy(np.array([1, 1])) / LN2, 1)
    assert spectrum.entropy(np.array([5])) == spectrum.entropy(np.array([], dtype=int)) == 0


def test_divergences():
    assert close(jensen_shannon(np.array([2, 0]), np.array([1, 1])).observed, 0.2157615543)
    assert close(jensen_shannon(np.array([2, 0]), np.array([1, 1])).observed / LN2, 0.3112781245)
    assert close(jensen_shannon(np.array([2, 0]), np.array([1, 1])).observed ** 0.5, 0.4645014040)
    assert close(jensen_shannon(np.array([1, 0, 0]), np.array([0, 1, 0])).observed / LN2, 1)
    assert close(kullback_leibler(np.array([1, 1]), np.array([9, 1]), pseudo_count=0.0).observed, 0.5108256238)


@pytest.mark.parametrize(
    ("x", "y", "root"),
    [
        ([0], [2], 2),
        ([0, 0, 0, 8], [0, 0, 8, 8], 1),
        ([0.7] * 21 + [7.4] * 42 + [2.4] * 74 + [6.8] * 80, [1.4] * 76 + [8.0] * 88, 0.8800334098),
    ],
)
def test_energy_distance_is_the_square_of_the_one_dimensional_root(x, y, root):
    assert close(energy_distance(np.array(x, float)[:, None], np.array(y, float)[:, None]) ** 0.5, root)


def test_distinct():
    rows = rows_of("a a a b")
    assert distinct(rows, order=1) == 0.5
    assert distinct(rows, order=2) == pytest.approx(2 / 3, abs=1e-15)


def test_distinct_ngrams_do_not_cross_borders():
    # Joined, the three texts would have "b a" twice more: a known defect elsewhere.
    assert distinct(rows_of("a b", "a b c", "a d"), order=2) == 3 / 4


def test_compression_of_bytes_and_not_of_compressed_bytes():
    joined = " ".join(FOX).encode()
    assert len(joined) == 162
    assert compression_ratio(joined, codec="gzip") == 1.5
    assert compression_ratio(joined) == 1.6875
    many = " ".join(FOX * 10_000).encode()
    assert compression_ratio(many, codec="gzip") == pytest.approx(252.9876, abs=5e-5)


def test_self_repetition():
    lower = Cutting(rule=Rule.WHITE_SPACE)
    assert close(self_repetition(rows_of(*FOX)), 1.1945063128)
    assert close(self_repetition(rows_of(*FOX, cutting=lower)), 1.6634775289)


def test_homogeneous_and_disjoint_texts_are_at_the_ends():
    same = rows_of(*["a b c d e f"] * 5)
    apart = rows_of("a b c d e f", "g h i j k l", "m n o p q r")
    assert self_bleu(same) == pytest.approx(1, abs=1e-12)
    # No match in any order counts half a match: ((.5/6)(.5/5)(.5/4)(.5/3))^(1/4).
    assert self_bleu(apart) == pytest.approx((0.5**4 / 360) ** 0.25, abs=1e-12)
    assert self_repetition(apart) == 0
    assert self_repetition(same) == pytest.approx(math.log(1 + 3 * 4))


def test_lexical_richness():
    (row,) = rows_of(RICH)
    counts = np.unique(row, return_counts=True)[1]
    assert (len(row), len(counts)) == (57, 39)
    assert close(distinct([row], order=1), 0.6842105263)
    assert close(mattr(row, window=25), 0.8351515152)
    assert close(mtld(row), 46.7922636103)
    assert close(spectrum.yule_k(counts), 153.8935056941)
    # HD-D is the expected number of types among 42 tokens, divided by 42.
    expected = spectrum.expected_types(counts, np.array([42]), total=57)[0] / 42
    assert expected == pytest.approx(
        0.7468703323966482, abs=1e-12
    )  # by whole-number fractions; the page has ten digits


def test_types_in_a_window_by_hand():
    (row,) = rows_of("a b a a c b")
    assert window_types(row, window=3).tolist() == [2, 2, 2, 3]
    assert window_types(row, window=6).tolist() == [3]
    assert window_types(row, window=1).tolist() == [1] * 6


def test_expected_types_by_hand():
    # Of the 6 pairs out of a a b c one has one type, the others two.
    found = spectrum.expected_types(np.array([2, 1, 1]), np.array([1, 2, 3, 4]), total=4)
    assert found == pytest.approx([1, 11 / 6, 2.5, 3], abs=1e-12)
