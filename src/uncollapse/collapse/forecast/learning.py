"""How a proxy comes to be, whichever kind it is: a network that is trained, or counts."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from uncollapse.collapse.forecast import counting
from uncollapse.collapse.forecast.kinds import COUNTED, Lesson, spelling
from uncollapse.evaluation.reading import read_texts
from uncollapse.language_models import load
from uncollapse.language_models.model import LanguageModel
from uncollapse.training import Material, Training, fit

LAST = 4
"""The training loss is that of the last quarter of the tokens, which is read when most is learned."""


class Learned(NamedTuple):
    """A proxy that has learned, and what is kept of how it did."""

    model: LanguageModel
    account: Mapping[str, Any]


def learn(lesson: Lesson, folder: Path) -> Learned:
    """A proxy that has learned its lesson; a network is put down in the folder on its way."""
    if lesson.size == COUNTED:
        return _count(lesson)
    training = Training(
        size=lesson.size,
        seed=lesson.seed,
        batch_tokens=lesson.pace.batch_tokens,
        learning_rate=lesson.pace.learning_rate,
    )
    told = fit(Material(lesson.texts, human=spelling(lesson.human)), folder / "model", training).account
    account = {
        "tokens": told["tokens"],
        "documents": told["data"]["documents"],
        "parameters": told["parameters"],
        "tokenizer": told["plan"]["tokenizer"],
        "training_loss": last_loss(told["losses"]),
        "seconds": told["seconds"],
        "tokens_per_second": told["tokens_per_second"],
    }
    return Learned(load(str(folder / "model"), dtype="float32"), account)


def last_loss(losses: Sequence[Sequence[int | float]]) -> float:
    """The mean loss, in nats a token, of the last quarter of the steps; each point is the mean since the one before."""
    steps = np.array([0, *(step for step, _ in losses)])
    first = steps[-1] * (LAST - 1) / LAST
    weights = np.clip(steps[1:] - np.maximum(steps[:-1], first), 0, None)
    return float(np.average([loss for _, loss in losses], weights=weights))


def _count(lesson: Lesson) -> Learned:
    """Counts of all of it; the training loss is that of the last quarter under counts of the others."""
    vocabulary = counting.vocabulary_of(spelling(lesson.human))
    order = np.random.default_rng(lesson.seed).permutation(len(lesson.texts))
    texts = [lesson.texts[at] for at in order.tolist()]
    before = len(texts) * (LAST - 1) // LAST
    reading = read_texts(counting.PieceCounted(texts[:before], vocabulary), texts[before:])
    began = time.monotonic()
    model = counting.PieceCounted(texts, vocabulary)
    seconds = time.monotonic() - began
    account = {
        "tokens": model.tokens,
        "documents": len(texts),
        "parameters": model.size,
        "tokenizer": vocabulary.digest,
        "training_loss": float(reading.nats.sum() / reading.tokens.sum()),
        "seconds": round(seconds, 3),
        "tokens_per_second": round(model.tokens / seconds, 1),
    }
    return Learned(model, account)
