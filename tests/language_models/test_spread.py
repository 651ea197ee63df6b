"""Mean, variance and rank of a pass: against fp64 over all logits at once, and by hand over the counted model."""

import numpy as np
import pytest
import torch

from tiny_models import LINES
from uncollapse.language_models import CountedModel, load
from uncollapse.language_models import head as heads
from uncollapse.language_models.head import BfloatHead, LinearHead, ReadyLogits


def random(*shape, seed=0, scale=1.0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale


def oracle(logits, targets):
    """In NumPy and fp64, by the definitions."""
    logits = logits.double().numpy()
    top = logits.max(axis=1, keepdims=True)
    log_p = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    mean = (p * log_p).sum(axis=1)
    variance = (p * (log_p - mean[:, None]) ** 2).sum(axis=1)
    own = logits[np.arange(len(logits)), targets.numpy()]
    return log_p[np.arange(len(logits)), targets.numpy()], mean, variance, 1 + (logits > own[:, None]).sum(axis=1)


def said(found):
    return [x.numpy() for x in (found.target - found.logsumexp, found.mean, found.variance, found.rank)]


@pytest.mark.parametrize("rows", [1, 64, 130, 600])
@pytest.mark.parametrize("size", [100, 4096, 9001])
def test_the_moments_are_those_of_all_logits_at_once(rows, size):
    hidden, weight, bias = random(rows, 24), random(size, 24, seed=1), random(size, seed=2)
    targets = torch.randint(0, size, (rows,), generator=torch.Generator().manual_seed(3))
    bent = 3 * torch.tanh((hidden @ weight.T + bias) / 3)
    for found, logits in (
        (LinearHead(weight).moments(hidden, targets), hidden @ weight.T),
        (LinearHead(weight, bias=bias, finish=lambda x: 3 * torch.tanh(x / 3)).moments(hidden, targets), bent),
        (ReadyLogits(size).moments(hidden @ weight.T, targets), hidden @ weight.T),
    ):
        *numbers, rank = said(found)
        *wanted, true_rank = oracle(logits, targets)
        for one, other in zip(numbers, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-4)
        # The last bits of a logit may decide between neighbours.
        assert np.mean(rank == true_rank) > 0.99
        assert np.abs(rank - true_rank).max() <= 1


def test_equal_logits_rank_together_and_have_no_variance():
    found = LinearHead(torch.zeros(300, 8)).moments(random(5, 8), torch.arange(5))
    assert found.rank.tolist() == [1] * 5
    np.testing.assert_allclose(found.mean, -np.log(300), atol=1e-6)
    assert found.variance.tolist() == [0.0] * 5


def test_a_sure_token_leaves_a_small_variance_and_no_noise():
    # Two tokens, one 30 nats above the other: variance p (1 - p) 30^2 with 1 - p = e^-30.
    logits = torch.tensor([[30.0, 0.0]])
    found = ReadyLogits(2).moments(logits, torch.tensor([0]))
    np.testing.assert_allclose(found.variance, 900 * np.exp(-30), rtol=1e-4)


@pytest.mark.parametrize("rows", [8, 64, 600])
def test_a_row_does_not_depend_on_the_rows_beside_it(rows, monkeypatch):
    monkeypatch.setattr(heads, "COLUMNS", 512)
    hidden, weight = random(1100, 24), random(9001, 24, seed=1)
    targets = torch.arange(1100)
    for head in (LinearHead(weight), BfloatHead(LinearHead(weight.bfloat16()))):
        given = hidden.to(torch.bfloat16) if isinstance(head, BfloatHead) else hidden
        whole = head.moments(given, targets)
        part = head.moments(given[300 : 300 + rows], targets[300 : 300 + rows])
        for one, other in zip(whole, part, strict=True):
            torch.testing.assert_close(one[300 : 300 + rows], other, rtol=0, atol=0)


def test_the_head_for_bfloat16_agrees_with_fp32_over_a_text():
    # Logits as a language model has them: a few of 20 and more, most near zero, where bfloat16 rounds to 1/16.
    weight = random(12_000, 32, seed=1).bfloat16()
    hidden = random(400, 32, scale=2.5).bfloat16()
    logits = hidden.float() @ weight.float().T
    targets = logits.argsort(dim=1, descending=True)[torch.arange(400), torch.arange(400) % 50]
    found = BfloatHead(LinearHead(weight)).moments(hidden, targets)
    logprob, mean, variance, rank = said(found)
    own, true_mean, true_variance, true_rank = oracle(logits, targets)
    score = BfloatHead(LinearHead(weight)).score(hidden, targets)
    np.testing.assert_allclose(logprob, score.target - score.logsumexp, atol=1e-4)
    assert np.sqrt(np.mean((logprob - own) ** 2)) < 0.02
    assert np.sqrt(np.mean((mean - true_mean) ** 2)) < 0.05
    assert abs(mean.mean() - true_mean.mean()) < 0.002
    assert abs(variance.mean() / true_variance.mean() - 1) < 0.005
    assert abs(np.log(rank).mean() - np.log(true_rank).mean()) < 0.01
    assert ((rank == 1) == (found.target >= found.largest).numpy()).all()


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma2", "gemma3", "mamba", "cohere"])
def test_a_pass_over_texts_is_what_its_own_distributions_say(kind, tiny):
    model = load(str(tiny(kind)), dtype="float32")
    tokens = model.vocabulary.encode(LINES)
    found, scores = model.moments(tokens), model.score(tokens)
    blocks = list(model.distributions(tokens))
    rows = np.concatenate([block.rows for block in blocks])
    np.testing.assert_array_equal(rows, np.flatnonzero(~np.isnan(scores.logprob)))
    logs = torch.from_numpy(np.concatenate([block.logprob for block in blocks]))
    *wanted, rank = oracle(logs, torch.from_numpy(tokens.ids[rows].astype(np.int64)))
    for one, other in zip(found[:3], wanted, strict=True):
        np.testing.assert_allclose(one[rows], other, atol=1e-4)
    np.testing.assert_array_equal(found.rank[rows], rank)
    np.testing.assert_allclose(found.logprob, scores.logprob, atol=1e-5)
    np.testing.assert_array_equal(found.rank == 1, scores.is_argmax)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_the_moments_do_not_depend_on_what_shares_a_call(kind, tiny):
    model = load(str(tiny(kind)), dtype="float32")
    together = model.moments(model.vocabulary.encode(LINES))
    alone = [model.moments(model.vocabulary.encode([text])) for text in LINES]
    for column, parts in zip(together, zip(*alone, strict=True), strict=True):
        np.testing.assert_array_equal(column, np.concatenate(parts))


def test_a_prompt_has_no_moments(tiny):
    model = load(str(tiny("llama")), dtype="float32")
    tokens = model.vocabulary.encode([" the cat sat"], prompts=["on the mat"])
    found = model.moments(tokens)
    before = ~tokens.scored()
    assert before.any()
    assert np.isnan(found.mean[before]).all()
    assert (found.rank[before] == 0).all()
    assert (found.rank[~before] >= 1).all()


def test_the_counted_model_by_hand():
    # One word in the vocabulary beside 256 bytes and the start token: v = 258 pieces, n = 3 words counted, order 1.
    model = CountedModel.fit(["aa aa aa"], order=1, pseudo_count=1.0)
    size = len(model.vocabulary)
    tokens = model.vocabulary.encode(["aa"])
    counts = dict.fromkeys(range(size), 0)
    for token in model.vocabulary.spell("aa aa aa"):
        counts[token] += 1
    p = np.array([(count + 1 / size) / (3 + 1) for count in counts.values()])
    found = model.moments(tokens)
    np.testing.assert_allclose(found.mean, [(p * np.log(p)).sum()], rtol=1e-6)
    np.testing.assert_allclose(found.variance, [(p * np.log(p) ** 2).sum() - (p * np.log(p)).sum() ** 2], rtol=1e-5)
    own = p[tokens.ids[0]]
    assert found.rank.tolist() == [1 + int((p > own).sum())]
