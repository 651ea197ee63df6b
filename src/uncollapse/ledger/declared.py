"""What papers beside texts say of their origin: a publisher's declaration where there is no ledger, and never more."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from uncollapse.document import Origin
from uncollapse.errors import InputError, MissingInput

# What a dataset card may say of who made the language; `found` says nothing of who wrote what was found.
_CREATORS = {"machine-generated": Origin.SYNTHETIC, "crowdsourced": Origin.HUMAN, "expert-generated": Origin.HUMAN}
_ATTRIBUTED = ("prov:wasAttributedTo", "http://www.w3.org/ns/prov#wasAttributedTo")


class Declaration(NamedTuple):
    """The origin that papers declare, `unknown` where they do not say one thing of all texts, and their words.

    `by_record` is the column that says it of each text, where there is one.
    """

    origin: Origin
    said: tuple[str, ...]
    by_record: str | None = None


def declared_in(path: Path) -> Declaration:
    """What a Croissant file or a dataset card says of origins.

    Raises:
        MissingInput: there is no such file.
        InputError: it is neither of the two.
    """
    hint = "name a croissant.json, or a README.md with YAML in front"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MissingInput(f"{path} cannot be read: {error}", hint=hint) from error
    try:
        if text.startswith("---\n"):
            return _in_front(yaml.safe_load(text[4:].partition("\n---")[0]))
        content = json.loads(text)
    except (ValueError, yaml.YAMLError, RecursionError, TypeError) as error:
        raise InputError(f"{path} is neither Croissant nor a dataset card: {error}", hint=hint) from error
    if not isinstance(content, Mapping) or "recordSet" not in content:
        raise InputError(f"{path} is not Croissant: it has no recordSet", hint=hint)
    return _in_croissant(content)


def _in_front(front: Any) -> Declaration:
    """What the YAML of a dataset card says."""
    if not isinstance(front, Mapping):
        raise TypeError("the YAML in front holds no names and values")
    creators = [str(each) for each in _listed(front.get("language_creators"))]
    tags = [str(each) for each in _listed(front.get("tags"))]
    said = [f"language_creators: {each}" for each in creators]
    said += ["tag: synthetic"] if "synthetic" in tags else []
    origins = {_CREATORS.get(each, Origin.UNKNOWN) for each in creators}
    return Declaration(origins.pop() if len(origins) == 1 else Origin.UNKNOWN, tuple(said))


def _in_croissant(content: Mapping[str, Any]) -> Declaration:
    said, origins = [], set()
    for origin, rows in _counted(content.get("unc:holdings")):
        said.append(f"{rows:,} documents of origin {origin}")
        origins.add(origin)
    if "synthetic" in _listed(content.get("keywords")):
        said.append("keyword: synthetic")
    columns = list(_annotated(content["recordSet"]))
    said += [f"the column {name} says it of each text" for name in columns]
    origin = origins.pop() if len(origins) == 1 else Origin.UNKNOWN
    return Declaration(origin, tuple(said), columns[0] if columns else None)


def _counted(holdings: Any) -> Iterator[tuple[Origin, int]]:
    """Documents by origin, as `uncollapse card` wrote them."""
    if holdings is None:
        return
    counts: dict[Origin, int] = {}
    for entry in json.loads(holdings)["by"]:
        origin = Origin(entry["origin"])
        counts[origin] = counts.get(origin, 0) + int(entry["rows"])
    yield from counts.items()


def _annotated(sets: Any) -> Iterator[str]:
    """The columns that say of a text to whom it is attributed."""
    for each in _listed(sets):
        for field in _listed(each.get("field")):
            for note in _listed(field.get("annotation")):
                if any(name in _ATTRIBUTED for name in _listed(note.get("equivalentProperty"))):
                    yield str(note["source"]["extract"]["column"])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
