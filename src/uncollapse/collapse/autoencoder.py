"""The autoencoder laboratory: variational autoencoders on images, each trained on what the one before it decodes.

What a model makes is the decoder's mean image, not a draw of pixels, as in the published experiment: even with images
without end each generation would be narrower than the one before. `steps` is how long each is trained.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar, Self

import numpy as np
from blake3 import blake3
from jaxtyping import Float32, Float64
from numpy import ndarray
from numpy.random import Generator, default_rng
from pydantic import Field, model_validator

from uncollapse.collapse.autoencoder_images import Images, digits, from_folder, nearest_class
from uncollapse.collapse.autoencoder_model import Network, Training, drawn, encoded, reconstruction_error, trained
from uncollapse.collapse.laboratory import Laboratory
from uncollapse.collapse.materials import Rows
from uncollapse.collapse.regimes import Regime

ALL = 0
SHOWN = 1000  # images that a model is measured on
OUTER = 0.05  # of the real images are the tail: those farthest from their mean
PRESENT = 0.1  # of its original share, a class must have to count as a mode that is there


@dataclass(frozen=True, eq=False)
class Autoencoders:
    """A network for each seed, and images that it made; no network where the images are the original's."""

    network: Network | None
    images: Float32[ndarray, "seed n p"]


class Autoencoder(Laboratory):
    """Variational autoencoders on images with classes; one hidden layer each way, pixels in [0, 1]."""

    name: ClassVar[str] = "autoencoder"
    regimes: ClassVar[tuple[str, ...]] = ("replace", "accumulate", "subsample", "preserve", "fresh", "edit", "mixed")
    reasons: ClassVar[Mapping[str, str]] = {
        "verify": "no density of an image is known, so that none is right or wrong",
        "weighted": "its fit has no weights of rows",
    }
    measures: ClassVar[Mapping[str, str]] = {
        "variance": "variance of the images that the model makes, summed over pixels",
        "log_variance": "logarithm of that variance, in nats",
        "latent_std": "standard deviation of the latents of those images, by an encoder that learned from real ones",
        "error": "squared error of held-out real images, encoded and decoded, summed over pixels; 0 for the original",
        "modes": f"classes that have {PRESENT:g} of their original share or more, by the nearest real image",
        "entropy": "entropy of the classes' shares, in nats",
        "smallest_mode": "share of the class that has least",
        "tail_mass": f"share of images farther from the real mean than {1 - OUTER:.0%} of the real ones",
    }
    risk: ClassVar[str] = "error"
    spread: ClassVar[str] = "variance"
    tail: ClassVar[str] = "tail_mass"
    modes: ClassVar[str] = "modes"
    usual: ClassVar[Mapping[str, int]] = {"generations": 5, "seeds": 5}

    images: Annotated[Path | None, Field(exclude=True)] = None
    content: str = ""
    samples: Annotated[int, Field(ge=ALL)] = ALL
    steps: Annotated[int, Field(ge=1)] = 560
    hidden: Annotated[int, Field(ge=1)] = 128
    latent: Annotated[int, Field(ge=1)] = 8

    @model_validator(mode="after")
    def _resolved(self) -> Self:
        # What the numbers depend on is the images, wherever they lie, and how many there are.
        found = _content(self.real_images)
        if self.content not in {"", found}:
            raise ValueError(f"content is what the images are ({found}), and nothing to be set")
        object.__setattr__(self, "content", found)
        object.__setattr__(self, "samples", self.samples or len(self.real_images.learned))
        return self

    @cached_property
    def real_images(self) -> Images:
        """The images of the folder, or the digits of scikit-learn."""
        return digits() if self.images is None else from_folder(self.images)

    @property
    def training(self) -> Training:
        """How each network is trained."""
        return Training(hidden=self.hidden, latent=self.latent, steps=self.steps)

    @cached_property
    def encoder(self) -> Network:
        """The network that learned from real images and says what latents are; the same for every seed and regime."""
        return trained(self.real_images.learned[None], self.training, rng=default_rng(0))

    def original(self, seeds: int) -> Autoencoders:
        """The real images themselves."""
        learned = self.real_images.learned
        return Autoencoders(None, np.broadcast_to(learned, (seeds, *learned.shape)))

    def real(self, count: int, *, seeds: int, rng: Generator) -> Rows:
        """Real images, each as often as any other, or once more."""
        learned = self.real_images.learned
        rounds = -(-count // len(learned)) + 1
        orders = [np.concatenate([rng.permutation(len(learned)) for _ in range(rounds)]) for _ in range(seeds)]
        return Rows(learned[np.stack(orders)[:, :count]])

    def drawn(self, model: Autoencoders, count: int, *, like: object, rng: Generator) -> Rows:
        """Images that each seed's decoder makes; of the original, real ones."""
        if model.network is None:
            return self.real(count, seeds=len(model.images), rng=rng)
        return Rows(drawn(model.network, count, rng=rng))

    def fitted(self, material: Rows, *, before: object, rng: Generator) -> Autoencoders:
        """New networks, trained on each seed's images, with images that they make."""
        network = trained(material.values, self.training, rng=rng)
        return Autoencoders(network, drawn(network, SHOWN, rng=rng))

    def measured(self, model: Autoencoders) -> dict[str, Float64[ndarray, "seed"]]:
        """The measures by name."""
        seeds, _, size = model.images.shape
        variance = model.images.astype(np.float64).var(axis=1).sum(axis=1)
        latents = encoded(self.encoder, model.images.reshape(1, -1, size)).reshape(seeds, -1, self.latent)
        shares = self._class_shares(model.images)
        some = np.where(shares > 0, shares, 1.0)
        with np.errstate(divide="ignore"):
            log_variance = np.log(variance)
        return {
            "variance": variance,
            "log_variance": log_variance,
            "latent_std": latents.std(axis=1).mean(axis=1, dtype=np.float64),
            "error": self._error(model, seeds),
            "modes": (shares >= PRESENT * self._real_shares).sum(axis=1).astype(np.float64),
            "entropy": 0.0 - (some * np.log(some)).sum(axis=1),
            "smallest_mode": shares.min(axis=1),
            "tail_mass": (self._distance(model.images) > self._edge).mean(axis=1),
        }

    def footprint(self, regime: Regime, *, generations: int) -> int:
        """Bytes of one seed's images, with a copy to train on."""
        pool = generations if regime.name in {"accumulate", "subsample"} else 2
        return 4 * self.real_images.learned.shape[1] * (2 * pool * self.samples + SHOWN)

    def _error(self, model: Autoencoders, seeds: int) -> Float64[ndarray, "seed"]:
        if model.network is None:
            return np.zeros(seeds)
        return reconstruction_error(model.network, self.real_images.held_out)

    def _class_shares(self, images: Float32[ndarray, "seed n p"]) -> Float64[ndarray, "seed c"]:
        classes = len(self.real_images.classes)
        found = [nearest_class(each, known=self.real_images) for each in images]
        return np.stack([np.bincount(each, minlength=classes) / len(each) for each in found])

    @cached_property
    def _real_shares(self) -> Float64[ndarray, "c"]:
        labels = self.real_images.labels
        return np.bincount(labels, minlength=len(self.real_images.classes)) / len(labels)

    def _distance(self, images: Float32[ndarray, "*seed n p"]) -> Float64[ndarray, "*seed n"]:
        gap = images - self.real_images.learned.mean(axis=0)
        return (gap.astype(np.float64) ** 2).sum(axis=-1)

    @cached_property
    def _edge(self) -> float:
        """The squared distance from the real mean beyond which an image is in the tail."""
        return float(np.quantile(self._distance(self.real_images.learned), 1 - OUTER))


def _content(images: Images) -> str:
    digest = blake3(images.learned.tobytes())
    digest.update(images.held_out.tobytes())
    return f"{len(images.learned)} + {len(images.held_out)} images, blake3 {digest.hexdigest(length=8)}"
