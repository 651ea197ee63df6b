"""Variational autoencoders of many seeds, trained together: one stack of weights, each seed by itself.

A layer holds (seed, in, out) numbers, so one product of stacks does the work of all seeds; the loss is a sum over
seeds and the optimiser works number by number, so no seed learns from another.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Float64
from numpy import ndarray
from numpy.random import Generator
from torch import Tensor
from torch.nn import functional


class Network(NamedTuple):
    """The weights: for each layer the matrix (seed, in, out) and the offsets (seed, 1, out).

    Encoder, then mean and log-variance of the latents side by side; decoder, then the pixels' log-odds.
    """

    encoder: tuple[Float32[ndarray, "seed p h"], Float32[ndarray, "seed 1 h"]]
    latents: tuple[Float32[ndarray, "seed h twice"], Float32[ndarray, "seed 1 twice"]]
    decoder: tuple[Float32[ndarray, "seed z h"], Float32[ndarray, "seed 1 h"]]
    pixels: tuple[Float32[ndarray, "seed h p"], Float32[ndarray, "seed 1 p"]]


class Training(NamedTuple):
    """How a network is trained: sizes of its layers, optimiser steps, images in a step, learning rate."""

    hidden: int = 128
    latent: int = 8
    steps: int = 560
    batch: int = 128
    rate: float = 3e-3


def trained(images: Float32[ndarray, "seed n p"], training: Training, *, rng: Generator) -> Network:
    """One network for each seed, trained from new random weights on the images of that seed.

    The loss is the cross-entropy of the pixels plus the divergence of the latents from a standard normal law, both
    summed, a mean over images; each step sees one batch of a random order of the images, which is the same for all
    seeds, and one draw of the latents.

    Source: Kingma and Welling, ICLR 2014, section 3 and appendix B; Adam: Kingma and Ba, ICLR 2015.
    """
    seeds, count, size = images.shape
    layers = _initial(seeds, size, training, rng=rng)
    flat = [part.requires_grad_() for layer in layers for part in layer]
    optimiser = torch.optim.Adam(flat, lr=training.rate)
    stack = torch.from_numpy(np.array(images))
    for rows in _batches(count, training, rng=rng):
        batch = stack[:, rows]
        noise = rng.standard_normal((seeds, batch.shape[1], training.latent), dtype=np.float32)
        loss = _loss(layers, batch, torch.from_numpy(noise)) / batch.shape[1]
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return Network(*((matrix.detach().numpy(), offset.detach().numpy()) for matrix, offset in layers))


def decoded(network: Network, latents: Float32[ndarray, "seed n z"]) -> Float32[ndarray, "seed n p"]:
    """The images that the decoder gives for some latents: each pixel its mean, in [0, 1]."""
    with torch.no_grad():
        return torch.sigmoid(_decode(_tensors(network), torch.from_numpy(latents))).numpy()


def drawn(network: Network, count: int, *, rng: Generator) -> Float32[ndarray, "seed n p"]:
    """So many images of each seed's network, decoded from standard normal latents."""
    seeds, latent, _ = network.decoder[0].shape
    return decoded(network, rng.standard_normal((seeds, count, latent), dtype=np.float32))


def encoded(network: Network, images: Float32[ndarray, "seed n p"]) -> Float32[ndarray, "seed n z"]:
    """The mean of each image's latents."""
    with torch.no_grad():
        mean, _ = _encode(_tensors(network), torch.from_numpy(np.array(images)))
        return mean.numpy()


def reconstruction_error(network: Network, images: Float32[ndarray, "n p"]) -> Float64[ndarray, "seed"]:
    """The squared distance of an image from the decoder's image of its mean latents, a mean over images, by seed."""
    seeds = len(network.encoder[0])
    stack = np.broadcast_to(images, (seeds, *images.shape))
    again = decoded(network, encoded(network, stack))
    return ((again.astype(np.float64) - stack) ** 2).sum(axis=2).mean(axis=1)


def _initial(seeds: int, size: int, training: Training, *, rng: Generator) -> list[tuple[Tensor, Tensor]]:
    """New weights, uniform between -1/sqrt(in) and 1/sqrt(in).

    Source: torch.nn.Linear's own, but from the generator that is handed in.
    """
    hidden, latent = training.hidden, training.latent
    layers = []
    for inside, outside in ((size, hidden), (hidden, 2 * latent), (latent, hidden), (hidden, size)):
        bound = 1 / np.sqrt(inside)
        both = rng.uniform(-bound, bound, (seeds, inside + 1, outside)).astype(np.float32)
        layers.append((torch.from_numpy(both[:, :-1].copy()), torch.from_numpy(both[:, -1:].copy())))
    return layers


def _batches(count: int, training: Training, *, rng: Generator) -> Iterator[Tensor]:
    """The rows of each step: random orders of all rows, one after the other, cut into batches; none across two."""
    done = 0
    while done < training.steps:
        order = torch.from_numpy(rng.permutation(count))
        for first in range(0, count, training.batch)[: training.steps - done]:
            yield order[first : first + training.batch]
            done += 1


def _loss(layers: list[tuple[Tensor, Tensor]], batch: Tensor, noise: Tensor) -> Tensor:
    mean, log_variance = _encode(layers, batch)
    latents = mean + noise * torch.exp(0.5 * log_variance)
    entropy = functional.binary_cross_entropy_with_logits(_decode(layers, latents), batch, reduction="sum")
    return entropy - 0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()


def _encode(layers: list[tuple[Tensor, Tensor]], images: Tensor) -> tuple[Tensor, Tensor]:
    hidden = functional.relu(_through(layers[0], images))
    mean, log_variance = _through(layers[1], hidden).chunk(2, dim=2)
    return mean, log_variance


def _decode(layers: list[tuple[Tensor, Tensor]], latents: Tensor) -> Tensor:
    return _through(layers[3], functional.relu(_through(layers[2], latents)))


def _through(layer: tuple[Tensor, Tensor], values: Tensor) -> Tensor:
    return torch.baddbmm(layer[1], values, layer[0])


def _tensors(network: Network) -> list[tuple[Tensor, Tensor]]:
    return [(torch.from_numpy(matrix), torch.from_numpy(offset)) for matrix, offset in network]
