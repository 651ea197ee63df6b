"""The autoencoder laboratory; its own images for most tests, the digits of scikit-learn for the published direction."""

import numpy as np
import pytest
from numpy.random import default_rng

from uncollapse.collapse.autoencoder import Autoencoder
from uncollapse.collapse.experiment import experiment
from uncollapse.collapse.laboratory import laboratory
from uncollapse.collapse.regimes import regime
from uncollapse.errors import MissingInput, UsageError

REGIMES = ("replace", "accumulate", "subsample", "preserve", "fresh", "edit", "mixed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four classes of 5 by 5 images: a bright quarter each, with noise."""
    path = tmp_path_factory.mktemp("images")
    rng = default_rng(1)
    for number, (top, left) in enumerate(((0, 0), (0, 3), (3, 0), (3, 3))):
        images = rng.uniform(0, 0.3, (60, 5, 5))
        images[:, top : top + 2, left : left + 2] += rng.uniform(0.4, 0.7, (60, 1, 1))
        np.save(path / f"{number}.npy", images)
    return path


def run(lab, *kinds, generations, seeds):
    return experiment(lab, [regime(kind) for kind in kinds], generations=generations, seeds=seeds).results()


def test_the_original_measures_itself(folder):
    lab = Autoencoder(images=folder, steps=20)
    found = lab.measured(lab.original(2))
    assert set(found) == set(lab.measures)
    learned = lab.real_images.learned
    assert found["variance"] == pytest.approx(learned.astype(float).var(axis=0).sum())
    assert found["modes"].tolist() == [4, 4]
    assert found["entropy"] == pytest.approx(np.log(4))
    assert found["smallest_mode"] == pytest.approx(0.25)
    assert found["tail_mass"] == pytest.approx(0.05, abs=1 / len(learned))
    assert found["error"].tolist() == [0, 0]


@pytest.mark.parametrize("kind", REGIMES)
def test_every_regime_runs(folder, kind):
    lab = Autoencoder(images=folder, steps=15, hidden=16, latent=2)
    part = run(lab, kind, generations=3, seeds=2)[kind]
    assert np.all(np.isfinite(part.values))
    assert part.values.shape == (4, 2, len(lab.measures))


def test_real_images_are_each_seen_once(folder):
    lab = Autoencoder(images=folder, steps=1)
    rows = lab.real(lab.samples, seeds=2, rng=default_rng(2)).values
    assert lab.samples == 192
    assert all(np.array_equal(np.sort(seed, axis=0), np.sort(lab.real_images.learned, axis=0)) for seed in rows)
    assert lab.real(0, seeds=2, rng=default_rng(3)).size == 0


def test_real_data_slow_the_fall(folder):
    lab = Autoencoder(images=folder, steps=120, hidden=32, latent=4)
    found = run(lab, "replace", "accumulate", generations=5, seeds=3)
    assert found["replace"]["variance"][-1].max() < found["accumulate"]["variance"][-1].min()
    assert found["accumulate"]["variance"][-1].max() < found["accumulate"]["variance"][0].min()


def test_a_class_that_is_gone_is_no_mode(folder):
    lab = Autoencoder(images=folder, steps=1)
    original = lab.original(1)
    three = original.images[:, lab.real_images.labels != 2]
    found = lab.measured(type(original)(None, three))
    assert found["modes"].tolist() == [3]
    assert found["smallest_mode"].tolist() == [0]
    assert found["entropy"] == pytest.approx(np.log(3))


@pytest.mark.parametrize(
    ("settings", "said"), [({"steps": 0}, "steps"), ({"latent": 0}, "latent"), ({"wide": 1}, "wide")]
)
def test_bad_settings_are_refused(folder, settings, said):
    with pytest.raises(UsageError, match=said):
        laboratory("autoencoder", images=folder, **settings)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(MissingInput):
        laboratory("autoencoder", images=tmp_path / "none")


def test_check_24_digits_narrow_until_they_stand_still():
    """The published direction: variance and latent spread fall over four models, then stay on a floor."""
    pytest.importorskip("sklearn", reason="scikit-learn: not installed")
    part = run(Autoencoder(steps=300), "replace", generations=6, seeds=2)["replace"]
    for measure in ("variance", "latent_std"):
        assert np.all(np.diff(part[measure][:5], axis=0) < 0), measure
        assert np.all(part[measure][5:] < 0.2 * part[measure][1]), measure
    assert np.all(np.abs(np.diff(part["latent_std"][4:], axis=0)) < 0.1 * part["latent_std"][1])
    assert part["modes"][0].min() == 10
    assert part["modes"][-1].max() <= 2
    assert np.all(np.diff(part["error"][:5], axis=0) > 0)
