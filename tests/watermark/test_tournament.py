"""The tournament held against transformers' own, the table of the paper's code, and closed forms."""

import numpy as np
import pytest
import torch
from transformers.generation.logits_process import SynthIDTextWatermarkLogitsProcessor

from uncollapse.watermark.tournament import _fed, coins, context_hash, table, tournament

KEYS = np.array([654, 400, 836, 123, 340, 443, 597, 160, 57], np.int64)
VOCABULARY = 60


def processor(keys=KEYS):
    return SynthIDTextWatermarkLogitsProcessor(
        ngram_len=5,
        keys=keys.tolist(),
        sampling_table_size=1 << 16,
        sampling_table_seed=0,
        context_history_size=1024,
        device=torch.device("cpu"),
        skip_first_ngram_calls=True,
    )


def test_the_table_is_that_of_the_generator_of_transformers():
    wanted = processor().sampling_table.numpy()
    assert np.array_equal(table(), wanted)
    assert int(wanted.sum()) == 32_743
    assert table()[:16].tolist() == [0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0]


def test_coins_of_known_ngrams():
    ngrams = np.lib.stride_tricks.sliding_window_view(np.arange(1, 9, dtype=np.int64), 5)
    hashes = context_hash(ngrams)
    assert _fed(hashes[:1, None], KEYS[:3]).tolist() == [
        [-5937484272499508848, 885393356855610090, 8637175897624617870]
    ]
    found = ["".join(map(str, row)) for row in coins(hashes, KEYS).tolist()]
    assert found == ["001010010", "001110010", "101100111", "001001101"]


def test_probabilities_after_the_tournament_are_those_of_transformers():
    """Token by token along one text: the first four unmarked, then as the processor's scores say."""
    generator = np.random.default_rng(5)
    oracle = processor()
    ids = generator.integers(0, VOCABULARY, 4 + 12)
    contexts = np.lib.stride_tricks.sliding_window_view(ids, 4)
    for position in range(12):
        scores = torch.from_numpy(generator.normal(size=(1, VOCABULARY)) * 2)
        line = torch.from_numpy(ids[None, : position + 1])
        wanted = oracle(line, scores)
        if position < 4:  # the oracle's first call stands before the first token of a text
            assert torch.equal(wanted, scores)
            continue
        context = contexts[position - 3][None]
        assert np.array_equal(context[0], ids[position - 3 : position + 1])
        found = tournament(
            torch.softmax(scores, dim=1).numpy(),
            np.arange(VOCABULARY)[None],
            hashes=context_hash(context),
            keys=KEYS[None],
        )
        np.testing.assert_allclose(found, torch.softmax(wanted, dim=1).numpy(), atol=1e-12)


def test_over_random_keys_the_law_of_the_token_is_untouched():
    """The mean over 4,000 keys lies within five standard errors (all of 6 tokens: false alarms 4e-6)."""
    probability = np.array([[0.4, 0.25, 0.2, 0.1, 0.04, 0.01]])
    keys = np.random.default_rng(2).integers(0, 2**40, (4000, 4))
    rows = np.repeat(probability, 4000, axis=0)
    ids = np.repeat(np.arange(6)[None], 4000, axis=0)
    marked = tournament(rows, ids, hashes=np.full(4000, 77, np.int64), keys=keys)
    error = marked.std(axis=0) / np.sqrt(4000)
    assert (np.abs(marked.mean(axis=0) - probability[0]) < 5 * error).all()


@pytest.mark.parametrize("probability", [[1.0], [0.5, 0.5], [0.7, 0.2, 0.1], [0.02] * 50])
def test_the_expected_coin_of_the_drawn_token(probability):
    """One layer: E[g] = 3/4 - S/4 with S the sum of squares; 20,000 keys, five standard errors of a coin."""
    p = np.array(probability)
    keys = np.random.default_rng(3).integers(0, 2**40, (20_000, 1))
    rows, ids = np.repeat(p[None], 20_000, axis=0), np.repeat(np.arange(len(p))[None], 20_000, axis=0)
    hashes = np.full(20_000, 12345, np.int64)
    marked = tournament(rows, ids, hashes=hashes, keys=keys)
    tosses = coins(_fed(np.broadcast_to(hashes[:, None], ids.shape), ids), keys[:, None, :])[:, :, 0]
    mean = float((marked * tosses).sum(axis=1).mean())
    assert abs(mean - (0.75 - (p**2).sum() / 4)) < 5 * 0.5 / np.sqrt(20_000)
