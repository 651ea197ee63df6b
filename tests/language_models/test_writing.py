"""What a model writes: drawn from its own distribution, the same whatever else is written beside it."""

import numpy as np
import pytest
import torch

from tiny_models import ARCHITECTURES
from uncollapse.language_models import load
from uncollapse.language_models.counted import CountedModel
from uncollapse.language_models.model import LanguageModel, Request
from uncollapse.language_models.writing import _entropy, shaped, walk
from uncollapse.randomness import Stream
from uncollapse.sampling import Decoding, draw, entropy, narrowed

PROMPTS = [
    "the cat sat",
    "Dogs and cats, cats and dogs; naïve",
    "the",
    "def cat(mat):\n\treturn mat  # the",
    "the cat sat on the mat and the dog sat on the cat " * 3,
]
SETTINGS = [
    Decoding(),
    Decoding(temperature=0.7),
    Decoding(temperature=1.5, top_k=5),
    Decoding(top_p=0.8),
    Decoding(temperature=0.9, top_k=40, top_p=0.9, min_p=0.05),
    Decoding(min_p=0.2),
    Decoding(temperature=0),
]


def requests_for(model, prompts=PROMPTS, *, tokens=20, seed=0):
    cut = model.vocabulary.encode(prompts)
    return [
        Request(
            cut.ids[cut.offsets[n] : cut.offsets[n + 1]],
            Stream.of(seed, "step", str(n)).uniform(np.arange(tokens + 7 * n)),
        )
        for n in range(len(prompts))
    ]


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.fixture(scope="module")
def counted():
    return CountedModel.fit(["the cat sat on the mat.", "the dog sat on the cat.", "a cat saw the dog."], order=3)


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_log_probabilities_are_those_of_reading(kind, tiny):
    model = load(str(tiny(kind)), dtype="float32")
    assert isinstance(model, LanguageModel)
    requests = requests_for(model)
    for request, written in zip(requests, model.generate(requests, decoding=Decoding()), strict=True):
        assert len(written.ids) == len(request.uniform) or written.ended
        _check_against_reading(model, request, written)


def _check_against_reading(model, request, written):
    from uncollapse.language_models.model import Tokens

    ids = np.concatenate([request.prompt, written.ids])
    size = len(ids)
    tokens = Tokens(ids, np.array([len(request.prompt)]), np.array([0, size]), np.zeros((size, 2), np.int64))
    scores = model.score(tokens)
    np.testing.assert_allclose(written.logprob, scores.logprob[len(request.prompt) :], atol=2e-4)


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_each_text_depends_on_its_own_request_alone(kind, tiny):
    model = load(str(tiny(kind)), dtype="float32")
    requests = requests_for(model)
    together = model.generate(requests, decoding=Decoding())
    for number in (0, 2, 4):
        (alone,) = model.generate(requests[number : number + 1], decoding=Decoding())
        assert same(alone, together[number])
    turned = model.generate(requests[::-1], decoding=Decoding())[::-1]
    assert all(same(a, b) for a, b in zip(turned, together, strict=True))


def test_texts_that_wait_for_a_place_are_the_same(tiny, monkeypatch):
    from uncollapse.language_models import neural

    model = load(str(tiny("llama")), dtype="float32")
    requests = requests_for(model, PROMPTS * 4)
    together = model.generate(requests, decoding=Decoding())
    monkeypatch.setitem(neural.PLACES, "cpu", 3)
    few = model.generate(requests, decoding=Decoding())
    assert all(same(a, b) for a, b in zip(few, together, strict=True))


@pytest.mark.parametrize("decoding", SETTINGS, ids=str)
def test_rows_are_shaped_and_drawn_as_the_reference_does(decoding):
    generator = np.random.default_rng(3)
    logits = (generator.normal(size=(12, 1000)) * 3).astype(np.float32)
    logits[3, 5:9] = logits[3].max()  # ties
    logits[4, 10:] = -40.0  # next to no tail
    weights, drawn = shaped(torch.from_numpy(logits.copy()), decoding)
    found = (weights / weights.sum(dim=1, keepdim=True)).numpy()
    logprob = logits - np.log(np.exp(logits.astype(np.float64)).sum(axis=1, keepdims=True))
    wanted = narrowed(logprob, decoding)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert np.array_equal(found > 0, wanted > 0)
    if drawn is not None:
        np.testing.assert_allclose(drawn.numpy(), entropy(wanted), atol=1e-4)
    uniform = generator.random(12)
    ids = np.broadcast_to(np.arange(1000), wanted.shape)
    assert np.array_equal(walk(weights, torch.from_numpy(uniform)).numpy(), draw(wanted, ids, uniform))


def test_a_row_is_summed_alike_alone_and_among_others_whatever_the_threads():
    """One long row is cut among threads by the framework's own sum; then the last bit depends on the company."""
    logits = torch.randn(9, 49_152, generator=torch.Generator().manual_seed(2)) * 3
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        top = logits.amax(dim=1, keepdim=True)
        together = _entropy(logits, torch.exp(logits - top), top=top)
        alone = _entropy(logits[4:5], torch.exp(logits[4:5] - top[4:5]), top=top[4:5])
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one, many[4:5]) for one, many in zip(alone, together, strict=True))
    exact = torch.softmax(logits.double(), dim=1)
    np.testing.assert_allclose(together[1], -(exact * exact.log()).sum(dim=1), rtol=1e-5)


def test_the_walk_never_lands_on_what_has_no_weight():
    weights = torch.zeros(4, 130)
    weights[:, [3, 64, 128]] = torch.tensor([0.25, 0.5, 0.25])
    uniform = torch.tensor([0.0, 0.25, 0.75, 1.0 - 2.0**-53], dtype=torch.float64)
    assert walk(weights, uniform).tolist() == [3, 64, 128, 128]


def test_the_counted_model_draws_by_its_own_probabilities(counted):
    """20,000 next tokens after one context against its distribution; chi-square with a false-alarm rate of 1e-6."""
    from scipy.stats import chi2

    cut = counted.vocabulary.encode(["? the"])
    uniform = np.random.default_rng(1).random(20_000)
    texts = counted.generate([Request(cut.ids, np.array([u])) for u in uniform], decoding=Decoding())
    drawn = np.array([text.ids[0] for text in texts])
    words = [" cat", " mat", " dog"]
    chances = np.array([counted.probability(["?", " the"], word) for word in words])
    ids = [counted.vocabulary.spell(word)[0] for word in words]
    counts = np.array([(drawn == word).sum() for word in ids])
    counts, chances = np.append(counts, len(drawn) - counts.sum()), np.append(chances, 1 - chances.sum())
    expected = chances * len(drawn)
    assert ((counts - expected) ** 2 / expected).sum() < chi2.isf(1e-6, len(counts) - 1)
    for text in texts[:20]:
        surface = (counted.vocabulary.surfaces[text.ids[0]] or b"").decode(errors="replace")
        if surface in words:
            np.testing.assert_allclose(np.exp(text.logprob[0]), counted.probability(["?", " the"], surface), rtol=1e-6)


def test_the_counted_model_is_its_own_reference(counted):
    requests = requests_for(counted, ["the cat", "", "a cat saw the"], tokens=12)
    for request, written in zip(requests, counted.generate(requests, decoding=Decoding()), strict=True):
        assert len(written.ids) == len(request.uniform)
        assert not written.ended
        _check_against_reading(counted, request, written)


def test_greedy_takes_the_likeliest(counted):
    requests = requests_for(counted, ["a cat"], tokens=3)
    (written,) = counted.generate(requests, decoding=Decoding(temperature=0))
    text = b"".join(counted.vocabulary.surfaces[token] for token in written.ids)
    assert text == b" saw the dog"
    assert written.drawn_entropy[0] == 0
