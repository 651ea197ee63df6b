"""Variational autoencoders of many seeds at once, on small images made here."""

import numpy as np
import pytest
import torch
from numpy.random import default_rng

from uncollapse.collapse.autoencoder_model import (
    Training,
    _batches,
    _loss,
    decoded,
    drawn,
    encoded,
    reconstruction_error,
    trained,
)

SMALL = Training(hidden=16, latent=2, steps=60, batch=32)


def stripes(count, *, seed=0, size=6):
    """Images of one bright row or one bright column, with noise."""
    rng = default_rng(seed)
    images = rng.uniform(0, 0.1, (count, size, size))
    for image, place, across in zip(images, rng.integers(size, size=count), rng.random(count) < 0.5, strict=True):
        image[place if across else slice(None), slice(None) if across else place] = 0.9
    return images.reshape(count, -1).astype(np.float32)


def test_layers_have_their_shapes():
    network = trained(np.stack([stripes(40)] * 3), SMALL, rng=default_rng(1))
    assert [part.shape for layer in network for part in layer] == [
        (3, 36, 16), (3, 1, 16), (3, 16, 4), (3, 1, 4), (3, 2, 16), (3, 1, 16), (3, 16, 36), (3, 1, 36),
    ]  # fmt: skip


def test_decoder_and_encoder_by_hand():
    network = trained(stripes(40)[None], SMALL, rng=default_rng(2))
    latents = default_rng(3).standard_normal((1, 5, 2), dtype=np.float32)
    hidden = np.maximum(latents[0] @ network.decoder[0][0] + network.decoder[1][0], 0)
    expected = 1 / (1 + np.exp(-(hidden @ network.pixels[0][0] + network.pixels[1][0])))
    assert decoded(network, latents)[0] == pytest.approx(expected, abs=1e-5)
    images = stripes(7, seed=4)
    hidden = np.maximum(images @ network.encoder[0][0] + network.encoder[1][0], 0)
    expected = (hidden @ network.latents[0][0] + network.latents[1][0])[:, :2]
    assert encoded(network, images[None])[0] == pytest.approx(expected, abs=1e-4)


def test_the_loss_by_hand():
    def zeros(*shape):
        return torch.zeros(1, *shape)

    layers = [(zeros(2, 3), zeros(1, 3)), (zeros(3, 2), torch.tensor([[[0.5, -1.0]]])),
              (zeros(1, 3), zeros(1, 3)), (zeros(3, 2), zeros(1, 2))]  # fmt: skip
    batch = torch.tensor([[[0.0, 1.0], [0.5, 0.5]]])
    # Log-odds 0 cost ln 2 a pixel whatever it is; one latent of mean .5 and log-variance -1, twice.
    divergence = 0.5 * (np.exp(-1) + 0.25 - 1 + 1)
    assert _loss(layers, batch, torch.zeros(1, 2, 1)).item() == pytest.approx(4 * np.log(2) + 2 * divergence, rel=1e-6)


def test_a_seed_learns_the_same_alone():
    both = np.stack([stripes(64, seed=5), stripes(64, seed=6)])
    rng = default_rng(7)
    together = trained(both, SMALL, rng=rng)
    # The second seed's images may change: the first seed's weights must not.
    other = trained(np.stack([both[0], 1 - both[1]]), SMALL, rng=default_rng(7))
    assert np.array_equal(together.pixels[0][0], other.pixels[0][0])
    assert not np.array_equal(together.pixels[0][1], other.pixels[0][1])


def test_the_same_generator_gives_the_same_network():
    images = stripes(64)[None]
    once, again, other = (trained(images, SMALL, rng=default_rng(seed)) for seed in (8, 8, 9))
    assert np.array_equal(once.encoder[0], again.encoder[0])
    assert not np.array_equal(once.encoder[0], other.encoder[0])


def test_training_helps_and_more_steps_help_more():
    images, news = stripes(400)[None], stripes(100, seed=1)
    errors = [
        reconstruction_error(trained(images, SMALL._replace(steps=steps), rng=default_rng(10)), news)[0]
        for steps in (1, 60, 600)
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < ((news - news.mean(axis=0)) ** 2).sum(axis=1).mean()


def test_images_made_are_images():
    network = trained(np.stack([stripes(64)] * 2), SMALL, rng=default_rng(11))
    made = drawn(network, 30, rng=default_rng(12))
    assert made.shape == (2, 30, 36)
    assert (made.min() > 0, made.max() < 1) == (True, True)


def test_batches_run_through_every_row_before_the_next_round():
    rows = [part.tolist() for part in _batches(10, Training(steps=5, batch=4), rng=default_rng(13))]
    assert [len(part) for part in rows] == [4, 4, 2, 4, 4]
    assert sorted(row for part in rows[:3] for row in part) == list(range(10))
