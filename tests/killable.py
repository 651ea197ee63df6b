"""Runs that a test starts in a process of their own, and can kill at each touch of the storage."""

import os
import signal
from pathlib import Path

from cheap_steps import Shout, Sift
from uncollapse.corpora import commit, read, storage
from uncollapse.execution import finish, run


def work(path, out, *, shard_bytes, steps, workers=1):
    """A run of some steps over a file."""
    corpus = read(path, shard_bytes=shard_bytes)
    for step in steps:
        corpus = corpus.map(step)
    run(corpus, out, workers=workers)


def work_until(event, path, out, tally):
    """Work, and be killed at the given touch of the storage; the number of touches goes to `tally`."""
    touches = 0

    def touch():
        nonlocal touches
        if touches == event:
            os.kill(os.getpid(), signal.SIGKILL)
        touches += 1

    write = storage.Sink.write

    def write_in_halves(self, data):
        touch()
        write(self, bytes(data)[: len(data) // 2])
        self._file.flush()
        touch()
        return write(self, bytes(data)[len(data) // 2 :]) + len(data) // 2

    def around(function):
        def touched(*arguments, **options):
            touch()
            result = function(*arguments, **options)
            touch()
            return result

        return touched

    storage.Sink.write = write_in_halves
    storage.Sink.sync = around(storage.Sink.sync)
    Path.replace = around(Path.replace)
    Path.unlink = around(Path.unlink)
    os.unlink = around(os.unlink)  # what shutil.rmtree calls for each file
    for module in (storage, commit, finish):
        module.sync_folder = around(storage.sync_folder)
    work(path, out, shard_bytes=180, steps=[Shout(), Sift(word="ESSAY 7")])
    tally.write_text(str(touches))


