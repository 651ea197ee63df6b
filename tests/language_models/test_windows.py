import numpy as np
import pytest

from uncollapse.language_models.model import Tokens
from uncollapse.language_models.windows import Window, cut, overlap_of, pages


def lines(*lengths, prompts=None):
    """Documents whose token ids count up from 100 times their number."""
    prompts = prompts or [0] * len(lengths)
    ids = [100 * number + at for number, length in enumerate(lengths, start=1) for at in range(length)]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Tokens(
        ids=np.array(ids, np.int32),
        offsets=offsets,
        starts=offsets[:-1] + np.array(prompts, np.int64),
        spans=np.zeros((len(ids), 2), np.int64),
    )


def test_a_short_document_is_one_window():
    assert list(cut(lines(5), window=8, start=True)) == [Window(0, 0, 5, 0)]
    assert list(cut(lines(5), window=8, start=False)) == [Window(0, 0, 4, 0)]


def test_a_long_document_is_cut_with_overlap_and_no_tail_is_lost():
    # Windows of 8 rows that repeat 2: rows 0-7, 6-13, 12-18 of 19.
    assert overlap_of(8) == 2
    assert list(cut(lines(19), window=8, start=True)) == [Window(0, 0, 8, 0), Window(0, 6, 8, 2), Window(0, 12, 7, 2)]


def test_a_document_that_just_fits_is_not_cut():
    assert list(cut(lines(8), window=8, start=True)) == [Window(0, 0, 8, 0)]
    assert list(cut(lines(9), window=8, start=True)) == [Window(0, 0, 8, 0), Window(0, 6, 3, 2)]
    assert list(cut(lines(14), window=8, start=True)) == [Window(0, 0, 8, 0), Window(0, 6, 8, 2)]


def test_nothing_to_read():
    assert list(cut(lines(0), window=8, start=True)) == []
    assert list(cut(lines(1), window=8, start=False)) == []


def test_prompts_are_context():
    assert list(cut(lines(6, prompts=[4]), window=8, start=True)) == [Window(0, 0, 6, 4)]
    assert list(cut(lines(6, prompts=[4]), window=8, start=False)) == [Window(0, 0, 5, 3)]
    # The first window would only read the prompt.
    assert list(cut(lines(14, prompts=[10]), window=8, start=True)) == [Window(0, 6, 8, 4)]


def test_a_page_with_a_start_token():
    (page,) = pages(lines(3, 2), window=8, start=7, capacity=100)
    assert page.ids.tolist() == [7, 100, 101, 7, 200]
    assert page.positions.tolist() == [0, 1, 2, 0, 1]
    assert page.bounds == (0, 3, 5)
    assert page.rows.tolist() == [0, 1, 2, 3, 4]
    assert page.targets.tolist() == [0, 1, 2, 3, 4]


def test_a_page_without_a_start_token():
    (page,) = pages(lines(3, 2), window=8, start=None, capacity=100)
    assert page.ids.tolist() == [100, 101, 200]
    assert page.targets.tolist() == [1, 2, 4]


def test_later_windows_begin_with_the_start_token_too():
    (page,) = pages(lines(10), window=8, start=7, capacity=100)
    assert page.ids.tolist() == [7, *range(100, 107), 7, 106, 107, 108]
    assert page.rows.tolist() == [*range(8), 10, 11]
    assert page.targets.tolist() == list(range(10))


@pytest.mark.parametrize("start", [7, None])
@pytest.mark.parametrize("capacity", [1, 20, 1000])
def test_every_token_is_scored_once_and_in_order(start, capacity):
    generator = np.random.default_rng(5)
    lengths = generator.integers(0, 60, 50)
    prompts = [int(generator.integers(0, length + 1)) for length in lengths]
    tokens = lines(*lengths.tolist(), prompts=prompts)
    found = list(pages(tokens, window=16, start=start, capacity=capacity))
    targets = np.concatenate([page.targets for page in found])
    wanted = tokens.scored()
    if start is None:
        wanted[tokens.offsets[:-1][np.diff(tokens.offsets) > 0]] = False
    np.testing.assert_array_equal(targets, np.flatnonzero(wanted))
    for page in found:
        assert len(page.ids) <= max(capacity, 16)
        # The row before a token's own holds the token before it, or the start token.
        before = page.ids[page.rows]
        heads = np.isin(page.targets, tokens.offsets[:-1])
        np.testing.assert_array_equal(before[~heads], tokens.ids[page.targets[~heads] - 1])


def test_every_later_token_has_the_overlap_before_it():
    (page,) = pages(lines(300), window=32, start=7, capacity=10_000)
    seen = page.positions[page.rows]
    assert seen[32:].min() >= overlap_of(32)
