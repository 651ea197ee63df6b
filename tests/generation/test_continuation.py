"""What comes of the openings of documents, held against the model's own `generate`."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from desk import SENTENCES
from uncollapse.document import Document, to_batch
from uncollapse.errors import UsageError
from uncollapse.generation import BLOCKS, Continue
from uncollapse.language_models.counted import CountedModel
from uncollapse.language_models.model import Request
from uncollapse.randomness import Stream
from uncollapse.sampling import Decoding
from uncollapse.watermark import evidence, group_of


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    CountedModel.fit(SENTENCES, order=3).save(folder)
    return str(folder)


def batch_of(*texts):
    return to_batch([Document(text=text, source="file.jsonl") for text in texts])


def texts_of(outcome):
    return outcome.batch.column("text").to_pylist()


def test_the_text_is_the_opening_and_what_the_model_writes(address):
    step = Continue(model=address, opening_tokens=3, max_tokens=10, seed=4)
    batch = batch_of(SENTENCES[0])
    (text,) = texts_of(step.apply(batch))
    model = CountedModel.load(address)
    prompt = np.array(model.vocabulary.spell("The cat sat"), np.int32)
    stream = Stream.of(4, step.fingerprint, batch.column("id")[0].as_py())
    (written,) = model.generate([Request(prompt, stream.uniform(np.arange(10)))], decoding=Decoding())
    assert text.encode() == b"The cat sat" + b"".join(model.vocabulary.surfaces[token] for token in written.ids)


def test_the_continuation_alone(address):
    whole, alone = (
        Continue(model=address, opening_tokens=3, max_tokens=10, keep_opening=keep) for keep in (True, False)
    )
    (text,) = texts_of(alone.apply(batch_of(SENTENCES[0])))
    assert not text.startswith("The")
    assert len(texts_of(whole.apply(batch_of(SENTENCES[0])))[0]) > len("The cat sat")


def test_shares_and_documents_that_are_shorter(address):
    half = Continue(model=address, opening_share=0.5, max_tokens=4)
    (text,) = texts_of(half.apply(batch_of("The cat sat on")))
    assert text.startswith("The cat")
    assert not text.startswith("The cat sat on the mat and looked at the")
    (text,) = texts_of(Continue(model=address, opening_tokens=64, max_tokens=4).apply(batch_of("The cat")))
    assert text.startswith("The cat ")


def test_an_opening_never_ends_inside_of_a_character(address):
    # Three bytes each, a token of the counted model for each byte.
    (text,) = texts_of(Continue(model=address, opening_tokens=4, max_tokens=3, seed=2).apply(batch_of("日本語です")))
    assert text.startswith("日本")


def test_blocks_of_a_document(address):
    """14 tokens in blocks of 4: three prompts, three stretches with random numbers of their own, end to end."""
    step = Continue(model=address, **{**BLOCKS, "opening_tokens": 4, "max_tokens": 4})
    document = "The cat sat on the mat and looked at the dog. the dog"
    outcome = step.apply(batch_of(document, "The cat sat"))
    model = CountedModel.load(address)
    ids = np.array(model.vocabulary.spell(document), np.int32)
    assert len(ids) == 14
    stream = Stream.of(0, step.fingerprint, batch_of(document).column("id")[0].as_py())
    uniform = stream.uniform(np.arange(12))
    requests = [Request(ids[at : at + 4], uniform[at : at + 4]) for at in (0, 4, 8)]
    stretches = model.generate(requests, decoding=Decoding())
    written = b"".join(model.vocabulary.surfaces[token] for stretch in stretches for token in stretch.ids)
    assert texts_of(outcome) == [written.decode()]
    (reject,) = outcome.rejects
    assert (reject.row, reject.reason, reject.fate) == (1, "shorter than one block", "failed")
    assert outcome.tally["tokens"] == {"prompt": 12, "written": 12}


def test_rows_without_text_are_failed_with_a_reason(address):
    outcome = Continue(model=address, max_tokens=4).apply(batch_of("", "The cat", " \n"))
    assert [(reject.row, reject.reason) for reject in outcome.rejects] == [(0, "no text"), (2, "no text")]
    assert len(outcome.batch) == 1


def test_a_text_that_ends_at_once_is_failed(address, monkeypatch):
    """A model whose every token is an end of text."""
    step = Continue(model=address, max_tokens=4)
    written = step._model.generate

    def ending(requests, *, decoding):
        return [
            text._replace(
                ids=text.ids[:0],
                logprob=text.logprob[:0],
                entropy=text.entropy[:0],
                drawn_entropy=text.drawn_entropy[:0],
                ended=True,
            )
            for text in written(requests, decoding=decoding)
        ]

    monkeypatch.setattr(step._model, "generate", ending)
    outcome = step.apply(batch_of("The cat", "The dog"))
    assert len(outcome.batch) == 0
    assert {reject.reason for reject in outcome.rejects} == {"nothing written"}
    assert {reject.detail for reject in outcome.rejects} == {"the model ended the text at once"}
    assert outcome.tally["documents"] == {"made": 0, "empty": 2, "not_kept": 0}


def test_where_a_text_came_from(address):
    step = Continue(model=address, max_tokens=4)
    batch = batch_of("The cat sat")
    first = step.apply(batch).batch
    (row,) = first.to_pylist()
    assert (row["origin"], row["generation"], row["recipe"]) == ("synthetic", 1, step.fingerprint)
    assert row["parents"] == batch.column("id").to_pylist()
    (again,) = step.apply(first).batch.to_pylist()
    assert (again["generation"], again["parents"]) == (2, [row["id"], *row["parents"]])
    recipe = step.recipe()
    assert recipe["decoding"] == {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
    assert recipe["resolved"]["backend"] == "counted"


def test_the_same_model_in_another_place_writes_the_same(address, tmp_path):
    elsewhere = tmp_path / "elsewhere" / Path(address).name
    shutil.copytree(address, elsewhere)
    here, there = (Continue(model=str(place), max_tokens=8) for place in (address, elsewhere))
    assert here.fingerprint == there.fingerprint
    batch = batch_of("The cat sat")
    assert texts_of(here.apply(batch)) == texts_of(there.apply(batch))


def test_of_several_samples_the_most_typical_is_kept(address):
    """One sample of two tokens: of all its draws, the one whose surprise is nearest to the entropy."""
    step = Continue(model=address, opening_tokens=2, max_tokens=8, samples=5, keep_opening=False)
    batch = batch_of(SENTENCES[2])
    (text,) = texts_of(step.apply(batch))
    model = CountedModel.load(address)
    stream = Stream.of(0, step.fingerprint, batch.column("id")[0].as_py())
    prompt = np.array(model.vocabulary.spell("A bird"), np.int32)
    requests = [Request(prompt, stream.uniform(np.arange(8), draw=draw)) for draw in range(5)]
    samples = model.generate(requests, decoding=Decoding())
    gaps = [abs(float((sample.logprob + sample.entropy).mean())) for sample in samples]
    best = samples[int(np.argmin(gaps))]
    assert text.encode() == b"".join(model.vocabulary.surfaces[token] for token in best.ids)
    assert len({tuple(sample.ids.tolist()) for sample in samples}) > 1


def test_a_marked_text_is_found_and_its_recipe_keeps_the_secret(tmp_path):
    words = " ".join(f"w{n:03d}" for n in range(90))
    CountedModel.fit([words, " ".join(reversed(words.split()))], order=1).save(tmp_path)
    secret = "a secret of the tests, long enough"
    step = Continue(model=str(tmp_path), max_tokens=120, opening_tokens=2, watermark=secret)
    batch = batch_of(words)
    (text,) = texts_of(step.apply(batch))
    found = evidence([text], secret, CountedModel.load(tmp_path).vocabulary)
    assert found.p[0] < 1e-9
    assert found.group[0] == group_of(batch.column("id")[0].as_py())
    assert secret not in repr(step.recipe())
    assert secret not in repr(step)
    assert step.recipe()["watermark"]["scheme"] == "synthid-text"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"watermark": "short"}, "at least 16"),
        ({"watermark": "a secret of the tests", "decoding": Decoding(temperature=0)}, "chance to hide in"),
        ({"watermark": "a secret of the tests", "decoding": Decoding(top_k=1)}, "chance to hide in"),
        ({"max_tokens": 1025}, "too many for a window of 2048"),
        ({"opening_share": 0.0}, "greater than 0"),
    ],
)
def test_what_cannot_be(address, fields, said):
    with pytest.raises(UsageError, match=said):
        Continue(model=address, **fields)
