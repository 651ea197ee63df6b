from dataclasses import dataclass

import pytest

from uncollapse.errors import WorkerLost
from uncollapse.execution.attempts import ATTEMPTS, MOST_ASIDE, Attempts


@dataclass(frozen=True)
class Piece:
    index: int


def queue(count, *, alive=True):
    made = Attempts.of([Piece(n) for n in range(count)])
    made.alive = alive
    return made


def lose(attempts, shard, *, times):
    for _ in range(times):
        attempts.lost(shard, ending="signal SIGKILL", remedy="Try fewer.")


def test_work_is_handed_out_in_its_order_and_what_was_lost_comes_first():
    attempts = queue(3)
    first = attempts.next()
    assert first == Piece(0)
    attempts.lost(first, ending="signal SIGKILL", remedy="")
    assert [attempts.next() for _ in range(4)] == [Piece(0), Piece(1), Piece(2), None]
    attempts.check()


def test_what_costs_several_workers_is_set_aside_and_named_at_the_end():
    attempts = queue(2)
    poison = attempts.next()
    lose(attempts, poison, times=ATTEMPTS - 1)
    assert list(attempts.waiting) == [Piece(0), Piece(0), Piece(1)]
    attempts.waiting.clear()
    attempts.lost(poison, ending="signal SIGSEGV", remedy="Look at the row.")
    assert not attempts.waiting
    with pytest.raises(WorkerLost, match=r"^shard 0 has cost 3 workers; the last ended with signal SIGSEGV$") as raised:
        attempts.check()
    assert raised.value.hint == "Look at the row."


def test_where_no_worker_ever_said_a_word_the_first_one_aside_is_the_last_word():
    attempts = queue(9, alive=False)
    with pytest.raises(WorkerLost, match="shard 4 has cost 3 workers"):
        lose(attempts, Piece(4), times=ATTEMPTS)


def test_with_several_aside_something_else_is_wrong():
    attempts = queue(9)
    for n in range(MOST_ASIDE - 1):
        lose(attempts, Piece(n), times=ATTEMPTS)
    with pytest.raises(WorkerLost, match=r"shard 0 has cost 3 .*; shard 1 has cost 3 .*; shard 7 has cost 3") as raised:
        lose(attempts, Piece(7), times=ATTEMPTS)
    assert raised.value.hint == "Try fewer."
