"""The small student: a transformer that learns from nothing, with a tokenizer out of the human text.

It has some hundred thousand parameters, so that a generation takes seconds to minutes on a core. Each piece is a
document of its own; a text that ends before it is a piece long is gone on with, since budgets are equal in words.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from numpy.random import Generator
from pydantic import Field

from uncollapse.collapse.contest.counted import CountedStudent
from uncollapse.collapse.contest.students import Lesson, Pupil, Student
from uncollapse.collapse.contest.text import OPENING, Piece, Pieces, plain, rows_of, tokens_of
from uncollapse.errors import InputError
from uncollapse.language_models import load
from uncollapse.language_models.model import LanguageModel, Request, Tokens
from uncollapse.sampling import Decoding
from uncollapse.training import Material, Trained, Training, fit

ROW = 64
"""The rows that are read together have so many tokens, or a multiple of it: a piece and its ends, as a rule."""
TIMES = 4
"""How often a text that ended too early is gone on with."""


class SmallStudent(Student):
    """A transformer from scratch, which reads so many times as many words as the human text has that all began with.

    So what accumulates is read in as many steps as everything else: budgets are equal in computing, too.
    """

    name: ClassVar[str] = "small"
    what: ClassVar[str] = "a small transformer, from scratch each generation"

    size: str = "tiny"
    epochs: Annotated[int, Field(ge=1)] = 6
    tokens_a_word: Annotated[float, Field(gt=0)] = 1.5
    batch_tokens: Annotated[int, Field(ge=64)] = 256
    learning_rate: Annotated[float, Field(gt=0)] = 5e-3

    def learn(self, lesson: Lesson, *, seed: int) -> "SmallPupil":
        """The model; nothing of its folder is left when this returns."""
        words = lesson.pieces.words
        row = ROW * -(-round(self.tokens_a_word * words + 2) // ROW)
        training = Training(
            size=self.size,
            context=row,
            batch_tokens=max(self.batch_tokens, row),
            tokens=round(self.epochs * len(lesson.human) * words * self.tokens_a_word),
            learning_rate=self.learning_rate,
            seed=seed,
        )
        with tempfile.TemporaryDirectory(prefix="uncollapse-contest-") as folder:
            made = _made(Material(lesson.texts, human=lesson.human), Path(folder) / "model", training)
            model = load(str(made.folder), dtype="float32", window=row)
            return SmallPupil(model, words, row)

    def teachers(self, own: Pupil, lesson: Lesson, *, seed: int) -> Mapping[str, Pupil]:
        """The transformer itself, and counted models of triples and of pairs of the same texts."""
        words = lesson.pieces.words
        whole = [row for row, text in enumerate(lesson.texts) if text.count(" ") + 1 >= words]
        if not whole:
            raise InputError(f"no text of the generation has {words} words", hint="Shorter pieces: --length 30")
        every = Pieces([Piece(text, 0) for text in lesson.texts], words=words, corpus=lesson.pieces.corpus)
        counted = lesson._replace(texts=[lesson.texts[row] for row in whole], pieces=every)
        triples = CountedStudent().learn(counted, seed=seed)
        return {
            "transformer": own,
            "triples": triples,
            "pairs": CountedStudent(weights=(0.249, 0.75)).learn(counted, seed=seed),
        }


@dataclass(frozen=True, eq=False)
class SmallPupil:
    """A transformer that writes pieces of a fixed number of words."""

    model: LanguageModel
    words: int
    window: int

    def write(self, openings: Sequence[str], *, rng: Generator) -> list[str]:
        """A text for each opening; one that is still too short after some times of going on stays short."""
        texts = list(openings)
        short = list(range(len(texts)))
        for _ in range(TIMES):
            longer = self._gone_on([texts[at] for at in short], rng)
            for at, text in zip(short, longer, strict=True):
                texts[at] = text
            short = [at for at in short if len(texts[at].split(" ")) < self.words]
            if not short:
                break
        return texts

    def _gone_on(self, texts: Sequence[str], rng: Generator) -> list[str]:
        """The texts with what the model adds to each, up to the length of a piece."""
        ids = _lines(self.model.vocabulary.encode(texts))
        # Of a text of rare words, which has more tokens than the window, the end is read, and some more written.
        room = [max(self.window - len(line) - 2, self.window // 4) for line in ids]
        asked = [Request(line.astype(np.int32), rng.random(most)) for line, most in zip(ids, room, strict=True)]
        written = self.model.generate(asked, decoding=Decoding())
        surfaces = self.model.vocabulary.surfaces
        added = [b"".join(surfaces[token] or b"" for token in each.ids.tolist()) for each in written]
        both = [text + more.decode(errors="ignore") for text, more in zip(texts, added, strict=True)]
        return plain(both, words=self.words)

    def edit(self, texts: Sequence[str], *, rate: float, rng: Generator) -> list[str]:
        """The texts with a share of their tokens drawn anew, each after the tokens that stood before it."""
        tokens = self.model.vocabulary.encode(texts)
        chosen = np.flatnonzero(rng.random(len(tokens.ids)) < rate)
        chosen = chosen[chosen - tokens.offsets[tokens.document_of()[chosen]] >= OPENING]
        ids = tokens.ids.copy()
        uniform = dict(zip(chosen.tolist(), rng.random(len(chosen)).tolist(), strict=True))
        text = np.array([surface is not None for surface in self.model.vocabulary.surfaces])
        for block in self.model.distributions(tokens):
            for at in np.flatnonzero(np.isin(block.rows, chosen)).tolist():
                row = int(block.rows[at])
                mass = np.cumsum(np.where(text, np.exp(block.logprob[at].astype(np.float64)), 0.0))
                ids[row] = min(int(np.searchsorted(mass, uniform[row] * mass[-1], side="right")), len(mass) - 1)
        surfaces = self.model.vocabulary.surfaces
        lines = _lines(Tokens(ids=ids, starts=tokens.starts, offsets=tokens.offsets, spans=tokens.spans))
        spelt = [b"".join(surfaces[token] or b"" for token in line.tolist()).decode(errors="ignore") for line in lines]
        return plain(spelt, words=self.words)

    def nats(self, texts: Sequence[str]) -> Float64[ndarray, "n"]:
        """How surprised it is by each text, in nats for each word behind the opening."""
        openings = plain(texts, words=OPENING)
        rests = [text[len(opening) :] for text, opening in zip(texts, openings, strict=True)]
        tokens = self.model.vocabulary.encode(rests, prompts=openings)
        logprob = self.model.score(tokens).logprob.astype(np.float64)
        sums = np.bincount(tokens.document_of(), weights=np.nan_to_num(-logprob), minlength=len(texts))
        return np.asarray(sums / np.maximum(_words(texts) - OPENING, 1), np.float64)


def _made(material: Material, folder: Path, training: Training) -> Trained:
    try:
        return fit(material, folder, training)
    except InputError as error:
        raise InputError(error.message, hint="Give more text, or longer pieces: --length 60") from error


def _lines(tokens: Tokens) -> list[ndarray]:
    return np.split(tokens.ids, tokens.offsets[1:-1])


def _words(texts: Sequence[str]) -> Int64[ndarray, "n"]:
    return np.array([len(row) for tokens in tokens_of(texts) for row in rows_of(tokens)], np.int64)
