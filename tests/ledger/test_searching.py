import pyarrow as pa
import pytest

from uncollapse.corpora import from_documents
from uncollapse.errors import UsageError
from uncollapse.fingerprint import content_id
from uncollapse.ledger.admissions import Ground
from uncollapse.ledger.admitting import admit
from uncollapse.ledger.blocks import blocks
from uncollapse.ledger.reserve import Reserve
from uncollapse.ledger.searching import Search, shelved

PARENTS = [
    "one two three four five six seven eight nine ten",
    "A road goes home through the wood.",
    "one two three four five six other words stand here",
    "Nobody counted the sheep on the hill.",
]
CHILDREN = [
    PARENTS[1],  # the same bytes
    "a ROAD goes  home\nthrough the wood.",  # the same text
    "one two three four five six seven eight changed end",  # 6 of 8 runs of the first parent, 4 of the third
    "nothing of this stands anywhere",
    "go home by a road",
]


def rows(search, texts):
    return pa.Table.from_batches(search.over(from_documents(texts))).to_pylist()


def check(search):
    found = rows(search, CHILDREN)
    picked = [(row["row"], row["rank"], row["evidence"], row["parent"], row["containment"]) for row in found]
    one, two, three = (content_id(PARENTS[n]) for n in (0, 1, 2))
    assert picked == [
        (1, 1, "exact", two, 1.0),
        (2, 1, "normalised", two, 1.0),
        (3, 1, "containment", one, 6 / 8),
        (3, 2, "containment", three, 4 / 8),
        (4, None, "none", None, None),
        (5, None, "none", None, None),
    ]
    assert [(row["low"], row["high"], row["shared"]) for row in found[2:4]] == [(0.75, 0.75, 6), (0.5, 0.5, 4)]
    told = search.tally.as_json()
    assert (told["documents"], told["with_a_parent"], told["share"]) == (5, 3, 0.6)
    # Wilson for 3 of 5 at 95 %: centre (3 + 1.9207) / 8.8415, half 1.96 sqrt(1.2 + 0.9604) / 8.8415.
    assert (told["share_low"], told["share_high"]) == pytest.approx((0.23072, 0.88238), abs=1e-5)
    assert told["evidence"] == {"exact": 1, "normalised": 1, "containment": 1, "none": 2}
    return found


def test_in_a_reserve_and_in_a_corpus(tmp_path):
    admit(tmp_path / "r", from_documents(PARENTS[:2]), ground=Ground(basis="declaration", by="b"))
    admit(tmp_path / "r", from_documents(PARENTS[2:]), ground=Ground(basis="declaration", by="b"))
    found = check(Search(Reserve.open(tmp_path / "r")))
    where = [(row["parent_source"], row["parent_row"]) for row in found]
    folder = str(tmp_path / "r")
    assert where[1:4] == [
        (f"{folder}/00001.parquet", 2),
        (f"{folder}/00001.parquet", 1),
        (f"{folder}/00002.parquet", 1),
    ]
    with shelved(from_documents(PARENTS)) as shelf:
        found = check(Search(shelf))
        assert [row["parent_row"] for row in found] == [2, 2, 1, 3, None, None]


def test_threshold_and_number():
    with shelved(from_documents(PARENTS)) as shelf:
        assert [row["rank"] for row in rows(Search(shelf, threshold=0.6), CHILDREN[2:3])] == [1]
        assert [row["rank"] for row in rows(Search(shelf, top=1), CHILDREN[2:3])] == [1]
        assert rows(Search(shelf, threshold=0.76), CHILDREN[2:3])[0]["evidence"] == "none"


def test_marks_do_not_hide_a_copy():
    text = "\u200b".join(PARENTS[3]) + "\U000e0041"
    with shelved(from_documents(PARENTS)) as shelf:
        (found,) = rows(Search(shelf), [text])
        assert (found["parent"], found["containment"]) == (content_id(PARENTS[3]), 1.0)


@pytest.mark.parametrize("options", [{"threshold": 0.0}, {"threshold": 1.1}, {"top": 0}])
def test_what_cannot_be(options):
    with shelved(from_documents(PARENTS)) as shelf, pytest.raises(UsageError):
        Search(shelf, **options)


def test_a_part_of_a_corpus_keeps_its_places():
    with shelved(
        from_documents(PARENTS), keep=lambda batch: pa.compute.match_substring(batch["text"], "the ").to_numpy(False)
    ) as shelf:
        assert shelf.index.documents == 2
        (found,) = rows(Search(shelf), [PARENTS[3]])
        assert (found["parent_row"], found["evidence"]) == (4, "exact")


def test_blocks_hold_every_row_once_in_order():
    texts = [f"text number {n}" for n in range(500)]
    corpus = from_documents(texts)
    for size in (1, 1000, 1 << 20):
        parts = list(blocks(corpus, size=size))
        assert [text for part in parts for text in part.batch.column("text").to_pylist()] == texts
        assert [place.row for part in parts for place in part.places] == list(range(1, 501))
    assert len(parts) == 1
