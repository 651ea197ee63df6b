"""What is said of a generation, worked by hand."""

import numpy as np
import pytest

from uncollapse.collapse.language import measures
from uncollapse.collapse.language.measures import Seen
from uncollapse.collapse.language.text import Held

NAN = float("nan")


def test_perplexity_bits_and_tail_by_hand():
    """Nats 1, 2, 3 and one token without any; 2, 4, 2 bytes; the last is rare: mean 2, 6 / 8 / ln 2 bits, tail e^3."""
    held = Held(
        np.array([[5, 6], [7, 8]], np.int32), np.array([[9, 2], [4, 2]]), np.array([[True, False], [False, True]])
    )
    found = Seen(np.array([[NAN, 1.0], [2.0, 3.0]]), np.array([[NAN, 0.5], [0.75, 1.0]]))
    assert measures.of_model(found, held) == pytest.approx(
        {
            "perplexity": np.exp(2),
            "bits_per_byte": 6 / 8 / np.log(2),
            "tail_perplexity": np.exp(3),
            "entropy": 0.75,
        }
    )


def test_quantiles_of_blocks_and_their_bins():
    nats = np.log(np.array([10.0, 20.0, 40.0]))
    found = measures.of_judged(nats)
    assert found["block_p50"] == pytest.approx(20)
    assert found["block_p99"] == pytest.approx(20 * 2**0.98)
    assert found["block_spread"] == pytest.approx(2**0.98)
    assert found["block_deviation"] == pytest.approx(np.log(2))
    counts = measures.binned(np.log(np.array([0.5, 10.0, 10.1, 99.0, 1e9])))
    assert counts.sum() == 5
    assert (counts[0], counts[20], counts[39], counts[-1]) == (1, 2, 1, 1)


def test_words_by_hand():
    """Eight human words, of which four are compared; b of three types is gone, and y is no human word."""
    words = measures.words_of(["a a b b", "c c a A"], ["z"])
    assert (sorted(words.learned), sorted(words.human), words.sampled) == (["a", "b", "c"], ["a", "b", "c", "z"], 4)
    found = measures.of_text(["a z c", "y a"], words)
    assert found == pytest.approx(
        {"types_lost": 1 / 3, "strange_words": 1 / 5, "distinct_1": 1.0, "distinct_3": 1.0, "types": 4.0}
    )
    repeated = measures.of_text(["a a a a a"], words)
    assert (repeated["types"], repeated["distinct_1"], repeated["distinct_3"]) == (1, 0.25, 0.5)


def test_too_few_words_have_no_number_of_types():
    words = measures.words_of(["a b c d e f g h"], [])
    found = measures.of_text(["a b"], words)
    assert np.isnan([found[name] for name in ("types", "distinct_1", "distinct_3")]).all()
    assert found["types_lost"] == 6 / 8


def test_repeats_count_runs_of_four_that_stood_in_the_block_before():
    """Of the five runs of the first block 1 2 3 4 comes twice; the second has none, though it shares runs with it."""
    blocks = np.array([[1, 2, 3, 4, 1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8]], np.int32)
    assert measures.repeats(blocks) == pytest.approx((1 / 5 + 0) / 2)
    human = np.array([[True] * 8, [False] * 8])
    assert measures.of_blocks(blocks, human) == pytest.approx({"repeats": 0.1, "human_share": 0.5})


def test_blocks_as_documents_are_each_scored_by_themselves():
    tokens = measures.as_tokens(np.arange(6, dtype=np.int32).reshape(2, 3))
    assert tokens.offsets.tolist() == [0, 3, 6]
    assert tokens.starts.tolist() == [0, 3]
    assert tokens.scored().all()
