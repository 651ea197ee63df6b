"""Suresh et al., "Rate of Model Collapse in Recursive Training", arXiv 2412.17646: how soon it comes."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from uncollapse.collapse.experiment import run
from uncollapse.collapse.reproductions import suresh_text
from uncollapse.collapse.reproductions.claims import Claim, Reached, Study, counted, sampled, settled
from uncollapse.collapse.theory import discrete, gaussian

PAPER = "Suresh et al. 2024 (arXiv 2412.17646)"


def study(reached: Reached = str) -> Study:
    """Survival of states, of a Poisson law and of a normal one, against the bounds."""
    return Study(
        name="suresh",
        paper=PAPER,
        protocol="A state of probability .01 among 100 draws; a Poisson law of rate 1 from 10 draws; a normal law from "
        "10 draws; Zipf's law over 1,000 states. 50,000 seeds, Zipf 2,000. The words of a real text, "
        "20 seeds.",
        claims=settled(_states(), _poisson(), _normal(), _zipf(), suresh_text.claims(), reached=reached),
        missing="Mixtures (collapse mixture) and longer n-grams (collapse ngram --order 2) have laboratories.",
    )


def _states() -> Iterator[Claim]:
    settings: dict[str, Any] = {"law": "counts", "counts": (99, 1), "samples": 100}
    found = run("discrete", "replace", generations=50, seeds=50_000, **settings)["replace"]["support"]
    q = np.array([0.01])
    for k in (1, 2, 5, 10, 50):
        bound = discrete.survival_bound(k, q=q, draws=100)[0]
        yield Claim(
            what=f"a state of probability .01 is alive after {k} fits of 100 draws",
            source=f"{PAPER}, lower bound 1 - e^(-M q g_k)",
            published=f">= {bound:.4f}",
            ours=counted(found[k] == 2),
            note=f"bound {bound:.4f}, exact chain {discrete.survival(k, q=q, draws=100)[0]:.4f}",
        )


def _poisson() -> Iterator[Claim]:
    rng = np.random.default_rng(7)
    rate = np.ones(50_000)
    for k in range(1, 101):
        rate = rng.poisson(10 * rate) / 10
        if k in (10, 100):
            yield Claim(
                what=f"a Poisson law of rate 1 is not yet all zeros after {k} fits of 10 draws",
                source=f"{PAPER}, exact: 1 - e^(-n lambda g_k)",
                published=f"{discrete.poisson_survival(k, n=10, rate=1):.4f}",
                ours=counted(rate > 0),
            )


def _normal() -> Iterator[Claim]:
    found = run("gaussian", "replace", generations=200, seeds=50_000, samples=10)["replace"]["std"]
    for k in (50, 100, 150, 200):
        at = np.array([float(k)])
        bound = gaussian.collapse_bound(at, n=10, epsilon=0.1)[0]
        tighter = gaussian.collapse_bound_c4(at, n=10, epsilon=0.1)[0]
        yield Claim(
            what=f"P(sigma > .1) after {k} fits of 10 draws",
            source=f"{PAPER}, Theorem 3: (1/eps) e^(-k/(4n-1))",
            published=f"<= {bound:.3f}",
            ours=counted(found[k] > 0.1),
            note=f"Markov with c4: {tighter:.3f}",
        )


def _zipf() -> Iterator[Claim]:
    settings: dict[str, Any] = {"states": 1_000, "samples": 1_000}
    found = run("discrete", "replace", generations=10, seeds=2_000, **settings)["replace"]
    bounds = discrete.support_bound(np.arange(11.0), law=discrete_law(), draws=1_000)
    for k in (2, 5, 10):
        yield Claim(
            what=f"states of Zipf's law (1,000) left after {k} fits of 1,000 draws",
            source=f"{PAPER}: at least the sum of the bounds",
            published=f">= {bounds[k]:.2f}",
            ours=sampled(found["support"][k]),
            note=f"exact: {found.curves[-1].values[k]:.2f}",
        )


def discrete_law() -> np.ndarray:
    """Zipf's law over 1,000 states."""
    weights = 1 / np.arange(1, 1_001.0)
    return weights / weights.sum()
