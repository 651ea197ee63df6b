"""The published autoencoder: the direction is met, the pace of MNIST is not, and the note says why."""

import pytest

from uncollapse.collapse.reproductions import shumailov, shumailov_autoencoder
from uncollapse.errors import MissingExtra


@pytest.mark.slow
def test_the_direction_is_met_and_the_pace_is_not():
    pytest.importorskip("sklearn", reason="scikit-learn: not installed")
    claims = {claim.what: claim for claim in shumailov_autoencoder.claims()}
    pace = claims.pop("spread of the latents at fit 5 over that at fit 1")
    assert not pace.inside
    assert "MNIST" in pace.note
    assert all(claim.inside for claim in claims.values())


def test_without_images_the_study_says_what_is_missing(monkeypatch):
    def none():
        raise MissingExtra("no digits here")
        yield

    monkeypatch.setattr(shumailov_autoencoder, "claims", none)
    absent: list[str] = []
    assert list(shumailov._autoencoder(absent)) == []
    assert absent == ["The autoencoder: no digits here. "]
