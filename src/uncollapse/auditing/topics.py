"""What the documents are about: directions of common words, and groups along them.

Both are fitted on the documents of both sides together. Fitted on one side they would know that side's documents better
than any others, and fresh text would look like a shift.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from numpy.random import Generator
from scipy.cluster.vq import kmeans2
from scipy.sparse import csr_array, diags_array, vstack
from scipy.sparse.linalg import svds

from uncollapse.auditing.encoded import Encoded

DIRECTIONS = 32
FEWEST, MOST = 4, 20
PER_TOPIC = 40  # documents of the reference for each topic, before there are more topics
# A word that fewer documents have says nothing about others; one that more have is about nothing.
LEAST_SPREAD, MOST_SPREAD = 3, 0.4
_ROUNDS = 30


@dataclass(frozen=True, eq=False)
class Topics:
    """Vectors of length 1 (or 0) and topics of the documents of both samples; `words` has the names of the words that
    set each topic apart.
    """

    corpus_vectors: Float64[ndarray, "c v"]
    reference_vectors: Float64[ndarray, "r v"]
    corpus: Int64[ndarray, "c"]
    reference: Int64[ndarray, "r"]
    count: int
    words: tuple[tuple[int, ...], ...]


def topics_of(corpus: Encoded, reference: Encoded, *, random: Generator) -> Topics | None:
    """The topics of both samples, fitted on both; None where there are too few documents.

    Vectors are TF-IDF (1 + ln count) along 32 directions of a truncated singular value decomposition; topics are
    k-means over them.

    Source: Deerwester et al., JASIS 1990 (latent semantic analysis); Arthur and Vassilvitskii, SODA 2007 (seeding).
    """
    counts = vstack([_matrix(corpus), _matrix(reference)]).tocsc()
    documents = counts.shape[0]
    spread = np.diff(counts.indptr)
    used = np.flatnonzero((spread >= LEAST_SPREAD) & (spread <= max(MOST_SPREAD * documents, LEAST_SPREAD)))
    directions = min(DIRECTIONS, len(used) - 1, documents - 1)
    if directions < 2 or documents < FEWEST * LEAST_SPREAD:
        return None
    weights = _weighted(counts[:, used].tocsr(), np.log(documents / spread[used]))
    _, _, axes = svds(weights, k=directions, v0=random.standard_normal(min(weights.shape)))
    vectors = _unit(weights @ axes.T)
    number = int(np.clip(documents // (2 * PER_TOPIC), FEWEST, MOST))
    _, topic = kmeans2(vectors, number, iter=_ROUNDS, minit="++", rng=random, missing="raise")
    words = tuple(_names(weights, topic == each, used) for each in range(number))
    ours = corpus.documents
    topic = topic.astype(np.int64)
    return Topics(vectors[:ours], vectors[ours:], topic[:ours], topic[ours:], number, words)


def _matrix(sample: Encoded) -> csr_array:
    names = sample.names[1]
    ones = np.ones(len(names))
    counted = csr_array((ones, (sample.document, names)), shape=(sample.documents, sample.sizes[1]))
    counted.sum_duplicates()
    return counted


def _weighted(counts: csr_array, idf: Float64[ndarray, "u"]) -> csr_array:
    held = counts.astype(np.float64)
    held.data = 1 + np.log(held.data)
    return _unit_rows(csr_array(held @ diags_array(idf)))


def _unit_rows(rows: csr_array) -> csr_array:
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return csr_array(diags_array(1 / np.where(length > 0, length, 1)) @ rows)


def _unit(rows: Float64[ndarray, "n v"]) -> Float64[ndarray, "n v"]:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1)


def _names(weights: csr_array, own: ndarray, used: Int64[ndarray, "u"]) -> tuple[int, ...]:
    """The three words that set the documents of a topic apart from the rest, the most telling first."""
    mean = np.asarray(weights[np.flatnonzero(own)].mean(axis=0)).ravel() if own.any() else np.zeros(len(used))
    rest = np.asarray(weights.mean(axis=0)).ravel()
    return tuple(used[np.argsort(-(mean - rest), kind="stable")[:3]].tolist())


def shares(topics: Int64[ndarray, "d"], count: int) -> Float64[ndarray, "t"]:
    """The share of documents in each topic."""
    return np.bincount(topics, minlength=count) / max(len(topics), 1)
