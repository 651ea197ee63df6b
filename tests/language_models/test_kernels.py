from itertools import accumulate

import pytest
import torch

from like_a_device import plain_variable_length
from uncollapse.language_models import kernels
from uncollapse.language_models.attention import UnsupportedAttentionError
from uncollapse.language_models.kernels import Documents, agrees, at_once, one_by_one, serving, side_by_side


def heads(rows, dtype=torch.float32, count=6, kept=2, width=8):
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(n, rows, width, generator=generator).to(dtype) for n in (count, kept, kept))


def of(*lengths):
    return Documents((0, *accumulate(lengths)))


# A page of one row, one of equal documents, and one of every length.
PAGES = [(1,), (40, 40, 40), (1, 3, 70, 2, 71, 200, 150, 1, 190, 90)]


@pytest.mark.parametrize("lengths", PAGES, ids=str)
@pytest.mark.parametrize(("span", "scale"), [(None, None), (1, None), (17, 0.3), (70, None)])
@pytest.mark.parametrize(("kept", "kernel"), [(2, side_by_side), (6, side_by_side), (2, at_once), (6, at_once)])
def test_each_way_gives_what_one_by_one_gives(lengths, span, scale, kept, kernel, monkeypatch):
    monkeypatch.setattr(kernels, "_variable_length", lambda: plain_variable_length)
    given, documents = heads(sum(lengths), kept=kept), of(*lengths)
    wanted = one_by_one(given, documents, span=span, scale=scale)
    torch.testing.assert_close(kernel(given, documents, span=span, scale=scale), wanted, rtol=0, atol=3e-6)


def test_a_document_sees_nothing_of_its_neighbours():
    """Other neighbours of the same lengths: not one bit of the document's own rows moves."""
    given = heads(150)
    before = side_by_side(given, of(40, 50, 60))
    changed = tuple(part.clone() for part in given)
    for part in changed:
        part[:, :40] += 1
        part[:, 90:] -= 1
    after = side_by_side(changed, of(40, 50, 60))
    assert torch.equal(before[40:90], after[40:90])
    assert not torch.equal(before[:40], after[:40])


def test_documents_of_nearly_equal_length_stand_side_by_side():
    documents = of(1, 1000, 3, 1200, 17, 2000, 18)
    groups = [sorted(group.rows[:, 0].tolist()) for group in documents.groups]
    # 1 * 1.25 + 16 = 17.25 holds 1, 3 and 17, and 18 no more; 18 * 1.25 + 16 = 38.5; 1000 * 1.25 + 16 = 1266.
    starts = dict(zip((1, 1000, 3, 1200, 17, 2000, 18), documents.bounds, strict=False))
    assert groups == [sorted(starts[n] for n in part) for part in ((1, 3, 17), (18,), (1000, 1200), (2000,))]
    assert sorted(torch.cat([group.own for group in documents.groups]).tolist()) == list(range(documents.bounds[-1]))
    waste = sum(group.rows.numel() for group in of(*range(50, 4000, 79)).groups) / sum(range(50, 4000, 79))
    assert waste < 1.25


def test_what_the_page_says_of_its_documents_is_worked_out_once():
    documents = of(3, 9, 2)
    assert documents.starts is documents.starts
    assert documents.groups is documents.groups
    assert (documents.starts.tolist(), documents.starts.dtype, documents.longest) == ([0, 3, 12, 14], torch.int32, 9)


@pytest.mark.parametrize("width", [4, 12, 264])
def test_widths_that_the_kernel_does_not_take_are_not_tried(width, monkeypatch):
    monkeypatch.setattr(kernels, "_variable_length", lambda: pytest.fail)
    with pytest.raises(UnsupportedAttentionError):
        at_once(heads(9, width=width), of(9))


def test_values_of_another_width_are_not_tried():
    query, key, value = heads(9)
    with pytest.raises(UnsupportedAttentionError):
        at_once((query, key, torch.cat([value, value], dim=2)), of(9))


def test_the_kernel_of_the_framework_takes_what_it_is_given():
    """On the meta device nothing is computed, and every argument is checked against the real signature."""
    given = tuple(part.to("meta", torch.bfloat16) for part in heads(30, width=64))
    documents = Documents((0, 10, 30))
    if kernels._variable_length() is None:
        pytest.skip("torch: this version has no attention of variable length")
    for span in (None, 7):
        seen = at_once(given, documents, span=span)
        assert (seen.shape, seen.dtype) == ((30, 6, 64), torch.bfloat16)


def breaking(*_, **__):
    raise RuntimeError("FlashAttention only supports Ampere GPUs or newer.")


def off_by_one(given, documents, *, span=None, scale=None):
    return one_by_one(given, documents, span=None if span is None else span + 1, scale=scale)


def across(given, documents, *, span=None, scale=None):
    return one_by_one(given, Documents((0, documents.bounds[-1])), span=span, scale=scale)


def starved(*_, **__):
    raise torch.OutOfMemoryError("no memory")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("width", [16, 64, 128])
def test_the_probe_takes_the_first_way_that_is_right(dtype, width, monkeypatch):
    like, shape = torch.empty(0, dtype=dtype), (6, 2, width)
    assert list(serving(like, shape)) == ["one by one"]
    monkeypatch.setattr(kernels, "names_for", lambda _: ("at once", "side by side", "one by one"))
    for wrong in (breaking, off_by_one, across):
        monkeypatch.setitem(kernels.KERNELS, "at once", wrong)
        assert list(serving(like, shape)) == ["side by side", "one by one"]
    monkeypatch.setitem(kernels.KERNELS, "at once", one_by_one)
    assert next(serving(like, shape)) == "at once"


def test_memory_that_is_full_is_no_reason_to_take_another_way():
    with pytest.raises(torch.OutOfMemoryError):
        agrees(starved, torch.empty(0), (6, 2, 8))
