"""The default model in fp32: the same edits in any company, in any order, by one worker or by two.

The laws of `test_steps.py` hold over the counted model, which is exact; here the arithmetic is a real model's, with its
matrix products, pages and threads.
"""

import json

import pyarrow as pa
import pytest

from uncollapse.corpora import read
from uncollapse.document import Document, to_batch
from uncollapse.editing import preset
from uncollapse.execution import run

pytestmark = [pytest.mark.slow, pytest.mark.model]

DOCUMENTS = 65  # one more than the largest batch, so that a last one stands alone at every size
LENGTHS = range(60, 140)  # characters


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Paragraphs of Python's own reference manual."""
    from pydoc_data.topics import topics

    paragraphs = [part for title in sorted(topics) for part in topics[title].split("\n\n")]
    plain = [part for part in dict.fromkeys(paragraphs) if len(part) in LENGTHS and part[0].isupper()]
    return plain[:DOCUMENTS]


@pytest.fixture(scope="module")
def step(embedded_model):
    """The preset that reads most often, with more candidates than it has of itself, so that chance has its say."""
    return preset("bold", model=embedded_model, dtype="float32", seed=7, temperature=1.5, min_p=0.1, spacing=2)


@pytest.fixture(scope="module")
def batch(texts) -> pa.RecordBatch:
    return to_batch([Document(text=text, extra={"n": n}) for n, text in enumerate(texts)])


@pytest.fixture(scope="module")
def whole(step, batch):
    """The rows by their number, and the account, of all documents in one batch."""
    return made(step, batch, size=len(batch))


def made(step, batch, *, size):
    rows, accounts = {}, []
    for start in range(0, len(batch), size):
        outcome = step.apply(batch.slice(start, size))
        assert outcome.rejects == ()
        accounts.append(outcome.tally)
        rows |= {row["n"]: row for row in outcome.batch.to_pylist()}
    return rows, {name: sum(account["tokens"][name] for account in accounts) for name in accounts[0]["tokens"]}


def test_there_is_something_to_compare(whole, batch):
    rows, tokens = whole
    assert len(batch) == len(rows) == DOCUMENTS
    assert tokens["changed"] >= DOCUMENTS / 4
    assert tokens["taken_back"] > 0
    assert {row["origin"] for row in rows.values()} == {"human", "edited"}


@pytest.mark.parametrize("size", [1, 7, 64])
def test_batches_of(size, step, batch, whole):
    assert made(step, batch, size=size) == whole


def test_shuffled(step, batch, whole):
    order = [(19 * n + 3) % len(batch) for n in range(len(batch))]
    assert sorted(order) == list(range(len(batch)))
    assert made(step, batch.take(pa.array(order)), size=64) == whole


def test_one_worker_and_two(step, texts, whole, tmp_path):
    essays = tmp_path / "essays.jsonl"
    essays.write_text("".join(json.dumps({"text": text, "n": n}) + "\n" for n, text in enumerate(texts)))
    results = [
        run(read(essays, shard_bytes=2_000).map(step), tmp_path / f"by-{workers}", workers=workers)
        for workers in (1, 2)
    ]
    files = [{path.name: path.read_bytes() for path in result.paths} for result in results]
    assert len(files[0]) > 3
    assert files[0] == files[1]
    assert results[0].manifest == results[1].manifest
    edits = {document.extra["n"]: document.text for document in read(tmp_path / "by-2")}
    assert edits == {n: row["text"] for n, row in whole[0].items()}
