"""Which models wrote something: the table of models out of the recipes of a corpus."""

from collections.abc import Mapping
from typing import Any

from uncollapse.fingerprint import Json


def generator_of(recipe: Json) -> str | None:
    """The name of the model that a recipe's step writes with: the hash of its weights; None where it names none."""
    card = _card(recipe)
    revision = card.get("revision") if card else None
    return revision if isinstance(revision, str) and revision else None


def model_table(recipes: Mapping[str, Json]) -> dict[str, Json]:
    """The models of some recipes by name, in order: addresses, tokenizer, what they were trained on, how deep.

    `model_depth` is the greatest depth in the recorded training set, `trained_on` the content roots of the corpora in
    it, `tokenizer` the tokenizer's hash; each is null where the model's card does not say it.
    """
    found: dict[str, dict[str, Any]] = {}
    for recipe in recipes.values():
        name, card = generator_of(recipe), _card(recipe)
        if name is None or card is None:
            continue
        entry = found.setdefault(name, {"addresses": []})
        entry["addresses"] = sorted({*entry["addresses"], str(card.get("address", ""))})
        for key in ("tokenizer", "model_depth", "trained_on"):
            entry[key] = entry.get(key) if entry.get(key) is not None else card.get(key)
    return dict(sorted(found.items()))


def generators_by_recipe(recipes: Mapping[str, Json]) -> dict[str, str]:
    """For each recipe that names a model, by fingerprint, the model's name."""
    pairs = ((mark, generator_of(recipe)) for mark, recipe in recipes.items())
    return {mark: name for mark, name in pairs if name is not None}


def declared_depth(recipe: Json) -> int | None:
    """The depth of what a recipe's model was trained on; None where nobody has said it."""
    depth = (_card(recipe) or {}).get("model_depth")
    return depth if isinstance(depth, int) and not isinstance(depth, bool) else None


def _card(recipe: Json) -> Mapping[str, Any] | None:
    card = recipe.get("resolved") if isinstance(recipe, Mapping) else None
    return card if isinstance(card, Mapping) else None
