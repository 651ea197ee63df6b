"""The words of Suresh et al. 2024: how many are left of a real text that is counted and written again."""

from collections.abc import Iterator

import numpy as np

from uncollapse.collapse.experiment import run
from uncollapse.collapse.ngram import NGram
from uncollapse.collapse.reproductions.claims import Claim, exact, sampled
from uncollapse.collapse.theory import text as forms

PAPER = "Suresh et al. 2024 (arXiv 2412.17646)"
FITS, SEEDS = (1, 2, 5, 10), 20


def claims() -> Iterator[Claim]:
    """Numbers of words against the sum of the lower bounds, and how long a word lasts against its count."""
    counts = NGram().reference.counts.words
    counts = counts[counts > 0].astype(np.float64)
    found = run("ngram", "replace", generations=max(FITS), seeds=SEEDS)["replace"]
    for fit in FITS:
        bound = forms.kept(counts, forms.replaced(np.array([fit]))).sum()
        yield Claim(
            what=f"different words of Python's own help after {fit} fits of {int(counts.sum()):,} words",
            source=f"{PAPER}: sum over words of 1 - e^(-c g_k)",
            published=f">= {bound:.1f}",
            ours=sampled(found["types"][fit]),
            note="another text than the paper's; the bound is nearly tight",
        )
    half = [_half_life(times) for times in (2, 4, 8, 16)]
    for times, before, after in zip((4, 8, 16), half, half[1:], strict=False):
        yield Claim(
            what=f"fits until half of the words seen {times} times are lost, over the same for {times // 2} times",
            source=f"{PAPER}: the time to forget a word is about linear in its count",
            published="2",
            ours=exact(after / before),
            note="by the closed form, which the claims above hold against words",
        )


def _half_life(times: int) -> float:
    """The fit, between two, at which a word seen so often is there with probability one half."""
    fits = np.arange(1, 20 * times)
    lost = 1 - forms.kept(np.array([float(times)]), forms.replaced(fits))[:, 0]
    return float(np.interp(0.5, lost, fits))
