"""Laws that hold for every step: a new step is one line in STEPS.

Each is run over the same documents: hostile and plain text, empty and null, edited before or not.
"""

import pickle
from functools import reduce

import pyarrow as pa
import pytest
from pydantic import ValidationError

from desk import SENTENCES
from uncollapse.document import OUR_COLUMNS, SCHEMA, Document, Origin, to_batch, to_documents
from uncollapse.editing import Revert, ToEdit
from uncollapse.errors import UsageError
from uncollapse.fingerprint import content_id, fingerprint
from uncollapse.generation import BLOCKS, Answer, Continue, Writer
from uncollapse.language_models.counted import CountedModel
from uncollapse.provenance.stripping import StripMarks
from uncollapse.step import Fate, Step, StepModel, add_tallies

HOSTILE = (
    "",
    "The",
    "\r\n\tThe cat sat\u00a0on the mat.\u2028And the dog\x00sat.",
    "Le cafe\u0301 \U0001f469\u200d\U0001f680 sat on the mat. \u202ethe dog\u202c",
    "<script>alert('the cat')</script> sat on the mat, see https://example.org/the?cat=1 or 3.14.",
    "the cat sat " * 40,
)
# What each is asked to do; `model` is put in by the fixture.
BUSY = {"threshold": 0.3, "strategy": "full", "temperature": 2.0, "seed": 7}
EDITS = {
    "easy": BUSY,
    "hard": {**BUSY, "positions": "hard"},
    "random": {"positions": "random", "rate": 0.5, "strategy": "top-k", "top_k": 4, "seed": 7},
    "words": {**BUSY, "unit": "word", "spacing": 2, "max_edit_share": 0.2},
    "rejection": {**BUSY, "strategy": "rejection"},
    "min-p, rechecked": {**BUSY, "strategy": "min-p", "min_p": 0.01, "exclude_original": True, "recheck": True},
    "top-p, protected": {**BUSY, "strategy": "top-p", "top_p": 0.9, "protect": ("numbers", "urls", "markup")},
    "drop": {"threshold": 0.3, "replace": "drop"},
    "prompted": {**BUSY, "prompt_column": "question"},
}
WRITES = {
    "continue": {"opening_tokens": 3, "max_tokens": 12, "seed": 7},
    "continue, shares alone": {"opening_share": 0.5, "keep_opening": False, "max_tokens": 6},
    "continue, best of three": {"opening_tokens": 2, "max_tokens": 9, "samples": 3, "decoding": {"top_p": 0.9}},
    "continue, marked": {"max_tokens": 20, "opening_tokens": 4, "watermark": "a secret of the tests"},
    "continue, blocks": {**BLOCKS, "opening_tokens": 4, "max_tokens": 4},
    "continue, all of three": {"opening_tokens": 2, "max_tokens": 6, "samples": 3, "keep": "all"},
    "continue, one of three": {"opening_tokens": 2, "max_tokens": 6, "samples": 3, "keep": "sample"},
}
ANSWERS = {"answer": {"plain": True, "max_tokens": 8, "seed": 2}}
STEPS = [*EDITS, "revert", "strip marks", *WRITES, *ANSWERS]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    CountedModel.fit(SENTENCES, order=3).save(folder)
    return str(folder)


@pytest.fixture(params=STEPS)
def step(request, model):
    if request.param == "strip marks":
        return StripMarks()
    if request.param in ANSWERS:
        return Answer(model=model, **ANSWERS[request.param])
    if request.param in WRITES:
        return Continue(model=model, **WRITES[request.param])
    return Revert() if request.param == "revert" else ToEdit(model=model, **EDITS[request.param])


@pytest.fixture(scope="module")
def batch(model):
    texts = [*HOSTILE, *(" ".join(SENTENCES[n % 4 :]) for n in range(8))]
    documents = [
        Document(text=text, source=f"file-{n % 3}.jsonl", extra={"n": n, "question": SENTENCES[n % 4]})
        for n, text in enumerate(texts)
    ]
    fresh = to_batch(documents)
    before = ToEdit(model=model, **{**BUSY, "seed": 1}).apply(fresh).batch
    assert before.column("edits").value_lengths().to_pylist() != [0] * len(before)
    both = pa.Table.from_batches([fresh, before.slice(8)]).combine_chunks()
    return both.set_column(1, "text", _with_a_null(both.column("text"))).to_batches()[0]


def _with_a_null(texts: pa.ChunkedArray) -> pa.Array:
    return pa.array([None if n == 9 else text for n, text in enumerate(texts.to_pylist())], pa.large_string())


def made_from(outcome, batch) -> list[int]:
    """For each row that came out the number of the one that went in."""
    gone = {reject.row for reject in outcome.rejects}
    rows = [n for n in range(len(batch)) if n not in gone] if outcome.rows is None else list(outcome.rows)
    assert len(rows) == len(outcome.batch)
    return rows


def rows_of(outcome) -> list[dict]:
    return outcome.batch.to_pylist()


def test_a_step_is_a_step(step):
    assert isinstance(step, Step)


def test_what_maps_nothing_is_no_step():
    class Idle(StepModel):
        """A step that has no `apply`."""

    with pytest.raises(TypeError, match="abstract method"):
        Idle()


def test_pure(step, batch):
    before = batch.to_pylist()
    first, second = step.apply(batch), step.apply(batch)
    assert first.batch.equals(second.batch)
    assert (first.rejects, first.tally) == (second.rejects, second.tally)
    assert batch.to_pylist() == before


@pytest.mark.parametrize("size", [1, 7])
def test_the_cut_into_batches_does_not_matter(step, batch, size):
    whole = step.apply(batch)
    parts = [step.apply(batch.slice(start, size)) for start in range(0, len(batch), size)]
    assert [row for part in parts for row in rows_of(part)] == rows_of(whole)
    assert reduce(add_tallies, (part.tally for part in parts)) == whole.tally
    assert sum(len(part.rejects) for part in parts) == len(whole.rejects)


def test_the_order_does_not_matter(step, batch):
    order = [(7 * n + 3) % len(batch) for n in range(len(batch))]
    assert sorted(order) == list(range(len(batch)))
    whole = step.apply(batch)
    shuffled = step.apply(batch.take(pa.array(order)))
    by_row = {tuple(row[name] for name in ("n", "source")): [] for row in batch.to_pylist()}
    for row in rows_of(whole):
        by_row[row["n"], row["source"]].append(row)
    for row in rows_of(shuffled):
        assert row in by_row[row["n"], row["source"]]
    assert shuffled.tally == whole.tally
    assert len(shuffled.batch) == len(whole.batch)


def test_accounts_for_every_row(step, batch):
    outcome = step.apply(batch)
    gone = [reject.row for reject in outcome.rejects]
    assert len(set(gone)) == len(gone)
    assert set(gone) <= set(range(len(batch)))
    stand = set(made_from(outcome, batch))
    assert not stand & set(gone)
    assert stand | set(gone) == set(range(len(batch)))
    assert all(reject.reason and reject.fate in Fate for reject in outcome.rejects)
    assert 9 in gone  # the row whose text is null cannot go on


def test_keeps_the_columns_that_are_not_its_own(step, batch):
    outcome = step.apply(batch)
    assert outcome.batch.schema == pa.schema([*batch.schema, *step.columns()])
    whole = batch.to_pylist()
    before = [whole[number] for number in made_from(outcome, batch)]
    theirs = [name for name in batch.schema.names if name not in OUR_COLUMNS] + ["source"]
    picked = [[[row[name] for name in theirs] for row in rows] for rows in (rows_of(outcome), before)]
    assert picked[0] == picked[1]


def test_keeps_provenance(step, batch):
    outcome = step.apply(batch)
    whole = batch.to_pylist()
    before = [whole[number] for number in made_from(outcome, batch)]
    assert any(a["text"] != b["text"] for a, b in zip(rows_of(outcome), before, strict=True))
    for after, row in zip(rows_of(outcome), before, strict=True):
        assert after["id"] == content_id(after["text"])
        if after["text"] == row["text"]:
            assert after == row
        elif isinstance(step, Revert):
            assert (after["id"], after["parents"], after["edits"]) == (row["parents"][-1], [], [])
            assert (after["origin"], after["generation"], after["recipe"]) == ("human", 0, None)
        elif isinstance(step, StripMarks):
            kept = ("origin", "generation", "parents", "edits", "recipe")
            assert [after[name] for name in kept] == [row[name] for name in kept]
        else:
            made = "synthetic" if isinstance(step, Writer) else "edited"
            assert (after["origin"], after["recipe"]) == (made, step.fingerprint)
            assert after["generation"] == row["generation"] + 1
            assert after["parents"] == [row["id"], *row["parents"]]
            assert bool(after["edits"]) is not isinstance(step, Writer)


@pytest.mark.parametrize("step", EDITS, indirect=True)
def test_edits_compose_and_revert(step, batch):
    first = {row["n"]: row["text"] for row in batch.slice(0, 14).to_pylist()}
    back = Revert().apply(step.apply(batch).batch)
    assert back.rejects == ()
    assert {row["text"] == first[row["n"]] for row in rows_of(back) if first[row["n"]] is not None} == {True}


def test_nothing_in_nothing_out(step, batch):
    outcome = step.apply(batch.slice(0, 0))
    assert (len(outcome.batch), outcome.rejects) == (0, ())
    assert outcome.batch.schema == pa.schema([*batch.schema, *step.columns()])


def test_its_recipe_is_its_name(step):
    assert step.fingerprint == fingerprint(dict(step.recipe()))
    assert step.recipe()["step"] == type(step).__name__


def test_it_cannot_change(step):
    for name in type(step).model_fields:
        with pytest.raises(ValidationError):
            setattr(step, name, getattr(step, name))
    with pytest.raises(UsageError, match="nonsense"):
        type(step)(nonsense=1)


def test_it_travels_to_another_process_as_itself(step, batch):
    step.apply(batch)  # what it has loaded by now stays here
    parcel = pickle.dumps(step)
    assert len(parcel) < 10_000
    arrived = pickle.loads(parcel)
    assert arrived.fingerprint == step.fingerprint
    assert arrived.apply(batch).batch.equals(step.apply(batch).batch)


def test_documents_are_rows_read_out(batch):
    documents = list(to_documents(batch.slice(0, 9)))
    again = to_batch(documents, extra=pa.schema(list(batch.schema)[len(SCHEMA) :]))
    assert again.schema == batch.schema
    assert again.to_pylist() == batch.slice(0, 9).to_pylist()
    assert {document.origin for document in documents} == {Origin.HUMAN}
