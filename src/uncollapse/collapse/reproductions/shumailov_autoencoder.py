"""The autoencoder of Shumailov et al. 2024, on the digits of scikit-learn in place of MNIST."""

from collections.abc import Iterator

from uncollapse.collapse.autoencoder import Autoencoder
from uncollapse.collapse.experiment import experiment
from uncollapse.collapse.regimes import regime
from uncollapse.collapse.reproductions.claims import Claim, sampled

NOTEBOOK = "released notebook (curse_recurse, commit b48c90a): spread of the real encoder's latents, 5 runs"
# Source: the notebook's standard deviations of latent means, generated images of models 1 to 5.
SPREAD = (0.688, 0.603, 0.534, 0.483, 0.443)
SEEDS, BATCH, STEPS = 5, 128, 560


def claims() -> Iterator[Claim]:
    """That the latents draw together at every generation, and by how much."""
    # Every batch of the notebook is a new draw of decoder means: as many images as the steps see.
    laboratory = Autoencoder(samples=BATCH * STEPS, steps=STEPS)
    found = experiment(laboratory, [regime("replace")], generations=len(SPREAD), seeds=SEEDS).results().parts[0]
    spread, variance = found["latent_std"], found["variance"]
    for fit in range(2, len(SPREAD) + 1):
        yield Claim(
            what=f"spread of the latents at fit {fit} over that at fit {fit - 1}",
            source=f"{NOTEBOOK}: {SPREAD[fit - 1] / SPREAD[fit - 2]:.2f}",
            published="< 1",
            ours=sampled(spread[fit] / spread[fit - 1]),
            note="the direction; 20,000 weights on 1,442 images narrow faster than 647,000 on 60,000",
        )
    yield Claim(
        what="spread of the latents at fit 5 over that at fit 1",
        source=NOTEBOOK,
        published=".645",
        ours=sampled(spread[5] / spread[1]),
        note="8 by 8 pixels and one hidden layer here, MNIST and convolutions there: here all is over at fit 4",
    )
    yield Claim(
        what="variance of the images at fit 5 over that at fit 1",
        source="definition of late collapse: convergence to a law with much smaller variance",
        published="< 0.5",
        ours=sampled(variance[5] / variance[1]),
    )
    yield Claim(
        what="kinds of digits that are left at fit 5, of 10",
        source="remark: modes of the original are lost",
        published="< 10",
        ours=sampled(found["modes"][5]),
    )
