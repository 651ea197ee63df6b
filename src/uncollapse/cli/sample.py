"""Which documents a person is shown: the first ones in a preview, some from all over the corpus on the page."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from uncollapse.corpora import Corpus
from uncollapse.corpora.plan import Shard
from uncollapse.corpora.reading import Reader
from uncollapse.document import SCHEMA, replace_columns
from uncollapse.editing import ToEdit

# What the page shows: enough to judge by, little enough to be scored once more in seconds.
PLACES = 8
DOCUMENTS_EACH = 3
CHARACTERS_EACH = 4_000
# Of one document no more than this is scored: well beyond what the page shows of it, so that what is shown is what
# the whole document got. A share of the document's tokens can only be known from all of it.
LONGEST = 12_000


def first(corpus: Corpus, *, documents: int) -> Iterator[pa.RecordBatch]:
    """The first documents of a corpus, whole."""
    return _take(corpus, corpus.plan.shards, documents=documents)


def spread(corpus: Corpus, *, step: ToEdit) -> Iterator[pa.RecordBatch]:
    """Some documents from places spread over the corpus; of long ones the beginning, where that is edited alike."""
    shards = corpus.plan.shards
    count = min(len(shards), PLACES)
    for place in range(count):
        shard = shards[place * len(shards) // count]
        for batch in _take(corpus, [shard], documents=DOCUMENTS_EACH, characters=CHARACTERS_EACH):
            yield batch if step.max_edit_share < 1 else _beginnings(batch)


def _take(
    corpus: Corpus, shards: Iterable[Shard], *, documents: int, characters: int | None = None
) -> Iterator[pa.RecordBatch]:
    """The first documents of some shards: at most so many, and no more once they hold so many characters."""
    reader = Reader(corpus.plan, corpus.in_memory)
    left, room = documents, characters
    for worked in (each for shard in shards for each in corpus.work(shard, reader=reader)):
        count = 0
        for text in worked.batch.column("text")[:left]:
            if room is not None:
                if room <= 0:
                    break
                room -= min(len(text.as_py() or ""), LONGEST)
            count += 1
        yield worked.batch.slice(0, count)
        left -= count
        if left == 0 or (room is not None and room <= 0):
            return


def _beginnings(batch: pa.RecordBatch) -> pa.RecordBatch:
    texts = [text and text[:LONGEST] for text in batch.column("text").to_pylist()]
    return replace_columns(batch, {"text": pa.array(texts, SCHEMA.field("text").type)})
