"""Which second-moment path a regime has: the closed forms that the laboratories share."""

from itertools import islice
from typing import Any

import numpy as np

from uncollapse.collapse.feeding import drawn_from
from uncollapse.collapse.regimes import Edit, Fresh, Mixed, Preserve, Regime, Subsample, Weighted
from uncollapse.collapse.theory import Form, pools

LONGEST = 1000  # generations up to which the moments of all pairs of laws are followed


def anchor_of(regime: Regime, *, samples: int) -> pools.Anchor | None:
    """What of each training set is real, where some of it is; None where that is not known beforehand."""
    if isinstance(regime, Weighted):
        return pools.Anchor(samples, samples, regime.weight, kept=False) if regime.weight < 1 else None
    if isinstance(regime, Preserve | Fresh):
        real = round(regime.share * samples)
    elif isinstance(regime, Edit) and regime.mask == "same" and regime.decay == 1:
        real = samples - round(regime.rate * samples)
    else:
        return None
    kept = not isinstance(regime, Fresh)
    return pools.Anchor(real, samples - real, real / samples, kept) if 0 < real < samples else None


def moments(
    regime: Regime, *, generations: int, samples: int, refit: pools.Refit
) -> tuple[Form[..., Any], pools.Expected] | None:
    """The form of a regime whose training sets mix rows of several laws, and its path; None where it has none here."""
    k = np.arange(generations + 1.0)
    if isinstance(regime, Subsample) and samples > 1:
        return pools.subsampled_pool, pools.subsampled_pool(k, n=samples, refit=refit)
    if isinstance(regime, Mixed) and generations <= LONGEST:
        counts = [np.array([samples]), *islice(drawn_from(regime, samples), generations - 1)]
        return pools.mixed_laws, pools.mixed_laws(k, counts=counts, refit=refit)
    return None
