"""What Suresh et al. say of words, on a real text."""

import numpy as np
import pytest

from uncollapse.collapse.reproductions import suresh_text


def test_every_claim_on_words_is_met():
    claims = list(suresh_text.claims())
    assert len(claims) == 7
    assert all(claim.inside for claim in claims), [claim.what for claim in claims if not claim.inside]


def test_half_life_by_hand():
    # exp(-2 g_k) = 1/2 where g_k = .347: g_4 = .374 and g_5 = .312, and between two fits the chance goes straight.
    lost = np.exp(-2 * np.array([0.37401, 0.31204]))
    assert suresh_text._half_life(2) == pytest.approx(4 + (0.5 - lost[0]) / (lost[1] - lost[0]), abs=1e-3)
