from itertools import pairwise

import numpy as np
import pytest
import torch

from tiny_models import ARCHITECTURES
from uncollapse.language_models import load, resolve

TEXTS = [
    "the cat sat on the mat and the dog sat on the cat, cats and dogs",
    "",
    "x",
    "naïve façade 🙂 日本語",
    "def cat(mat):\n\treturn mat  # the mat\n" * 3,
    "the",
]


def plain(folder, tokens, start):
    """The published way: one document at a time through transformers, all logits, log_softmax."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    logprob = np.full(len(tokens.ids), np.nan, np.float32)
    every = np.full((len(tokens.ids), model.config.vocab_size), np.nan, np.float32)
    for begin, end in pairwise(tokens.offsets):
        line = torch.tensor([start, *tokens.ids[begin:end].tolist()])
        if len(line) > 1:
            with torch.no_grad():
                rows = torch.log_softmax(model(line[None]).logits[0, :-1].float(), dim=-1)
            logprob[begin:end] = rows.gather(1, line[1:, None])[:, 0]
            every[begin:end] = rows
    return logprob, every


def everything(rows, logprob, best):
    return np.ones(len(rows), np.bool_)


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_scores_are_those_of_transformers(kind, tiny):
    model = load(str(tiny(kind)), dtype="float32")
    tokens = model.vocabulary.encode(TEXTS)
    wanted, every = plain(tiny(kind), tokens, model.vocabulary.start)
    scores, found = model.score_and_choose(tokens, chooser=everything, k=5)
    np.testing.assert_allclose(scores.logprob, wanted, rtol=0, atol=2e-5)
    np.testing.assert_array_equal(scores.is_argmax, tokens.ids == every.argmax(axis=1))
    np.testing.assert_allclose(scores.confidence, every.max(axis=1), rtol=0, atol=2e-5)
    np.testing.assert_array_equal(found.rows, np.arange(len(tokens.ids)))
    np.testing.assert_array_equal(found.ids, np.argsort(-every, axis=1, kind="stable")[:, :5])
    np.testing.assert_allclose(found.logprob, np.sort(every, axis=1)[:, :-6:-1], rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        *((kind, "lean") for kind in ("llama", "llama-untied", "mistral", "qwen2")),
        *((kind, "packed") for kind in ("qwen3", "gpt2", "gemma3", "gpt_neox", "cohere")),
        *((kind, "apart") for kind in ("gemma2", "mamba")),
    ],
)
def test_how_each_architecture_is_read(kind, way, tiny):
    assert load(str(tiny(kind)), dtype="float32").way == way


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma2"])
def test_fp32_scores_do_not_depend_on_what_shares_a_call(kind, tiny):
    model = load(str(tiny(kind)), dtype="float32")
    generator = np.random.default_rng(3)
    words = " ".join(TEXTS).split(" ")
    texts = [" ".join(generator.choice(words, generator.integers(0, 60))) for _ in range(30)]
    alone = [model.score(model.vocabulary.encode([text])) for text in texts]
    for size in (7, 30):
        order = generator.permutation(len(texts))
        for at in range(0, len(texts), size):
            group = order[at : at + size]
            tokens = model.vocabulary.encode([texts[i] for i in group])
            together = model.score(tokens)
            for column, parts in zip(together, zip(*(alone[i] for i in group), strict=True), strict=True):
                np.testing.assert_array_equal(column, np.concatenate(parts))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_equal_runs_are_equal(dtype, tiny):
    runs = []
    for _ in range(2):
        model = load(str(tiny("llama")), dtype=dtype)
        runs.append(model.score(model.vocabulary.encode(TEXTS)))
    for one, other in zip(*runs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_bfloat16_is_near_fp32(tiny):
    scores = {}
    for dtype in ("float32", "bfloat16"):
        model = load(str(tiny("llama")), dtype=dtype)
        assert model.card.dtype == dtype
        scores[dtype] = model.score(model.vocabulary.encode(TEXTS)).logprob
    difference = scores["bfloat16"] - scores["float32"]
    assert 0 < np.sqrt(np.nanmean(difference**2)) < 0.1


def test_candidates_are_given_where_they_are_asked(tiny):
    model = load(str(tiny("llama")), dtype="float32")
    tokens = model.vocabulary.encode(TEXTS)
    scores = model.score(tokens)
    asked = []

    def chooser(rows, logprob, best):
        asked.append(rows)
        np.testing.assert_array_equal(scores.logprob[rows], logprob)
        np.testing.assert_array_equal(scores.is_argmax[rows], best)
        return rows % 3 == 1

    _, found = model.score_and_choose(tokens, chooser=chooser, k=2)
    np.testing.assert_array_equal(np.concatenate(asked), np.arange(len(tokens.ids)))
    np.testing.assert_array_equal(found.rows, np.arange(1, len(tokens.ids), 3))
    assert found.ids.shape == (len(found.rows), 2)


def test_prompts_are_read_and_never_scored(tiny):
    model = load(str(tiny("llama")), dtype="float32")
    prompt, text = model.vocabulary.encode(["on the mat"]), model.vocabulary.encode([" the cat sat"])
    both = model.vocabulary.encode([" the cat sat"], prompts=["on the mat"])
    scores = model.score(both)
    assert np.isnan(scores.logprob[: len(prompt.ids)]).all()
    wanted, _ = plain(tiny("llama"), both, model.vocabulary.start)
    np.testing.assert_allclose(scores.logprob[len(prompt.ids) :], wanted[len(prompt.ids) :], rtol=0, atol=2e-5)
    assert (scores.logprob[len(prompt.ids) :] != model.score(text).logprob).all()


def test_windows_are_what_they_say(tiny):
    model = load(str(tiny("llama")), dtype="float32", window=32)
    assert (model.card.window, model.card.overlap) == (32, 8)
    tokens = model.vocabulary.encode([TEXTS[0] * 3])
    found = model.score(tokens).logprob
    start = model.vocabulary.start
    # The first window is read as a document of its own; the second begins 24 tokens later and scores from 32 on.
    first, _ = plain(tiny("llama"), head_of(tokens, 0, 32), start)
    second, _ = plain(tiny("llama"), head_of(tokens, 24, 56), start)
    np.testing.assert_allclose(found[:32], first, rtol=0, atol=2e-5)
    np.testing.assert_allclose(found[32:56], second[8:], rtol=0, atol=2e-5)
    assert not np.isnan(found).any()


def head_of(tokens, begin, end):
    return tokens.__class__(
        ids=tokens.ids[begin:end],
        offsets=np.array([0, end - begin], np.int64),
        starts=np.zeros(1, np.int64),
        spans=tokens.spans[begin:end],
    )


def test_a_window_is_never_wider_than_the_model(tiny):
    assert load(str(tiny("llama")), window=100_000).card.window == 256


def test_a_very_long_document_is_scored_to_its_end(tiny):
    model = load(str(tiny("llama")), dtype="float32")
    tokens = model.vocabulary.encode([" cat" * 20_000])
    assert len(tokens.ids) >= 20_000
    assert not np.isnan(model.score(tokens).logprob).any()


def test_chunk_sizes_do_not_change_fp32(tiny, monkeypatch):
    from uncollapse.language_models import head, llama, neural

    texts = TEXTS * 6
    model = load(str(tiny("llama")), dtype="float32")
    tokens = model.vocabulary.encode(texts)
    before = model.score(tokens)
    monkeypatch.setattr(head, "ROWS", 96)
    monkeypatch.setattr(llama, "ROWS", 64)
    monkeypatch.setattr(neural, "CAPACITY", {"cpu": 100, "cuda": 100})
    for one, other in zip(model.score(tokens), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_threads_do_not_change_fp32(tiny):
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            model = load(str(tiny("llama")), dtype="float32", threads=threads)
            assert torch.get_num_threads() == threads
            found.append(model.score(model.vocabulary.encode(TEXTS)).logprob)
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(*found)


@pytest.mark.model
def test_the_embedded_default_reads_english(embedded_model):
    model = load(embedded_model)
    sense = "The capital of France is Paris, and the capital of Italy is Rome. Both cities are very old."
    words = sense.split(" ")
    nonsense = " ".join(words[i] for i in np.random.default_rng(0).permutation(len(words)))
    tokens = model.vocabulary.encode([sense, nonsense])
    assert model.way == "lean"
    assert model.vocabulary.surfaces[model.vocabulary.start] is None
    logprob = model.score(tokens).logprob
    assert np.exp(-logprob[: tokens.offsets[1]].mean()) < 20
    assert np.exp(-logprob[tokens.offsets[1] :].mean()) > 200
    rome = [model.vocabulary.surfaces[index] for index in tokens.ids].index(b" Rome")
    assert np.exp(logprob[rome]) > 0.5


@pytest.mark.model
def test_the_default_unpacked_is_what_was_resolved(embedded_model):
    assert load(embedded_model, window=128).card == resolve(embedded_model, window=128)


@pytest.mark.model
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_default_gives_the_same_bits_in_any_company(embedded_model, dtype):
    model = load(embedded_model, dtype=dtype)
    texts = ["x", TEXTS[0], " ".join(TEXTS), "The capital of France is Paris. " * 9, TEXTS[4]]
    alone = [model.score(model.vocabulary.encode([text])) for text in texts]
    before = torch.get_num_threads()
    try:
        for threads, order in ((1, [0, 1, 2, 3, 4]), (2, [3, 0, 4, 2, 1])):
            torch.set_num_threads(threads)
            together = model.score(model.vocabulary.encode([texts[i] for i in order]))
            for column, parts in zip(together, zip(*(alone[i] for i in order), strict=True), strict=True):
                np.testing.assert_array_equal(column, np.concatenate(parts))
    finally:
        torch.set_num_threads(before)


def test_whoever_takes_blocks_can_train_between_them(tiny):
    """Inference mode ends where a block is given away, also where the rest is never asked for."""
    model = load(str(tiny("llama")), dtype="float32")
    blocks = model.distributions(model.vocabulary.encode(TEXTS))
    next(blocks)
    assert not torch.is_inference_mode_enabled()
