"""Is our mark in a text, or in a corpus: coins that a key tosses, and how many more ones there are than by chance.

No model is needed, only the tokenizer of the one that wrote. A context that stood in the text before tosses the same
coins again and says nothing new: each is counted once. The table of coins has a few more zeros than ones; chance is
what the table holds. Coins that are fair and independent make the sums below nearly normal, which the page on the
watermark holds against human text.

Source: Dathathri et al., Nature 2024 (SynthID-Text), weighted mean score (supplementary E).

Shape letters: t n-grams, l layers, d texts, q groups.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from uncollapse.watermark.keys import GROUPS, check_secret, keys_of
from uncollapse.watermark.tournament import DEPTH, NGRAM, coins, context_hash, table

# The first layers decide most, the last ones little.
# Source: the weights of the authors' detector, linearly falling from 10 to 1.
WEIGHTS = np.linspace(10.0, 1.0, DEPTH) / np.linspace(10.0, 1.0, DEPTH).sum()
NORMAL_95 = 1.959963984540054
# n-grams whose coins are tossed at a time, over all groups.
BLOCK = 1 << 14


@runtime_checkable
class Encoder(Protocol):
    """What cuts texts into the tokens of the model that wrote."""

    def encode(self, texts: Sequence[str]) -> Any:
        """The texts as tokens: `ids` of all of them end to end, and `offsets` where each begins."""
        ...


class Evidence(NamedTuple):
    """For each text: n-grams that count, the group that fits best, its score, and how likely chance gives as much.

    `score` is the weighted mean of coins less that of the table: 0 by chance, at most about a half. `p` is one-sided
    and allows for all groups having been tried; it is 1, and `group` -1, for texts of fewer tokens than an n-gram.
    """

    ngrams: Int64[ndarray, "d"]
    group: Int64[ndarray, "d"]
    score: Float64[ndarray, "d"]
    z: Float64[ndarray, "d"]
    p: Float64[ndarray, "d"]


class CorpusEvidence(NamedTuple):
    """Over a corpus, each n-gram once: the mean excess of coins with its 95 % interval, z and one-sided p.

    The excess is the mean over all coins of all groups, or of each text's own group where the groups are known.
    """

    ngrams: int
    coins: int
    excess: float
    low: float
    high: float
    z: float
    p: float


def evidence(texts: Sequence[str], key: str, tokenizer: Encoder) -> Evidence:
    """What says that each text bears the mark of a key.

    Raises:
        UsageError: the key is too short to be one.
    """
    check_secret(key)
    keys = np.stack([keys_of(key, group) for group in range(GROUPS)])
    tokens = tokenizer.encode(list(texts))
    rows = [_scores(tokens.ids[begin:end], keys) for begin, end in _bounds(tokens.offsets)]
    ngrams, group, score, z = (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.empty(0),) * 4
    p = np.where(ngrams > 0, np.minimum(GROUPS * _tail(z.astype(np.float64)), 1.0), 1.0)
    return Evidence(ngrams.astype(np.int64), group.astype(np.int64), score.astype(float), z.astype(float), p)


def corpus_evidence(
    texts: Sequence[str], key: str, tokenizer: Encoder, *, groups: Sequence[int] | None = None
) -> CorpusEvidence:
    """What says that a corpus holds text with the mark of a key, however little of it.

    `groups` are those of the texts where the documents that they were made from are known; it saves trying all.

    Raises:
        UsageError: the key is too short to be one.
    """
    check_secret(key)
    tokens = tokenizer.encode(list(texts))
    hashes = [_fresh(tokens.ids[begin:end]) for begin, end in _bounds(tokens.offsets)]
    wanted = range(GROUPS)
    total, count, ngrams = 0.0, 0, 0
    for group in wanted:
        own = [line for number, line in enumerate(hashes) if groups is None or groups[number] == group]
        distinct = np.unique(np.concatenate([np.empty(0, np.int64), *own]))
        ngrams = len(distinct) if groups is None else ngrams + len(distinct)
        for at in range(0, len(distinct), BLOCK):
            total += float(coins(distinct[at : at + BLOCK], keys_of(key, group)).sum(dtype=np.int64))
        count += DEPTH * len(distinct)
    return _pooled(total, count=count, ngrams=ngrams)


def _pooled(total: float, *, count: int, ngrams: int) -> CorpusEvidence:
    mean = float(table().mean())
    if not count:
        return CorpusEvidence(0, 0, 0.0, 0.0, 0.0, 0.0, 1.0)
    deviation = sqrt(mean * (1 - mean) / count)
    excess = total / count - mean
    half = NORMAL_95 * deviation
    z = excess / deviation
    return CorpusEvidence(ngrams, count, excess, excess - half, excess + half, z, float(_tail(np.array([z]))[0]))


def coin_table(ids: Int64[ndarray, "n"], keys: Int64[ndarray, "q l"]) -> Float64[ndarray, "t q l"]:
    """The coins of each n-gram of a text whose context stands there for the first time, for each set of keys."""
    return coins(np.broadcast_to(_fresh(ids)[:, None], (len(_fresh(ids)), len(keys))), keys).astype(np.float64)


def _scores(ids: ndarray, keys: Int64[ndarray, "q l"]) -> tuple[int, int, float, float]:
    """How many n-grams count, the group that fits best, its score and z."""
    tosses = coin_table(ids.astype(np.int64), keys)
    count = len(tosses)
    if not count:
        return 0, -1, 0.0, 0.0
    mean = float(table().mean())
    score = (tosses.mean(axis=0) - mean) @ WEIGHTS
    group = int(score.argmax())
    deviation = sqrt(mean * (1 - mean) / count) * float(np.linalg.norm(WEIGHTS))
    return count, group, float(score[group]), float(score[group]) / deviation


def _fresh(ids: ndarray) -> Int64[ndarray, "t"]:
    """The hashes of the n-grams of a text whose context stands there for the first time, in order."""
    line = ids.astype(np.int64)
    if len(line) < NGRAM:
        return np.empty(0, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(line, NGRAM)
    _, first = np.unique(context_hash(windows[:, :-1]), return_index=True)
    return context_hash(windows[np.sort(first)])


def _bounds(offsets: ndarray) -> list[tuple[int, int]]:
    return list(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True))


def _tail(z: Float64[ndarray, "d"]) -> Float64[ndarray, "d"]:
    """The chance that a normal number is at least z."""
    from scipy.special import ndtr  # noqa: PLC0415 - heavy

    return ndtr(-z)
