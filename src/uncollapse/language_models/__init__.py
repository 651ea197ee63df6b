"""Who reads text: `score()` says of each token what a model thinks of it; addresses say which model."""

from uncollapse.language_models.addresses import ModelEntry, catalogue, load, resolve
from uncollapse.language_models.counted import CountedModel

__all__ = ["CountedModel", "ModelEntry", "catalogue", "load", "resolve"]
