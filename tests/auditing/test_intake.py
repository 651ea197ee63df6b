import pyarrow as pa
import pytest

from made_text import made
from uncollapse.auditing.intake import FEWEST_RUNS, Intake
from uncollapse.auditing.whole import unexplained, whole_statistics
from uncollapse.corpora import from_documents
from uncollapse.document import Document, Origin, to_batch

HUMAN = made(30, seed=1, length=60)
FRESH = made(30, seed=2, length=60)


def read(documents, *, known=None, origin="unknown"):
    intake = Intake(tokens=10**6, known=known)
    for batch in from_documents(documents, origin=origin).batches():
        intake.update(batch)
    return intake.result()


@pytest.fixture(scope="module")
def human():
    return read(HUMAN, origin="human")


def copied(read):
    return {copy.id: round(copy.share, 3) for copy in read.copied}


def key(text):
    return Document(text=text).id


def test_what_was_read_is_counted(human):
    found = read(["one two three", "", " \n", "犬が好き"], known=human.known)
    assert (found.rows, found.empty, found.tokens, found.unspaced, found.lineage) == (4, 2, 7, 4, 0)
    assert found.copied == ()


def test_a_text_of_the_reference_is_a_copy_whatever_its_white_space(human):
    twin = HUMAN[1].replace(" ", "\n\n ") + "  "
    found = read([HUMAN[0], twin, FRESH[0]], known=human.known)
    assert copied(found) == {key(HUMAN[0]): 1, key(twin): 1}


def test_the_share_that_is_contained_is_that_of_its_runs_of_eight_words(human):
    words = " ".join(HUMAN[0].split()[:24])
    other = " ".join(f"new{at}" for at in range(20))
    # Runs: every word (or mark) but the last seven begins one. A copied stretch in front, new words behind.
    stretch = len(read([words]).documents.words)
    for text, share in ((words, 1.0), (f"{words} {other}", (stretch - 7) / (stretch + 13)), (f"{other} {other}", 0)):
        expected = {key(text): round(share, 3)} if share >= 0.5 else {}
        assert copied(read([text], known=human.known)) == expected


def test_half_of_the_runs_is_enough_and_less_is_not(human):
    stretch = "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar"
    held = read([*HUMAN, stretch]).known
    assert copied(read([stretch + " x1 x2 x3 x4 x5 x6 x7 x8"], known=held)).popitem()[1] == 0.5  # 8 of 16
    assert copied(read([stretch + " x1 x2 x3 x4 x5 x6 x7 x8 x9"], known=held)) == {}  # 8 of 17


def test_texts_of_few_words_are_nobodys_copies():
    short = " ".join(f"w{at}" for at in range(FEWEST_RUNS - 1))
    longer = " ".join(f"v{at}" for at in range(FEWEST_RUNS))
    held = read([short, longer]).known
    assert list(copied(read([short, longer], known=held)).values()) == [1]


def test_edited_documents_are_lineage_and_unchanged_ones_beside_them_explained(human):
    edited = Document(text=HUMAN[0] + " And more.", parents=(key(HUMAN[0]),), origin=Origin.EDITED, generation=1)
    unchanged = Document(text=HUMAN[1], origin=Origin.HUMAN)
    hidden = Document(text=HUMAN[2], origin=Origin.SYNTHETIC, generation=1)
    found = read([edited, unchanged, hidden], known=human.known)
    assert found.lineage == 1
    assert copied(found) == {key(HUMAN[1]): 1, key(HUMAN[2]): 1}
    assert [copy.id for copy in unexplained(found)] == [key(HUMAN[2])]
    # Without anything that was made from the reference, a human copy of it is a copy.
    alone = read([unchanged, Document(text=FRESH[0])], known=human.known)
    assert [copy.id for copy in unexplained(alone)] == [key(HUMAN[1])]


def test_parents_that_are_not_in_the_reference_explain_nothing(human):
    other = Document(text=HUMAN[0] + " And more.", parents=(key(FRESH[0]),), origin=Origin.EDITED, generation=1)
    found = read([other], known=human.known)
    assert (found.lineage, len(unexplained(found))) == (0, 1)


def test_copies_are_shares_of_the_documents_with_words():
    found = read([*HUMAN[:10], *HUMAN[:5], "", "", "  "])
    copies, near = whole_statistics(found, None)
    assert copies.corpus == near.corpus == 5 / 15
    assert copies.control is copies.z is None
    # Wilson's interval of 5 of 15 at 95 %, z = 1.959964: the centre (5 + z^2 / 2) / (15 + z^2).
    z = 1.959964
    half = z * (5 * 10 / 15 + z * z / 4) ** 0.5 / (15 + z * z)
    centre = (5 + z * z / 2) / (15 + z * z)
    assert (copies.low, copies.high) == (pytest.approx(centre - half, 1e-6), pytest.approx(centre + half, 1e-6))


def test_the_z_of_two_shares_by_hand(human):
    found = read([*FRESH[:20], *FRESH[:10]], known=human.known)
    copies = whole_statistics(found, human)[0]
    # 10 of 30 against 0 of 30: pooled 1 / 6, error sqrt(5 / 36 * 2 / 30).
    assert copies.z == pytest.approx((1 / 3) / (5 / 36 * 2 / 30) ** 0.5)
    assert copies.control == copies.reference == 0
    memorised = whole_statistics(read([*HUMAN[:6], *FRESH[:6]], known=human.known), human)[2]
    assert (memorised.name, memorised.corpus, memorised.control) == ("copied", 0.5, 0)


def test_nothing_but_empty_documents_has_no_shares(human):
    for line in whole_statistics(read(["", ""], known=human.known), human)[:2]:
        assert line.corpus is line.low is line.z is None


def test_batches_without_columns_of_ours_are_read(human):
    intake = Intake(tokens=1000, known=human.known)
    intake.update(pa.record_batch({"text": pa.array([HUMAN[0], None], pa.large_string())}))
    found = intake.result()
    assert (found.rows, found.empty) == (2, 1)
    assert [(copy.source, copy.declared, copy.share) for copy in found.copied] == [("", False, 1.0)]
    assert found.copied[0].id == key(HUMAN[0])[:16]


@pytest.mark.parametrize("parent", ["doc-1", "", "F" * 32, "f" * 33])
def test_parents_and_ids_of_another_making_are_no_content_ids(human, parent):
    foreign = [Document(text=text, id=f"zebra-{at}", parents=(parent,)) for at, text in enumerate(FRESH)]
    intake = Intake(tokens=200, known=human.known)
    for at in range(0, 30, 7):
        intake.update(to_batch(foreign[at : at + 7]))
    found = intake.result()
    assert found.lineage == 0
    # The sample is that of the texts, under the ids that the documents came with.
    expected = read(FRESH).documents.texts
    assert found.documents.texts == expected[: len(found.documents)]
    assert found.documents.tokens >= 200
    assert all(row.id.startswith("zebra-") for row in found.documents.rows)
