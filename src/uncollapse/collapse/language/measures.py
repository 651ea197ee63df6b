"""What is said of a generation: of its model on held-out human text, and of the blocks that it learned from.

Logarithms are natural. Blocks are judged by the model of generation 0 of the same seed. Words are runs of letters and
digits in small letters, those cut at the edge of a block included, in human blocks as in others.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64
from numpy import ndarray

from uncollapse.collapse.language.text import Held
from uncollapse.evaluation.reading import WORD
from uncollapse.language_models.model import LanguageModel, Tokens

QUANTILES = {"block_p01": 0.01, "block_p50": 0.5, "block_p99": 0.99}
BIN_EDGES = np.round(np.linspace(0.0, 4.0, 81), 2)
"""Of the histograms of perplexity, as powers of ten; what lies outside is counted in the outermost bins."""
RUN = 4
"""Tokens of a stretch that stands twice in a block, for `repeats`."""
SAMPLED = 0.5
"""Of the human text's words; so many words of each training set are compared in number of types."""

MEASURES: Mapping[str, str] = {
    "perplexity": "perplexity of held-out human blocks under the generation's model, for each token",
    "bits_per_byte": "the same surprise in bits for each byte of text",
    "tail_perplexity": "perplexity of the held-out tokens that touch a word which occurs there at most twice",
    "entropy": "mean entropy of the model's next token on held-out text, nats",
    "block_p01": "1 % quantile of the training blocks' perplexity under generation 0",
    "block_p50": "their median",
    "block_p99": "their 99 % quantile",
    "block_spread": "their 99 % quantile over their median",
    "block_deviation": "standard deviation of the logarithm of their perplexity (ddof = 1)",
    "distinct_1": "different words of an equal number of words of the training blocks, as a share",
    "distinct_3": "different runs of three words there, as a share",
    "types": "different words there",
    "types_lost": "share of the human training text's different words that the training blocks have not",
    "strange_words": "share of the training blocks' words that no human block has, learned from or held out",
    "repeats": f"mean share of runs of {RUN} tokens that stood in their block before",
    "human_share": "share of the training blocks' tokens that are the human ones in their place",
    "tokens": "tokens that the generation's model was trained on in all",
}


class Seen(NamedTuple):
    """A model's surprise on held-out blocks, and its entropy there."""

    nats: Float64[ndarray, "m b"]
    entropy: Float64[ndarray, "m b"]


class Words(NamedTuple):
    """The words of human blocks: those that are learned from, those of all, and how many of a text are compared."""

    learned: frozenset[str]
    human: frozenset[str]
    sampled: int


def as_tokens(blocks: Int32[ndarray, "n b"]) -> Tokens:
    """The blocks as documents."""
    offsets = np.arange(len(blocks) + 1, dtype=np.int64) * blocks.shape[1]
    nothing = np.zeros((blocks.size, 2), np.int64)
    return Tokens(ids=blocks.ravel().astype(np.int32), starts=offsets[:-1].copy(), offsets=offsets, spans=nothing)


def block_nats(model: LanguageModel, blocks: Int32[ndarray, "n b"]) -> Float64[ndarray, "n"]:
    """The mean surprise of each block's tokens in nats, of which under a model without a start the first has none."""
    logprob = model.score(as_tokens(blocks)).logprob.astype(np.float64).reshape(blocks.shape)
    return -np.nanmean(logprob, axis=1)


def seen(model: LanguageModel, held: Held) -> Seen:
    """What the model makes of the held-out blocks, each by itself."""
    found = model.moments(as_tokens(held.ids))
    shape = held.ids.shape
    return Seen(-found.logprob.astype(np.float64).reshape(shape), -found.mean.astype(np.float64).reshape(shape))


def of_model(found: Seen, held: Held) -> dict[str, float]:
    """The measures of a generation's model."""
    known = ~np.isnan(found.nats)
    rare = known & held.rare
    nats = found.nats[known].sum()
    return {
        "perplexity": float(np.exp(nats / known.sum())),
        "bits_per_byte": float(nats / held.bytes[known].sum() / np.log(2)),
        "tail_perplexity": float(np.exp(found.nats[rare].mean())) if rare.any() else float("nan"),
        "entropy": float(found.entropy[known].mean()),
    }


def of_judged(nats: Float64[ndarray, "n"]) -> dict[str, float]:
    """Quantiles of the blocks' perplexity, from the mean surprise of each."""
    values = {name: float(np.exp(np.quantile(nats, at))) for name, at in QUANTILES.items()}
    spread = values["block_p99"] / values["block_p50"]
    return {**values, "block_spread": spread, "block_deviation": float(np.std(nats, ddof=1))}


def binned(nats: Float64[ndarray, "n"]) -> Int64[ndarray, "bins"]:
    """How many blocks have a perplexity within each bin."""
    powers = np.clip(nats / np.log(10), BIN_EDGES[0], np.nextafter(BIN_EDGES[-1], 0))
    return np.histogram(powers, BIN_EDGES)[0].astype(np.int64)


def words_of(learned: Sequence[str], held: Sequence[str]) -> Words:
    """The words of human blocks as texts."""
    split = [split_words(text) for text in learned]
    own = frozenset(word for words in split for word in words)
    other = frozenset(word for text in held for word in split_words(text))
    return Words(own, own | other, max(int(SAMPLED * sum(map(len, split))), 1))


def of_text(texts: Sequence[str], words: Words) -> dict[str, float]:
    """The measures of the training blocks as texts in a random order; NaN where there are too few words."""
    split = [split_words(text) for text in texts]
    every = [word for some in split for word in some]
    types = set(every)
    found = {
        "types_lost": len(words.learned - types) / len(words.learned),
        "strange_words": sum(word not in words.human for word in every) / len(every) if every else float("nan"),
    }
    if len(every) < words.sampled:
        return {**found, **dict.fromkeys(("distinct_1", "distinct_3", "types"), float("nan"))}
    sample = every[: words.sampled]
    runs = set(zip(sample, sample[1:], sample[2:], strict=False))
    distinct = len(set(sample))
    return {
        **found,
        "distinct_1": distinct / len(sample),
        "distinct_3": len(runs) / max(len(sample) - 2, 1),
        "types": float(distinct),
    }


def of_blocks(blocks: Int32[ndarray, "n b"], human: Bool[ndarray, "n b"]) -> dict[str, float]:
    """The measures of the training blocks as tokens; `human` says which tokens are the human ones in their place."""
    return {"repeats": repeats(blocks), "human_share": float(human.mean())}


def repeats(blocks: Int32[ndarray, "n b"]) -> float:
    """The mean share of a block's runs of four tokens that stood in the block before."""
    runs = np.lib.stride_tricks.sliding_window_view(blocks.astype(np.int64), RUN, axis=1)
    named = np.unique(runs.reshape(-1, RUN), axis=0, return_inverse=True)[1].reshape(runs.shape[:2])
    ordered = np.sort(named, axis=1)
    return float((ordered[:, 1:] == ordered[:, :-1]).sum(axis=1).mean() / runs.shape[1])


def split_words(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return WORD.findall(text.lower())
