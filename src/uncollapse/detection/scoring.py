"""Texts in, one row of numbers for each out: every score that the models at hand allow, and which of them decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from uncollapse.detection.detector import Detector
from uncollapse.detection.reading import Reader
from uncollapse.detection.scores import SCORES, Points, scores_of
from uncollapse.detection.unseen import unmarked
from uncollapse.detection.word_model import word_counts
from uncollapse.errors import UsageError

FUSED, WORDS = "fused", "words"


class Scored(NamedTuple):
    """For each text how many tokens (words where no language model reads) were looked at, and each score by name."""

    tokens: Int64[ndarray, "n"]
    values: dict[str, Float64[ndarray, "n"]]


@dataclass(frozen=True)
class Scorer:
    """The models at hand, and the name of the score that decides."""

    reader: Reader | None
    detector: Detector | None
    deciding: str

    @classmethod
    def of(cls, reader: Reader | None, detector: Detector | None, *, score: str | None = None) -> "Scorer":
        """The scorer; unless said, a pair decides by binoculars, a detector by what it was trained to, else likelihood.

        Raises:
            UsageError: a score that these models do not give.
        """
        allowed = _allowed(reader, detector)
        if score is not None and score not in allowed:
            raise UsageError(
                f"--score {score}: not with these models",
                hint=f"they give {', '.join(allowed)}; a pair or a detector gives more",
            )
        preferred = ("binoculars", FUSED, "likelihood", WORDS)
        return cls(reader, detector, score or next(name for name in preferred if name in allowed))

    def score(self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None) -> Scored:
        """The numbers of each text, read without characters that no reader sees; NaN where a score cannot be taken."""
        texts = unmarked(texts)
        values: dict[str, Float64[ndarray, n]] = {}
        if self.reader is None:
            tokens = word_counts(texts)
        else:
            readings = self.reader.read(texts, on_progress=on_progress)
            tokens = np.array([len(reading.logprob) for reading in readings], np.int64)
            found = [scores_of(reading) for reading in readings]
            for name in _zero_shot(self.reader):
                values[name] = np.array([scores[name].value for scores in found])
        if self.detector is not None:
            values[WORDS] = self.detector.words.log_odds(texts)
            if FUSED in _allowed(self.reader, self.detector):
                assert self.detector.fusion is not None
                values[FUSED] = self.detector.fusion.log_odds(values["likelihood"], values[WORDS])
        return Scored(tokens, values)

    def upwards(self, scored: Scored) -> Float64[ndarray, "n"]:
        """The score that decides, turned so that higher is a machine's."""
        value = scored.values[self.deciding]
        return value if points(self.deciding) is Points.UP else -value


def points(score: str) -> Points:
    """Which way a score points for a machine's text."""
    return SCORES[score].points if score in SCORES else Points.UP


def _zero_shot(reader: Reader) -> list[str]:
    return [name for name, kind in SCORES.items() if reader.reference is not None or not kind.pair]


def _allowed(reader: Reader | None, detector: Detector | None) -> list[str]:
    names = [] if reader is None else _zero_shot(reader)
    if detector is not None:
        names.append(WORDS)
        if detector.fusion is not None and reader is not None and reader.reference is None:
            _refuse_other_model(reader, detector)
            names.append(FUSED)
    return names


def _refuse_other_model(reader: Reader, detector: Detector) -> None:
    card = reader.model.card
    if card.revision != detector.revision:
        raise UsageError(
            f"the detector was fused with the likelihood of {detector.model}, not of {card.address}",
            hint=f"--model {detector.model}, or train a detector with this model",
        )
