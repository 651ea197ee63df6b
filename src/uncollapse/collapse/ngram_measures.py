"""What is left of a text in a counted model: its types by rarity, the mass they had, what it says of news."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from uncollapse.collapse.ngram_model import Counts, log_probability

# What the lines of the plot of all rarities are called.
LABELS: Mapping[str, str] = {
    "kept_1_2": "once or twice",
    "kept_3_10": "3 to 10 times",
    "kept_11_100": "11 to 100 times",
    "kept_over_100": "more often",
}
# Types by how often the original text has them: from the first number to before the next, in the last from it on.
RARITY: Mapping[str, tuple[int, int | None]] = {
    "kept_1_2": (1, 3),
    "kept_3_10": (3, 11),
    "kept_11_100": (11, 101),
    "kept_over_100": (101, None),
}
TAIL = 2  # a type belongs to the tail that the original text has no more often than this

MEASURES: Mapping[str, str] = {
    "types": "different words that the model knows",
    "entropy": "entropy of the model's words, in nats",
    "effective_types": "exp of that entropy: so many equally likely words would be as varied",
    "tail_mass": "original probability of the words that the text has once or twice and the model still knows",
    "lost_mass": "original probability of the words that the model does not know any more",
    "kept_1_2": "share, still known, of the words that the original has once or twice",
    "kept_3_10": "share, still known, of the words that the original has 3 to 10 times",
    "kept_11_100": "share, still known, of the words that the original has 11 to 100 times",
    "kept_over_100": "share, still known, of the words that the original has more than 100 times",
    "kl": "divergence of the model's words from the original ones, in nats (always finite here)",
    "ngrams": "different n-grams of the model's full order",
    "conditional_entropy": "entropy of the next word, given the context of the full order, in nats",
    "cross_entropy": "smoothed cross-entropy of real text that was held out, in nats a word",
}


@dataclass(frozen=True, eq=False)
class Original:
    """The text that everything is held against: its counted model, and real text that was held out."""

    counts: Counts
    held_out: Int64[ndarray, "h w"]

    @cached_property
    def share(self) -> Float64[ndarray, "v"]:
        """The probability of each word."""
        return self.counts.words / self.counts.words.sum()

    @cached_property
    def groups(self) -> Mapping[str, Bool[ndarray, "v"]]:
        """Which words are of each rarity that has any."""
        seen = self.counts.words
        found = {
            name: (seen >= least) & (seen < (end or np.iinfo(np.int64).max)) for name, (least, end) in RARITY.items()
        }
        return {name: group for name, group in found.items() if group.any()}

    @cached_property
    def tail(self) -> Bool[ndarray, "v"]:
        """Which words are of the tail."""
        return (self.counts.words > 0) & (self.counts.words <= TAIL)


def measured(counts: Counts, original: Original) -> dict[str, float]:
    """Every measure of one model; of a rarity that the original has no word of, all are kept."""
    words = counts.words
    known, share = words > 0, words / words.sum()
    entropy = entropy_of(words)
    kept = dict.fromkeys(RARITY, 1.0)
    kept |= {name: float(known[group].mean()) for name, group in original.groups.items()}
    top = counts.levels[-1]
    ratio = share[known] / original.share[known]
    return {
        "types": float(known.sum()),
        "entropy": entropy,
        "effective_types": float(np.exp(entropy)),
        "tail_mass": float(original.share[known & original.tail].sum()),
        "lost_mass": float(original.share[~known].sum()),
        **kept,
        "kl": float((share[known] * np.log(ratio)).sum()),
        "ngrams": float(len(top.grams)),
        "conditional_entropy": entropy_of(top.counts) - entropy_of(top.totals),
        "cross_entropy": float(-log_probability(counts, original.held_out).mean()),
    }


def entropy_of(counts: Int64[ndarray, "k"]) -> float:
    """The entropy in nats of the law that counts are in proportion to (plug-in estimate); zeros count for nothing."""
    some = counts[counts > 0]
    share = some / some.sum()
    return float(0.0 - (share * np.log(share)).sum())
