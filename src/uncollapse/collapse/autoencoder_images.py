"""Images to learn from: the digits that come with scikit-learn, or a folder with one array for each class."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64
from numpy import ndarray

from uncollapse.errors import InputError, MissingExtra, MissingInput

# Of each class, every fifth image is held out.
EVERY = 5
FEWEST = 2 * EVERY


@dataclass(frozen=True, eq=False)
class Images:
    """Images as rows of pixels in [0, 1] with the number of their class: learned from, and held out."""

    name: str
    classes: tuple[str, ...]
    learned: Float32[ndarray, "n p"]
    labels: Int64[ndarray, "n"]
    held_out: Float32[ndarray, "h p"]


def digits() -> Images:
    """The 1,797 handwritten digits of 8 by 8 pixels that come with scikit-learn.

    Raises:
        MissingExtra: scikit-learn is not installed.

    Source: Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits (the test part).
    """
    try:
        from sklearn.datasets import load_digits  # noqa: PLC0415  (not among what this package needs)
    except ImportError as error:
        raise MissingExtra(
            "the digits come with scikit-learn, which is not installed",
            hint="pip install 'uncollapse[images]', or give a folder of .npy arrays, one for each class.",
        ) from error
    pixels, labels = load_digits(return_X_y=True)
    kinds = {str(kind): (pixels[labels == kind] / 16).astype(np.float32) for kind in np.unique(labels)}
    return parted(kinds, name="the digits of scikit-learn")


def from_folder(folder: str | Path) -> Images:
    """The images of a folder of .npy arrays, one for each class and called after it, each (images, pixels ...).

    Whole numbers are taken for 0 to 255; other values must lie in [0, 1].

    Raises:
        MissingInput: no such folder, or no array in it.
        InputError: an array that holds no images, or other ones than the rest.
    """
    paths = sorted(Path(folder).glob("*.npy"))
    if not paths:
        raise MissingInput(f"{folder} has no .npy arrays", hint="Save one array of images for each class there.")
    kinds = {path.stem: _read(path) for path in paths}
    widths = {images.shape[1] for images in kinds.values()}
    if len(widths) > 1:
        raise InputError(f"{folder} has images of {sorted(widths)} pixels", hint="Give all images the same size.")
    return parted(kinds, name=str(folder))


def parted(kinds: dict[str, Float32[ndarray, "_ p"]], *, name: str) -> Images:
    """The images of some classes, every fifth of each held out."""
    held = {kind: np.arange(len(images)) % EVERY == EVERY - 1 for kind, images in kinds.items()}
    learned = [images[~held[kind]] for kind, images in kinds.items()]
    return Images(
        name=name,
        classes=tuple(kinds),
        learned=np.concatenate(learned),
        labels=np.repeat(np.arange(len(kinds)), [len(images) for images in learned]),
        held_out=np.concatenate([images[held[kind]] for kind, images in kinds.items()]),
    )


def nearest_class(images: Float32[ndarray, "m p"], *, known: Images) -> Int64[ndarray, "m"]:
    """The class of the real image that is nearest to each image, in Euclidean distance."""
    # The images' own squared lengths would be the same for every candidate.
    distance = (known.learned**2).sum(axis=1)[None, :] - 2 * images @ known.learned.T
    return known.labels[distance.argmin(axis=1)]


def _read(path: Path) -> Float32[ndarray, "n p"]:
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as an array: {error}", hint="Save it with numpy.save.") from error
    if values.ndim < 2 or len(values) < FEWEST:
        raise InputError(
            f"{path} holds an array of shape {values.shape}",
            hint=f"An array of images is (images, pixels ...), with {FEWEST} images or more.",
        )
    if values.dtype.kind in "iu":
        values = values / 255
    values = values.reshape(len(values), -1).astype(np.float32)
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise InputError(f"{path} has pixels outside [0, 1]", hint="Scale the images, or save them as uint8.")
    return values
