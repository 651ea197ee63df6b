"""The head for CUDA with a product that a processor can do: everything around the product is the same there."""

import pytest
import torch

from like_a_device import product
from uncollapse.language_models.head import LinearHead, likeliest
from uncollapse.language_models.head_on_cuda import MOST, CudaHead, product_in_fp32, room_on


def random(*shape, seed=0, scale=1.0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale


def bent(logits):
    return 3 * torch.tanh(logits / 3)


# Room for one chunk, for a few, and for less than the least number of rows.
@pytest.mark.parametrize("room", [1 << 30, 8 * 9001 * 100, 1])
@pytest.mark.parametrize("rows", [1, 64, 230])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("finish", [None, bent])
def test_the_numbers_are_those_of_the_head_of_a_processor(room, rows, dtype, finish):
    hidden, weight = random(rows, 24).to(dtype), random(9001, 24, seed=1).to(dtype)
    bias = None if finish is None else random(9001, seed=2)
    targets = torch.randint(0, 9001, (rows,), generator=torch.Generator().manual_seed(3))
    head = CudaHead(weight, bias=bias, finish=finish, product=product, room=room)
    exact = LinearHead(weight, bias=bias, finish=finish)
    assert head.size == exact.size
    for found, wanted in zip(head.score(hidden, targets), exact.score(hidden, targets), strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=3e-5)
    found, wanted = head.moments(hidden, targets), exact.moments(hidden, targets)
    for name in ("target", "largest", "logsumexp", "mean", "variance"):
        torch.testing.assert_close(getattr(found, name), getattr(wanted, name), rtol=0, atol=1e-4)
    assert torch.equal(found.rank, wanted.rank)
    assert found.rank.dtype is wanted.rank.dtype
    torch.testing.assert_close(head.logits(hidden), exact.logits(hidden), rtol=0, atol=3e-5)
    torch.testing.assert_close(head.rough_logits(hidden), exact.logits(hidden), rtol=0, atol=3e-5)
    ids, values = likeliest(head, hidden, 5)
    assert torch.equal(ids, likeliest(exact, hidden, 5)[0])
    torch.testing.assert_close(values, likeliest(exact, hidden, 5)[1], rtol=0, atol=3e-5)


def test_a_target_that_is_largest_has_the_largest_logit_and_rank_one():
    hidden, weight = random(50, 24), random(3000, 24, seed=1)
    targets = (hidden @ weight.T).argmax(dim=1)
    head = CudaHead(weight, product=product)
    scores, moments = head.score(hidden, targets), head.moments(hidden, targets)
    assert torch.equal(scores.target, scores.largest)
    assert (moments.rank == 1).all()


def test_hidden_states_in_another_format_are_taken_in_the_weights_own():
    hidden, weight = random(5, 24), random(300, 24, seed=1).bfloat16()
    head = CudaHead(weight, product=product)
    assert torch.equal(head.logits(hidden), head.logits(hidden.bfloat16()))


def test_how_many_rows_go_at_once_follows_from_the_memory():
    # 4 GiB / 32 = 128 MiB, at 8 bytes for each of 128,256 logits: 130 rows. 80 GiB and more give 2 GiB: 2,092.
    weight = torch.empty(128_256, 1, device="meta")
    assert CudaHead(weight, room=room_on(4 << 30)).rows == 130
    assert CudaHead(weight, room=room_on(80 << 30)).rows == 2092
    assert room_on(80 << 30) == room_on(141 << 30) == MOST
    assert CudaHead(weight, room=room_on(1 << 20)).rows == 64


def test_no_chunk_holds_more_rows_than_there_is_room_for():
    seen = []

    def watched(rows, weight):
        seen.append(len(rows))
        return product(rows, weight)

    weight = random(1000, 8)
    head = CudaHead(weight, product=watched, room=8 * 1000 * 70)
    head.score(random(150, 8), torch.zeros(150, dtype=torch.int64))
    head.moments(random(71, 8), torch.zeros(71, dtype=torch.int64))
    assert seen == [70, 70, 10, 70, 1]


def test_in_fp32_the_product_is_the_plain_one():
    hidden, weight = random(5, 24), random(300, 24, seed=1)
    torch.testing.assert_close(product_in_fp32(hidden, weight), hidden @ weight.T)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_half_precision_the_product_asks_for_sums_in_fp32(dtype):
    """On the meta device nothing is computed, and the call is checked against torch's own rules."""
    hidden, weight = (torch.empty(rows, 24, dtype=dtype, device="meta") for rows in (5, 300))
    found = product_in_fp32(hidden, weight)
    assert (found.shape, found.dtype) == ((5, 300), torch.float32)
