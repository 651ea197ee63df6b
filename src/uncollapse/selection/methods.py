"""The ways of choosing by their names."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from uncollapse.errors import UsageError
from uncollapse.selection.at_random import AtRandom
from uncollapse.selection.choosing import Selector
from uncollapse.selection.coverage import Coverage
from uncollapse.selection.facility import Facility
from uncollapse.selection.importance import Importance
from uncollapse.selection.kmeans_quality import ClusterQuality
from uncollapse.selection.likelihood import LikelihoodBand
from uncollapse.selection.rebalance import Rebalance
from uncollapse.selection.repeats import Duplicates

METHODS: Mapping[str, type[Selector]] = {
    "random": AtRandom,
    "coverage": Coverage,
    "importance": Importance,
    "rebalance": Rebalance,
    "likelihood": LikelihoodBand,
    "duplicates": Duplicates,
    "facility": Facility,
    "quality": ClusterQuality,
}


def of(name: str, **fields: Any) -> Selector:
    """The selector of this name with these fields.

    Raises:
        UsageError: there is no such method, or it has no such field.
    """
    if name not in METHODS:
        near = get_close_matches(name, METHODS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(METHODS)}."
        raise UsageError(f"there is no method {name!r}", hint=hint)
    kind = METHODS[name]
    strangers = [field for field in fields if field not in kind.model_fields]
    if strangers:
        own = [field for field in kind.model_fields if field not in Selector.model_fields]
        raise UsageError(
            f"{name} has no {strangers[0]!r}",
            hint=f"It has {', '.join(own)}." if own else "It has no settings but the seed and the caps.",
        )
    return kind(**fields)


SETTINGS = frozenset(name for kind in METHODS.values() for name in kind.model_fields)
"""The names of all settings of all methods."""
