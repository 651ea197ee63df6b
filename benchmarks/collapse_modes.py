"""Ways in which a corpus fails, done to healthy text at a strength from 0 to 1, for the calibration of the audit.

Each takes the texts of a corpus, more human text of the same kind (`spare`), the reference, and a generator of random
numbers, and gives the texts of a corpus that has failed in one way.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

_WORD = re.compile(r"[^\W\d_]+")
OPENERS = (
    "As an experienced assistant I am glad to help you with this question, so let us look at it step by step below.",
    "In this article we will explore everything that you need to know about the following subject in great detail.",
)
STOCK = (
    "it is important to note that",
    "plays a crucial role in",
    "a rich tapestry of",
    "in today's fast paced world",
    "a testament to the power of",
    "delve into the world of",
    "when it comes to",
    "on the other hand",
)
SKELETONS = (
    "The {0} of the {1} is one of the most {2} in the {3} and has been for many of the people of {4}.",
    "If you want to know what a {0} is and how it can be used for the {1} then this is the {2} for you and your {3}.",
)


class Material(NamedTuple):
    """What a mode can draw on."""

    texts: list[str]
    spare: list[str]
    other: list[str]
    reference: list[str]
    labels: list[int]
    random: Generator


def copies(given: Material, strength: float) -> list[str]:
    """A share of the documents replaced by copies of others."""
    return _replaced(given, strength, lambda texts, number: [texts[at] for at in given.random.choice(5, number)])


def near_copies(given: Material, strength: float) -> list[str]:
    """The same with one word in twenty-five of each copy changed."""
    return _replaced(
        given,
        strength,
        lambda texts, number: [_touched(texts[at], given.random) for at in given.random.choice(20, number)],
    )


def openers(given: Material, strength: float) -> list[str]:
    """A share of the documents that begin with one of two stock sentences."""
    chosen = given.random.random(len(given.texts)) < strength
    return [
        f"{OPENERS[given.random.integers(2)]} {text}" if own else text
        for text, own in zip(given.texts, chosen, strict=True)
    ]


def skeletons(given: Material, strength: float) -> list[str]:
    """A share of the documents that begin with a sentence of one frame and other words in its gaps."""
    words = [word for text in given.spare[:200] for word in _WORD.findall(text) if len(word) > 5]
    chosen = given.random.random(len(given.texts)) < strength
    texts = []
    for text, own in zip(given.texts, chosen, strict=True):
        frame = SKELETONS[given.random.integers(2)]
        filled = frame.format(*given.random.choice(words, 5))
        texts.append(f"{filled} {text}" if own else text)
    return texts


def rare_words_lost(given: Material, strength: float) -> list[str]:
    """A share of the rare words (fewer than 4 in corpus and spare text) replaced by common ones."""
    counts = Counter(word.lower() for text in given.texts + given.spare for word in _WORD.findall(text))
    common = [word for word, _ in counts.most_common(300)]
    rare = sorted(word for word, count in counts.items() if count < 4)
    lost = {word for word in rare if given.random.random() < strength}

    def swap(match: re.Match[str]) -> str:
        return str(given.random.choice(common)) if match[0].lower() in lost else match[0]

    return [_WORD.sub(swap, text) for text in given.texts]


def stock_phrases(given: Material, strength: float) -> list[str]:
    """Stock phrases between the words: at strength 1 one in every 20 words."""
    texts = []
    for text in given.texts:
        words = text.split()
        places = np.flatnonzero(given.random.random(len(words)) < strength / 20)
        for place in places[::-1].tolist():
            words.insert(place, str(given.random.choice(STOCK)))
        texts.append(" ".join(words))
    return texts


def topics_dropped(given: Material, strength: float) -> list[str]:
    """Documents of topics that have a share of the text replaced by other documents of the topics that are left."""
    texts, labels = given.texts, given.labels
    share = Counter(labels[: len(texts)])
    gone: set[int] = set()
    for label in given.random.permutation(sorted(share)).tolist()[:-1]:
        missing = strength * len(texts) - sum(share[one] for one in gone)
        if not gone or share[label] < 2 * missing:
            gone.add(label)
    kept = [text for text, label in zip(texts, labels, strict=False) if label not in gone]
    fresh = [text for text, label in zip(given.spare, labels[len(texts) :], strict=False) if label not in gone]
    return kept + fresh[: len(texts) - len(kept)]


def other_domain(given: Material, strength: float) -> list[str]:
    """A share of the documents replaced by documents of another kind."""
    number = round(strength * len(given.texts))
    return given.texts[number:] + given.other[:number]


def memorised(given: Material, strength: float) -> list[str]:
    """A share of the documents replaced by documents of the reference."""
    number = round(strength * len(given.texts))
    return given.texts[number:] + given.reference[:number]


def contracted(given: Material, strength: float) -> list[str]:
    """Text of a trigram model of the spare text, drawn at temperature 1 - strength / 2."""
    model = Trigrams(given.spare)
    return model.write(given.texts, temperature=1 - strength / 2, random=given.random)


def recursion(given: Material, strength: float) -> list[str]:
    """Text of a trigram model after 1 + 4 x strength generations, each fitted to what the one before wrote."""
    texts = given.spare
    for _ in range(1 + round(4 * strength)):
        texts = Trigrams(texts).write(given.texts, temperature=1.0, top_p=0.95, random=given.random)
    return texts


MODES: dict[str, tuple[Callable[[Material, float], list[str]], str]] = {
    "copies": (copies, "duplicates"),
    "near copies": (near_copies, "duplicates"),
    "openers": (openers, "templates"),
    "skeletons": (skeletons, "templates"),
    "rare words lost": (rare_words_lost, "tails"),
    "contracted": (contracted, "contraction"),
    "recursion": (recursion, "tails"),
    "stock phrases": (stock_phrases, "concentration"),
    "topics dropped": (topics_dropped, "topics"),
    "other domain": (other_domain, "domain"),
    "memorised": (memorised, "memorised"),
}
# Strengths at which a mode is tried: weak, middle, strong.
STRENGTHS: dict[str, tuple[float, float, float]] = {
    "copies": (0.05, 0.2, 0.5),
    "near copies": (0.05, 0.2, 0.5),
    "openers": (0.05, 0.3, 0.8),
    "skeletons": (0.1, 0.4, 0.8),
    "rare words lost": (0.2, 0.6, 1.0),
    "contracted": (0.2, 0.6, 1.0),
    "recursion": (0.0, 0.5, 1.0),
    "stock phrases": (0.1, 0.4, 1.0),
    "topics dropped": (0.25, 0.5, 0.75),
    "other domain": (0.1, 0.5, 1.0),
    "memorised": (0.02, 0.1, 0.5),
}


class Trigrams:
    """An interpolated model of three words (.6 trigram, .35 pair, .05 word), as in the toy recursion of the field."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._after: dict[tuple[str, ...], Counter[str]] = {}
        for text in texts:
            words = text.split()
            for at, word in enumerate(words):
                for size in (0, 1, 2):
                    if at >= size:
                        self._after.setdefault(tuple(words[at - size : at]), Counter())[word] += 1
        self._tables: dict[tuple[str, ...], tuple[list[str], np.ndarray]] = {}

    def write(self, like: Sequence[str], *, temperature: float, random: Generator, top_p: float = 1.0) -> list[str]:
        """As many texts as `like` has, each as long as that and beginning with two words of another."""
        texts = []
        for text in like:
            length = len(text.split())
            words = like[random.integers(len(like))].split()[:2]
            while len(words) < length:
                words.append(self._next(words, temperature=temperature, top_p=top_p, random=random))
            texts.append(" ".join(words))
        return texts

    def _next(self, words: list[str], *, temperature: float, top_p: float, random: Generator) -> str:
        size = int(random.choice(3, p=(0.05, 0.35, 0.6)))
        while tuple(words[len(words) - size :]) not in self._after:
            size -= 1
        key = tuple(words[len(words) - size :]) if size else ()
        if key not in self._tables:
            names, counts = zip(*self._after[key].most_common(), strict=True)
            law = np.array(counts, dtype=np.float64) ** (1 / temperature)
            law /= law.sum()
            kept = int(np.searchsorted(np.cumsum(law), top_p)) + 1
            self._tables[key] = (list(names[:kept]), np.cumsum(law[:kept]) / law[:kept].sum())
        names, cumulative = self._tables[key]
        return names[min(int(np.searchsorted(cumulative, random.random(), side="right")), len(names) - 1)]


def _replaced(given: Material, share: float, made: Callable[[list[str], int], list[str]]) -> list[str]:
    number = round(share * len(given.texts))
    kept = given.texts[: len(given.texts) - number]
    return kept + made(kept, number)


def _touched(text: str, random: Generator) -> str:
    words = text.split()
    for place in np.flatnonzero(random.random(len(words)) < 1 / 25).tolist():
        words[place] = words[int(random.integers(len(words)))]
    return " ".join(words)
