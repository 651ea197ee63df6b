"""What a worker does, wherever it is: shards of one run are worked and committed, for the driver that is in charge."""

import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from uncollapse.corpora.commit import SESSION, Receipt, Room, commit
from uncollapse.corpora.corpus import Corpus, Worked
from uncollapse.corpora.histories import Histories
from uncollapse.corpora.plan import Shard
from uncollapse.corpora.reading import Parts
from uncollapse.corpora.storage import refusals
from uncollapse.errors import OutputBusy, OutputRefused, UncollapseError, UsageError
from uncollapse.execution.claim import changes
from uncollapse.execution.guard import Guard
from uncollapse.execution.progress import Advance
from uncollapse.fingerprint import Json, fingerprint


@dataclass
class ShardWork:
    """Works and commits shards of one run; knows no other shard and no other worker.

    It works for the `session` of the driver that made it, and for none that came after. `recipes` are those of the
    steps as the driver has them; what a step would do on this machine must be the same.
    """

    corpus: Corpus
    room: Room
    guard: Guard | None = None
    session: str = ""
    recipes: Sequence[Mapping[str, Json]] = ()
    _reader: Parts | None = field(default=None, repr=False)
    _histories: Histories | None = field(default=None, repr=False)

    def __call__(self, shard: Shard) -> Iterator[Advance | Receipt]:
        """Each batch as it is worked, then the receipt."""
        self._check_session()
        if self.room.store is not None:
            with refusals(self.room.folder):
                self.room.progress.mkdir(parents=True, exist_ok=True)
        if self._reader is None or self._histories is None:
            self._check_recipes()
            self._reader = self.corpus.reader()
            self._histories = Histories(self.corpus.plan)
        work = self.corpus.work(shard, reader=self._reader, histories=self._histories)
        if self.guard is not None:
            work = self._guarded(work, self.guard, name=self.room.name(shard.index))
        for event in commit(self.room, shard, work=self._ours(work), schema=self.corpus.schema):
            yield event if isinstance(event, Receipt) else Advance.of(shard.index, event)
        pa.default_memory_pool().release_unused()

    def _ours(self, work: Iterator[Worked]) -> Iterator[Worked]:
        """The work, at whose end it is looked once more whether the shard may still be committed."""
        yield from work
        self._check_session()

    def _check_session(self) -> None:
        try:
            session = self.room.session()
        except OSError as error:
            raise OutputRefused(
                f"{self.room.told} is not seen as the driver sees it from {socket.gethostname()}",
                hint="All machines must see the output under the same path: put it on storage that they share.",
            ) from error
        if session != self.session:
            raise OutputBusy(f"another run has taken over {self.room.told}", hint="Let that one finish.")

    def _check_recipes(self) -> None:
        for step, recipe in zip(self.corpus.steps, self.recipes, strict=True):
            try:
                own = dict(step.recipe())
            except UncollapseError as error:
                raise type(error)(f"{socket.gethostname()}: {error.message}", hint=error.hint) from error
            if fingerprint(own) != fingerprint(recipe):
                found = "; ".join(changes(recipe, own, then=f"on {socket.gethostname()}"))
                raise UsageError(
                    f"a machine of the run would make other texts than the rest: {found}",
                    hint="All must have the same weights, versions and kind of device. --dtype settles the number "
                    "format alone.",
                )

    @staticmethod
    def _guarded(work: Iterator[Worked], guard: Guard, *, name: str) -> Iterator[Worked]:
        first = 1
        for done in work:
            guard.check(done, shard=name, first=first)
            first += len(done.batch)
            yield done


def begin_session(room: Room) -> str:
    """The name of a driver's session, now written where workers look for it: what is left of others ends by it."""
    session = secrets.token_hex(16)
    room.write_paper(SESSION, session.encode(), durable=False)
    return session
