"""The controls as steps: as many edits at random places, and the edited places left out."""

import numpy as np
import pyarrow as pa
import pytest

from desk import SENTENCES
from uncollapse.collapse.trial.controls import COUNT, DeleteEdits, RandomEdits
from uncollapse.document import Document, Origin, to_batch
from uncollapse.editing import Revert, preset
from uncollapse.language_models.counted import CountedModel

TEXTS = [" ".join(SENTENCES[at % 4 :]) for at in range(12)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    CountedModel.fit(SENTENCES, order=3).save(folder)
    return str(folder)


def batch_of(texts, counts):
    batch = to_batch([Document(text=text) for text in texts])
    return batch.append_column(COUNT, pa.array(counts, pa.int64()))


def edits_of(outcome):
    return [row or [] for row in outcome.batch.column("edits").to_pylist()]


def test_every_document_has_as_many_edits_as_its_column_says(model):
    counts = [at % 5 for at in range(12)]
    done = RandomEdits(model=model, seed=3).apply(batch_of(TEXTS, counts))
    assert [len(edits) for edits in edits_of(done)] == counts
    assert done.tally["tokens"]["changed"] == sum(counts)
    assert done.tally["documents"] == {"changed": sum(count > 0 for count in counts), "unchanged": counts.count(0)}
    for edits in edits_of(done):
        assert all(edit["before"] != edit["after"] for edit in edits)
        assert all(edit["position"] > 0 for edit in edits)  # a first token stays
    assert Revert().apply(done.batch).batch.column("text").to_pylist() == TEXTS
    origins = done.batch.column("origin").cast(pa.string()).to_pylist()
    assert origins == [Origin.EDITED if count else Origin.HUMAN for count in counts]


def test_a_document_with_fewer_places_has_all_of_them_exchanged(model):
    done = RandomEdits(model=model).apply(batch_of([TEXTS[3]], [1000]))
    first = edits_of(done)[0]
    assert len(first) > 8
    more = RandomEdits(model=model).apply(batch_of([TEXTS[3]], [2000]))
    assert edits_of(more)[0] == first


def test_places_are_drawn_alike_and_by_the_seed(model):
    """One place under each of 200 seeds: no place is favoured (chi-squared, 1 in 10,000)."""
    from scipy.stats import chi2

    places = []
    for seed in range(200):
        done = RandomEdits(model=model, seed=seed).apply(batch_of([TEXTS[3]], [1]))
        places.append(edits_of(done)[0][0]["position"])
    every = [edit["position"] for edit in edits_of(RandomEdits(model=model).apply(batch_of([TEXTS[3]], [1000])))[0]]
    assert set(places) <= set(every)
    counts = np.array([places.count(place) for place in every])
    mean = len(places) / len(every)
    assert ((counts - mean) ** 2 / mean).sum() < chi2(len(every) - 1).ppf(0.9999)


def test_the_batch_does_not_matter(model):
    counts = [2] * 12
    step = RandomEdits(model=model, seed=5)
    whole = step.apply(batch_of(TEXTS, counts)).batch.column("text").to_pylist()
    alone = [step.apply(batch_of([text], [2])).batch.column("text")[0].as_py() for text in TEXTS]
    assert whole == alone


def test_a_prompt_is_read_and_not_edited(model):
    batch = batch_of(TEXTS, [3] * 12).append_column(
        "question", pa.array(["The dog sat on the"] * 12, pa.large_string())
    )
    done = RandomEdits(model=model, prompt_column="question").apply(batch)
    assert done.batch.column("question").to_pylist() == ["The dog sat on the"] * 12
    assert [len(edits) for edits in edits_of(done)] == [3] * 12


def test_deleting_leaves_out_what_was_edited_and_nothing_else(model):
    step = preset("paper", model=model, threshold=0.3, strategy="full", temperature=2.0, seed=7)
    edited = step.apply(to_batch([Document(text=text) for text in TEXTS])).batch
    done = DeleteEdits().apply(edited)
    for text, edits, left in zip(
        TEXTS, edited.column("edits").to_pylist(), done.batch.column("text").to_pylist(), strict=True
    ):
        rest = text.encode()
        for edit in reversed(edits or []):
            start = edit["position"]
            assert rest[start:].startswith(edit["before"].encode())
            rest = rest[:start] + rest[start + len(edit["before"].encode()) :]
        assert left.encode() == rest
    changed = sum(len(edits or []) for edits in edited.column("edits").to_pylist())
    assert done.tally["tokens"]["changed"] == changed > 0
    assert Revert().apply(done.batch).batch.column("text").to_pylist() == TEXTS
