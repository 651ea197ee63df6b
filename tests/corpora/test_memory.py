import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cheap_steps import Shout
from uncollapse.corpora import from_documents
from uncollapse.document import Document, Origin, to_batch
from uncollapse.errors import MissingColumn, MissingInput, UsageError
from uncollapse.execution import run


def test_texts():
    corpus = from_documents(["a", "b"], origin="synthetic")
    assert [(each.text, each.origin, each.source) for each in corpus] == [
        ("a", Origin.SYNTHETIC, None),
        ("b", Origin.SYNTHETIC, None),
    ]
    assert len(corpus) == corpus.rows == 2


def test_documents_keep_their_provenance():
    documents = [Document(text="a", origin=Origin.EDITED, generation=2, parents=("x",), extra={"n": 1})]
    assert list(from_documents(documents)) == documents
    assert list(from_documents(to_batch(documents))) == documents


def test_rows_and_tables_with_columns():
    rows = [{"body": "a", "n": 1}, {"body": "b"}]
    table = pa.table({"body": ["a", "b"], "n": [1, None]})
    for given in (rows, iter(rows), table, table.to_batches()):
        assert [(each.text, each.extra) for each in from_documents(given, text_column="body")] == [
            ("a", {"n": 1}),
            ("b", {"n": None}),
        ]
    with pytest.raises(MissingColumn, match="its columns: 'body', 'n'"):
        from_documents(rows)


@pytest.mark.parametrize("workers", [1, 2])
def test_they_can_be_written_and_resumed_like_any_other(workers, tmp_path):
    corpus = from_documents(["a", "b"]).map(Shout())
    run(corpus, tmp_path / "out.parquet", workers=workers)
    assert pq.read_table(tmp_path / "out.parquet").column("text").to_pylist() == ["A", "B"]
    assert run(from_documents(["a", "b"]).map(Shout()), tmp_path / "out.parquet").already_done


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ("a text", UsageError, "one text is no list"),
        (7, UsageError, "a int is no list of documents"),
        ([1, 2], UsageError, "documents of type int are not known"),
        ([{"text": 1}, {"text": "a"}], UsageError, "the rows do not make a table"),
        (["\ud800"], UsageError, "the rows do not make a table"),
        ([], MissingInput, "there is no document"),
    ],
)
def test_what_is_no_corpus(given, error, words):
    with pytest.raises(error, match=words):
        from_documents(given)
