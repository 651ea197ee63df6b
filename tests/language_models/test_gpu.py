"""What a CUDA device gives against what the processor gives. Without a device these are skipped, by name."""

from itertools import accumulate

import numpy as np
import pytest
import torch

from uncollapse.language_models import kernels, load, precision
from uncollapse.language_models.head_on_cuda import product_in_fp32
from uncollapse.language_models.kernels import KERNELS, Documents, one_by_one, serving
from uncollapse.language_models.model import Request
from uncollapse.randomness import Stream
from uncollapse.sampling import Decoding

pytestmark = pytest.mark.gpu

CUDA = "cuda"
KINDS = ["llama", "llama-untied", "mistral", "qwen2", "qwen3", "gpt2", "gemma3", "gpt_neox", "gemma2"]
TEXTS = [
    "the cat sat on the mat and the dog sat on the cat, cats and dogs",
    "x",
    "naïve façade 🙂 日本語",
    "def cat(mat):\n\treturn mat  # the mat\n" * 3,
    "Dogs and cats, cats and dogs; naïve façade, 100 % of 25 mats." * 4,
    "the",
]
# Between two orders of summing in fp32: a few thousand terms of size one, each good to 6e-8, through two layers.
NEAR = 2e-4


@pytest.fixture
def on(tiny, monkeypatch):
    """What a model of some architecture gives on a device: `on(device, kind, dtype, ask)`."""

    def asked(device, kind, dtype, ask):
        with monkeypatch.context() as patch:
            patch.setattr(precision, "device", lambda: device)
            return ask(load(str(tiny(kind)), dtype=dtype))

    return asked


def third(rows, _logprob, _best):
    return rows % 3 == 1


def scored(model):
    return model.score_and_choose(model.vocabulary.encode(TEXTS), chooser=third, k=5)


def moments(model):
    return model.moments(model.vocabulary.encode(TEXTS))


def written(model):
    tokens = model.vocabulary.encode(TEXTS[:5])
    lines = [tokens.ids[begin:end] for begin, end in zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True)]
    uniform = [Stream.of(1, "step", str(n)).uniform(np.arange(6 + n)) for n in range(5)]
    requests = [Request(line, each) for line, each in zip(lines, uniform, strict=True)]
    return model.generate(requests, decoding=Decoding(top_k=50))


@pytest.mark.parametrize("kind", [*KINDS, "mamba"])
def test_scores_and_candidates_are_those_of_the_processor(kind, on):
    (wanted, best), (found, candidates) = on("cpu", kind, "float32", scored), on(CUDA, kind, "float32", scored)
    np.testing.assert_allclose(found.logprob, wanted.logprob, rtol=0, atol=NEAR)
    np.testing.assert_allclose(found.logsumexp, wanted.logsumexp, rtol=0, atol=NEAR)
    np.testing.assert_allclose(found.confidence, wanted.confidence, rtol=0, atol=NEAR)
    np.testing.assert_array_equal(found.is_argmax, wanted.is_argmax)
    np.testing.assert_array_equal(candidates.rows, best.rows)
    np.testing.assert_array_equal(candidates.ids, best.ids)
    np.testing.assert_allclose(candidates.logprob, best.logprob, rtol=0, atol=NEAR)


@pytest.mark.parametrize("kind", KINDS)
def test_moments_are_those_of_the_processor(kind, on):
    wanted, found = on("cpu", kind, "float32", moments), on(CUDA, kind, "float32", moments)
    for name in ("logprob", "mean", "variance"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=1e-4, atol=NEAR)
    # Two logits nearer to each other than the sums are known may change places.
    assert (found.rank == wanted.rank).mean() > 0.98


@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_those_of_the_processor(kind, on):
    wanted, found = on("cpu", kind, "float32", written), on(CUDA, kind, "float32", written)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one.ids, other.ids)
        np.testing.assert_allclose(one.logprob, other.logprob, rtol=0, atol=NEAR)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_costs_what_it_costs_on_a_processor(kind, dtype, on):
    exact = on("cpu", kind, "float32", scored)[0].logprob
    apart = [on(device, kind, dtype, scored)[0].logprob - exact for device in ("cpu", CUDA)]
    there, here = (np.sqrt(np.nanmean(each.astype(np.float64) ** 2)) for each in apart)
    assert here <= 2 * there + 0.01


@pytest.mark.parametrize("kind", ["llama", "mistral", "gpt2"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_documents_do_not_see_each_other(kind, dtype, on):
    """Other words in the neighbours, as many of them: the document's own numbers keep every bit."""

    def scores_of(texts):
        return lambda model: model.score(model.vocabulary.encode(texts)).logprob

    middle = "def cat(mat):\n\treturn mat  # the mat\n" * 3
    one = on(CUDA, kind, dtype, scores_of(["qqq qqq", middle, "zzzz zz"]))
    other = on(CUDA, kind, dtype, scores_of(["wwq wqw", middle, "zvzv vz"]))
    assert len(one) == len(other)
    assert not np.array_equal(one[:7], other[:7])
    np.testing.assert_array_equal(one[7:-7], other[7:-7])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_the_fastest_way_of_attention_serves(dtype):
    first = next(serving(torch.empty(0, dtype=dtype, device=CUDA), (8, 2, 64)))
    if dtype is torch.float32 or kernels._variable_length() is None or torch.cuda.get_device_capability() < (8, 0):
        assert first == "side by side"
    else:
        assert first == "at once"


@pytest.mark.parametrize("name", ["at once", "side by side"])
@pytest.mark.parametrize("span", [None, 1, 17, 300])
@pytest.mark.parametrize("width", [64, 128])
def test_each_way_of_attention_is_right_on_a_whole_page(name, span, width):
    lengths = np.random.default_rng(0).integers(1, 900, 20).tolist()
    generator = torch.Generator().manual_seed(0)
    given = tuple(torch.randn(n, sum(lengths), width, generator=generator).to(CUDA) for n in (8, 2, 2))
    documents = Documents((0, *accumulate(lengths)), CUDA)
    if name not in serving(torch.empty(0, dtype=torch.bfloat16, device=CUDA), (8, 2, width)):
        pytest.skip(f"gpu: this device has no attention {name}")
    half = tuple(part.bfloat16() for part in given)
    wanted = one_by_one(tuple(part.float() for part in half), documents, span=span)
    found = KERNELS[name](half, documents, span=span, scale=None)
    torch.testing.assert_close(found.float(), wanted, rtol=0, atol=0.03)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_logits_were_never_rounded(dtype):
    generator = torch.Generator().manual_seed(0)
    rows, weight = (torch.randn(count, 512, generator=generator).to(CUDA, dtype) for count in (300, 5000))
    found = product_in_fp32(rows, weight)
    assert found.dtype is torch.float32
    wanted = rows.double() @ weight.double().T
    # 512 products of size one summed in fp32: 512 x 6e-8; rounded to half precision they would be off by 0.05.
    torch.testing.assert_close(found.double(), wanted, rtol=0, atol=2e-4)
