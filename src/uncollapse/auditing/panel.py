"""The panel: every statistic that is taken of a part of a corpus, held against a part of human text of equal size."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from numpy.random import Generator, Philox

from uncollapse.auditing.encoded import Part
from uncollapse.auditing.topics import Topics, shares
from uncollapse.measures import (
    divergence_frontier,
    energy_distance,
    jensen_shannon,
    kullback_leibler,
    spectrum,
    vendi_score,
)
from uncollapse.measures.concentration import concentration_of
from uncollapse.measures.manifold import NEIGHBOURS, manifold
from uncollapse.measures.repetition import compression_ratio, self_bleu
from uncollapse.measures.tails import RARE, TAIL_SHARE

# Documents of a side whose pairwise distances are taken.
MOST_PAIRED = 400
MOST_EMBEDDED = 1000
# What is compressed, and what is compared by BLEU, of a part.
MOST_TEXTS, MOST_BYTES = 1000, 100_000
HYPOTHESES, REFERENCES, MOST_WORDS = 12, 40, 100
# A run of three words is excess where it is so many times as frequent as in the reference, and in so many documents.
EXCESS_TIMES, EXCESS_SHARE, EXCESS_FEWEST = 4.0, 0.01, 4
# A word is new where the reference has never seen it although so many documents of the part use it.
NEW_SHARE, NEW_FEWEST = 0.01, 3


class Group(StrEnum):
    """The question that a statistic belongs to."""

    DUPLICATES = "duplicates"
    MEMORISED = "memorised"
    TAILS = "tails"
    CONCENTRATION = "concentration"
    REPETITION = "repetition"
    SHIFT = "shift"
    LEXICAL = "lexical"
    TOPICS = "topics"
    PERPLEXITY = "perplexity"
    MEANING = "meaning"


class Described(NamedTuple):
    """A statistic: its question, the direction in which collapse moves it (0 for none), and what it is in words."""

    group: Group
    worse: int
    words: str


STATISTICS: dict[str, Described] = {
    "copies": Described(Group.DUPLICATES, 1, "share of documents that are copies of another, word for word"),
    "near_copies": Described(Group.DUPLICATES, 1, "share of documents that nearly repeat another"),
    "copied": Described(Group.MEMORISED, 1, "share of documents that the reference has too, and no ledger explains"),
    "rare_coverage": Described(Group.TAILS, -1, "share of the reference's rare words (seen once or twice) that occur"),
    "tail_mass": Described(Group.TAILS, -1, "share of tokens that are words below 1 in 10,000 in the reference"),
    "unseen_mass": Described(Group.TAILS, -1, "share of the next tokens that will be new words (Good and Turing)"),
    "hapax": Described(Group.TAILS, -1, "share of the different words that occur once"),
    "types": Described(Group.TAILS, -1, "different words"),
    "heaps": Described(Group.TAILS, -1, "exponent of the growth of the vocabulary (Heaps)"),
    "zipf": Described(Group.TAILS, 1, "slope of frequency over rank (Zipf)"),
    "hill_100": Described(Group.TAILS, 0, "tail index of the 100 most frequent words (Hill)"),
    "hill_500": Described(Group.TAILS, 0, "tail index of the 500 most frequent words (Hill)"),
    "entropy_1": Described(Group.CONCENTRATION, -1, "entropy of words, in nats"),
    "entropy_2": Described(Group.CONCENTRATION, -1, "entropy of pairs of words, in nats"),
    "entropy_3": Described(Group.CONCENTRATION, -1, "entropy of runs of three words, in nats"),
    "bucket_gini": Described(Group.CONCENTRATION, 1, "Gini coefficient over 10,000 buckets of words and pairs"),
    "bucket_entropy": Described(Group.CONCENTRATION, -1, "entropy over the same buckets, 1 for even"),
    "bucket_top": Described(Group.CONCENTRATION, 1, "share of the fullest hundredth of the buckets"),
    "excess_phrases": Described(
        Group.CONCENTRATION, 1, "share of runs of three words that are spread wide and 4 times too frequent"
    ),
    "distinct_1": Described(Group.REPETITION, -1, "different words / words"),
    "distinct_2": Described(Group.REPETITION, -1, "different pairs / pairs"),
    "distinct_3": Described(Group.REPETITION, -1, "different runs of three / runs of three"),
    "distinct_4": Described(Group.REPETITION, -1, "different runs of four / runs of four"),
    "self_repetition": Described(Group.REPETITION, 1, "ln(1 + other documents that have a document's runs of four)"),
    "boilerplate": Described(Group.REPETITION, 1, "share of documents with a run of 8 words that a hundredth have"),
    "framed": Described(Group.REPETITION, 1, "share of documents cut from a frame of common words and gaps"),
    "looped": Described(Group.REPETITION, 1, "mean share of a document's runs of four that it has had before"),
    "compression": Described(Group.REPETITION, 1, "bytes / bytes after zlib, of the first 100,000 bytes"),
    "self_bleu": Described(Group.REPETITION, 1, "BLEU of the first 100 words of 12 documents against 39 others"),
    "jsd_1": Described(Group.SHIFT, 1, "Jensen-Shannon divergence of words from the reference, in bits"),
    "jsd_2": Described(Group.SHIFT, 1, "Jensen-Shannon divergence of pairs of words, in bits"),
    "jsd_common": Described(Group.SHIFT, 1, "the same of words seen 20 times and more on both sides together, in bits"),
    "kl_1": Described(Group.SHIFT, 1, "Kullback-Leibler divergence of words from the reference, in nats, corrected"),
    "new_words": Described(Group.SHIFT, 1, "share of tokens that are widespread words which the reference never has"),
    "energy": Described(Group.SHIFT, 1, "energy distance of documents from the reference"),
    "strange": Described(Group.SHIFT, 1, "documents with a quarter or less of the human ones near them that should be"),
    "spread": Described(Group.SHIFT, -1, "how far documents lie from their common centre, 0 to 1"),
    "topics_lost": Described(Group.TOPICS, 1, "human documents with half or less of the corpus near that should be"),
    "topics_moved": Described(Group.TOPICS, 0, "share of documents that would have to change topic"),
    "mtld": Described(Group.LEXICAL, -1, "words until the type-token ratio falls to .72 (MTLD), mean over documents"),
    "mattr": Described(Group.LEXICAL, -1, "type-token ratio in windows of 50 words (MATTR), mean over documents"),
    "surprise": Described(Group.PERPLEXITY, -1, "surprise of the language model, in nats a token"),
    "sure": Described(Group.PERPLEXITY, 1, "share of tokens with a probability of 0.99 and more"),
    "hard": Described(Group.PERPLEXITY, -1, "share of tokens with a probability of 0.1 and less"),
    "precision": Described(Group.MEANING, -1, "share of documents within the human text's reach (embeddings)"),
    "recall": Described(Group.MEANING, -1, "share of human documents within the corpus's reach"),
    "density": Described(Group.MEANING, 0, "how many human neighbourhoods a document lies in, 1 for human text"),
    "coverage": Described(Group.MEANING, -1, "share of human documents that have one of the corpus near"),
    "vendi": Described(Group.MEANING, -1, "effective number of different documents (Vendi score, cosine)"),
    "frontier": Described(Group.MEANING, -1, "area under the divergence frontier, 1 for equal (MAUVE style)"),
    "frontier_integral": Described(Group.MEANING, 1, "integral of the divergence frontier, 0 for equal"),
    "meaning_energy": Described(Group.MEANING, 1, "energy distance of the embeddings"),
    "yule": Described(Group.LEXICAL, 1, "chance of meeting a word again, times 10,000 (Yule's K)"),
}

Values: TypeAlias = dict[str, float]
PerDocument: TypeAlias = Mapping[str, Float64[ndarray, "_"]]


@dataclass(frozen=True, eq=False)
class Side:
    """What is known of each document of a sample beside its words: numbers, a vector and a topic."""

    values: PerDocument = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    embeddings: Float64[ndarray, "d m"] | None = None
    vectors: Float64[ndarray, "d v"] | None = None
    topics: Int64[ndarray, "d"] | None = None


def measure_own(part: Part, side: Side) -> Values:
    """Every statistic of a part that needs nothing beside it."""
    values = {**_tails(part), **_concentration(part), **_repetition(part, side)}
    for name, each in side.values.items():
        values[name] = part.mean(each)
    if side.vectors is not None:
        values["spread"] = float(1 - np.linalg.norm(side.vectors[part.documents].mean(axis=0)))
    return values


def measure_against(part: Part, side: Side, *, against: Part, human: Side, topics: Topics | None) -> Values:
    """Every statistic of a part that holds it against a part of the reference of as many words."""
    values = {**_rarity(part, against), **_shift(part, against)}
    excess = part.counts(3)[excess_phrases(part, against, order=3)].sum()
    values["excess_phrases"] = float(excess) / max(int(part.inside(3).sum()), 1)
    if side.embeddings is not None and human.embeddings is not None:
        values |= _meaning(part, side.embeddings, against, human.embeddings)
    if topics is not None and side.vectors is not None and human.vectors is not None:
        values["energy"] = _energy(part, side.vectors, against, human.vectors)
        values["topics_moved"] = _topics_moved(part, side, against, human, count=topics.count)
    return values


def _rarity(part: Part, against: Part) -> Values:
    here, there = part.counts(1), against.counts(1)
    rare = (there > 0) & (there <= RARE)
    return {
        "rare_coverage": float((here[rare] > 0).mean()) if rare.any() else float("nan"),
        "tail_mass": float(here[there < TAIL_SHARE * against.tokens].sum()) / max(part.tokens, 1),
    }


def _tails(part: Part) -> Values:
    here = part.counts(1)
    seen = here[here > 0]
    return {
        "unseen_mass": spectrum.unseen_mass(seen),
        "hapax": float((seen == 1).mean()) if len(seen) else float("nan"),
        "types": float(len(seen)),
        "heaps": spectrum.heaps_exponent(seen, total=part.tokens),
        "zipf": spectrum.zipf_slope(seen),
        "hill_100": spectrum.hill_index(seen, k=100),
        "hill_500": spectrum.hill_index(seen, k=500),
        "yule": spectrum.yule_k(seen),
    }


def _concentration(part: Part) -> Values:
    buckets = concentration_of(part.buckets((1, 2)))
    entropies = {f"entropy_{order}": spectrum.entropy(part.counts(order)) for order in (1, 2, 3)}
    return entropies | {
        "bucket_gini": buckets.gini,
        "bucket_entropy": buckets.entropy,
        "bucket_top": buckets.top,
    }


def excess_phrases(part: Part, against: Part, *, order: int) -> ndarray:
    """Which n-grams are spread over a hundredth of the documents and four times as frequent as in the reference."""
    wide = max(EXCESS_FEWEST, int(np.ceil(EXCESS_SHARE * len(part.documents))))
    often = part.counts(order) >= EXCESS_TIMES * (against.counts(order) + 1)
    widespread: ndarray = part.spread(order) >= wide
    return widespread & often


def _repetition(part: Part, side: Side) -> Values:
    distinct = {}
    for order in (1, 2, 3, 4):
        counts = part.counts(order)
        total = int(counts.sum())
        distinct[f"distinct_{order}"] = float((counts > 0).sum()) / total if total else float("nan")
    text = "\n".join(side.texts[at] for at in part.documents.tolist()[:MOST_TEXTS])
    rows = [row[:MOST_WORDS] for row in part.rows(REFERENCES)]
    return distinct | {
        "self_repetition": part.repeats(4),
        "compression": compression_ratio(text.encode()[:MOST_BYTES]),
        "self_bleu": self_bleu(rows, hypotheses=HYPOTHESES, references=REFERENCES),
    }


def _shift(part: Part, against: Part) -> Values:
    here, there = part.counts(1), against.counts(1)
    both = here + there
    held = both > 0
    common = both >= 20
    spread = part.spread(1)
    new = (there == 0) & (spread >= max(NEW_FEWEST, int(np.ceil(NEW_SHARE * len(part.documents)))))
    bits = 1 / np.log(2)
    return {
        "jsd_1": jensen_shannon(here[held], there[held]).observed * bits,
        "jsd_2": jensen_shannon(part.counts(2), against.counts(2)).observed * bits,
        "jsd_common": jensen_shannon(here[common], there[common]).corrected * bits,
        "kl_1": kullback_leibler(here[held], there[held]).corrected,
        "new_words": float(here[new].sum()) / max(part.tokens, 1),
    }


def _energy(part: Part, own: Float64[ndarray, "d v"], against: Part, other: Float64[ndarray, "e v"]) -> float:
    here, there = own[part.documents[:MOST_PAIRED]], other[against.documents[:MOST_PAIRED]]
    return energy_distance(here, there, unbiased=True) if min(len(here), len(there)) > 1 else float("nan")


def _meaning(part: Part, own: Float64[ndarray, "d m"], against: Part, other: Float64[ndarray, "e m"]) -> Values:
    """The measures over embeddings, of equally many documents of both sides, at most 1,000."""
    least = min(len(part.documents), len(against.documents), MOST_EMBEDDED)
    here, there = own[part.documents[:least]], other[against.documents[:least]]
    if least <= NEIGHBOURS + 1:
        return {}
    shape = manifold(real=there, synthetic=here)
    # The same clusters' seed in every split: what varies between splits is the text.
    frontier = divergence_frontier(real=there, synthetic=here, random=Generator(Philox(key=0)))
    return {
        **shape._asdict(),
        "vendi": vendi_score(here),
        "frontier": frontier.score,
        "frontier_integral": frontier.integral,
        "meaning_energy": energy_distance(here, there, unbiased=True),
    }


def _topics_moved(part: Part, side: Side, against: Part, human: Side, *, count: int) -> float:
    assert side.topics is not None
    assert human.topics is not None
    here, there = (
        shares(topics[documents], count)
        for topics, documents in ((side.topics, part.documents), (human.topics, against.documents))
    )
    return float(np.maximum(there - here, 0).sum())
