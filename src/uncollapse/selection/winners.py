"""Which candidate of each group is kept: by score, by a draw, with a share of random rejects, under caps.

Everything follows from what the candidates are: draws are keyed by seed, group and text, ties are drawn, and
groups are gone through in the order of their keys. So no order of files, rows or shards matters.
"""

from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt64
from numpy import ndarray

from uncollapse.errors import UsageError
from uncollapse.ngrams import mix
from uncollapse.selection.caps import Options, within

LOST, TEACHER_FULL, REJECTED, STRATUM_FULL = 0, 1, 2, 3
REASONS = (
    "lost to another candidate",
    "first, but its teacher is full",
    "first, but a reject was drawn",
    "its stratum is full",
)
_FLOOR, _STRATUM, _REJECT = (np.uint64(number) for number in (0x666C6F6F72, 0x7374726174, 0x72656A6563))


class Rules(NamedTuple):
    """How winners are found. Shares are of the groups that are kept; `temperature` is in the unit of the score."""

    keep: Literal["argmax", "softmax"] = "argmax"
    temperature: float = 1.0
    random_floor: Fraction = Fraction(0)
    cap_teacher: Fraction | None = None
    cap_stratum: Fraction | None = None


class Candidates(NamedTuple):
    """Candidates in any order. The higher `score` is the better; NaN is for one that has no rivals.

    `group` and `draw` are keyed hashes: one for each group, and one for each candidate (rows that are equal in all that
    counts may share theirs). `stratum` is one number for a whole group.
    """

    group: UInt64[ndarray, "n"]
    draw: UInt64[ndarray, "n"]
    teacher: Int64[ndarray, "n"]
    score: Float64[ndarray, "n"]
    stratum: Int64[ndarray, "n"]


class Verdict(NamedTuple):
    """What became of each candidate: its fate (-1 kept, else a number in `REASONS`), and how it stood.

    `rank` is 1 for the best score of its group, `rivals` the number of the others there, `winner` the row that was kept
    of its group, or -1.
    """

    fate: Int64[ndarray, "n"]
    rank: Int64[ndarray, "n"]
    rivals: Int64[ndarray, "n"]
    winner: Int64[ndarray, "n"]


class _Sorted(NamedTuple):
    """The candidates by group, the best score of each group first: rows start[g] to start[g + 1] are of group g."""

    all: Candidates
    start: Int64[ndarray, "g"]
    number: Int64[ndarray, "n"]


def decide(candidates: Candidates, rules: Rules) -> Verdict:
    """The winners, one for each group that is kept.

    A cap on strata comes first: of a stratum that has too many groups as many are kept as it may have, by the draws of
    the groups. Then each group has its first candidate: by score; by score + temperature times Gumbel noise, which is a
    draw from softmax(score / temperature); or, in as many groups as the floor asks for, by a draw among those that have
    not the best score. Where a teacher is first too often, its groups go to other teachers: those that lose the least
    by it in all.

    Raises:
        UsageError: a share cannot be met; says what can.

    Source: Gumbel 1954 and Maddison, Tarlow and Minka 2014 for the draw (the maximum of perturbed scores).
    """
    order = np.lexsort((candidates.draw, -_ranked(candidates.score), candidates.group))
    rows = Candidates(*(column[order] for column in candidates))
    first = np.ones(len(order), np.bool_)
    first[1:] = rows.group[1:] != rows.group[:-1]
    start = np.append(np.flatnonzero(first), len(order))
    number = np.cumsum(first) - 1
    found = _Sorted(rows, start, number)
    kept = _open_groups(found, rules.cap_stratum)
    merit, floor = _merits(found, rules, kept)
    leader = _leaders(found, merit)
    winner = leader if rules.cap_teacher is None else _capped(found, merit, leader, kept, rules.cap_teacher)
    fate = _fates(found, kept, floor, leader, winner)
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    rank = np.arange(len(order)) - start[number] + 1
    rivals = np.diff(start)[number] - 1
    of_group = np.where(kept[number], order[winner[number]], -1)
    return Verdict(*(column[back].astype(np.int64) for column in (fate, rank, rivals, of_group)))


def _ranked(score: Float64[ndarray, "n"]) -> Float64[ndarray, "n"]:
    """Scores that can be sorted: a candidate without one has no rivals."""
    return np.where(np.isnan(score), 0.0, score)


def uniform(bits: UInt64[ndarray, "n"]) -> Float64[ndarray, "n"]:
    """Numbers in (0, 1) out of 64 bits, 52 of which count: with 53 the last would be rounded to 1."""
    return ((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def _open_groups(found: _Sorted, cap: Fraction | None) -> Bool[ndarray, "g"]:
    """Which groups are kept under a cap on the share of each stratum."""
    heads = found.start[:-1]
    kept = np.ones(len(heads), np.bool_)
    if cap is None:
        return kept
    stratum = found.all.stratum[heads]
    sizes = np.unique(stratum, return_counts=True)[1]
    total = _largest_total(sizes, cap)
    if not total:
        least = -(-10_000 // len(sizes)) / 10_000
        raise UsageError(
            f"no stratum may have more than {float(cap):g} of the groups, and there are {len(sizes)} strata",
            hint=f"With these strata a cap of {least:g} or more can be met.",
        )
    order = np.lexsort((mix(found.all.group[heads] ^ _STRATUM), stratum))
    edge = np.concatenate([[True], stratum[order][1:] != stratum[order][:-1]])
    place = np.arange(len(order)) - np.maximum.accumulate(np.where(edge, np.arange(len(order)), 0))
    kept[order] = place < int(cap * total)
    return kept


def _largest_total(sizes: Int64[ndarray, "s"], cap: Fraction) -> int:
    """The largest number of groups of which no stratum has more than its share; 0 where there is none."""
    total = int(sizes.sum())
    while total:
        there = int(np.minimum(sizes, int(cap * total)).sum())
        if there >= total:
            return total
        total = there
    return 0


def _merits(found: _Sorted, rules: Rules, kept: Bool[ndarray, "g"]) -> tuple[Float64[ndarray, "n"], Bool[ndarray, "g"]]:
    """By what candidates are compared within their group, and the groups in which a reject wins.

    Of the latter the best has -inf and all others the same, so that a cap moves them before any other.
    """
    rows, heads = found.all, found.start[:-1]
    merit = _ranked(rows.score)
    if rules.keep == "softmax":
        merit = merit - rules.temperature * np.log(-np.log(uniform(rows.draw)))
    floor = np.zeros(len(heads), np.bool_)
    wanted = int(-((-rules.random_floor * int(kept.sum())) // 1))
    if not wanted:
        return merit, floor
    open_ = np.flatnonzero(kept & (np.diff(found.start) > 1))
    if wanted > len(open_):
        share = float(Fraction(int(10_000 * len(open_) / int(kept.sum())), 10_000))
        raise UsageError(
            f"a reject is to win in {wanted:,} of {int(kept.sum()):,} groups, and {len(open_):,} have one",
            hint=f"--random-floor {share:g} at most",
        )
    floor[open_[np.argsort(mix(rows.group[heads[open_]] ^ _FLOOR), kind="stable")[:wanted]]] = True
    merit = np.where(floor[found.number], 0.0, merit)
    merit[heads[floor]] = -np.inf
    return merit, floor


def _leaders(found: _Sorted, merit: Float64[ndarray, "n"]) -> Int64[ndarray, "g"]:
    """The candidate of each group with the largest merit; equal ones are told apart by a draw."""
    order = np.lexsort((mix(found.all.draw ^ _REJECT), -merit, found.number))
    leader: Int64[ndarray, g] = order[found.start[:-1]]
    return leader


def _capped(
    found: _Sorted,
    merit: Float64[ndarray, "n"],
    leader: Int64[ndarray, "g"],
    kept: Bool[ndarray, "g"],
    cap: Fraction,
) -> Int64[ndarray, "g"]:
    """The winners when no teacher has more than its share."""
    total = int(kept.sum())
    usable = np.isfinite(merit) & kept[found.number]
    order = np.lexsort((mix(found.all.draw ^ _REJECT), -merit, found.all.teacher, found.number))
    order = order[usable[order]]
    same = np.zeros(len(order), np.bool_)
    teacher, group = found.all.teacher[order], found.number[order]
    same[1:] = (teacher[1:] == teacher[:-1]) & (group[1:] == group[:-1])
    order = order[~same]
    options = Options(found.number[order], found.all.teacher[order], merit[order], order)
    winner = leader.copy()
    chosen = within(options, leader, limit=int(cap * total), total=total)
    winner[kept] = chosen[kept]
    return winner


def _fates(
    found: _Sorted,
    kept: Bool[ndarray, "g"],
    floor: Bool[ndarray, "g"],
    leader: Int64[ndarray, "g"],
    winner: Int64[ndarray, "g"],
) -> Int64[ndarray, "n"]:
    fate = np.full(len(found.number), LOST, np.int64)
    fate[leader[leader != winner]] = TEACHER_FULL
    fate[found.start[:-1][floor]] = REJECTED
    fate[winner] = -1
    fate[~kept[found.number]] = STRATUM_FULL
    return fate
