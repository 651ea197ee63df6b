"""A corpus as Croissant 1.1 (JSON-LD), with PROV for its run, its files and its records."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.types as pt

from uncollapse.corpora.opening import CHUNK
from uncollapse.corpora.plan import schema_from_text
from uncollapse.document import Origin
from uncollapse.errors import MissingInput
from uncollapse.ledger.papers import Manifest, Papers
from uncollapse.provenance import Totals

VOCABULARY = "https://w3id.org/uncollapse/ns#"
"""Of the terms for origins, for which no dataset standard has any."""

CONFORMS = "http://mlcommons.org/croissant/1.1"
PROV = "http://www.w3.org/ns/prov#"

# The context of the Croissant specification, version 1.1, appendix 1, and PROV-O.
_CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": PROV,
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
    "annotation": "cr:annotation",
    "unc": VOCABULARY,
}
_ENCODINGS = {"parquet": "application/x-parquet", "jsonl": "application/jsonlines"}


@dataclass(frozen=True, kw_only=True)
class About:
    """What a ledger cannot know of a corpus, in its owner's words; what is not said is left out."""

    name: str
    description: str = ""
    licence: str = ""
    url: str = ""
    creator: str = ""
    version: str = "1.0.0"
    date: str = ""
    language: tuple[str, ...] = ()


class Sealed(NamedTuple):
    """A corpus with its manifest, and what was counted in its ledger."""

    papers: Papers
    manifest: Manifest
    totals: Totals


def croissant(found: Sealed, about: About, *, beside: Path) -> dict[str, Any]:
    """The corpus as Croissant 1.1 (JSON-LD), with PROV for the run, each file, and each record.

    `beside` is the folder from which the paths of its files are seen.

    Source: MLCommons Croissant format specification 1.1, section on provenance; W3C PROV-O.
    """
    manifest = found.manifest
    said = {
        "@context": dict(_CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": about.name,
        "description": about.description or sentence(found.totals),
        "license": about.licence,
        "url": about.url,
        "creator": {"@type": "sc:Organization", "name": about.creator} if about.creator else None,
        "version": about.version,
        "datePublished": about.date,
        "inLanguage": list(about.language),
        "keywords": ["synthetic"] if is_synthetic(found.totals) else [],
        "isLiveDataset": False,
        "prov:wasDerivedFrom": [_derived(entry) for entry in manifest.plan.get("inputs", ())],
        "prov:wasGeneratedBy": _activity(manifest),
        "unc:holdings": json.dumps(found.totals.as_json(), sort_keys=True),
        "distribution": _files(found, beside),
        "recordSet": [_record_set(found)],
    }
    return {name: value for name, value in said.items() if value not in ("", None, [])}


def _derived(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"@id": f"urn:blake3:{entry.get('blake3')}"}


def _activity(manifest: Manifest) -> dict[str, Any]:
    """The run that wrote the corpus, with the models behind it as agents."""
    steps = [str(manifest.recipes.get(mark, {}).get("step", mark)) for mark in manifest.steps]
    drawn = [verb for part, verb in (("mixture", "mix"), ("selection", "select")) if part in manifest.plan]
    what = " then ".join(drawn or steps) or "written as read"
    agents = [
        {
            "@type": "prov:SoftwareAgent",
            "@id": f"urn:weights:{name}",
            "prov:label": ", ".join(entry.get("addresses", ())),
        }
        for name, entry in (manifest.models or {}).items()
    ]
    return {
        "@type": "prov:Activity",
        "@id": f"urn:uncollapse:run:{manifest.run}",
        "prov:label": f"uncollapse {manifest.uncollapse}: {what}",
        **({"prov:wasAssociatedWith": agents} if agents else {}),
    }


def _files(found: Sealed, beside: Path) -> list[dict[str, Any]]:
    """Each file with its digests, and where there may be several, all of them as one set."""
    manifest, folder = found.manifest, os.path.relpath(found.papers.folder, beside)
    files = [
        {
            "@type": "cr:FileObject",
            "@id": shard.name,
            "name": shard.name,
            "contentUrl": os.path.normpath(f"{folder}/{shard.name}"),
            "contentSize": f"{shard.bytes} B",
            "encodingFormat": _ENCODINGS[manifest.rows_as],
            "sha256": _sha256(found.papers.folder / shard.name),
            "prov:wasGeneratedBy": {"@id": f"urn:uncollapse:run:{manifest.run}"},
            "unc:blake3": shard.blake3,
            "unc:rows": shard.rows,
        }
        for shard in manifest.shards
    ]
    if manifest.output == "folder":
        includes = os.path.normpath(f"{folder}/part-*.{manifest.rows_as}")
        files.append(
            {
                "@type": "cr:FileSet",
                "@id": "shards",
                "name": "shards",
                "encodingFormat": _ENCODINGS[manifest.rows_as],
                "includes": includes,
            }
        )
    return files


def _sha256(path: Path) -> str:
    """The SHA-256 of a file, as Croissant knows no BLAKE3.

    Raises:
        MissingInput: it is not there.
    """
    digest = sha256()
    try:
        with path.open("rb") as file:
            while data := file.read(CHUNK):
                digest.update(data)
    except OSError as error:
        raise MissingInput(f"{path} cannot be read: {error.strerror}", hint="uncollapse verify says more") from error
    return digest.hexdigest()


def _record_set(found: Sealed) -> dict[str, Any]:
    """The columns that hold plain values; each text with its origin as annotation."""
    manifest = found.manifest
    schema = schema_from_text(manifest.schema_text)
    place = {"fileSet": {"@id": "shards"}}
    if manifest.output == "file":
        place = {"fileObject": {"@id": manifest.shards[0].name}}
    fields = []
    for column in schema:
        kind = _data_type(column.type)
        if kind is None:
            continue
        field = _field(f"documents/{column.name}", kind, column.name, place)
        if column.name == "text":
            about = _field("documents/text/origin", "sc:Text", "origin", place)
            field["annotation"] = {**about, "equivalentProperty": "prov:wasAttributedTo"}
        fields.append(field)
    return {"@type": "cr:RecordSet", "@id": "documents", "name": "documents", "field": fields}


def _field(mark: str, kind: str, column: str, place: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": mark,
        "name": mark.rpartition("/")[2],
        "dataType": kind,
        "source": {**place, "extract": {"column": column}},
    }


def _data_type(kind: pa.DataType) -> str | None:
    """Croissant's name for a type; None for lists, structures and what has none."""
    kind = kind.value_type if pt.is_dictionary(kind) else kind
    if pt.is_string(kind) or pt.is_large_string(kind):
        return "sc:Text"
    if pt.is_boolean(kind):
        return "sc:Boolean"
    if pt.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pt.is_floating(kind) else None


def is_synthetic(totals: Totals) -> bool:
    """Whether a model wrote any of it."""
    return bool(totals.of(Origin.SYNTHETIC).rows or totals.of(Origin.EDITED).rows)


def percent(share: float) -> str:
    """A share in per cent; a dash where there is none."""
    return "-" if share != share else f"{100 * share:.2f} %"  # noqa: PLR0124  (NaN: there are no words)


def sentence(totals: Totals) -> str:
    """What a corpus holds, in a sentence."""
    return (
        f"{totals.rows:,} documents, {totals.words:,} words: {percent(totals.human_share)} in human text, "
        f"{percent(totals.written_share)} written by a person, edited text included."
    )
