"""What is known of rows before the first step: out of the ledger of their corpus, by position, or as declared."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from uncollapse.corpora.plan import Input, Plan
from uncollapse.corpora.reading import Part
from uncollapse.corpora.sidecar import SidecarReader
from uncollapse.provenance import History, Vouching


@dataclass
class Histories:
    """Reads histories for the parts of one plan; keeps a ledger open from part to part."""

    plan: Plan
    _readers: dict[str, SidecarReader] = field(default_factory=dict)

    def of(self, part: Part) -> History:
        """The history of a part's rows, which may come from several inputs."""
        if part.history is not None:
            return part.history
        inputs = {entry.source: entry for entry in self.plan.inputs}
        runs: list[tuple[Input, int, int]] = []
        for row, place in enumerate(part.places):
            if runs and runs[-1][0].source == place.source:
                runs[-1] = runs[-1][0], runs[-1][1], row + 1
            else:
                runs.append((inputs[place.source], row, row + 1))
        if not runs:
            return History.declared(part.batch)
        found = [
            self._of(entry, part.batch.slice(start, stop - start), [place.row for place in part.places[start:stop]])
            for entry, start, stop in runs
        ]
        return found[0] if len(found) == 1 else History.together(found)

    def _of(self, entry: Input, batch: pa.RecordBatch, rows: Sequence[int]) -> History:
        """The history of rows of one input, by their numbers there, from 1."""
        if entry.ledger is None:
            return History.declared(batch, Vouching.MANIFEST if entry.vouched else Vouching.DECLARED)
        reader = self._readers.get(entry.ledger.address)
        if reader is None:
            self._readers.clear()
            reader = self._readers[entry.ledger.address] = SidecarReader(entry.ledger.address)
        return History.recorded(reader.take([entry.ledger.first + row - 1 for row in rows]))
