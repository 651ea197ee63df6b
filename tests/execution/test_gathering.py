import os
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pytest

from gatherable import Piece, Square, zeros
from uncollapse.errors import UsageError, WorkerLost
from uncollapse.execution import Cluster, on_ray
from uncollapse.execution.gathering import AHEAD_EACH, Gathering, gathered


def opened(folder):
    return {path.name.split("-")[1] for path in folder.glob("opened-*")}, len(list(folder.glob("opened-*")))


def squares(results):
    return [square for square, _ in results]


@pytest.mark.parametrize("workers", [None, 1])
def test_without_workers_it_is_done_here_and_only_as_it_is_asked_for(tmp_path, workers):
    drawn = []
    pieces = (drawn.append(n) or Piece(n) for n in count())
    found = gathered(Square(str(tmp_path)), pieces, workers=workers)
    assert [next(found) for _ in range(3)] == [(0, os.getpid()), (1, os.getpid()), (4, os.getpid())]
    assert drawn == [0, 1, 2]


def test_two_workers_give_what_one_gives_in_the_order_of_the_pieces(tmp_path):
    # The first is the slowest: what comes after it waits.
    pieces = [Piece(0, nap=0.4, company=2), *(Piece(n, nap=0.01) for n in range(1, 30))]
    done = []
    found = list(gathered(Square(str(tmp_path)), pieces, workers=2, on_done=done.append))
    assert squares(found) == [n * n for n in range(30)]
    assert len({process for _, process in found} - {os.getpid()}) == 2
    assert opened(tmp_path)[1] == 2
    assert done == list(range(1, 31))


def test_no_more_pieces_are_begun_than_a_few_for_each_worker(tmp_path):
    drawn = []
    pieces = (drawn.append(n) or Piece(n, nap=0.6 if n == 0 else 0.0) for n in range(100))
    found = gathered(Square(str(tmp_path)), pieces, workers=2)
    assert next(found)[0] == 0
    # One is looked at beforehand, to know whether there is one.
    assert len(drawn) == AHEAD_EACH * 2 + 1
    assert len(list(found)) == 99


def test_a_worker_that_is_killed_is_replaced_and_its_piece_done(tmp_path):
    work = Square(str(tmp_path), deadly=(5,), times=2)
    assert squares(gathered(work, map(Piece, range(12)), workers=2)) == [n * n for n in range(12)]
    assert len(list(tmp_path.glob("died-*"))) == 2


def test_a_piece_that_costs_three_workers_is_named(tmp_path):
    work = Square(str(tmp_path), deadly=(3,), times=3)
    with pytest.raises(WorkerLost, match=r"^piece 4 \(number 3\) has cost 3 workers; the last ended with signal") as no:
        list(gathered(work, map(Piece, range(12)), workers=2))
    assert "committed" not in no.value.hint
    assert no.value.exit_code == 2


def test_an_error_comes_as_it_was_raised(tmp_path):
    work = Square(str(tmp_path), wrong=7)
    for workers in (None, 2):
        found = gathered(work, map(Piece, range(12)), workers=workers)
        with pytest.raises(ValueError, match="no square of 7"):
            list(found)


def test_workers_keep_what_they_have_opened_from_call_to_call(tmp_path):
    with Gathering(Square(str(tmp_path)), workers=2) as gathering:
        for first in (0, 20, 40):
            pieces = [Piece(n, company=2) for n in range(first, first + 8)]
            assert squares(gathering(pieces)) == [piece.number**2 for piece in pieces]
            assert list(gathering([])) == []
        processes, times = opened(tmp_path)
    assert (len(processes), times) == (2, 2)
    assert not any(Path(f"/proc/{process}").exists() for process in processes)


def test_who_leaves_early_begins_with_new_workers(tmp_path):
    with Gathering(Square(str(tmp_path)), workers=2) as gathering:
        found = gathering(map(Piece, range(1000)))
        assert next(found)[0] == 0
        found.close()
        again = gathering(map(Piece, range(3)))
        assert squares(again) == [0, 1, 4]
        # Whoever takes the last result and no more ends nothing for those who come after.
        some = gathering(map(Piece, range(2)))
        assert squares([next(some), next(some)]) == [0, 1]
        after = gathering(map(Piece, range(5, 9)))
        assert next(after)[0] == 25
        some.close()
        assert squares(after) == [36, 49, 64]


def test_no_workers_cannot_work(tmp_path):
    with pytest.raises(UsageError, match="0 workers cannot work"):
        list(gathered(Square(str(tmp_path)), [], workers=0))


SCRIPT = """
import signal, sys
from gatherable import Piece, Square
from uncollapse.execution.gathering import gathered

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell without jobs leaves it ignored
    for square, process in gathered(Square(sys.argv[1]), (Piece(n, nap=0.05) for n in range(10_000)), workers=2):
        print(process, flush=True)
"""


def test_an_interrupt_ends_the_workers(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    paths = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "src")]
    running = subprocess.Popen(
        [sys.executable, script, tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    processes = {running.stdout.readline().strip() for _ in range(6)}
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert running.returncode != 0
    end = time.monotonic() + 10
    while any(Path(f"/proc/{process}").exists() for process in processes):
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestOnRay:
    @pytest.fixture(scope="class")
    @staticmethod
    def nodes():
        pytest.importorskip("ray", reason="ray: not installed (pip install 'uncollapse[ray]')")
        from clusters import joined

        with joined(2) as running:
            yield running

    def test_a_cluster_gives_what_one_gives_call_after_call_whoever_is_killed(self, nodes, tmp_path):
        work = Square(str(tmp_path), deadly=(5,), times=2)
        with Gathering(work, cluster=nodes.cluster) as gathering:
            pieces = [Piece(n, company=4 if n == 1 else 0) for n in range(30)]
            assert squares(gathering(pieces)) == [n * n for n in range(30)]
            processes = opened(tmp_path)[0]
            assert len(processes) == 4  # two died
            assert squares(gathering(map(Piece, range(40, 50)))) == [n * n for n in range(40, 50)]
        assert opened(tmp_path)[0] == processes
        poison = Square(str(tmp_path), deadly=(3,), times=9)
        with pytest.raises(WorkerLost, match=r"^piece 4 \(number 3\) has cost 3 workers"):
            list(gathered(poison, map(Piece, range(12)), cluster=nodes.cluster))

    def test_what_comes_back_can_be_written_to(self, nodes):
        (made,) = gathered(zeros, [100_000], cluster=nodes.cluster)
        made += 1
        assert made.sum() == 100_000

    def test_workers_that_rest_leave_their_places_to_others(self, nodes, tmp_path):
        (tmp_path / "other").mkdir()
        other = Square(str(tmp_path / "other"))
        with Gathering(Square(str(tmp_path)), cluster=nodes.cluster) as gathering:
            assert squares(gathering(map(Piece, range(4)))) == [0, 1, 4, 9]
            gathering.rest()
            assert squares(gathered(other, map(Piece, range(4)), cluster=nodes.cluster)) == [0, 1, 4, 9]
            assert squares(gathering(map(Piece, range(4, 6)))) == [16, 25]

    def test_where_no_machine_has_room_it_is_said_once(self, nodes, tmp_path, monkeypatch):
        said = []
        monkeypatch.setattr(on_ray, "PATIENCE", 0.5)
        monkeypatch.setattr(on_ray, "LOOK_AGAIN", 0.3)

        def hear(words):
            said.append(words)
            # The machine that was missing comes: nothing has to be started again.
            nodes.add_room("GPU", 1)

        cluster = Cluster(address=nodes.cluster.address, gpus_per_worker=1, on_wait=hear)
        assert squares(gathered(Square(str(tmp_path)), map(Piece, range(3)), cluster=cluster)) == [0, 1, 4]
        assert len(said) == 1
        assert said[0].startswith("waiting for room: a worker takes 1 CPU and 1 GPU, and none has so much; ")
        assert said[0].endswith("machines of the cluster: 2 with 1 CPU and 0 GPU")
