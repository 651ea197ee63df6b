"""Texts in, one row of numbers for each out: every score that the models at hand allow, and which of them decides."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.detection.detector import Detector
from uncollapse.detection.reading import Reader, Scored, Texts, together
from uncollapse.detection.scores import SCORES, Points
from uncollapse.detection.unseen import unmarked
from uncollapse.detection.word_model import word_counts
from uncollapse.errors import UsageError
from uncollapse.step import Gather

FUSED, WORDS = "fused", "words"


@dataclass(frozen=True)
class Scorer:
    """The models at hand, and the name of the score that decides; the reader reads wherever `gather` has it read."""

    reader: Reader | None
    detector: Detector | None
    deciding: str
    gather: Gather | None = None

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
        done = 0

        def heard(part: Scored) -> None:
            nonlocal done
            done += len(part.tokens)
            if on_progress is not None:
                on_progress(done)

        if not texts:
            return self._with_words([], Scored(np.zeros(0, np.int64), {name: np.zeros(0) for name in self._read}))
        (found,) = self.scored([texts], on_part=heard)
        return found

    def scored(
        self, batches: Iterable[Sequence[str]], *, on_part: Callable[[Scored], object] = lambda _: None
    ) -> Iterator[Scored]:
        """The numbers of batch after batch, none of which is empty; `on_part` hears of parts as they come."""
        if self.reader is None:
            for texts in batches:
                yield self._with_words(unmarked(texts), Scored(word_counts(unmarked(texts)), {}))
            return
        held: deque[tuple[list[str], int]] = deque()

        def pieces() -> Iterator[Texts]:
            for batch in batches:
                texts = unmarked(batch)
                own = list(together(texts))
                held.append((texts, len(own)))
                yield from own

        parts: list[Scored] = []
        for part in (self.gather or partial(map, self.reader))(pieces()):
            on_part(part)
            parts.append(part)
            texts, count = held[0]
            if len(parts) == count:
                held.popleft()
                yield self._with_words(texts, joined(parts))
                parts = []

    @property
    def _read(self) -> list[str]:
        return [] if self.reader is None else self.reader.scores

    def _with_words(self, texts: Sequence[str], scored: Scored) -> Scored:
        """What was read of some texts, with what the detector says of them."""
        values = dict(scored.values)
        if self.detector is not None:
            values[WORDS] = self.detector.words.log_odds(texts)
            if FUSED in _allowed(self.reader, self.detector):
                assert self.detector.fusion is not None
                values[FUSED] = self.detector.fusion.log_odds(values["likelihood"], values[WORDS])
        return Scored(scored.tokens, values)

    def upwards(self, scored: Scored) -> Float64[ndarray, "n"]:
        """The score that decides, turned so that higher is a machine's."""
        value = scored.values[self.deciding]
        return value if points(self.deciding) is Points.UP else -value


def joined(parts: Sequence[Scored]) -> Scored:
    """Several parts as one."""
    if not parts:
        return Scored(np.zeros(0, np.int64), {})
    values = {name: np.concatenate([part.values[name] for part in parts]) for name in parts[0].values}
    return Scored(np.concatenate([part.tokens for part in parts]), values)


def points(score: str) -> Points:
    """Which way a score points for a machine's text."""
    return SCORES[score].points if score in SCORES else Points.UP


def _allowed(reader: Reader | None, detector: Detector | None) -> list[str]:
    names = [] if reader is None else list(reader.scores)
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
