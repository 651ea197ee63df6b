import numpy as np
import pytest

from tiny_models import LINES, sentencepiece_tokenizer
from uncollapse.errors import UsageError
from uncollapse.language_models import CountedModel, load
from uncollapse.language_models.pairs import moments_of_pair, refuse_unequal


def softmax(model, tokens):
    """Every distribution of a model over a text, as the published way takes it."""
    import torch
    from transformers import AutoModelForCausalLM

    made = AutoModelForCausalLM.from_pretrained(model.card.address, dtype=torch.float32).eval()
    rows = []
    for begin, end in zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True):
        line = torch.tensor([model.vocabulary.start, *tokens.ids[begin:end].tolist()])
        with torch.no_grad():
            rows.append(torch.log_softmax(made(line[None]).logits[0, :-1].double(), dim=-1).numpy())
    return np.concatenate(rows)


def test_a_pair_is_what_numpy_makes_of_both_models(tiny):
    scorer, reference = (load(str(tiny(kind)), dtype="float32") for kind in ("llama", "gpt2"))
    refuse_unequal(scorer, reference)
    tokens = scorer.vocabulary.encode(LINES)
    log_p, log_q = softmax(scorer, tokens), softmax(reference, tokens)
    found = moments_of_pair(scorer, reference, tokens)
    q = np.exp(log_q)
    mean = (q * log_p).sum(axis=1)
    own = log_p[np.arange(len(log_p)), tokens.ids]
    np.testing.assert_allclose(found.moments.logprob, own, atol=1e-4)
    np.testing.assert_allclose(found.moments.mean, mean, atol=1e-4)
    np.testing.assert_allclose(found.moments.variance, (q * log_p**2).sum(axis=1) - mean**2, atol=1e-4)
    np.testing.assert_array_equal(found.moments.rank, 1 + (log_p > own[:, None]).sum(axis=1))
    np.testing.assert_allclose(found.reference, log_q[np.arange(len(log_q)), tokens.ids], atol=1e-4)


def test_a_model_and_itself_are_one_pass(tiny):
    model = load(str(tiny("llama")), dtype="float32")
    tokens = model.vocabulary.encode(LINES)
    pair, alone = moments_of_pair(model, model, tokens), model.moments(tokens)
    for one, other in zip(pair.moments, alone, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_blocks_that_are_cut_differently_meet(tiny, monkeypatch):
    from uncollapse.language_models import neural

    model = load(str(tiny("llama")), dtype="float32")
    other = load(str(tiny("gpt2")), dtype="float32")
    tokens = model.vocabulary.encode(LINES)
    whole = moments_of_pair(model, other, tokens)
    blocks = model.distributions
    monkeypatch.setattr(neural, "HELD_ROWS", 7)
    small = list(blocks(tokens))
    monkeypatch.setattr(neural, "HELD_ROWS", 128)
    monkeypatch.setattr(model, "distributions", lambda _: iter(small))
    assert len(small) > 3
    again = moments_of_pair(model, other, tokens)
    for one, two in zip(whole.moments, again.moments, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_unequal_tokenizers_are_refused_by_name(tiny, tmp_path):
    import shutil

    folder = tmp_path / "other"
    shutil.copytree(tiny("llama"), folder)
    sentencepiece_tokenizer(folder)
    one, other = load(str(tiny("llama"))), load(str(folder))
    with pytest.raises(UsageError, match="unequal tokenizers") as refused:
        refuse_unequal(one, other)
    assert str(folder) in str(refused.value)
    counted = [CountedModel.fit([text]) for text in ("one two", "one three")]
    with pytest.raises(UsageError, match="tokens differ, the first is number 257"):
        refuse_unequal(*counted)
