"""Images with classes, from scikit-learn or from a folder."""

import sys

import numpy as np
import pytest

from uncollapse.collapse.autoencoder_images import digits, from_folder, nearest_class, parted
from uncollapse.errors import InputError, MissingExtra, MissingInput


def test_the_digits_are_all_there():
    pytest.importorskip("sklearn", reason="scikit-learn: not installed")
    images = digits()
    assert len(images.learned) + len(images.held_out) == 1797
    assert images.classes == tuple("0123456789")
    assert (images.learned.min(), images.learned.max()) == (0, 1)
    assert np.bincount(images.labels).tolist() == [143, 146, 142, 147, 145, 146, 145, 144, 140, 144]


def test_without_scikit_learn_the_hint_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtra, match="scikit-learn, which is not installed") as refused:
        digits()
    assert "pip install 'uncollapse[images]'" in refused.value.hint
    assert "folder of .npy arrays" in refused.value.hint


def test_a_folder_has_one_array_for_each_class(tmp_path):
    np.save(tmp_path / "cross.npy", np.full((10, 2, 3), 255, np.uint8))
    np.save(tmp_path / "blank.npy", np.zeros((15, 6)))
    images = from_folder(tmp_path)
    assert images.classes == ("blank", "cross")
    assert images.learned.shape == (12 + 8, 6)
    assert images.held_out.shape == (3 + 2, 6)
    assert images.labels.tolist() == [0] * 12 + [1] * 8
    assert images.learned.sum(axis=1).tolist() == [0] * 12 + [6] * 8


def test_every_fifth_of_a_class_is_held_out():
    images = parted({"one": np.arange(10, dtype=np.float32)[:, None] / 10}, name="ten")
    assert images.held_out[:, 0] == pytest.approx([0.4, 0.9])


def test_the_nearest_real_image_says_the_class():
    known = parted({"dark": np.zeros((10, 4), np.float32), "light": np.ones((10, 4), np.float32)}, name="two")
    images = np.array([[0.2] * 4, [0.9, 0.9, 0.0, 0.9]], np.float32)
    assert nearest_class(images, known=known).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros(10), r"shape \(10,\)"),
        (np.zeros((9, 4)), r"shape \(9, 4\)"),
        (np.full((10, 4), 1.5), "outside"),
        (np.full((10, 4), np.nan), "outside"),
    ],
)
def test_arrays_that_hold_no_images_are_refused(tmp_path, array, said):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(InputError, match=said):
        from_folder(tmp_path)


def test_images_of_two_sizes_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((10, 4)))
    np.save(tmp_path / "b.npy", np.zeros((10, 5)))
    with pytest.raises(InputError, match=r"\[4, 5\] pixels"):
        from_folder(tmp_path)


def test_a_file_that_is_no_array_is_refused(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"no array")
    with pytest.raises(InputError, match="cannot be read as an array"):
        from_folder(tmp_path)


def test_a_folder_without_arrays_is_missing_input(tmp_path):
    with pytest.raises(MissingInput, match=r"no \.npy arrays"):
        from_folder(tmp_path)
