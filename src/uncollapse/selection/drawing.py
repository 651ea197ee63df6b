"""Which rows of a mixture are taken, how often, and where each comes to stand; a matter of draws, not of places.

Everything follows from what the rows are: the draw of a row is keyed by seed and id, rows of one text are told apart by
what is said of them, and the order of the result is a hash of both. So no order of files, rows or shards matters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float64, Int64, UInt64
from numpy import ndarray

from uncollapse.corpora.cuts import LARGEST, ROW_CHARGE, SHARDS, SMALLEST
from uncollapse.document import Origin
from uncollapse.errors import UsageError
from uncollapse.selection.proportions import Asked, Pool, Taken, take
from uncollapse.selection.survey import ORIGIN_CODES, Role

MOST_SHARDS = 512
"""All of them are open at once while rows are put aside, and a process may open about a thousand files."""

NOT_DRAWN, DOUBLED, WEIGHTLESS = "not drawn", "its text is there already", "weight 0"
REASONS = (NOT_DRAWN, DOUBLED, WEIGHTLESS)


def nothing_more(row: int) -> str:  # noqa: ARG001 (one signature)
    """Nothing: there is no more to say of a row than its reason."""
    return ""


@dataclass(frozen=True)
class Drawn:
    """What became of each row, and the order of the rows that were taken.

    `row`, `turn` (from 0) and `shard` describe the places of the result in their order. `fate` gives for each row the
    number of the reason in `reasons` for which it was not taken, or -1; `aside` the shard that accounts for it then,
    and `detail` what more there is to say.
    """

    row: Int64[ndarray, "taken"]
    turn: Int64[ndarray, "taken"]
    shard: Int64[ndarray, "taken"]
    fate: Int64[ndarray, "rows"]
    aside: Int64[ndarray, "rows"]
    taken: Taken | None = None
    account: Mapping[str, int] = field(default_factory=dict)
    reasons: tuple[str, ...] = REASONS
    detail: Callable[[int], str] = nothing_more

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return int(self.shard[-1]) + 1


@dataclass(frozen=True)
class Groups:
    """Rows of equal text: the number of each among them, and how often each may be taken."""

    number: Int64[ndarray, "rows"]
    allowed: Int64[ndarray, "rows"]
    on_both_sides: int


def draw(rows: ndarray, asked: Asked, *, repeat_cap: int) -> Drawn:
    """Which rows are taken and in what order.

    Raises:
        UsageError: the share or the total cannot be met; says what can.
    """
    groups = grouped(rows, repeat_cap=repeat_cap)
    human = rows["origin"] == ORIGIN_CODES[Origin.HUMAN]
    weightless = ~human & (rows["weight"] == 0)
    allowed = np.where(weightless, 0, groups.allowed)
    orders = [_order(rows, groups.number, np.flatnonzero(side)) for side in (human, ~human)]
    sizes = size_of(rows, asked.unit)
    earlier = (rows["role"] == Role.EARLIER) & (allowed > 0)
    pools = [Pool(sizes[at], allowed[at], earlier[at]) for at in orders]
    taken = take(pools[0], pools[1], asked)
    counts = np.zeros(len(rows), np.int64)
    counts[orders[0]], counts[orders[1]] = taken.human, taken.synthetic
    if not counts.any():
        raise UsageError("nothing would be in the mixture", hint="Give text, and a total that holds some of it.")
    fate = np.where(counts > 0, -1, np.where(weightless, 2, np.where(allowed == 0, 1, 0)))
    drawn = placed(rows["draw"], counts, fate, number=groups.number, text=rows["bytes"])
    account = {"texts on both sides": groups.on_both_sides, "repeated": int((drawn.turn > 0).sum())}
    return replace(drawn, taken=taken, account=account)


def size_of(rows: ndarray, unit: str) -> Int64[ndarray, "rows"]:
    """The sizes of rows in words, documents or bytes."""
    return np.ones(len(rows), np.int64) if unit == "documents" else rows[unit]


def grouped(rows: ndarray, *, repeat_cap: int) -> Groups:
    """Rows of equal text, which have equal draws.

    On each side, human and other, a text counts for the input that was given for it first: what accumulates, then the
    human files, then the synthetic. A text that stands m times there may be taken repeat_cap / m times from each row.
    """
    human = rows["origin"] == ORIGIN_CODES[Origin.HUMAN]
    order = np.lexsort((rows["tie"], rows["role"], ~human, rows["draw"]))
    draws, sides, roles = rows["draw"][order], human[order], rows["role"][order]
    at = np.arange(len(rows))
    new_text = np.ones(len(rows), bool)
    new_text[1:] = draws[1:] != draws[:-1]
    new_side = new_text.copy()
    new_side[1:] |= sides[1:] != sides[:-1]
    first = np.maximum.accumulate(np.where(new_side, at, 0))
    doubled = roles > roles[first]
    copies = np.add.reduceat(~doubled, np.flatnonzero(new_side))[np.cumsum(new_side) - 1]
    allowed = np.where(doubled, 0, np.where(sides, np.maximum(repeat_cap // copies, 1), 1))
    number, back = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    number[order] = at - np.maximum.accumulate(np.where(new_text, at, 0))
    back[order] = allowed
    return Groups(number, back, int((new_side & ~new_text).sum()))


def _order(rows: ndarray, number: Int64[ndarray, "rows"], at: Int64[ndarray, "some"]) -> Int64[ndarray, "some"]:
    """Some rows in the order in which they are drawn; with weights, by exponential keys.

    Source: Efraimidis and Spirakis 2006, Algorithm A-Res, with -ln(u) / w in place of u^(1/w).
    """
    draws, weights = rows["draw"][at], rows["weight"][at]
    return at[np.lexsort((number[at], draws, _keys(draws, weights)))]


def _keys(draws: UInt64[ndarray, "some"], weights: Float64[ndarray, "some"]) -> Float64[ndarray, "some"]:
    uniform = ((draws >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    with np.errstate(divide="ignore", over="ignore"):
        return -np.log(uniform) / weights


def placed(draw: UInt64[ndarray, "rows"], counts: ndarray, fate: ndarray, *, number: ndarray, text: ndarray) -> Drawn:
    """Rows that are taken so often, in the order of a hash of their draws and numbers; `text` is in bytes."""
    row = np.repeat(np.arange(len(draw)), counts)
    turn = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    draws, number = draw[row], number[row]
    key = _mixed(draws ^ _mixed(number.astype(np.uint64) + (turn.astype(np.uint64) << np.uint64(32))))
    order = np.lexsort((turn, number, draws, key))
    row, turn = row[order], turn[order]
    shard = _shards(text[row] + ROW_CHARGE)
    count = np.uint64(shard[-1] + 1)
    aside = ((draw >> np.uint64(32)) * count >> np.uint64(32)).astype(np.int64)
    return Drawn(row, turn, shard, fate, aside)


def _mixed(values: UInt64[ndarray, "n"]) -> UInt64[ndarray, "n"]:
    """The values with their bits spread over all 64; one to one.

    Source: Steele, Lea and Flood 2014 (SplitMix), the finaliser with Stafford's constants (variant 13).
    """
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _shards(weights: Int64[ndarray, "taken"]) -> Int64[ndarray, "taken"]:
    """For each place of the result the number of its shard: stretches of about the same weight, none empty."""
    total = int(weights.sum())
    target = max(min(max(total // SHARDS, SMALLEST), LARGEST), -(-total // MOST_SHARDS))
    before = np.cumsum(weights) - weights
    return np.unique(before // target, return_inverse=True)[1].astype(np.int64)
