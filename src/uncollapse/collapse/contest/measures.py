"""What is measured of each generation: how a model of it reads held-out human text, and what the text itself holds.

Measures of the text are taken at equal numbers of words, drawn piece by piece where a generation has more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64, UInt64
from numpy import ndarray
from numpy.random import Generator
from scipy.sparse import csr_matrix

from uncollapse.collapse.contest.students import Pupil
from uncollapse.collapse.contest.text import Sides, batch_of, rows_of, tokens_of
from uncollapse.measures import jensen_shannon, rare_coverage, tail_mass, vendi_score
from uncollapse.measures.repetition import distinct
from uncollapse.ngrams import TypeCounts, Types, together

READ = 300
"""Held-out pieces that every model reads; the text's own measures use all of them."""
DIMENSIONS = 64

MEASURES: Mapping[str, str] = {
    "perplexity": "perplexity of held-out human text, for each word",
    "rare_coverage": "share of the held-out text's rare words (once or twice there) that the generation has",
    "tail_mass": "share of the generation's words that are below 1 in 10,000 in the held-out text, or not in it",
    "jsd": "Jensen-Shannon divergence of its words from the held-out text's, in bits",
    "distinct_1": "different words / all words, at equal numbers of words",
    "distinct_3": "different triples of words / all triples, at equal numbers of words",
    "vendi": "effective number of different pieces (Vendi score of hashed TF-IDF), at equal numbers of pieces",
}


@dataclass(frozen=True)
class Yardstick:
    """What every generation of a seed is held against."""

    sides: Sides
    pieces: int
    projection: Generator

    @cached_property
    def held_out(self) -> Types:
        """The words of the held-out text."""
        return _types(self.sides.held_out)

    def measured(self, texts: Sequence[str], pupil: Pupil, *, rng: Generator) -> dict[str, float]:
        """Each measure of a generation and of the model that has learned from it.

        Where no piece has a word of the reference, there is no direction to tell pieces apart by, and `vendi` is NaN.
        """
        some = list(texts)
        if len(some) > self.pieces:
            some = [some[at] for at in np.sort(rng.permutation(len(some))[: self.pieces])]
        types, rows = _types(some), [row for tokens in tokens_of(some) for row in rows_of(tokens)]
        _, here, there = together(types, self.held_out)
        vectors = self.encoder.vectors(rows)
        return {
            "perplexity": perplexity(pupil, self.sides.held_out[:READ]),
            "rare_coverage": rare_coverage(corpus=types, reference=self.held_out),
            "tail_mass": tail_mass(corpus=types, reference=self.held_out),
            "jsd": jensen_shannon(here, there).observed / float(np.log(2)),
            "distinct_1": distinct(rows, order=1),
            "distinct_3": distinct(rows, order=3),
            "vendi": vendi_score(vectors) if len(vectors) else float("nan"),
        }

    @cached_property
    def encoder(self) -> "Encoder":
        """Fitted on the reference, which no measure is taken of."""
        return Encoder.fitted(self.sides.reference, self.projection)


def perplexity(pupil: Pupil, texts: Sequence[str]) -> float:
    """Exp of the mean surprise of a word."""
    return float(np.exp(pupil.nats(texts).mean()))


def _types(texts: Sequence[str]) -> Types:
    counts = TypeCounts()
    counts.update(batch_of(texts))
    return counts.result()


@dataclass(frozen=True, eq=False)
class Encoder:
    """TF-IDF of a text's words, of length 1, thrown onto 64 random Gaussian directions.

    Source: Salton and Buckley 1988 for the weights, with smoothed ln((1 + n) / (1 + df)) + 1; Johnson and Lindenstrauss
    1984 for the directions.
    """

    names: UInt64[ndarray, "v"]
    idf: Float64[ndarray, "v"]
    directions: Float64[ndarray, "v d"]

    @classmethod
    def fitted(cls, texts: Sequence[str], rng: Generator) -> "Encoder":
        """The encoder of some texts."""
        rows = [np.unique(row) for tokens in tokens_of(texts) for row in rows_of(tokens)]
        names, documents = np.unique(np.concatenate(rows), return_counts=True)
        idf = np.log((1 + len(rows)) / (1 + documents)) + 1
        return cls(names, idf, rng.standard_normal((len(names), DIMENSIONS)))

    def vectors(self, rows: Sequence[UInt64[ndarray, "_"]]) -> Float64[ndarray, "n d"]:
        """A row for each text that has a word which the encoder knows."""
        owner = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        words = np.concatenate(rows)
        at = np.minimum(np.searchsorted(self.names, words), len(self.names) - 1)
        known = self.names[at] == words
        table = csr_matrix(
            (self.idf[at[known]], (owner[known], at[known])), shape=(len(rows), len(self.names)), dtype=np.float64
        )
        some = np.asarray(table.getnnz(axis=1)) > 0
        return np.asarray(table[some] @ self.directions, np.float64)
