import numpy as np
import pyarrow as pa
import pytest

from uncollapse.document import Document, Edit, Origin, replace_columns, to_batch
from uncollapse.fingerprint import content_id
from uncollapse.provenance import History, Holdings, OriginBasis, Vouching, joined, model_table, sidecar_rows
from uncollapse.provenance.normal import normal, normal_hashes
from uncollapse.provenance.origin import BASES

CARD = {"address": "small", "revision": "weights"}
MODEL = {"step": "ToEdit", "resolved": CARD}
TRAINED = {"step": "ToEdit", "resolved": {**CARD, "revision": "other", "model_depth": 4, "trained_on": ["aa"]}}
PLAIN = {"step": "Shout"}
RECIPES = {"r1": MODEL, "r2": TRAINED, "r3": PLAIN}


def document(**fields):
    return Document(**{"text": "the dog sat", **fields})


DOCUMENTS = (
    document(),
    document(origin=Origin.SYNTHETIC, generation=1),
    document(origin=Origin.UNKNOWN, generation=None),
    document(origin=Origin.EDITED, generation=1),
    document(origin=Origin.EDITED, generation=2, parents=("a", "b"), recipe="r1"),
)


def names(history):
    return [str(BASES[code]) for code in history.basis]


def test_what_declared_rows_are_worth():
    history = History.declared(to_batch(DOCUMENTS))
    # A model of which nobody knows anything was itself trained on text of depth 0 at least: so 1 + 1.
    assert history.depth.tolist() == [0, 2, -1, 2, 3]
    declared, none = OriginBasis.PUBLISHER_DECLARED, OriginBasis.NONE
    assert names(history) == [declared, declared, none, declared, declared]
    vouched = History.declared(to_batch(DOCUMENTS), Vouching.MANIFEST)
    assert names(vouched) == [declared, declared, none, declared, OriginBasis.LEDGER_MATCH]


def passed(recipe, *, by, before=DOCUMENTS, history=None):
    """The history of documents after a step that adds generations to them."""
    old = to_batch(before)
    grown = [None if row.generation is None else row.generation + by for row in before]
    origins = [Origin.EDITED if row.origin is Origin.HUMAN and by else row.origin for row in before]
    new = replace_columns(
        old,
        {
            "generation": pa.array(grown, pa.int16()),
            "origin": pa.array([str(origin) for origin in origins])
            .dictionary_encode()
            .cast(old.schema.field("origin").type),
        },
    )
    history = history or History.declared(old)
    return history.after(recipe, before=old, after=new, kept=range(len(before)))


@pytest.mark.parametrize(
    ("recipe", "by", "depths"),
    [
        (MODEL, 1, [2, 3, -1, 3, 4]),  # 1 + max(depth, 1)
        (TRAINED, 1, [5, 5, -1, 5, 5]),  # 1 + max(depth, 4)
        (MODEL, 2, [3, 4, -1, 4, 5]),
        (PLAIN, 0, [0, 2, -1, 2, 3]),  # no generation, so no model
    ],
)
def test_depth_by_hand(recipe, by, depths):
    history = passed(recipe, by=by)
    assert history.depth.tolist() == depths
    if by:
        generated = OriginBasis.GENERATED_HERE
        assert names(history) == [generated, generated, OriginBasis.NONE, generated, generated]


def test_a_step_that_takes_back_gives_depth_0_to_human_text_alone():
    old = to_batch([document(origin=Origin.EDITED, generation=2), document(origin=Origin.SYNTHETIC, generation=3)])
    new = to_batch([document(), document(origin=Origin.SYNTHETIC, generation=2)])
    before = History(np.array([6, 6], np.int16), np.zeros(2, np.uint8))
    history = before.after(PLAIN, before=old, after=new, kept=[0, 1])
    assert history.depth.tolist() == [0, 5]
    assert names(history) == [OriginBasis.PUBLISHER_DECLARED] * 2


def test_rows_that_stayed_behind_are_left_out():
    old = to_batch(DOCUMENTS)
    history = History.declared(old).after(PLAIN, before=old, after=old.take(pa.array([1, 4])), kept=[1, 4])
    assert history.depth.tolist() == [2, 3]


def test_depth_ends_at_a_byte():
    deep = History(np.full(5, 255, np.int16), np.zeros(5, np.uint8))
    assert passed(MODEL, by=1, history=deep).depth.max() == 255


def test_a_history_comes_back_from_its_rows():
    batch = to_batch(DOCUMENTS)
    history = History.declared(batch)
    again = History.recorded(sidecar_rows(batch, history, RECIPES))
    assert (again.depth.tolist(), again.basis.tolist()) == (history.depth.tolist(), history.basis.tolist())


def test_rows_of_the_ledger_by_hand():
    edits = (Edit(3, " cat", " dog", 0.9),)
    parent = content_id("the cat sat")
    rows = [
        document(),
        document(origin=Origin.SYNTHETIC, generation=1),
        document(origin=Origin.UNKNOWN, generation=None),
        document(origin=Origin.EDITED, generation=1, parents=(parent,), recipe="r1", edits=edits),
        document(origin=Origin.EDITED, generation=2, parents=(parent,), recipe="r3", edits=edits),
    ]
    batch = to_batch(rows)
    found = sidecar_rows(batch, History.declared(batch), RECIPES).to_pylist()
    assert [row["words"] for row in found] == [3] * 5
    # The last was not human before its edit: its generations are more than its parents.
    assert [row["human_share"] for row in found] == [1.0, 0.0, None, pytest.approx(2 / 3), None]
    assert [row["generator"] for row in found] == [None, None, None, "weights", None]
    assert {row["norm_hash"] for row in found} == set(normal_hashes(pa.array(["the dog sat"])))


def test_copies_with_other_capitals_spaces_and_forms_have_one_hash():
    same = ["the ﬁne  dog\n", "THE FINE\tDOG", " the fine dog"]
    assert len({normal(text) for text in same}) == len(set(normal_hashes(pa.array(same)))) == 1
    assert normal_hashes(pa.array(["the dog"])) != normal_hashes(pa.array(["thedog"]))


def test_the_table_of_models():
    table = model_table({**RECIPES, "r4": {"step": "ToEdit", "resolved": {**CARD, "address": "a/folder"}}})
    nothing = {"tokenizer": None, "model_depth": None, "trained_on": None}
    assert table == {
        "other": {"addresses": ["small"], **nothing, "model_depth": 4, "trained_on": ["aa"]},
        "weights": {"addresses": ["a/folder", "small"], **nothing},
    }


def test_holdings_by_hand_and_in_parts():
    edits = (Edit(3, " cat", " dog", 0.9, 2),)
    edited = document(origin=Origin.EDITED, generation=1, parents=("p",), recipe="r1", edits=edits)
    batch = to_batch([document(), edited, document(origin=Origin.UNKNOWN, generation=None), document(text="")])
    known = joined(batch, sidecar_rows(batch, History.declared(batch), RECIPES))
    whole = Holdings()
    whole.update(known)
    totals = whole.result()
    assert (totals.rows, totals.words, totals.written, totals.unknown) == (4, 9, 5, 3)
    assert totals.depth == {0: 2, 2: 1, None: 1}
    assert totals.generators == {"weights": 1}
    assert totals.edits_of_a_position == 2
    assert {pair: tuple(amount) for pair, amount in totals.by.items()} == {
        ("edited", "publisher_declared"): (1, 3),
        ("human", "publisher_declared"): (2, 3),
        ("unknown", "none"): (1, 3),
    }
    parts = [Holdings() for _ in range(4)]
    for number, part in enumerate(parts):
        part.update(known.slice(number, 1))
    for order in ((3, 0, 2, 1), (1, 2, 3, 0)):
        total = Holdings()
        for number in order:
            total.merge(parts[number])
        assert total.result() == totals
