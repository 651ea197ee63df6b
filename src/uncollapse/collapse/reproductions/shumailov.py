"""Shumailov et al., "AI models collapse when trained on recursively generated data", Nature 631 (2024)."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from uncollapse.collapse.experiment import run
from uncollapse.collapse.regimes import regime
from uncollapse.collapse.reproductions import shumailov_autoencoder, shumailov_mixture
from uncollapse.collapse.reproductions.claims import Claim, Reached, Study, counted, sampled, settled, spread
from uncollapse.collapse.theory import gaussian as forms
from uncollapse.errors import MissingExtra

PAPER = "Shumailov et al., Nature 631:755-759 (2024)"
NOTEBOOK = "released notebook (curse_recurse, commit b48c90a): np.std over 1,000 repetitions"

# Source: the notebook's printed means and standard deviations of np.std, which divides by n.
WARM_UP = {
    10: (".92062", ".22116"),
    30: (".98313", ".13198"),
    100: (".99160", ".06758"),
    500: (".99778", ".03095"),
    1_000: (".99947", ".02217"),
    10_000: (".99969", ".00728"),
    100_000: (".99995", ".00223"),
    1_000_000: ("1.0000", ".00073"),
    10_000_000: ("1.0000", ".00023"),
}
REPETITIONS = 1_000


def study(reached: Reached = str) -> Study:
    """Every experiment but the language model, and the remarks on first gains and first movers."""
    absent: list[str] = []
    parts = (
        _warm_up(),
        _gaussian(),
        _discrete(),
        shumailov_mixture.claims(),
        _autoencoder(absent),
        _remarks(),
    )
    claims = settled(*parts, reached=reached)
    return Study(
        name="shumailov",
        paper=PAPER,
        protocol="Gaussian: refitted with ddof 1 as in Theorem 3.1, and 0 as in the notebook, at the published sizes. "
        "Discrete: a law over states, counted anew until one is left. Mixture: the notebook's 1,000 points, two "
        "components, 2,000 fits, 8 runs. Autoencoder: 5 models on the digits of scikit-learn, not MNIST, 5 seeds.",
        claims=claims,
        missing=f"{''.join(absent)}The language model comes with the laboratory of language models.",
    )


def _autoencoder(absent: list[str]) -> Iterator[Claim]:
    """The claims of the autoencoder; none where there are no images to be had, and `absent` is then told why."""
    try:
        yield from shumailov_autoencoder.claims()
    except MissingExtra as error:
        absent.append(f"The autoencoder: {error}. ")


def _warm_up() -> Iterator[Claim]:
    """The notebook's table of estimated standard deviations; the published cells have errors of their own."""
    for n, (mean, theirs) in WARM_UP.items():
        found = run("gaussian", "replace", generations=1, seeds=20_000, samples=n, ddof=0)["replace"]["std"][1]
        yield Claim(
            what=f"mean of the fitted standard deviation, n = {n:,}",
            source=NOTEBOOK,
            published=mean,
            ours=sampled(found, error=float(theirs) / np.sqrt(REPETITIONS)),
            note=f"theory: {forms.replace_std(np.array([1.0]), n=n, ddof=0)[0]:.5f}",
        )
        yield Claim(
            what=f"its standard deviation, n = {n:,}",
            source=NOTEBOOK,
            published=theirs,
            ours=spread(found, repetitions=REPETITIONS),
        )


def _gaussian() -> Iterator[Claim]:
    found = run("gaussian", "replace", generations=100, seeds=100_000, samples=100)["replace"]
    for k, published in {11: ".165", 100: "1.5"}.items():
        yield Claim(
            what=f"expected squared W2 distance after {k} fits, n = 100",
            source="SI eq. 6: (3/2) sigma^2 sum 1/M, to first order",
            published=published,
            ours=sampled(found["w2"][k]),
            note=f"exact: {forms.replace_w2(np.array([float(k)]), n=100)[0]:.5f}; the paper leaves out second order",
        )
    yield Claim(
        what="variance of a draw after 100 fits, n = 100",
        source="SI 3.1.1: sigma^2 (1 + t/M) to first order",
        published="2.0",
        ours=sampled(found["variance"][100] + found["mean"][100] ** 2),
        note="exact at every order with ddof 1",
    )
    for n in (500, 1_000):
        long = run("gaussian", "replace", generations=1_000, seeds=300, samples=n)["replace"]
        yield Claim(
            what=f"Sigma_t -> 0: change of the log variance in the last 500 of 1,000 fits, n = {n}",
            source="Theorem 3.1",
            published="< 0",
            ours=sampled(long["log_variance"][-1] - long["log_variance"][500]),
        )
        yield Claim(
            what=f"E W2^2 -> infinity: change in the last 500 of 1,000 fits through the mean, n = {n}",
            source="Theorem 3.1",
            published="> 0",
            ours=sampled(long["mean_error"][-1] - long["mean_error"][500]),
        )


def _discrete() -> Iterator[Claim]:
    settings: dict[str, Any] = {"law": "counts", "counts": (0.7, 0.3), "samples": 20}
    found = run("discrete", "replace", generations=400, seeds=20_000, **settings)["replace"]
    # The states are sorted by probability; the second one has won where the error is that of (0, 1): 2 * 0.7^2.
    yield Claim(
        what="a chain of two states ends at the one of probability .3",
        source="discrete model: ends at state i with probability q_i",
        published=".3",
        ours=counted(found["error"][-1] > 0.9),
    )
    yield Claim(
        what="share of chains that have ended at one state",
        source="discrete model: the only absorbing states are deltas",
        published="1",
        ours=counted(found["support"][-1] == 1),
        note="400 fits of 20 draws",
    )
    rare = run("discrete", "replace", generations=1, seeds=20_000, law="uniform", states=100, samples=100)["replace"]
    yield Claim(
        what="share of states of probability 1/M that are lost at the first fit, M = 100",
        source="discrete model: q <= 1/M has less than one expected sample",
        published="> 0.3",
        ours=sampled(1 - rare["support"][1] / 100),
        note="exact: (1 - 1/M)^M = .366",
    )


def _remarks() -> Iterator[Claim]:
    """Gains at first and first movers, in regression, and a tenth of original data, in the Gaussian."""
    settings: dict[str, Any] = {"samples": 100, "dimension": 10, "design": "fresh"}
    alone = run("regression", "replace", generations=1, seeds=2_000, **(settings | {"samples": 20}))["replace"][
        "error"
    ][1]
    helped = run("regression", regime("fresh", share=0.2), generations=8, seeds=2_000, **settings).parts[0]["error"]
    for fit in (2, 3, 8):
        yield Claim(
            what=f"what 80 made rows take off the error of 20 new real ones, at fit {fit}",
            source="remark: learning from generated data works at first",
            published="> 0",
            ours=sampled(alone - helped[fit]),
            note="regression, T = 100, d = 10: the gain per generation",
        )
    polluted = run("regression", "mixed", generations=8, seeds=2_000, **settings)["mixed"]["error"]
    yield Claim(
        what="error of an entrant at fit 8 of a pool that is polluted, less that of the one at fit 1",
        source="remark: who comes first keeps an advantage",
        published="> 0",
        ours=sampled(polluted[8] - polluted[1]),
        note="alpha .5, beta .25, gamma .25 of the general process",
    )
    kept = run("gaussian", "replace", regime("preserve", share=0.1), generations=9, seeds=5_000, samples=100)
    yield Claim(
        what="squared W2 distance with a tenth of original data, less that without, at fit 9",
        source="setting with 10 % of original data: only minor degradation",
        published="< 0",
        ours=sampled(kept.parts[1]["w2"][-1] - kept["replace"]["w2"][-1]),
        note="in the Gaussian; the paper says it of language models",
    )
