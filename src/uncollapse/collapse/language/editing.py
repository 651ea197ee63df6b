"""Human text of which some tokens are drawn anew from a model, each after the human tokens that stand before it."""

import numpy as np
from jaxtyping import Bool, Int32
from numpy import ndarray
from numpy.random import Generator

from uncollapse.collapse.language.measures import as_tokens
from uncollapse.language_models.neural import NeuralModel
from uncollapse.sampling import draw

AT_ONCE = 64
"""Blocks whose distributions are held at once."""


def redrawn(
    blocks: Int32[ndarray, "n b"], model: NeuralModel, *, rate: float, rng: Generator
) -> tuple[Int32[ndarray, "n b"], Bool[ndarray, "n b"]]:
    """The blocks with a share of their tokens drawn anew, and which were chosen; a draw may give what stood there.

    Each token is chosen by itself with the chance `rate`. Special tokens are not drawn.
    """
    chosen = rng.random(blocks.shape) < rate
    uniform = rng.random(blocks.shape)
    text = np.array([surface is not None for surface in model.vocabulary.surfaces])
    found = blocks.copy()
    for begin in range(0, len(blocks), AT_ONCE):
        some = slice(begin, begin + AT_ONCE)
        flat, numbers = chosen[some].ravel(), uniform[some].ravel()
        new = found[some].ravel()
        for piece in model.distributions(as_tokens(blocks[some])):
            at = flat[piece.rows]
            rows = piece.rows[at]
            logprob = piece.logprob[at].astype(np.float64)
            probability = np.where(text[: logprob.shape[1]], np.exp(logprob), 0.0)
            ids = np.broadcast_to(np.arange(probability.shape[1]), probability.shape)
            new[rows] = draw(probability, ids, numbers[rows])
        found[some] = new.reshape(found[some].shape)
    return found, chosen
