"""Measures by hand, and intervals that hold what they say."""

import math

import numpy as np
import pytest

from desk import SENTENCES
from uncollapse.evaluation import measures_of, read_texts
from uncollapse.evaluation.measures import columns_of, resampled
from uncollapse.evaluation.reading import BINS, Reading, rare_words
from uncollapse.language_models import load
from uncollapse.language_models.counted import CountedModel


def reading(nats, tokens, *, binned=None, rare=(0.0, 0)):
    count = len(nats)
    return Reading(
        nats=np.array(nats, float),
        tokens=np.array(tokens),
        bytes=np.array(tokens) * 4,
        unscored=np.zeros(count, np.int64),
        rare_nats=np.full(count, rare[0]),
        rare_tokens=np.full(count, rare[1]),
        rare_bytes=np.full(count, rare[1] * 5),
        binned=np.zeros((count, BINS, 3)) if binned is None else np.array(binned, float),
    )


def test_by_hand():
    """Two documents: 10 nats in 4 tokens, 2 nats in 2; 6 tokens and 24 bytes; rare: 3 nats in 1 token of 5 bytes each."""
    found = measures_of(reading([10.0, 2.0], [4, 2], rare=(3.0, 1)))
    assert found["perplexity"].value == pytest.approx(math.exp(12 / 6))
    assert found["bits_per_byte"].value == pytest.approx(12 / 24 / math.log(2))
    assert found["tail_perplexity"].value == pytest.approx(math.exp(3.0))
    assert found["tail_bits_per_byte"].value == pytest.approx(6 / 10 / math.log(2))
    assert found["perplexity"].low == pytest.approx(math.exp(1.0))
    assert found["perplexity"].high == pytest.approx(math.exp(2.5))


def test_calibration_by_hand():
    """Four tokens at confidence .5 of which one hits, two at .9 that both hit: (4 |.5 - .25| + 2 |.9 - 1|) / 6."""
    binned = np.zeros((1, BINS, 3))
    binned[0, 7] = (4, 2.0, 1)
    binned[0, 13] = (2, 1.8, 2)
    found = measures_of(reading([1.0], [6], binned=binned))
    assert found["calibration_error"].value == pytest.approx((1.0 + 0.2) / 6)
    assert found["accuracy"].value == pytest.approx(3 / 6)
    assert math.isnan(found["accuracy"].low)


def test_a_model_that_draws_its_own_text_is_calibrated():
    """Drawn from the model itself: confidence is the chance to hit, so the error is noise (some 15 bins of 20,000)."""
    generator = np.random.default_rng(0)
    confidence = generator.uniform(0, 1, 20_000)
    hits = generator.uniform(0, 1, 20_000) < confidence
    place = (confidence * BINS).astype(int)
    sums = [np.bincount(place, weights=each, minlength=BINS) for each in (np.ones(20_000), confidence, hits)]
    found = measures_of(reading([1.0], [20_000], binned=np.stack(sums, axis=1)[None]))
    # The mean of |noise| in a bin of n is below sqrt(n / 4); 15 of them over 20,000, with a margin of 2.
    assert found["calibration_error"].value < 2 * 15 * math.sqrt(20_000 / BINS / 4) / 20_000


def test_intervals_hold_the_truth_at_their_rate():
    """Of 300 samples of 60 documents, the 95 % interval holds the true mean in all but 9 % (binomial, p < .001)."""
    generator = np.random.default_rng(1)
    held = 0
    for trial in range(300):
        nats = generator.exponential(2.0, 60)
        found = measures_of(reading(nats, np.ones(60, int)), seed=trial, draws=200)["perplexity"]
        held += found.low <= math.exp(2.0) <= found.high
    assert held >= 273


def test_draws_in_blocks_are_the_draws():
    columns = columns_of(reading(np.arange(5.0), np.ones(5, int)))
    assert resampled(columns, seed=3, draws=7).shape == (7, columns.shape[1])
    assert resampled(columns, seed=3, draws=500)[:, 1].tolist() == [5.0] * 500


def test_a_counted_model_by_hand():
    """Add-one unigrams over a known text: the sums of a reading are those of `score`."""
    model = CountedModel.fit(SENTENCES, order=2)
    found = read_texts(model, SENTENCES)
    scores = model.score(model.vocabulary.encode(SENTENCES))
    assert found.nats.sum() == pytest.approx(-float(np.nansum(scores.logprob)), rel=1e-6)
    assert found.tokens.sum() + found.unscored.sum() == len(scores.logprob)
    assert found.bytes.sum() == sum(len(text.encode()) for text in SENTENCES)
    assert found.binned[..., 0].sum() == found.tokens.sum()


def test_rare_words_and_the_tokens_that_touch_them():
    texts = ["the cat sat", "the cat sat", "the cat sat on the naïve Zebra"]
    assert rare_words(texts) == {"on", "naïve", "zebra"}
    found = read_texts(CountedModel.fit(texts, order=2), texts)
    assert found.rare_tokens.tolist() == [0, 0, 3]
    # Its tokens carry the blank before a word: " on", " naïve", " Zebra" are 3 + 7 + 6 bytes.
    assert found.rare_bytes.tolist() == [0, 0, 16]
    assert 0 < found.rare_nats[2] < found.nats[2]


def test_batches_and_empty_texts_do_not_matter(folder, monkeypatch):
    model = load(str(folder), dtype="float32")
    texts = [*SENTENCES, "", "x"]
    whole = read_texts(model, texts)
    monkeypatch.setattr("uncollapse.evaluation.reading.BATCH_BYTES", 10)
    apart = read_texts(model, texts)
    np.testing.assert_allclose(whole.nats, apart.nats, atol=1e-4)
    assert whole.tokens.tolist() == apart.tokens.tolist()
    assert whole.tokens[-2] == 0


def test_answers_are_read_after_their_questions(folder):
    """By hand: question, two line ends and answer as one text, less what the model makes of the question alone."""
    model = load(str(folder))
    questions, answers = (
        ["The cat sat on the", "What did the dog see?"],
        ["mat and looked.", "The bird, naïve as it was."],
    )
    found = read_texts(model, answers, questions=questions)
    asked = model.vocabulary.encode(answers, prompts=[f"{question}\n\n" for question in questions])
    logprob = model.score(asked).logprob
    for number, answer in enumerate(answers):
        own = slice(int(asked.starts[number]), int(asked.offsets[number + 1]))
        assert found.nats[number] == pytest.approx(-logprob[own].astype(float).sum(), rel=1e-6)
        assert found.tokens[number] == own.stop - own.start
        assert found.bytes[number] == len(answer.encode())
    assert found.unscored.tolist() == [0, 0]
    alone = read_texts(model, answers)
    assert found.tokens.tolist() == alone.tokens.tolist()
    assert found.nats.tolist() != alone.nats.tolist()


class Asked:
    """A model with a template: what it reads before an answer is its own frame."""

    def __init__(self, model):
        self._model, self.vocabulary = model, self
        self.surfaces, self.ends = model.vocabulary.surfaces, model.vocabulary.ends

    def encode(self, texts, *, prompts=None):
        return self._model.vocabulary.encode(texts, prompts=prompts)

    def ask(self, questions):
        inner = self._model.vocabulary.encode([f"Q: {question} A:" for question in questions])
        return [part.astype(np.int32) for part in np.split(inner.ids, inner.offsets[1:-1])]

    def __getattr__(self, name):
        return getattr(self._model, name)


def test_a_model_with_a_template_is_asked_in_its_frame(folder):
    model = load(str(folder))
    questions, answers = ["Who sat?", "Who looked at the bird?"], ["The cat sat.", "The dog."]
    framed = read_texts(Asked(model), answers, questions=questions)
    asked = model.vocabulary.encode(answers, prompts=[f"Q: {question} A:" for question in questions])
    logprob = model.score(asked).logprob
    for number in range(2):
        own = slice(int(asked.starts[number]), int(asked.offsets[number + 1]))
        assert framed.nats[number] == pytest.approx(-logprob[own].astype(float).sum(), rel=1e-6)
    assert framed.bytes.tolist() == [len(answer.encode()) for answer in answers]
