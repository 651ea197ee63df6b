"""Winners by hand and by brute force: scores, draws, floors and caps, and no order that matters."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from uncollapse.errors import UsageError
from uncollapse.selection.winners import (
    LOST,
    REJECTED,
    STRATUM_FULL,
    TEACHER_FULL,
    Candidates,
    Rules,
    decide,
    uniform,
)


def candidates(rows, *, seed=0):
    """Candidates out of (group, teacher, score) or (group, teacher, score, stratum)."""
    rng = np.random.default_rng(seed)
    columns = [np.array(column) for column in zip(*[(*row, 0)[:4] for row in rows], strict=True)]
    group, teacher, score, stratum = columns
    return Candidates(
        rng.permutation(2**20)[group].astype(np.uint64) << np.uint64(40),
        rng.integers(2**64, size=len(group), dtype=np.uint64),
        teacher.astype(np.int64),
        score.astype(np.float64),
        stratum.astype(np.int64),
    )


def random_candidates(seed, *, groups=6, teachers=3, most=4):
    rng = np.random.default_rng(seed)
    rows = [
        (group, int(rng.integers(teachers)), float(rng.normal()))
        for group in range(groups)
        for _ in range(int(rng.integers(1, most)))
    ]
    return candidates(rows, seed=seed)


def kept(found, verdict):
    return {int(group): int(row) for row, group in enumerate(found.group) if verdict.fate[row] < 0}


def test_the_best_of_each_group_is_kept_and_every_row_has_its_place():
    found = candidates([(0, 0, 1.0), (1, 0, 5.0), (0, 1, 3.0), (0, 2, 2.0)])
    verdict = decide(found, Rules())
    assert verdict.fate.tolist() == [LOST, -1, -1, LOST]
    assert verdict.rank.tolist() == [3, 1, 1, 2]
    assert verdict.rivals.tolist() == [2, 0, 2, 2]
    assert verdict.winner.tolist() == [2, 1, 2, 2]


def test_a_candidate_without_rivals_needs_no_score():
    verdict = decide(candidates([(0, 0, np.nan), (1, 0, 1.0), (1, 0, 2.0)]), Rules())
    assert verdict.fate.tolist() == [-1, LOST, -1]


def test_equal_scores_are_told_apart_by_the_draw_and_each_wins_as_often():
    wins = np.zeros(3)
    for seed in range(600):
        verdict = decide(candidates([(0, at, 1.0) for at in range(3)], seed=seed), Rules())
        wins += verdict.fate < 0
    # 600 draws of three: mean 200, standard deviation 11.5; four of them on either side fail once in 5,000 times.
    assert wins.sum() == 600
    assert (abs(wins - 200) < 4 * 11.6).all()


def test_softmax_draws_with_its_own_probabilities():
    scores, temperature = np.array([0.0, 1.0, 2.0]), 0.8
    expected = np.exp(scores / temperature)
    expected /= expected.sum()
    rows = [(group, at, score) for group in range(6000) for at, score in enumerate(scores)]
    verdict = decide(candidates(rows), Rules(keep="softmax", temperature=temperature))
    share = np.array([(verdict.fate[at::3] < 0).mean() for at in range(3)])
    # Standard error at most .5 / sqrt 6000 = .0065; four of them.
    assert abs(share - expected).max() < 0.026


def test_a_cold_softmax_is_the_best_and_a_hot_one_draws_evenly():
    found = random_candidates(1, groups=50)
    assert kept(found, decide(found, Rules(keep="softmax", temperature=1e-9))) == kept(found, decide(found, Rules()))
    rows = [(group, at, float(at)) for group in range(3000) for at in range(2)]
    hot = decide(candidates(rows), Rules(keep="softmax", temperature=1e9))
    assert abs((hot.fate[::2] < 0).mean() - 0.5) < 4 * 0.5 / np.sqrt(3000)


def test_in_the_share_of_the_floor_a_reject_wins_and_the_best_never_does():
    found = random_candidates(2, groups=200, most=5)
    verdict = decide(found, Rules(random_floor=Fraction(1, 10)))
    winners = verdict.fate < 0
    assert winners.sum() == 200
    assert (verdict.rank[winners] > 1).sum() == 20
    assert (verdict.fate == REJECTED).sum() == 20
    assert (verdict.rank[verdict.fate == REJECTED] == 1).all()


def test_a_floor_above_the_groups_that_have_rejects_says_what_can_be():
    found = candidates([(0, 0, 1.0), (1, 0, 1.0), (1, 1, 2.0)])
    with pytest.raises(UsageError, match="in 2 of 2 groups, and 1 have one") as refused:
        decide(found, Rules(random_floor=Fraction(9, 10)))
    assert refused.value.hint == "--random-floor 0.5 at most"


@pytest.mark.parametrize("seed", range(40))
def test_a_cap_loses_the_least_score_that_can_be_lost(seed):
    found = random_candidates(seed)
    groups = [np.flatnonzero(found.group == group) for group in np.unique(found.group)]
    for limit in range(2, 6):
        cap = Fraction(limit, len(groups))
        best = None
        for rows in product(*groups):
            if np.bincount(found.teacher[list(rows)]).max() <= limit:
                total = found.score[list(rows)].sum()
                best = total if best is None else max(best, total)
        if best is None:
            with pytest.raises(UsageError, match="do not allow it"):
                decide(found, Rules(cap_teacher=cap))
            continue
        verdict = decide(found, Rules(cap_teacher=cap))
        winners = np.flatnonzero(verdict.fate < 0)
        assert len(winners) == len(groups)
        assert np.bincount(found.teacher[winners]).max() <= limit
        assert found.score[winners].sum() == pytest.approx(best, abs=1e-9)


def test_who_made_room_is_told_from_who_lost():
    # Of three groups teacher 0 may have one: it keeps that in which the others are furthest behind.
    rows = [(0, 0, 9.0), (0, 1, 1.0), (1, 0, 3.0), (1, 1, 2.5), (2, 0, 3.0), (2, 2, 2.0)]
    verdict = decide(candidates(rows), Rules(cap_teacher=Fraction(1, 3)))
    assert verdict.fate.tolist() == [-1, LOST, TEACHER_FULL, -1, TEACHER_FULL, -1]


def test_a_chain_is_found_where_no_single_move_is_left():
    # Group 2 has nobody but teacher 0 and 1; teacher 1 is full, and its own group can go on to teacher 2.
    rows = [(0, 0, 5.0), (1, 0, 5.0), (1, 1, 4.0), (2, 1, 5.0), (2, 2, 0.0)]
    verdict = decide(candidates(rows), Rules(cap_teacher=Fraction(1, 3)))
    assert [row for row in range(5) if verdict.fate[row] < 0] == [0, 2, 4]


def test_the_least_cap_is_named_and_can_be_met():
    rows = [(0, 0, 1.0), (1, 0, 1.0), (2, 0, 1.0), (3, 0, 1.0), (3, 1, 1.0)]
    with pytest.raises(UsageError, match="no teacher may have more than 2 of 4 groups") as refused:
        decide(candidates(rows), Rules(cap_teacher=Fraction(1, 2)))
    assert "The least cap that they allow is 0.75: 3 groups" in refused.value.hint
    verdict = decide(candidates(rows), Rules(cap_teacher=Fraction(3, 4)))
    assert (verdict.fate < 0).sum() == 4


def test_a_cap_on_strata_keeps_as_many_groups_as_can_be():
    rows = [(group, 0, 1.0, int(group >= 8)) for group in range(12)]
    verdict = decide(candidates(rows), Rules(cap_stratum=Fraction(1, 2)))
    assert (verdict.fate == STRATUM_FULL).sum() == 4
    assert (verdict.fate[8:] < 0).all()
    assert (verdict.winner[verdict.fate == STRATUM_FULL] == -1).all()
    with pytest.raises(UsageError, match="2 strata") as refused:
        decide(candidates(rows), Rules(cap_stratum=Fraction(2, 5)))
    assert "a cap of 0.5 or more" in refused.value.hint


@pytest.mark.parametrize(
    "rules",
    [
        Rules(),
        Rules(keep="softmax", temperature=0.7),
        Rules(random_floor=Fraction(1, 5), cap_teacher=Fraction(1, 2)),
        Rules(keep="softmax", cap_teacher=Fraction(2, 5)),
    ],
)
def test_no_order_of_the_candidates_matters(rules):
    found = random_candidates(7, groups=60, most=5)
    verdict = decide(found, rules)
    order = np.random.default_rng(0).permutation(len(found.group))
    shuffled = decide(Candidates(*(column[order] for column in found)), rules)
    for name in ("fate", "rank", "rivals"):
        assert (getattr(shuffled, name) == getattr(verdict, name)[order]).all()
    assert (order[shuffled.winner] == verdict.winner[order]).all()


def test_uniform_numbers_are_never_at_an_end():
    ends = uniform(np.array([0, 2**64 - 1], np.uint64))
    assert ends.tolist() == [2.0**-53, 1 - 2.0**-53]
