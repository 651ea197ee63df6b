import numpy as np
import pytest

from uncollapse.detection import reading as readings
from uncollapse.detection.reading import Reader
from uncollapse.detection.scores import scores_of
from uncollapse.errors import UnknownModel, UsageError
from uncollapse.language_models import CountedModel

TEXTS = ["the cat sat on the mat", "", "a dog", "the dog and the cat sat", "the the the"]


@pytest.fixture(scope="module")
def model():
    return CountedModel.fit(TEXTS, order=2)


def test_together_as_alone(model, monkeypatch):
    together = Reader(model).read(TEXTS)
    alone = [Reader(model).read([text])[0] for text in TEXTS]
    monkeypatch.setattr(readings, "_BATCH", 2)
    for parts in (alone, Reader(model).read(TEXTS)):
        for one, other in zip(together, parts, strict=True):
            for a, b in zip(one[:4], other[:4], strict=True):
                np.testing.assert_array_equal(a, b)
    assert len(together[1].logprob) == 0


def test_a_small_model_against_numpy(model):
    """Curvature and binoculars of a pair of counted models by their definitions, from probability() alone."""
    reference = CountedModel(model.vocabulary.words, ngrams=model._ngrams, pseudo_count=3.0)
    (found,) = Reader(model, reference).read(["the cat sat"])
    pieces = ["the", " cat", " sat"]
    words = [surface.decode() for surface in model.vocabulary.surfaces[257:]]
    ids = [model.vocabulary.spell(piece)[0] for piece in pieces]
    own, mean, variance = [], [], []
    (tokens,) = [model.vocabulary.encode(["the cat sat"])]
    blocks = [
        np.concatenate([b.logprob for b in each.distributions(tokens)]).astype(float) for each in (model, reference)
    ]
    for at, number in enumerate(ids):
        log_p, q = blocks[0][at], np.exp(blocks[1][at])
        own.append(log_p[number])
        mean.append((q * log_p).sum())
        variance.append((q * log_p**2).sum() - mean[-1] ** 2)
        if at:
            assert own[-1] == pytest.approx(np.log(model.probability(pieces[:at], pieces[at])), abs=1e-5)
    assert words
    scores = scores_of(found)
    assert scores["curvature"].value == pytest.approx((sum(own) - sum(mean)) / np.sqrt(sum(variance)), abs=1e-4)
    assert scores["binoculars"].value == pytest.approx(np.mean(own) / np.mean(mean), abs=1e-4)


def test_only_the_first_tokens_are_read(model):
    long = "the cat sat on the mat " * 50
    (short,) = Reader(model, most_tokens=6).read([long])
    (whole,) = Reader(model).read([long])
    assert len(short.logprob) == 6
    np.testing.assert_array_equal(short.logprob, whole.logprob[:6])


def test_how_far_it_is(model):
    heard = []
    Reader(model).read(TEXTS * 10, on_progress=heard.append)
    assert heard == [16, 32, 48, 50]


def test_a_reader_by_address(model, tmp_path):
    model.save(tmp_path / "one")
    CountedModel.fit(["other words"]).save(tmp_path / "other")
    assert Reader.of(str(tmp_path / "one")).reference is None
    with pytest.raises(UsageError, match="unequal tokenizers"):
        Reader.of(str(tmp_path / "one"), reference=str(tmp_path / "other"))
    with pytest.raises(UnknownModel):
        Reader.of("no-such-model")
