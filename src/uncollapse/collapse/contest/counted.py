"""The counted student: n-grams of up to three words with fixed weights. A toy: it cannot say what it has not counted.

    p(w | a b) = .40 c(a b w) / c(a b) + .45 c(b w) / c(b) + .149 c(w) / N + .001 / V

V is the number of different words of the whole text, held-out pieces included: the one thing that is known of them.
A context that was never followed by anything leaves its weight to the single words. Text is drawn without the last
term, so no word comes back that was lost.

Source: Jelinek and Mercer 1980 (interpolation with fixed weights); the weights are those of the toy recursion that the
contest is held beside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar, Self

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray
from numpy.random import Generator
from pydantic import Field, model_validator

from uncollapse.collapse.contest.students import Lesson, Pupil, Student
from uncollapse.collapse.contest.text import OPENING, Vocabulary
from uncollapse.collapse.ngram_model import Counts, count, find, followed

FLOOR = 0.001
"""Weight of the law under which all words are equally likely."""


class CountedStudent(Student):
    """A counted model; `weights` are those of words, pairs, triples ... and with the floor they add up to 1."""

    name: ClassVar[str] = "counted"
    what: ClassVar[str] = "counted n-grams, interpolated (a toy)"

    weights: Annotated[tuple[float, ...], Field(min_length=1)] = (0.149, 0.45, 0.40)

    @model_validator(mode="after")
    def _a_law(self) -> Self:
        if min(self.weights) < 0 or abs(sum(self.weights) + FLOOR - 1) > 1e-9:
            raise ValueError(f"weights are 0 or more and add up to {1 - FLOOR:g}")
        return self

    def learn(self, lesson: Lesson, *, seed: int) -> "CountedPupil":
        """The counts of the texts; counting draws nothing."""
        pieces = lesson.pieces
        streams = pieces.vocabulary.read(lesson.texts, words=pieces.words)
        counts = count(streams, types=len(pieces.vocabulary), order=len(self.weights))
        return CountedPupil(counts, self.weights, pieces.vocabulary, pieces.words)

    def teachers(self, own: Pupil, lesson: Lesson, *, seed: int) -> Mapping[str, Pupil]:
        """The model itself, one of pairs alone, and one that trusts triples more and has read half of the texts."""
        texts = lesson.texts
        pairs = CountedStudent(weights=(0.249, 0.75)).learn(lesson, seed=seed)
        half = [texts[at] for at in np.sort(np.random.default_rng(seed).permutation(len(texts))[: len(texts) // 2])]
        bold = CountedStudent(weights=(0.049, 0.25, 0.70)).learn(lesson._replace(texts=half), seed=seed)
        return {"triples": own, "pairs": pairs, "half, bolder": bold}


@dataclass(frozen=True, eq=False)
class CountedPupil:
    """A counted model that reads and writes texts of a fixed number of words."""

    counts: Counts
    weights: tuple[float, ...]
    vocabulary: Vocabulary
    words: int

    @cached_property
    def _share(self) -> Float64[ndarray, "v"]:
        words = self.counts.words
        return np.asarray(words / words.sum(), np.float64)

    def write(self, openings: Sequence[str], *, rng: Generator) -> list[str]:
        """A text for each opening, all of the same length."""
        begun = self.vocabulary.read(openings, words=OPENING)
        given = begun.shape[1]
        lines = np.empty((len(openings), self.words), np.int64)
        lines[:, :given] = begun
        for place in range(given, self.words):
            lines[:, place] = self._next(lines[:, max(place - len(self.weights) + 1, 0) : place], rng)
        return self.vocabulary.spell(lines)

    def edit(self, texts: Sequence[str], *, rate: float, rng: Generator) -> list[str]:
        """The texts with a share of their words drawn anew, each after the words that stood before it."""
        lines = self.vocabulary.read(texts, words=self.words)
        back = len(self.weights) - 1
        chosen = rng.random(lines.shape) < rate
        chosen[:, :back] = False
        row, place = np.nonzero(chosen)
        before = lines[row[:, None], place[:, None] + np.arange(-back, 0)]
        result = lines.copy()
        result[row, place] = self._next(before, rng)
        return self.vocabulary.spell(result)

    def nats(self, texts: Sequence[str]) -> Float64[ndarray, "n"]:
        """How surprised it is by each text, in nats a word, from the opening on."""
        lines = self.vocabulary.read(texts, words=self.words)
        return np.asarray(-self.log_probability(lines)[:, OPENING:].mean(axis=1), np.float64)

    def log_probability(self, lines: Int64[ndarray, "n l"]) -> Float64[ndarray, "n l"]:
        """The natural log-probability of each word after the words before it."""
        words = lines.ravel()
        single = self._share[words]
        probability = np.full(lines.size, FLOOR / self.counts.types) + self.weights[0] * single
        position = np.tile(np.arange(lines.shape[1]), len(lines))
        contexts = np.zeros(lines.size, np.int64)
        for depth, level in enumerate(self.counts.levels):
            if depth:
                rows, seen = self._known(contexts, depth)
                seen &= position >= depth
                at, hit = find(level.grams, rows * self.counts.types + words)
                often = np.where(hit & seen, level.counts[at], 0)
                estimate = np.where(seen, often / np.maximum(level.totals[rows], 1), single)
                probability += self.weights[depth] * estimate
            if depth + 1 < self.counts.order:
                longer = followed(self.counts, contexts, words, depth=depth)
                contexts = np.concatenate([np.full(1, -1), longer[:-1]])
        return np.log(probability).reshape(lines.shape)

    def _known(self, contexts: Int64[ndarray, "n"], depth: int) -> tuple[Int64[ndarray, "n"], Bool[ndarray, "n"]]:
        """Numbers of contexts that can be looked up, and which of them were followed by anything."""
        rows = np.where(contexts >= 0, contexts, 0)
        level = self.counts.levels[depth]
        if not len(level.grams):
            return rows, np.zeros(len(rows), np.bool_)
        return rows, (contexts >= 0) & (level.totals[rows] > 0)

    def _next(self, before: Int64[ndarray, "n b"], rng: Generator) -> Int64[ndarray, "n"]:
        """A word after each row of words."""
        many = len(before)
        which, where = rng.random(many), rng.random(many)
        edges = np.cumsum(self.weights) / sum(self.weights)
        depth = np.searchsorted(edges, which, side="right").clip(max=len(self.weights) - 1)
        result = self._drawn(0, np.zeros(many, np.int64), where)
        for level in range(1, len(self.weights)):
            if before.shape[1] < level:
                break
            contexts = self._contexts(before, level)
            rows, seen = self._known(contexts, level)
            here = np.flatnonzero(seen & (depth == level))
            result[here] = self._drawn(level, rows[here], where[here])
        return result

    def _contexts(self, before: Int64[ndarray, "n b"], level: int) -> Int64[ndarray, "n"]:
        """The number of the last `level` words of each row as a context."""
        contexts = np.zeros(len(before), np.int64)
        for depth in range(level):
            contexts = followed(self.counts, contexts, before[:, before.shape[1] - level + depth], depth=depth)
        return contexts

    def _drawn(self, depth: int, rows: Int64[ndarray, "n"], where: Float64[ndarray, "n"]) -> Int64[ndarray, "n"]:
        level = self.counts.levels[depth]
        sizes = np.maximum(level.totals[rows], 1) if depth else np.full(len(rows), level.totals[0])
        return level.occurrences[level.starts[rows] + (where * sizes).astype(np.int64)]
