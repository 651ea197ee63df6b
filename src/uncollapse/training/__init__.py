"""A model from a corpus: from scratch, or one that goes on learning; what it read is on record."""

from uncollapse.training.account import Trained
from uncollapse.training.fit import Far, Material, fit
from uncollapse.training.settings import Training
from uncollapse.training.sizes import SIZES

__all__ = ["SIZES", "Far", "Material", "Trained", "Training", "fit"]
