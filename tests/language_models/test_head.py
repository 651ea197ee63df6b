import numpy as np
import pytest
import torch

from uncollapse.language_models import head as heads
from uncollapse.language_models.head import BfloatHead, LinearHead, ReadyLogits, largest, likeliest


def random(*shape, seed=0, scale=1.0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale


def oracle(logits, targets):
    """The same numbers in fp64, all at once."""
    logits = logits.double()
    own = logits.gather(1, targets[:, None])[:, 0]
    return own, logits.amax(dim=1), torch.logsumexp(logits, dim=1)


@pytest.mark.parametrize("rows", [1, 63, 64, 511, 513, 1100])
@pytest.mark.parametrize("size", [100, 4096, 9001])
def test_the_scores_are_those_of_all_logits_at_once(rows, size):
    hidden, weight, bias = random(rows, 24), random(size, 24, seed=1), random(size, seed=2)
    targets = torch.randint(0, size, (rows,), generator=torch.Generator().manual_seed(3))
    for head, logits in (
        (LinearHead(weight), hidden @ weight.T),
        (
            LinearHead(weight, bias=bias, finish=lambda x: 3 * torch.tanh(x / 3)),
            3 * torch.tanh((hidden @ weight.T + bias) / 3),
        ),
    ):
        for found, wanted in zip(head.score(hidden, targets), oracle(logits, targets), strict=True):
            torch.testing.assert_close(found.double(), wanted, rtol=0, atol=3e-5)
        torch.testing.assert_close(head.logits(hidden), logits)
    ready = ReadyLogits(size).score(hidden @ weight.T, targets)
    for found, wanted in zip(ready, oracle(hidden @ weight.T, targets), strict=True):
        torch.testing.assert_close(found.double(), wanted, rtol=0, atol=3e-5)


@pytest.mark.parametrize("rows", [8, 64, 600])
def test_a_row_does_not_depend_on_the_rows_beside_it(rows, monkeypatch):
    # Many slices, as a real vocabulary has them.
    monkeypatch.setattr(heads, "COLUMNS", 512)
    hidden, weight = random(1100, 24), random(9001, 24, seed=1)
    targets = torch.zeros(1100, dtype=torch.int64)
    for head in (LinearHead(weight), BfloatHead(LinearHead(weight.bfloat16()))):
        given = hidden.to(head.exact.weight.dtype) if isinstance(head, BfloatHead) else hidden
        whole = head.score(given, targets)
        part = head.score(given[300 : 300 + rows], targets[:rows])
        for one, other in zip(whole, part, strict=True):
            torch.testing.assert_close(one[300 : 300 + rows], other, rtol=0, atol=0)


def test_the_head_for_bfloat16_is_nearly_as_good_as_fp32():
    # Logits as a language model has them: a few of 20 and more, most near zero, where bfloat16 rounds to 1/16.
    weight = random(12_000, 32, seed=1, scale=1.0).bfloat16()
    hidden = random(400, 32, scale=2.5).bfloat16()
    logits = hidden.float() @ weight.float().T
    targets = logits.argsort(dim=1, descending=True)[torch.arange(400), torch.arange(400) % 5]
    own, top, total = oracle(logits, targets)
    assert top.median() > 20
    found = BfloatHead(LinearHead(weight)).score(hidden, targets)
    torch.testing.assert_close(found.target.double(), own, rtol=0, atol=2e-5)
    rounded = oracle((hidden @ weight.T).float(), targets)
    error = (found.target - found.logsumexp - (own - total)).abs()
    naive = (rounded[0] - rounded[2] - (own - total)).abs()
    assert error.square().mean().sqrt() < naive.square().mean().sqrt() / 5
    sure = (own - total).exp() > 0.9
    assert sure.sum() > 20
    assert error[sure].max() < 0.003
    # What is the argmax for it has the largest logit, or one that rounds to the same bfloat16 number.
    largest_found = (found.target >= found.largest) & (targets != logits.argmax(dim=1))
    assert ((top - own)[largest_found] <= top[largest_found] / 256).all()
    assert (found.target >= found.largest)[targets == logits.argmax(dim=1)].all()


def by_sorting(logits, k):
    """Columns by falling value and, among equals, by rising number."""
    order = [sorted(range(len(row)), key=lambda j, row=row: (-row[j], j))[:k] for row in logits.tolist()]
    return torch.tensor(order)


@pytest.mark.parametrize("levels", [2, 7, 1000])
@pytest.mark.parametrize("k", [1, 8, 64])
@pytest.mark.parametrize("size", [50, 64 * 100, 64 * 150 + 17])
def test_the_largest_in_order_with_ties_by_column(levels, k, size):
    logits = torch.randint(0, levels, (5, size), generator=torch.Generator().manual_seed(k)).float()
    ids, values = largest(logits, k)
    assert ids.tolist() == by_sorting(logits, k).tolist()
    assert values.tolist() == logits.gather(1, ids).tolist()


def test_all_candidates_when_k_is_the_vocabulary():
    logits = random(3, 700)
    ids, _ = largest(logits, 700)
    np.testing.assert_array_equal(np.sort(ids.numpy(), axis=1), np.tile(np.arange(700), (3, 1)))


def test_likeliest_takes_its_rows_in_chunks(monkeypatch):
    monkeypatch.setattr(heads, "ROWS", 70)
    hidden, weight = random(200, 24), random(9001, 24, seed=1)
    ids, values = likeliest(LinearHead(weight), hidden, 4)
    wanted, order = torch.sort(hidden @ weight.T, dim=1, descending=True, stable=True)
    assert ids.tolist() == order[:, :4].tolist()
    torch.testing.assert_close(values, wanted[:, :4])
