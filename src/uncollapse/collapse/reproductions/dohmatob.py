"""Dohmatob et al.: "A Tale of Tails" (arXiv 2402.07043) and "Strong Model Collapse" (arXiv 2410.04840)."""

from collections.abc import Iterator

import numpy as np

from uncollapse.collapse.experiment import run
from uncollapse.collapse.materials import together
from uncollapse.collapse.regression import Regression
from uncollapse.collapse.reproductions.claims import Claim, Measured, Reached, Study, exact, sampled, settled
from uncollapse.collapse.theory import regression, scaling

TALES = "Dohmatob et al. 2024 (arXiv 2402.07043), Theorem 2.1"
STRONG = "Dohmatob et al. 2025 (arXiv 2410.04840)"
RANKS = 10_000_000
SIZES = np.array([10**3, 10**4, 10**5])


def study(reached: Reached = str) -> Study:
    """Exponents of tails, plateaus of cut tails, and the floor that a small synthetic share leaves."""
    return Study(
        name="dohmatob",
        paper="Dohmatob et al. 2024 and 2025",
        protocol=f"Hutter's model over {RANKS:,} ranks, finite sums; isotropic least squares with a share of "
        "labels from other weights, 50 seeds.",
        claims=settled(_tails(), _strong(), _linear(), reached=reached),
        missing="Random features beyond the interpolation threshold, and the transformers of both papers.",
    )


def _tails() -> Iterator[Claim]:
    for beta, name in ((1.5, "-1/3"), (2.0, "-1/2"), (3.0, "-2/3")):
        law = scaling.zipf(RANKS, beta=beta)
        yield Claim(
            what=f"slope of log error against log samples, beta = {beta:g} ({name})",
            source=TALES,
            published=f"{scaling.tail_exponent(beta=beta):.3f}",
            ours=_slope(law),
            note="interval: the slopes of the decades from 1e3 to 1e5; the theorem's is the limit, and finitely many "
            "ranks are not the limit where the tail is heaviest",
        )
        cut = np.where(np.arange(RANKS) < 100, law, 0.0)
        yield Claim(
            what=f"error of a law cut at k = 100, samples without end, over its k^-(beta-1) plateau, beta = {beta:g}",
            source=f"{TALES}: a plateau k^-(beta-1)",
            published="1.0",
            ours=exact(
                scaling.tail_error(10**9, law=law, training=cut / cut.sum())
                / (law[0] * (100.0 ** (1 - beta) - float(RANKS) ** (1 - beta)) / (beta - 1)),
            ),
            note="the sum of the cut tail against its integral",
        )
        yield Claim(
            what=f"slope when the training law is narrowed to beta' = {1.5 * beta:g}",
            source="the tail narrowing of the same paper",
            published=f"{scaling.tail_exponent(beta=beta, training_beta=1.5 * beta):.3f}",
            ours=_slope(law, training=scaling.zipf(RANKS, beta=1.5 * beta)),
            note="the same",
        )


def _slope(law: np.ndarray, *, training: np.ndarray | None = None) -> Measured:
    errors = np.log([scaling.tail_error(int(size), law=law, training=training) for size in SIZES])
    decades = np.diff(errors) / np.diff(np.log(SIZES))
    whole = float((errors[-1] - errors[0]) / np.log(SIZES[-1] / SIZES[0]))
    return Measured(whole, float(decades.min()), float(decades.max()))


def _strong() -> Iterator[Claim]:
    share, d = 0.2, 20
    for n in (1_000, 10_000, 100_000):
        yield Claim(
            what=f"test error with a fifth of the labels from weights at distance 1, n = {n:,}",
            source=f"{STRONG}: it does not fall below the floor p2^2 c^2",
            published="> 0.039",
            ours=sampled(_polluted(n, share=share, d=d)),
            note=f"to first order {regression.strong_collapse(share=share, distance=1, d=d, n=n):.4f}",
        )
    small = _polluted(100_000, share=0.01, d=d)
    clean = d / (100_000 - d - 1)
    yield Claim(
        what="excess over clean labels with 1 % synthetic, n = 100,000, as a share of the floor 1e-4",
        source=f"{STRONG}: even about 1 % synthetic stops larger sets from helping",
        published="1.0",
        ours=sampled((small - clean) / 1e-4),
    )


def _polluted(n: int, *, share: float, d: int) -> np.ndarray:
    rng = np.random.default_rng(n)
    built = Regression(samples=n, dimension=d, signal=0.0, design="fresh")
    wrong = np.zeros((50, d))
    wrong[:, 0] = 1.0
    made = round(share * n)
    data = together([built.real(n - made, seeds=50, rng=rng), built.drawn(wrong, made, like=None, rng=rng)])
    return built.measured(built.fitted(data, before=None, rng=rng))["error"]


def _linear() -> Iterator[Claim]:
    found = run("regression", "replace", generations=10, seeds=3_000, samples=60, dimension=20)["replace"]["error"]
    yield Claim(
        what="error after 10 generations over that after 1, T = 60, d = 20",
        source="Dohmatob et al. 2024 (arXiv 2402.07712): linear in the generations",
        published="10.0",
        ours=sampled(found[10] / found[1].mean()),
    )
