"""How rich the words of a text are: measures that are made not to depend on its length."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, UInt64
from numpy import ndarray

from uncollapse.measures import spectrum
from uncollapse.ngrams import Case, Cutting, Marks, OverSample, Sample

# Source: McCarthy and Jarvis, Behavior Research Methods 2010: .72, and no text under 50 words.
THRESHOLD = 0.72
SHORTEST = 50
WINDOW = 50
# Marks are no words of a vocabulary.
LEXICAL = Cutting(case=Case.LOWER, marks=Marks.SKIP)


@dataclass(frozen=True)
class Lexical:
    """Richness of a sample. `mtld` (in tokens) and `mattr` (0 to 1) are means over the `texts` of 50 words and more.

    `yule` is of the sample's words together; `tokens` counts them, and `enough` is False where that is fewer than asked
    for.
    """

    tokens: int
    texts: int
    enough: bool
    mtld: float
    mattr: float
    yule: float


class SampledLexical(OverSample):
    """The richness of a sample of a fixed number of tokens."""

    def __init__(self, *, tokens: int = 200_000, cutting: Cutting = LEXICAL) -> None:
        super().__init__(tokens=tokens, cutting=cutting)

    def result(self) -> Lexical:
        """The richness."""
        return lexical_of(self._sample.result())


def lexical_of(sample: Sample) -> Lexical:
    """The richness of a sample; NaN where no text has 50 words."""
    long = [row for row in sample.rows() if len(row) >= SHORTEST]
    nothing = float("nan")
    return Lexical(
        tokens=sample.tokens,
        texts=len(long),
        enough=sample.enough,
        mtld=float(np.mean([mtld(row) for row in long])) if long else nothing,
        mattr=float(np.mean([mattr(row) for row in long])) if long else nothing,
        yule=spectrum.yule_k(np.unique(sample.words, return_counts=True)[1]),
    )


def mtld(words: UInt64[ndarray, "n"], *, threshold: float = THRESHOLD) -> float:
    """The mean length in tokens of runs whose type-token ratio stays above the threshold, forwards and backwards.

    A rest counts as the part (1 - ratio) / (1 - threshold) of a run. NaN for no words; for words without a repetition,
    their number.

    Source: McCarthy and Jarvis, Behavior Research Methods 2010.
    """
    if not len(words):
        return float("nan")
    _, names = np.unique(words, return_inverse=True)
    both = (_run_length(names.tolist(), threshold), _run_length(names[::-1].tolist(), threshold))
    return sum(both) / 2


def _run_length(names: list[int], threshold: float) -> float:
    runs, seen, size = 0.0, set[int](), 0
    for name in names:
        seen.add(name)
        size += 1
        if len(seen) / size <= threshold:
            runs, seen, size = runs + 1, set(), 0
    if size:
        runs += (1 - len(seen) / size) / (1 - threshold)
    return len(names) / runs if runs else float(len(names))


def mattr(words: UInt64[ndarray, "n"], *, window: int = WINDOW) -> float:
    """The mean type-token ratio of all runs of `window` words; of the whole text where it is shorter. NaN for no words.

    Source: Covington and McFall, J. Quantitative Linguistics 2010.
    """
    if not len(words):
        return float("nan")
    window = min(window, len(words))
    return float(window_types(words, window=window).mean()) / window


def window_types(words: UInt64[ndarray, "n"], *, window: int) -> Float64[ndarray, "m"]:
    """How many different words each run of `window` words has.

    A word is the first of its kind in the runs that begin behind its last occurrence; each adds one to these.
    """
    last = _previous(words)
    place = np.arange(len(words))
    count = len(words) - window + 1
    begin = np.maximum(last + 1, place - window + 1)
    end = np.minimum(place + 1, count)
    held = begin < end
    change = np.zeros(count + 1)
    np.add.at(change, begin[held], 1)
    np.add.at(change, end[held], -1)
    return np.cumsum(change[:-1])


def _previous(words: UInt64[ndarray, "n"]) -> Int64[ndarray, "n"]:
    """For each word the place of its last occurrence before, -1 for none."""
    order = np.argsort(words, kind="stable")
    previous = np.full(len(words), -1, dtype=np.int64)
    same = words[order[1:]] == words[order[:-1]]
    previous[order[1:][same]] = order[:-1][same]
    return previous
