"""Steps inside of other people's pipelines make the same of each document as in a run of ours."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cheap_steps import Shout, Sift
from uncollapse.corpora import from_documents, read
from uncollapse.document import OUR_COLUMNS
from uncollapse.errors import BrokenRow, InputError
from uncollapse.execution import run
from uncollapse.execution.elsewhere import Mapped, datatrove_step
from uncollapse.step import Fate

TABLE = pa.table({"text": [f"essay {number}" for number in range(10)], "n": list(range(10))})


def test_a_table_comes_back_as_a_run_would_write_it(tmp_path):
    pq.write_table(TABLE, tmp_path / "in.parquet")
    written = run(read(tmp_path / "in.parquet").map(Shout()), tmp_path / "out.parquet").paths[0]
    made = Mapped(Shout())(TABLE)
    expected = pq.read_table(written)
    for name in [*OUR_COLUMNS, "n"]:
        if name != "source":
            assert made.column(name).to_pylist() == expected.column(name).to_pylist()


def test_provenance_goes_on_from_step_to_step():
    once = Mapped(Shout())(TABLE)
    twice = Mapped(Shout(times=2))(once)
    assert twice.column("recipe").to_pylist() == [Shout(times=2).fingerprint] * 10
    direct = from_documents(TABLE).map(Shout()).map(Shout(times=2))
    assert [batch.column("id").to_pylist() for batch in direct.batches()] == [twice.column("id").to_pylist()]


def test_rows_that_are_left_out_or_fail():
    left = Mapped(Sift(word="essay 7"))(TABLE)
    assert left.column("n").to_pylist() == [0, 1, 2, 3, 4, 5, 6, 8, 9]
    with pytest.raises(BrokenRow, match=r"\(memory\), row 8: holds essay 7"):
        Mapped(Sift(word="essay 7", fate=Fate.FAILED))(TABLE)
    kept = Mapped(Sift(word="essay 7", fate=Fate.FAILED), rejects="column")(TABLE)
    assert kept.column("n").to_pylist() == list(range(10))
    assert kept.column("reject").to_pylist() == [None] * 7 + ["holds essay 7"] + [None] * 2
    assert kept.column("text").to_pylist() == TABLE.column("text").to_pylist()
    assert "uncollapse_row" not in kept.schema.names


def test_an_empty_table_stays_empty_and_one_without_texts_is_refused():
    assert Mapped(Shout())(TABLE.slice(0, 0)).num_rows == 0
    with pytest.raises(InputError, match="text"):
        Mapped(Shout())(pa.table({"body": ["a"]}))


def test_in_datasets():
    datasets = pytest.importorskip("datasets")
    dataset = datasets.Dataset(TABLE)
    made = dataset.with_format("arrow").map(Mapped(Shout()), batched=True, batch_size=3, load_from_cache_file=False)
    assert made.with_format(None)["text"][:2] == ["ESSAY 0", "ESSAY 1"]
    assert made.with_format(None)["origin"][0] == "human"
    again = from_documents(made.with_format("arrow").data.table)
    assert [document.text for document in again] == [f"ESSAY {number}" for number in range(10)]
    assert next(iter(again)).recipe == Shout().fingerprint


def test_in_datatrove():
    pytest.importorskip("datatrove")
    from datatrove.data import Document

    documents = [Document(f"essay {number}", str(number), metadata={"n": number}) for number in range(100)]
    block = datatrove_step(Shout())
    once = list(block.run(documents))
    assert [(one.text, one.id, one.metadata["n"]) for one in once] == [
        (f"ESSAY {number}", str(number), number) for number in range(100)
    ]
    assert once[0].metadata["uncollapse"]["recipe"] == Shout().fingerprint
    twice = list(datatrove_step(Shout(times=2)).run(once))
    assert twice[0].metadata["uncollapse"]["recipe"] == Shout(times=2).fingerprint
    assert "left" not in twice[0].metadata
    sifted = list(datatrove_step(Sift(word="ESSAY 7")).run([*once[:5], *documents[5:9]]))
    assert [one.text for one in sifted] == [f"ESSAY {number}" for number in range(5)] + [
        f"essay {number}" for number in range(5, 9)
    ]
    once[3].text += "!"
    with pytest.raises(InputError, match="the text of 3 was changed behind the back of its provenance"):
        list(datatrove_step(Shout()).run(once))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")
def test_in_ray_data():
    ray = pytest.importorskip("ray")
    here = {"env_vars": {"PYTHONPATH": str(Path(__file__).parent.parent)}}  # where workers find the steps of tests
    ray.init(
        address="local",
        num_cpus=1,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=100 << 20,
        runtime_env=here,
    )
    try:
        made = ray.data.from_arrow(TABLE).map_batches(Mapped(Shout()), batch_format="pyarrow", batch_size=4)
        rows = sorted(made.take_all(), key=lambda row: row["n"])
    finally:
        ray.shutdown()
    assert [row["text"] for row in rows] == [f"ESSAY {number}" for number in range(10)]
    assert {row["recipe"] for row in rows} == {Shout().fingerprint}
