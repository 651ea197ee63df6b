"""Who has the key finds the mark; who has another finds nothing; and chance is what it is said to be."""

import numpy as np
import pytest

from uncollapse.errors import MissingInput, UsageError
from uncollapse.language_models.counted import CountedModel
from uncollapse.language_models.model import Request, Tokens
from uncollapse.sampling import Decoding
from uncollapse.watermark import corpus_evidence, evidence, group_of, key_name, keys_of, read_key
from uncollapse.watermark.evidence import coin_table
from uncollapse.watermark.keys import GROUPS

KEY, OTHER = "a secret of the tests, long enough", "another secret of the tests"


class Spelled:
    """Texts that are token ids, written out."""

    def encode(self, texts):
        texts = [[int(token) for token in text.split()] for text in texts]
        offsets = np.cumsum([0, *map(len, texts)])
        ids = np.concatenate([np.empty(0, np.int32), *[np.array(text, np.int32) for text in texts]])
        return Tokens(
            ids.astype(np.int32),
            offsets[:-1].astype(np.int64),
            offsets.astype(np.int64),
            np.zeros((len(ids), 2), np.int64),
        )


@pytest.fixture(scope="module")
def texts():
    """24 texts of 80 tokens by a model with many equally likely words, half of them marked."""
    words = [f"w{n:03d}" for n in range(120)]
    generator = np.random.default_rng(8)
    model = CountedModel.fit([" ".join(generator.permutation(words)) for _ in range(6)], order=1)
    made = model.generate(
        [
            Request(np.empty(0, np.int32), generator.random(80), keys_of(KEY, number % GROUPS) if number < 12 else None)
            for number in range(24)
        ],
        decoding=Decoding(),
    )
    return [said(text.ids) for text in made]


def said(ids):
    return " ".join(map(str, ids))


def test_marked_texts_are_found_with_their_group(texts):
    found = evidence(texts, KEY, Spelled())
    assert (found.p[:12] < 1e-6).all()
    assert found.group[:12].tolist() == [number % GROUPS for number in range(12)]
    assert (found.p[12:] > 1e-4).all()  # twelve fair texts: a false alarm in a thousand runs
    assert (found.ngrams == 76).all()  # 80 tokens, each n-gram's context new


def test_another_key_finds_nothing(texts):
    assert (evidence(texts, OTHER, Spelled()).p > 1e-4).all()


def test_chance_is_nearly_uniform_on_text_without_a_mark():
    """2,000 random texts: p below 0.05 in as many as a binomial with that chance gives (false alarms 1e-6)."""
    from scipy.stats import binom

    generator = np.random.default_rng(4)
    texts = [said(ids) for ids in generator.integers(0, 40_000, (2000, 60))]
    found = evidence(texts, KEY, Spelled())
    # Eight groups at p <= 0.05 / 8 each: 1 - (1 - 0.00625)^8 = 0.0489.
    alarms = int((found.p <= 0.05).sum())
    chance = 1 - (1 - 0.05 / GROUPS) ** GROUPS
    assert binom.ppf(1e-6, 2000, chance) <= alarms <= binom.isf(1e-6, 2000, chance) + 40  # tails of weighted coins


def test_a_corpus_is_found_out_by_a_share_of_it(texts):
    found = corpus_evidence(texts, KEY, Spelled(), groups=[number % GROUPS for number in range(24)])
    assert found.p < 1e-9
    assert 0 < found.low < found.excess < found.high
    blind = corpus_evidence(texts, KEY, Spelled())
    assert blind.p < 1e-6
    assert blind.excess < found.excess
    fair = corpus_evidence(texts[12:], KEY, Spelled())
    assert fair.low < 0 < fair.high


def test_a_text_said_twice_counts_once(texts):
    once, twice = (corpus_evidence(lines, KEY, Spelled()) for lines in (texts[:3], texts[:3] * 2))
    assert once == twice
    ids = np.array([1, 2, 3, 4, 5, 1, 2, 3, 4, 6, 1, 2, 3, 4], np.int64)
    # Ten n-grams; the second with the context 1 2 3 4 says nothing new.
    assert len(coin_table(ids, keys_of(KEY, 0)[None])) == 9


def test_texts_that_are_too_short_say_nothing():
    found = evidence(["", "1 2 3 4"], KEY, Spelled())
    assert found.p.tolist() == [1.0, 1.0]
    assert found.ngrams.tolist() == [0, 0]
    assert corpus_evidence([], KEY, Spelled()).p == 1.0


def test_keys_of_groups_differ_and_are_always_the_same():
    keys = [keys_of(KEY, group) for group in range(GROUPS)]
    assert len({tuple(line) for line in np.array(keys).tolist()}) == GROUPS
    assert all(len(np.unique(line % (1 << 16))) == 30 for line in keys)
    assert not np.array_equal(keys_of(OTHER, 0), keys[0])
    assert key_name(KEY) == key_name(KEY) != key_name(OTHER)
    assert {group_of(f"document {n}") for n in range(200)} == set(range(GROUPS))


def test_key_files(tmp_path):
    path = tmp_path / "mark.key"
    with pytest.raises(MissingInput, match=r"mark\.key"):
        read_key(path)
    path.write_text("  short \n")
    with pytest.raises(UsageError, match="at least 16"):
        read_key(path)
    path.write_text(f"\n{KEY}\n")
    assert read_key(path) == KEY
