import numpy as np
import pytest

from uncollapse.editing.recheck import Limits, loss_after, reach, survivors
from uncollapse.language_models.model import Tokens

IMPOSSIBLE = -np.inf


def documents(*sizes: int) -> Tokens:
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    count = int(offsets[-1])
    return Tokens(
        ids=np.zeros(count, np.int32), starts=offsets[:-1], offsets=offsets, spans=np.zeros((count, 2), np.int64)
    )


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def f32(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float32)


def test_an_edit_answers_for_what_follows_up_to_the_next_one_and_the_end() -> None:
    tokens = documents(10, 4)
    assert reach(tokens, rows(1, 4, 8, 13), ahead=3).tolist() == [4, 8, 10, 14]
    assert reach(tokens, rows(1, 4, 8, 13), ahead=1).tolist() == [3, 6, 10, 14]


def test_losses_by_hand() -> None:
    before = f32(np.nan, -1, -2, -3, -4, -5)
    after = f32(np.nan, -9, -2.5, -2, -8, -5)
    # (1, 3]: 0.5 + -1; (3, 4]: 4; nothing after row 5.
    assert loss_after(before, after, rows(1, 3, 5), rows(4, 5, 6)).tolist() == [-0.5, 4.0, 0.0]
    assert loss_after(before, after, rows(), rows()).tolist() == []


def test_what_cannot_be_is_too_much_and_concerns_nobody_else() -> None:
    tokens = documents(3, 3)
    before = f32(-1, -1, -1, -1, -1, -1)
    after = f32(-1, -1, IMPOSSIBLE, -1, -1, -3)
    limits = Limits(ahead=4, following=1.0, total=None)
    assert survivors(before, after, rows(1, 4), tokens=tokens, limits=limits).tolist() == [False, False]
    kind = f32(-1, -1, IMPOSSIBLE, -1, -1, -1.5)
    assert survivors(before, kind, rows(1, 4), tokens=tokens, limits=limits).tolist() == [False, True]
    # Impossible before and after: nothing was lost there.
    never = f32(-1, -1, IMPOSSIBLE, -1, -1, -1)
    assert survivors(never, kind, rows(1, 4), tokens=tokens, limits=limits).tolist() == [True, True]


def test_the_edited_token_itself_counts_where_a_total_is_set() -> None:
    tokens = documents(3)
    before, after = f32(-1, -1, -1), f32(-1, -1.75, -1.5)
    for total, stays in ((1.0, False), (1.25, True), (None, True)):
        found = survivors(before, after, rows(1), tokens=tokens, limits=Limits(4, 1.0, total))
        assert found.tolist() == [stays]


@pytest.mark.parametrize("huge", [1e4, 1e30])
def test_a_loss_has_the_same_bits_in_any_company(huge: float) -> None:
    chance = np.random.default_rng(3)
    before, after = (-chance.exponential(2.0, 40).astype(np.float32) for _ in range(2))
    places, ends = rows(0, 9, 17, 30), rows(8, 17, 26, 40)
    alone = loss_after(before, after, places, ends)
    crowd = np.full(1001, -huge, np.float32)
    still = np.zeros(1001, np.float32)
    crowded = loss_after(np.concatenate([crowd, before]), np.concatenate([still, after]), places + 1001, ends + 1001)
    assert crowded.tolist() == alone.tolist()
