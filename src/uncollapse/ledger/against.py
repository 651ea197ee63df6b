"""Whether texts of a reserve stand in generated text that was not made from it: then they are no first texts."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Bool
from numpy import ndarray

from uncollapse.corpora import Corpus, read
from uncollapse.document import Origin
from uncollapse.duplicates.postings import names
from uncollapse.ledger.blocks import Told, silent
from uncollapse.ledger.inspecting import Finding
from uncollapse.ledger.reserve import Reserve
from uncollapse.ledger.searching import Search, shelved

THRESHOLD = 0.5
REMEDY = "if it came out of a model, make a reserve without it; if the other was made from it, its ledger has to say so"
_MADE = (Origin.EDITED, Origin.SYNTHETIC)


def contained(
    folder: Path, generated: Corpus, *, threshold: float = THRESHOLD, on_progress: Told = silent
) -> Iterator[Finding]:
    """The texts of a reserve of whose word runs a share of `threshold` and more stands in one generated document.

    Left out are documents that come from the reserve by their own ledger, over any number of steps that the corpus
    holds: that an edited copy holds its parent is as it should be.
    """
    descent = _Descent(Reserve.open(folder))
    while descent.grows(generated):
        pass
    with shelved(generated, keep=descent.strangers, on_progress=on_progress) as shelf:
        if not shelf.index.documents:
            return
        search = Search(shelf, threshold=threshold, top=1, on_progress=on_progress)
        for batch in search.over(read(folder)):
            for row in batch.to_pylist():
                if row["parent"] is not None:
                    yield Finding(
                        f"{row['source']}, row {row['row']}",
                        f"{row['containment']:.0%} of its word runs stand in the generated text "
                        f"{row['parent_source']}, row {row['parent_row']}",
                        REMEDY,
                    )


class _Descent:
    """Which generated documents come from the reserve."""

    def __init__(self, reserve: Reserve) -> None:
        self._reserve = reserve
        self._descended: set[str] = set()

    def grows(self, corpus: Corpus) -> bool:
        """Whether one more pass over the corpus found documents whose parents come from the reserve."""
        before = len(self._descended)
        for batch in corpus.batches():
            pairs = zip(batch.column("id").to_pylist(), self._from_reserve(batch), strict=True)
            self._descended.update(name for name, comes in pairs if comes)
        return len(self._descended) > before

    def strangers(self, batch: pa.RecordBatch) -> Bool[ndarray, "d"]:
        """The rows that a model made or changed and that do not come from the reserve."""
        made = np.array([origin in _MADE for origin in batch.column("origin").to_pylist()], dtype=bool)
        return made & ~self._from_reserve(batch)

    def _from_reserve(self, batch: pa.RecordBatch) -> Bool[ndarray, "d"]:
        parents = batch.column("parents").to_pylist()
        return np.array([any(map(self._known, own)) for own in parents], dtype=bool)

    def _known(self, name: str) -> bool:
        if name in self._descended:
            return True
        try:
            raw = bytes.fromhex(name)
        except ValueError:
            return False
        return len(raw) == 16 and bool(self._reserve.index.by_id(names([raw]))[0] >= 0)
