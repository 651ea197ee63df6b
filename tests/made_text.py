"""Text that the tests make themselves: documents of a few subjects, with the frequencies of words of real text."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

WORDS, SUBJECTS = 6000, 8
_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "ai", "ou")]


def _word(number: int) -> str:
    """The word of this rank: the more frequent ones are short, as in real text."""
    spelt = _SYLLABLES[number % len(_SYLLABLES)]
    while number >= len(_SYLLABLES):
        number //= len(_SYLLABLES)
        spelt += _SYLLABLES[number % len(_SYLLABLES)]
    return spelt


VOCABULARY = tuple(_word(number) for number in range(WORDS))
_RANKS = np.arange(1, WORDS + 1)
_FREQUENCY = 1 / (_RANKS + 2.7)  # Zipf and Mandelbrot
_SUBJECT = np.random.default_rng(20).integers(SUBJECTS, size=WORDS)
# Words of rank 30 and beyond belong to a subject, and are eight times as frequent in its documents.
_WEIGHTS = np.array([_FREQUENCY * np.where((_RANKS > 30) & (subject == _SUBJECT), 8, 1) for subject in range(SUBJECTS)])
_CHANCES = _WEIGHTS / _WEIGHTS.sum(axis=1, keepdims=True)


def made(
    documents: int,
    *,
    seed: int,
    length: int = 120,
    known: int = WORDS,
    subjects: Sequence[int] = tuple(range(SUBJECTS)),
) -> list[str]:
    """Documents of `length` words give or take a third, each of one of the subjects, of the `known` first words."""
    random = np.random.default_rng(seed)
    return [_document(random, length, known, int(random.choice(subjects))) for _ in range(documents)]


def _document(random: Generator, length: int, known: int, subject: int) -> str:
    size = int(random.integers(length * 2 // 3, length * 4 // 3 + 1))
    chances = _CHANCES[subject][:known] / _CHANCES[subject][:known].sum()
    words = [VOCABULARY[number] for number in random.choice(known, size=size, p=chances)]
    sentences = [words[at : at + 12] for at in range(0, size, 12)]
    return " ".join(f"{' '.join(sentence).capitalize()}." for sentence in sentences)
