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


def work_until(event, path, out, log):
    """Work, and be killed at the given touch of the storage; the names of all touches go to the log."""
    touches = watched(event)
    work(path, out, shard_bytes=180, steps=[Shout(), Sift(word="ESSAY 7")])
    log.write_text("\n".join(touches))


def admit_until(event, path, folder, log):
    """Add to a reserve, and be killed at the given touch of the storage; the names of all touches go to the log."""
    from uncollapse.ledger.admissions import Ground
    from uncollapse.ledger.admitting import admit

    touches = watched(event)
    admit(folder, read(path), ground=Ground(basis="declaration", by="the test"))
    log.write_text("\n".join(touches))


def watched(event, *, leave=None):
    """The names of the touches of the storage from now on; at the given one `leave` has its name, and the process ends."""
    touches = []

    def touch(name):
        if len(touches) == event:
            if leave is not None:
                leave(name)
            os.kill(os.getpid(), signal.SIGKILL)
        touches.append(name)

    write = storage.Sink.write

    def write_in_halves(self, data):
        touch("before a write")
        write(self, bytes(data)[: len(data) // 2])
        self._file.flush()
        touch("inside a write")
        return write(self, bytes(data)[len(data) // 2 :]) + len(data) // 2

    def around(function, name):
        def touched(*arguments, **options):
            touch(f"before {name}")
            result = function(*arguments, **options)
            touch(f"after {name}")
            return result

        return touched

    storage.Sink.write = write_in_halves
    storage.Sink.sync = around(storage.Sink.sync, "fsync")
    Path.replace = around(Path.replace, "rename")
    os.unlink = around(os.unlink, "unlink")
    os.rmdir = around(os.rmdir, "rmdir")
    for module in (storage, commit, finish):
        module.sync_folder = around(storage.sync_folder, "fsync of a folder")
    return touches
