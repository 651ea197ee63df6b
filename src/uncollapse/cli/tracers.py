"""What is stronger than a guess and weaker than a ledger: text of a reserve, messages in it, a mark of our own."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pyarrow as pa

from uncollapse.cli.detect_settings import DetectJob
from uncollapse.detection.asked import Tracer
from uncollapse.detection.scoring import Scorer
from uncollapse.detection.unseen import messages
from uncollapse.errors import UsageError
from uncollapse.ledger.libraries import library
from uncollapse.ledger.searching import Candidate, Library, Search
from uncollapse.watermark import evidence, key_name, read_key

COPY, MESSAGE, MARK = "copy", "message", "mark"
TRACES = {
    COPY: "copies of human text in the reserve",
    MESSAGE: "hold a manifest or a message that no reader sees",
    MARK: "bear the mark of the key",
}
# Half of a document's runs of words are its human parent's: most of it is that text.
CONTAINED = 0.5
# One human text in ten thousand is taken for a marked one.
MARKED = 1e-4


@contextmanager
def tracers(job: DetectJob, scorer: Scorer) -> Iterator[Sequence[tuple[str, Tracer]]]:
    """What looks for traces, in the order of the strength of what it finds, which is also that of what it costs.

    Raises:
        UsageError: a mark is looked for without a model, whose tokens it lies in.
    """
    found: list[tuple[str, Tracer]] = [(MESSAGE, messages)]
    with ExitStack() as open_until_done:
        if job.reserve is not None:
            among = open_until_done.enter_context(library([job.reserve], what="--reserve"))
            search = Search(among, threshold=CONTAINED, top=1)
            found = [(COPY, _copies(among, search.same)), *found, (COPY, _copies(among, search.candidates))]
        if job.watermark is not None:
            if scorer.reader is None:
                raise UsageError(
                    "--watermark with --no-model", hint="a mark lies in the tokens of the model that wrote: --model"
                )
            found.append((MARK, _marks(read_key(job.watermark), scorer.reader.model.vocabulary)))
        yield found


def _copies(among: Library, candidates: Callable[[pa.RecordBatch], list[list[Candidate]]]) -> Tracer:
    def of(batch: pa.RecordBatch) -> list[str]:
        said = []
        for own in candidates(batch):
            if own:
                ((source, row),) = among.places(np.array([own[0].document]))
                share = "" if own[0].containment == 1 else f", containment {own[0].containment:.2f}"
                said.append(f"{own[0].evidence}: human text in {source}, row {row}{share}")
            else:
                said.append("")
        return said

    return of


def _marks(key: str, vocabulary: Any) -> Tracer:
    def of(batch: pa.RecordBatch) -> list[str]:
        found = evidence(batch.column("text").to_pylist(), key, vocabulary)
        return [f"the mark of key {key_name(key)}, p {p:.2g}" if p <= MARKED else "" for p in found.p.tolist()]

    return of
