"""Whole models read as on a CUDA device, by a processor: attention, head and order of pages; the numbers must stay."""

import numpy as np
import pytest
import torch

from like_a_device import plain_variable_length, product
from uncollapse.language_models import by_transformers, kernels, load, neural, reading
from uncollapse.language_models.head_on_cuda import CudaHead
from uncollapse.language_models.model import Request
from uncollapse.sampling import Decoding

TEXTS = ["the cat sat on the mat and the dog", "x", "naïve 🙂 日本語", "", "def cat(mat):\n\treturn mat\n" * 2]


def all_of(model):
    """Everything that a model is asked."""
    tokens = model.vocabulary.encode(TEXTS)
    scores, found = model.score_and_choose(tokens, chooser=lambda rows, *_: rows % 3 == 1, k=5)
    generator = np.random.default_rng(0)
    lines = [tokens.ids[begin : begin + 5] for begin in tokens.offsets[[0, 2, 4]]]
    texts = model.generate([Request(line, generator.random(6)) for line in lines], decoding=Decoding(top_k=20))
    blocks = np.concatenate([block.logprob for block in model.distributions(tokens)])
    written = [np.concatenate([text[column] for text in texts]) for column in range(4)]
    return [*scores, *found, *model.moments(tokens), blocks, *written]


@pytest.mark.parametrize("kind", ["llama", "mistral", "qwen3", "gpt2", "gemma3"])
@pytest.mark.parametrize("way", ["at once", "side by side"])
def test_a_device_changes_no_number(kind, way, tiny, monkeypatch):
    wanted = all_of(load(str(tiny(kind)), dtype="float32", window=64))
    heads = []

    def head(weight, *, bias=None, finish=None):
        heads.append(CudaHead(weight, bias=bias, finish=finish, product=product, room=8 * 420 * 70))
        return heads[-1]

    used = []

    def watched(name):
        kernel = kernels.KERNELS[name]
        return lambda *given, **asked: used.append(name) or kernel(*given, **asked)

    monkeypatch.setattr(kernels, "_variable_length", lambda: plain_variable_length)
    monkeypatch.setitem(kernels.KERNELS, way, watched(way))
    monkeypatch.setattr(kernels, "names_for", lambda _: (way, "one by one"))
    monkeypatch.setattr(reading, "linear_head", head)
    monkeypatch.setattr(by_transformers, "linear_head", head)
    monkeypatch.setitem(neural.CAPACITY, "cpu", 40)
    monkeypatch.setitem(neural.AHEAD, "cpu", 1)
    model = load(str(tiny(kind)), dtype="float32", window=64)
    assert model.reader.head is heads[-1]
    used.clear()
    for one, other in zip(all_of(model), wanted, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=0, atol=5e-5)
    assert set(used) == {way}


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_pages_under_way_change_no_bit(kind, tiny, monkeypatch):
    model = load(str(tiny(kind)), dtype="float32")
    monkeypatch.setitem(neural.CAPACITY, "cpu", 40)
    wanted = all_of(model)
    monkeypatch.setitem(neural.AHEAD, "cpu", 2)
    for one, other in zip(all_of(model), wanted, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_cannot_be_tried_is_accepted_where_nothing_is_computed():
    """Inference mode and the meta device: signatures and formats, as the real calls have them."""
    given = tuple(torch.empty(n, 30, 64, dtype=torch.bfloat16, device="meta") for n in (6, 2, 2))
    with torch.inference_mode():
        if kernels._variable_length() is not None:
            seen = kernels.at_once(given, kernels.Documents((0, 10, 30), "meta"), span=7)
            assert seen.shape == (30, 6, 64)
        rows = torch.empty(30, 64, dtype=torch.bfloat16, device="meta")
        head = CudaHead(torch.empty(500, 64, dtype=torch.bfloat16, device="meta"))
        scores = head.score(rows, torch.zeros(30, dtype=torch.int64, device="meta"))
    assert [column.dtype for column in scores] == [torch.float32] * 3
