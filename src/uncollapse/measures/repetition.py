"""How often a corpus repeats itself, at a fixed number of tokens. All logarithms are natural."""

import gzip
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt64
from numpy import ndarray

from uncollapse.ngrams import WORDS, Cutting, OverSample, Sample, mix

# Source: the sizes of the reference experiments: 60 texts against at most 500.
HYPOTHESES, REFERENCES = 60, 500
ORDERS = (1, 2, 3, 4)
ZLIB_LEVEL = 9


@dataclass(frozen=True)
class Repetition:
    """How a sample of `tokens` words repeats itself; `enough` is False where the corpus had fewer than asked for.

    `distinct` has, for 1 to 4 words, different n-grams / all n-grams. `self_repetition` is in nats. `compression` is
    raw bytes / bytes after zlib at level 9, of the sample's texts one to a line, the last of them whole.
    `self_bleu` is from 0 to 1.
    """

    tokens: int
    texts: int
    enough: bool
    distinct: tuple[float, ...]
    self_repetition: float
    compression: float
    self_bleu: float


class SampledRepetition(OverSample):
    """Repetition in a sample of a fixed number of tokens, which makes corpora of different size comparable."""

    def __init__(self, *, tokens: int = 1_000_000, cutting: Cutting = WORDS) -> None:
        super().__init__(tokens=tokens, cutting=cutting)

    def result(self) -> Repetition:
        """How the sample repeats itself."""
        return repetition_of(self._sample.result())


def repetition_of(sample: Sample) -> Repetition:
    """The numbers of a sample; NaN where it is too small for one."""
    rows = sample.rows()
    return Repetition(
        tokens=sample.tokens,
        texts=len(rows),
        enough=sample.enough,
        distinct=tuple(distinct(rows, order=order) for order in ORDERS),
        self_repetition=self_repetition(rows),
        compression=compression_ratio("\n".join(sample.texts).encode()),
        self_bleu=self_bleu(rows),
    )


def runs(words: UInt64[ndarray, "n"], order: int) -> UInt64[ndarray, "m"]:
    """A 64-bit number for each run of `order` words, in order of appearance."""
    count = max(len(words) - order + 1, 0)
    result = words[:count].copy()
    for place in range(1, order):
        result = mix(mix(result) ^ words[place : place + count])
    return result


def distinct(rows: Sequence[UInt64[ndarray, "_"]], *, order: int) -> float:
    """Different n-grams / all n-grams, none of which crosses from one text to the next; NaN for no n-grams.

    Falls as texts get longer: compare at equal numbers of tokens.

    Source: Li et al., NAACL 2016 (distinct-n).
    """
    every = [runs(row, order) for row in rows]
    total = sum(len(row) for row in every)
    return len(np.unique(np.concatenate(every))) / total if total else float("nan")


def self_repetition(rows: Sequence[UInt64[ndarray, "_"]], *, order: int = 4) -> float:
    """The mean over texts of ln(1 + s): s sums, over a text's different n-grams, the other texts that have each.

    In nats; NaN for no texts. Copies count as other texts.

    Source: Salkar et al., AACL 2022; with counts in place of indicators, Shaib et al. 2024 (arXiv 2403.00553).
    """
    if not rows:
        return float("nan")
    own = [np.unique(runs(row, order)) for row in rows]
    keys = np.concatenate(own)
    _, place, texts = np.unique(keys, return_inverse=True, return_counts=True)
    ends = np.cumsum([len(row) for row in own])
    others = np.concatenate([[0], np.cumsum(texts[place] - 1)])
    sums = np.diff(others[ends], prepend=0)
    return float(np.log1p(sums).mean())


def compression_ratio(data: bytes, *, codec: str = "zlib") -> float:
    """Raw bytes / compressed bytes, by zlib at level 9 or by gzip with its larger header; NaN for no bytes.

    Grows with the amount of text and changes with the order of the texts. Both see no further back than 32 KiB.

    Source: Shaib et al. 2024 (arXiv 2403.00553).
    """
    if not data:
        return float("nan")
    packed = zlib.compress(data, ZLIB_LEVEL) if codec == "zlib" else gzip.compress(data, ZLIB_LEVEL, mtime=0)
    return len(data) / len(packed)


def self_bleu(
    rows: Sequence[UInt64[ndarray, "_"]], *, hypotheses: int = HYPOTHESES, references: int = REFERENCES
) -> float:
    """The mean BLEU-4 of the first texts, each against the others among the first `references`; 0 to 1, 1 for copies.

    Texts of fewer than four words are left out; NaN for fewer than two texts. There is no agreed definition: here the
    counts are clipped by the best reference, the brevity penalty goes by the closest length (the shorter on ties), and
    an order without a match counts half a match.

    Source: Zhu et al., SIGIR 2018 (self-BLEU); Papineni et al., ACL 2002, section 2.3; Chen and Cherry, WMT 2014,
    smoothing 1.
    """
    held = [row for row in rows if len(row) >= len(ORDERS)][:references]
    if len(held) < 2:
        return float("nan")
    tables = [[Counter(runs(row, order).tolist()) for order in ORDERS] for row in held]
    best = [_two_best(tables, order) for order in range(len(ORDERS))]
    scores = [_bleu(index, held, tables, best) for index in range(min(hypotheses, len(held)))]
    return float(np.mean(scores))


_Best = dict[int, tuple[int, int, int]]


def _two_best(tables: list[list[Counter[int]]], order: int) -> _Best:
    """For each n-gram the largest count in one text, that text, and the largest in any other."""
    best: _Best = {}
    for text, counters in enumerate(tables):
        for key, count in counters[order].items():
            first, where, second = best.get(key, (0, -1, 0))
            best[key] = (count, text, first) if count > first else (first, where, max(second, count))
    return best


def _bleu(
    index: int, rows: Sequence[UInt64[ndarray, "_"]], tables: list[list[Counter[int]]], best: list[_Best]
) -> float:
    size = len(rows[index])
    logs = []
    for order, counter in enumerate(tables[index]):
        matched = 0
        for key, count in counter.items():
            first, where, second = best[order][key]
            matched += min(count, second if where == index else first)
        logs.append(np.log(max(matched, 0.5) / (size - order)))
    closest = min((len(row) for other, row in enumerate(rows) if other != index), key=lambda n: (abs(n - size), n))
    return float(np.exp(np.mean(logs)) * np.exp(min(0.0, 1 - closest / size)))
