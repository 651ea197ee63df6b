"""What a model makes of texts it has not learned from: sums for each document, out of which every measure follows."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from uncollapse.errors import UsageError
from uncollapse.language_models.model import LanguageModel, Tokens
from uncollapse.step import Gather

WORD = re.compile(r"\w+")
RARE = 2  # times that a rare word occurs in a file, at most
BINS = 15  # of confidence; Guo et al. 2017, section 2
BATCH_BYTES = 200_000
BETWEEN = "\n\n"  # a question and its answer, as in training, where the model has no template


class Reading(NamedTuple):
    """For each document d of a file sums over its tokens, in nats, tokens and bytes.

    `unscored` tokens have nothing before them under a model without a start token; they count nowhere else. `rare_*`
    are over tokens that touch a word which occurs at most twice in the file (letters' case apart). The last three are
    by bin of the model's confidence, which is the probability of its likeliest token: tokens, confidence, hits.
    """

    nats: Float64[ndarray, "d"]
    tokens: Int64[ndarray, "d"]
    bytes: Int64[ndarray, "d"]
    unscored: Int64[ndarray, "d"]
    rare_nats: Float64[ndarray, "d"]
    rare_tokens: Int64[ndarray, "d"]
    rare_bytes: Int64[ndarray, "d"]
    binned: Float64[ndarray, "d bins 3"]

    def __len__(self) -> int:
        return len(self.nats)

    @classmethod
    def together(cls, parts: Sequence["Reading"]) -> "Reading":
        """Several readings as one."""
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


Watcher = Callable[[int, int], None]


@dataclass(frozen=True)
class Stretch:
    """Some texts of a file one after the other, their questions, and those of their words that are rare in the file."""

    first: int
    texts: Sequence[str]
    questions: Sequence[str] | None
    rare: frozenset[str]

    @property
    def name(self) -> str:
        """Which texts these are."""
        return f"texts {self.first + 1:,} to {self.first + len(self.texts):,}"

    def read_by(self, model: LanguageModel) -> Reading:
        """What the model makes of them."""
        return _read(model, self.texts, self.rare, tokens=_cut(model, self.texts, self.questions))


def read_texts(
    model: LanguageModel,
    texts: Sequence[str],
    *,
    questions: Sequence[str] | None = None,
    on_progress: Watcher | None = None,
) -> Reading:
    """What the model makes of each text; `on_progress` hears how many are read, and of how many.

    Where texts are answers to `questions`, each is read after its own, framed as in training, and counts alone.
    """
    gather = partial(map, lambda piece: piece.read_by(model))
    return gathered_texts(gather, texts, questions=questions, on_progress=on_progress)


def gathered_texts(
    gather: Gather,
    texts: Sequence[str],
    *,
    questions: Sequence[str] | None = None,
    on_progress: Watcher | None = None,
) -> Reading:
    """What a model makes of each text, in stretches that are read wherever `gather` has them read."""
    parts = []
    done = 0
    for part in gather(stretches(texts, questions)):
        parts.append(part)
        done += len(part)
        if on_progress is not None:
            on_progress(done, len(texts))
    return Reading.together(parts)


def stretches(texts: Sequence[str], questions: Sequence[str] | None = None) -> Iterator[Stretch]:
    """The texts in stretches of a fixed size, so that a model reads the same together however many read."""
    rare = rare_words(texts)
    first = 0
    for some in _stretches(texts):
        asked = None if questions is None else questions[first : first + len(some)]
        own = rare.intersection(word.lower() for text in some for word in WORD.findall(text))
        yield Stretch(first, some, asked, own)
        first += len(some)


def rare_words(texts: Iterable[str]) -> frozenset[str]:
    """The words that occur at most twice, in small letters."""
    counts = Counter(word.lower() for text in texts for word in WORD.findall(text))
    return frozenset(word for word, count in counts.items() if count <= RARE)


def _cut(model: LanguageModel, texts: Sequence[str], questions: Sequence[str] | None) -> Tokens:
    """The texts as tokens, each behind its question: in the frame of the model's template, or before two line ends."""
    if questions is None:
        return model.vocabulary.encode(texts)
    try:
        asked = model.vocabulary.ask(questions)
    except UsageError:  # the model has no template
        return model.vocabulary.encode(texts, prompts=[question + BETWEEN for question in questions])
    own = model.vocabulary.encode(texts)
    before = np.array([len(ids) for ids in asked], np.int64)
    offsets = own.offsets + np.concatenate([np.zeros(1, np.int64), np.cumsum(before)])
    at = np.repeat(own.offsets[:-1], before)  # each question goes in front of the text's own tokens
    ids = np.insert(own.ids, at, np.concatenate([np.empty(0, np.int32), *asked]))
    spans = np.insert(own.spans, at, 0, axis=0)
    return Tokens(ids=ids, starts=offsets[:-1] + before, offsets=offsets, spans=spans)


def _read(model: LanguageModel, texts: Sequence[str], rare: frozenset[str], *, tokens: Tokens) -> Reading:
    scores = model.score(tokens)
    known = ~np.isnan(scores.logprob)
    confidence = np.where(known, np.exp(scores.confidence.astype(np.float64)), 0.0)
    nats = np.where(known, -scores.logprob.astype(np.float64), 0.0)
    width = np.diff(tokens.spans, axis=1)[:, 0]
    of_rare = known & touching(tokens, texts, rare)

    def summed(values: ndarray) -> ndarray:
        return np.bincount(tokens.document_of(), weights=values, minlength=len(tokens))

    hits = known & scores.is_argmax
    place = tokens.document_of() * BINS + np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    binned = [
        np.bincount(place, weights=each, minlength=len(tokens) * BINS) for each in (known, confidence * known, hits)
    ]
    return Reading(
        nats=summed(nats),
        tokens=summed(known).astype(np.int64),
        bytes=summed(width * known).astype(np.int64),
        unscored=summed(~known & tokens.scored()).astype(np.int64),
        rare_nats=summed(nats * of_rare),
        rare_tokens=summed(of_rare).astype(np.int64),
        rare_bytes=summed(width * of_rare).astype(np.int64),
        binned=np.stack(binned, axis=1).reshape(len(tokens), BINS, 3),
    )


def touching(tokens: Tokens, texts: Sequence[str], words: frozenset[str]) -> Bool[ndarray, "n"]:
    """Which tokens have a byte of one of these words."""
    found = np.zeros(len(tokens.ids), np.bool_)
    for number, text in enumerate(texts):
        own = slice(int(tokens.offsets[number]), int(tokens.offsets[number + 1]))
        marked = np.zeros(len(text.encode()) + 1, np.int64)
        widths = np.concatenate([[0], np.cumsum([len(character.encode()) for character in text])])
        for match in WORD.finditer(text):
            if match.group().lower() in words:
                marked[widths[match.start()] : widths[match.end()]] = 1
        before = np.concatenate([[0], np.cumsum(marked)])
        spans = tokens.spans[own]
        found[own] = before[spans[:, 1]] > before[spans[:, 0]]
    return found


def _stretches(texts: Sequence[str]) -> Iterable[Sequence[str]]:
    begin = size = 0
    for at, text in enumerate(texts):
        size += len(text)
        if size >= BATCH_BYTES:
            yield texts[begin : at + 1]
            begin, size = at + 1, 0
    if begin < len(texts):
        yield texts[begin:]
