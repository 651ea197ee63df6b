"""A policy held against a run: before it begins, for what can be known then, and row by row as the rows pass."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from uncollapse.corpora.commit import Receipt, Room
from uncollapse.corpora.corpus import Corpus, Worked, read
from uncollapse.corpora.plan import Input
from uncollapse.corpora.sidecar import SidecarReader, part_rows
from uncollapse.document import DECLARED_GENERATION
from uncollapse.errors import PolicyRefused
from uncollapse.fingerprint import Json
from uncollapse.provenance import UNKNOWN_GENERATOR_DEPTH, Policy, generator_of, model_table
from uncollapse.provenance.generators import declared_depth

NAMED = 3


@dataclass(frozen=True)
class Guard:
    """Refuses what a policy does not allow; it changes nothing of what is written."""

    policy: Policy

    def before(self, corpus: Corpus) -> None:
        """Nothing; raises where it is known before the first row that the policy would be broken.

        Raises:
            PolicyRefused: texts would become too deep, or a model would read what it wrote itself.
        """
        models = [step.recipe() for step in corpus.steps if generator_of(step.recipe()) is not None]
        if self.policy.max_depth is not None:
            added = [self._trained_depth(one) for one in models]
            self._check_depths(corpus, added)
        if self.policy.forbid_self_consumption:
            self._check_writers(corpus, {name for one in models if (name := generator_of(one)) is not None})

    def _trained_depth(self, recipe: Json) -> int:
        """How deep the training text of a recipe's model lies: by its card, else by the policy, else unknown."""
        own = declared_depth(recipe)
        if own is None:
            table = self.policy.known(model_table({"": recipe}))
            own = next((entry["model_depth"] for entry in table.values()), None)
        return UNKNOWN_GENERATOR_DEPTH if own is None else own

    def _check_depths(self, corpus: Corpus, added: list[int]) -> None:
        limit = self.policy.max_depth
        assert limit is not None
        deep: dict[str, int] = {}
        for entry in corpus.plan.inputs:
            depth = _deepest(entry, corpus)
            if depth is None:
                continue
            for model in added:
                depth = 1 + max(depth, model)
            if self.policy.deep(depth) > limit:
                deep[entry.source] = self.policy.deep(depth)
        if deep:
            raise PolicyRefused(
                f"max_depth: texts would lie at depth {max(deep.values())}, the policy allows {limit}: {_some(deep)}",
                hint="Leave these inputs out, or allow more in the policy. Nothing was written.",
            )

    def _check_writers(self, corpus: Corpus, writers: set[str]) -> None:
        own: Counter[str] = Counter()
        for entry in corpus.plan.inputs:
            if entry.ledger is not None and writers:
                names = SidecarReader(entry.ledger.address).column("generator", entry.ledger.first, entry.rows)
                own[entry.source] = sum(1 for name in names.to_pylist() if name in writers)
        if +own:
            raise PolicyRefused(
                f"forbid_self_consumption: {own.total():,} rows were written by the model that is to read them now, "
                f"the policy allows none: {_some(+own)}",
                hint="Use another model, or the human text that they were made from. Nothing was written.",
            )

    def check(self, done: Worked, *, shard: str, first: int) -> None:
        """Nothing; raises where a worked row breaks the policy. `first` is its first row, from 1.

        Raises:
            PolicyRefused: names rule, value, limit, shard and row.
        """
        assert done.ledger is not None
        depths = [self.policy.deep(depth or 0) for depth in done.ledger.column("depth").to_pylist()]
        edits = done.batch.column("edits").to_pylist()
        rounds = [max((edit["rounds"] or 1 for edit in own), default=0) for own in edits]
        for rule, values, limit in (
            ("max_depth", depths, self.policy.max_depth),
            ("max_edits_per_position", rounds, self.policy.max_edits_per_position),
        ):
            for row, value in enumerate(values):
                if limit is not None and value > limit:
                    raise PolicyRefused(
                        f"{rule}: {value} in row {first + row:,} of {shard}, the policy allows {limit}",
                        hint="Leave the row out, or allow more in the policy. Shards that were committed stay.",
                    )

    def check_committed(self, room: Room, receipt: Receipt) -> None:
        """Nothing; raises where a shard that an earlier session has committed breaks the policy."""
        ledger = part_rows(room.ledger(receipt.shard))
        first = 0
        if not receipt.account.rows_out:
            return
        with room.rows_of(receipt) as path:
            for batch in _written(path):
                own = ledger.slice(first, len(batch))
                self.check(Worked(batch, (), {}, len(batch), 0, own), shard=receipt.name, first=first + 1)
                first += len(batch)

    def check_finished(self, out: Path | str) -> None:
        """Nothing; raises where an output that was finished before breaks the policy."""
        first = 1
        for batch in read(out).known():
            ledger = batch.select(["depth"])
            self.check(Worked(batch, (), {}, len(batch), 0, ledger), shard=Path(out).name, first=first)
            first += len(batch)


def _written(path: Path) -> Iterator[pa.RecordBatch]:
    return read(path).batches()


def _deepest(entry: Input, corpus: Corpus) -> int | None:
    """The greatest depth of an input's rows; None where it shows only when they are read."""
    if entry.ledger is not None:
        depths = SidecarReader(entry.ledger.address).column("depth", entry.ledger.first, entry.rows)
        deepest: int | None = pc.max(depths).as_py()
        return deepest
    if entry.ours:
        return None
    generation = DECLARED_GENERATION[corpus.plan.layout.origin]
    return generation and generation + UNKNOWN_GENERATOR_DEPTH


def _some(values: dict[str, int] | Counter[str]) -> str:
    names = list(values)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
