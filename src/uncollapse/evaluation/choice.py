"""Which of several answers a model finds likeliest, scored as lm-evaluation-harness does.

What is given and an answer are cut into tokens together, and the tokens beyond those of what is given alone are the
answer's; text that is too long for the window loses its beginning. The start token stands only where nothing is given.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from uncollapse.evaluation.measures import DRAWS, LEVEL, Measure
from uncollapse.evaluation.questions import Question
from uncollapse.language_models.model import LanguageModel, Tokens
from uncollapse.step import Gather

AT_ONCE = 64  # answers


class Answered(NamedTuple):
    """For each answer of each question, in order: log-probability in nats, whether every token was the likeliest.

    `offsets` has where the answers of each question begin; `characters` is the length of an answer without the blank
    before it; `shortened` counts answers whose question lost its beginning.
    """

    logprob: Float64[ndarray, "answers"]
    greedy: Bool[ndarray, "answers"]
    characters: Int64[ndarray, "answers"]
    offsets: Int64[ndarray, "questions_and_end"]
    gold: Int64[ndarray, "questions"]
    shortened: int


class Pieces(NamedTuple):
    """Pairs as tokens, and how many of them lost a beginning."""

    tokens: Tokens
    shortened: int


class Given(NamedTuple):
    """What a model gives to some answers: log-probability in nats, whether every token was the likeliest, how many lost
    the beginning of their question.
    """

    logprob: Float64[ndarray, "answers"]
    greedy: Bool[ndarray, "answers"]
    shortened: int


@dataclass(frozen=True)
class Asked:
    """Some answers with what is given before them, by their numbers among all; `bare` ones have nothing before them."""

    rows: Int64[ndarray, "answers"]
    pairs: Sequence[tuple[str, str]]
    bare: bool

    @property
    def name(self) -> str:
        """Which answers these are."""
        return f"{len(self.rows)} answers from the {int(self.rows[0]) + 1:,}th on"

    def read_by(self, model: LanguageModel) -> Given:
        """What the model gives to them."""
        reader = model if self.bare else model.without_start()
        pieces = cut(reader, self.pairs)
        return Given(*_scored(reader, pieces.tokens), pieces.shortened)


def answer(
    model: LanguageModel, questions: Sequence[Question], *, on_progress: Callable[[int, int], None] | None = None
) -> Answered:
    """What the model gives to each answer."""
    return gathered_answers(partial(map, lambda piece: piece.read_by(model)), questions, on_progress=on_progress)


def gathered_answers(
    gather: Gather, questions: Sequence[Question], *, on_progress: Callable[[int, int], None] | None = None
) -> Answered:
    """What a model gives to each answer, some at a time wherever `gather` has them read."""
    pairs = [pair for question in questions for pair in zip(question.given, question.scored, strict=True)]
    logprob, greedy = np.empty(len(pairs)), np.empty(len(pairs), np.bool_)
    shortened = done = 0
    pieces = list(_asked(pairs))
    for piece, given in zip(pieces, gather(pieces), strict=True):
        logprob[piece.rows], greedy[piece.rows] = given.logprob, given.greedy
        shortened += given.shortened
        done += len(piece.rows)
        if on_progress is not None:
            on_progress(done, len(pairs))
    sizes = [len(question.given) for question in questions]
    return Answered(
        logprob=logprob,
        greedy=greedy,
        characters=np.array([len(scored.lstrip()) for _, scored in pairs], np.int64),
        offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(np.array(sizes, np.int64))]),
        gold=np.array([question.gold for question in questions], np.int64),
        shortened=shortened,
    )


def _asked(pairs: Sequence[tuple[str, str]]) -> Iterator[Asked]:
    bare = np.array([not given for given, _ in pairs])
    for rows, kind in ((np.flatnonzero(~bare), False), (np.flatnonzero(bare), True)):
        for begin in range(0, len(rows), AT_ONCE):
            own = rows[begin : begin + AT_ONCE]
            yield Asked(own, [pairs[row] for row in own.tolist()], kind)


def _scored(reader: LanguageModel, tokens: Tokens) -> tuple[ndarray, ndarray]:
    """For each answer its log-probability, and whether every token of it was the likeliest."""
    scores, scored = reader.score(tokens), tokens.scored()
    whose = tokens.document_of()[scored]
    logprob = np.bincount(whose, weights=scores.logprob[scored].astype(np.float64), minlength=len(tokens))
    return logprob, np.bincount(whose, weights=~scores.is_argmax[scored], minlength=len(tokens)) == 0


def cut(model: LanguageModel, pairs: Sequence[tuple[str, str]]) -> Pieces:
    """What is given and what is scored, cut together."""
    given = model.vocabulary.encode([before for before, _ in pairs])
    whole = model.vocabulary.encode([before + after for before, after in pairs])
    read = np.minimum(np.diff(given.offsets), np.diff(whole.offsets) - 1)
    window = model.card.window
    lost = np.zeros(len(pairs), np.int64)
    if window is not None:
        # A window of w rows reads w tokens and predicts the one behind each.
        lost = np.minimum(np.maximum(np.diff(whole.offsets) - (window + 1), 0), read)
    sizes = np.diff(whole.offsets) - lost
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    kept = np.arange(offsets[-1]) + np.repeat(whole.offsets[:-1] + lost - offsets[:-1], sizes)
    tokens = Tokens(
        ids=whole.ids[kept],
        starts=offsets[:-1] + read - lost,
        offsets=offsets,
        spans=np.zeros((len(kept), 2), np.int64),
    )
    return Pieces(tokens, int((lost > 0).sum()))


def accuracies(found: Answered, *, seed: int = 0) -> dict[str, Measure]:
    """How many questions are answered rightly: by log-probability (`acc`), and by it over characters (`acc_norm`).

    Where each question has one answer, `acc` counts those whose every token was the likeliest. Of equal answers the
    first counts. Intervals are percentiles of a bootstrap over questions.
    """
    return {name: _share(right, seed=seed) for name, right in rights(found).items()}


def rights(found: Answered) -> dict[str, Bool[ndarray, "questions"]]:
    """Which questions are answered rightly, for each way of counting that `accuracies` names."""
    if np.diff(found.offsets).max() == 1:
        return {"acc": found.greedy}
    normed = found.logprob / found.characters
    return {"acc": _right(found, found.logprob), "acc_norm": _right(found, normed)}


def _right(found: Answered, values: Float64[ndarray, "answers"]) -> Bool[ndarray, "questions"]:
    best = [int(np.argmax(values[a:b])) for a, b in zip(found.offsets[:-1], found.offsets[1:], strict=True)]
    return np.array(best) == found.gold


def _share(right: Bool[ndarray, "questions"], *, seed: int) -> Measure:
    generator = np.random.default_rng(seed)
    drawn = generator.binomial(len(right), right.mean(), size=DRAWS) / len(right)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Measure(float(right.mean()), float(low), float(high))
