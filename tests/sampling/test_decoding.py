"""Decoding held against transformers' own processors in their order, and against numbers by hand."""

import numpy as np
import pytest

from uncollapse.errors import UsageError
from uncollapse.sampling import Decoding, entropy, narrowed

LOGPROB = np.log(np.array([[0.5, 0.2, 0.15, 0.1, 0.05]]))


@pytest.mark.parametrize(
    ("decoding", "wanted"),
    [
        (Decoding(), [0.5, 0.2, 0.15, 0.1, 0.05]),
        (Decoding(top_k=2), [5 / 7, 2 / 7, 0, 0, 0]),
        (Decoding(top_p=0.7), [5 / 7, 2 / 7, 0, 0, 0]),
        (Decoding(top_p=0.71), [0.5 / 0.85, 0.2 / 0.85, 0.15 / 0.85, 0, 0]),
        (Decoding(min_p=0.25), [0.5 / 0.85, 0.2 / 0.85, 0.15 / 0.85, 0, 0]),
        (Decoding(temperature=0.5), [0.25 / 0.325, 0.04 / 0.325, 0.0225 / 0.325, 0.01 / 0.325, 0.0025 / 0.325]),
        (Decoding(temperature=0), [1, 0, 0, 0, 0]),
        (Decoding(temperature=0, top_p=0.1), [1, 0, 0, 0, 0]),
        # Of the three that top-k leaves, 0.5 / 0.85 = 0.588 is more than half the mass already.
        (Decoding(top_k=3, top_p=0.55), [1, 0, 0, 0, 0]),
    ],
    ids=str,
)
def test_probabilities_by_hand(decoding, wanted):
    np.testing.assert_allclose(narrowed(LOGPROB, decoding)[0], wanted, atol=1e-12)
    shuffled = narrowed(LOGPROB[:, [3, 0, 4, 2, 1]], decoding)[0]
    np.testing.assert_allclose(shuffled, np.array(wanted)[[3, 0, 4, 2, 1]], atol=1e-12)


@pytest.mark.parametrize(
    "decoding",
    [
        Decoding(temperature=0.7, top_k=20, top_p=0.9, min_p=0.02),
        Decoding(temperature=1.3, top_p=0.5),
        Decoding(temperature=2.0, min_p=0.3),
    ],
    ids=str,
)
def test_the_order_is_that_of_transformers(decoding):
    import torch
    from transformers import MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    logits = np.random.default_rng(0).normal(size=(8, 300)) * 3
    scores = torch.from_numpy(logits)
    line = torch.zeros(8, 1, dtype=torch.long)
    warpers = [TemperatureLogitsWarper(decoding.temperature)]
    warpers += [TopKLogitsWarper(decoding.top_k)] if decoding.top_k else []
    warpers += [TopPLogitsWarper(decoding.top_p)] if decoding.top_p < 1 else []
    warpers += [MinPLogitsWarper(decoding.min_p)] if decoding.min_p else []
    for warper in warpers:
        scores = warper(line, scores)
    wanted = torch.softmax(scores, dim=1).numpy()
    np.testing.assert_allclose(narrowed(logits, decoding), wanted, atol=1e-9)


def test_tokens_that_are_ruled_out_get_nothing():
    logprob = LOGPROB.copy()
    logprob[0, 0] = -np.inf
    np.testing.assert_allclose(narrowed(logprob, Decoding())[0], [0, 0.4, 0.3, 0.2, 0.1])


def test_entropy_in_nats():
    np.testing.assert_allclose(entropy(np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])), [np.log(2), 0.0])


def test_settings_are_read_from_a_line():
    assert Decoding.parse("temperature=0.8, top-p=0.95,min_p=0") == Decoding(temperature=0.8, top_p=0.95)
    assert Decoding.parse("") == Decoding()
    assert not Decoding.parse("temperature=1.2").narrows
    assert all(Decoding.parse(line).narrows for line in ("temperature=0.9", "top_k=50", "top_p=0.99", "min_p=0.01"))
    assert Decoding.parse("temperature=0").greedy
    assert Decoding.parse("top_k=1").greedy


@pytest.mark.parametrize(
    "line", ["heat=1", "temperature", "temperature=hot", "temperature=-1", "top_p=0", "top_k=1.5", "top_k=2,top_k=3"]
)
def test_lines_that_cannot_be(line):
    with pytest.raises(UsageError, match="decoding"):
        Decoding.parse(line)
