"""What a run will make of what: the claim by which a later start knows its own work, and names what is different."""

from collections.abc import Iterator, Mapping
from typing import Any

from uncollapse.corpora.corpus import Corpus
from uncollapse.errors import RecipeDiffers
from uncollapse.execution.target import Target
from uncollapse.version import __version__

OF_MACHINES = ("backend_version", "dtype")
"""What of a model's card says how a machine reads it."""


def claim(corpus: Corpus, place: Target) -> dict[str, Any]:
    """Everything that the bytes of an output depend on."""
    return {
        "uncollapse": __version__,
        "output": "file" if place.single else "folder",
        "rows as": str(place.form),
        "steps": [dict(step.recipe()) for step in corpus.steps],
        "plan": corpus.plan.as_json(),
    }


def check_same(old: Mapping[str, Any], new: Mapping[str, Any], *, where: object) -> None:
    """Nothing; raises where an output belongs to another claim.

    Raises:
        RecipeDiffers: names each difference.
    """
    found = list(differences(old, new))
    if found:
        machine = all(any(f".resolved.{name}:" in line for name in OF_MACHINES) for line in found)
        raise RecipeDiffers(
            f"{where} holds the result of another run: " + "; ".join(found),
            hint="It was read with another kind of machine: finish it there, or choose another output."
            if machine
            else "Choose another output, or give the same inputs and options as before.",
        )


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Each difference between two claims as `what: old, now new`."""
    told = False
    for line in changes(old, new):
        if not line.startswith("plan."):
            told = True
            yield line
    for line in _plan_differences(old["plan"], new["plan"]):
        told = True
        yield line
    if not told and old["plan"] != new["plan"]:
        yield "the input is cut into other shards"


def _plan_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    before = {entry["source"]: entry for entry in old["inputs"]}
    after = {entry["source"]: entry for entry in new["inputs"]}
    for source, entry in before.items():
        if source not in after:
            yield f"input {source}: no longer there"
        elif after[source]["blake3"] != entry["blake3"]:
            yield f"input {source}: its content has changed"
        elif after[source] != entry:
            yield f"input {source}: it is read in another way"
    yield from (f"input {source}: new" for source in after if source not in before)
    if list(before) != list(after) and set(before) == set(after):
        yield "the inputs come in another order"
    for part in ("layout", "mixture", "selection", "arbitration"):
        yield from changes(old.get(part, {}), new.get(part, {}))


def changes(old: Any, new: Any, *, then: str = "now") -> Iterator[str]:
    """Each leaf of two trees that is not the same in both, by its path: `what: old, now new`."""
    values = _flat(old), _flat(new)
    for name in dict.fromkeys([*values[0], *values[1]]):
        if values[0].get(name) != values[1].get(name):
            yield f"{name}: {_shown(values[0], name)}, {then} {_shown(values[1], name)}"


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """The leaves of a tree by their paths; a list of plain values is a leaf."""
    if isinstance(value, Mapping):
        pairs = [(str(name), inner) for name, inner in value.items()]
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        pairs = [(str(index), inner) for index, inner in enumerate(value)]
    else:
        return {prefix: value}
    flat: dict[str, Any] = {}
    for name, inner in pairs:
        flat |= _flat(inner, f"{prefix}.{name}" if prefix else name)
    return flat


def _shown(flat: Mapping[str, Any], name: str) -> str:
    return repr(flat[name]) if name in flat else "not there"
