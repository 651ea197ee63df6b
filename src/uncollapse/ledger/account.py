"""A manifest held against itself: seal, names, recipes, and accounts that add up."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from uncollapse.corpora.manifest import VERSION, seal_of
from uncollapse.corpora.plan import schema_from_text
from uncollapse.document import SCHEMA
from uncollapse.fingerprint import file_digest, fingerprint
from uncollapse.ledger.findings import Findings
from uncollapse.ledger.papers import Manifest, Papers
from uncollapse.provenance import UNKNOWN_GENERATOR_DEPTH, model_table
from uncollapse.provenance.counting import COUNTING
from uncollapse.provenance.normal import NORMALISER


def check_manifest(papers: Papers, findings: Findings) -> None:
    """Every part of a manifest that follows from another part does."""
    assert papers.content is not None
    assert papers.manifest is not None
    name, manifest = papers.path.name, papers.manifest
    findings.hold("manifest", name, found=f"form {manifest.format}", expected=f"form {VERSION}")
    # An older version wrote none of the three, a newer one writes them all.
    there = {part: getattr(manifest, part) is not None for part in ("ledger", "models", "seal")}
    findings.hold("manifest", name, found=there, expected=dict.fromkeys(there, any(there.values())))
    if manifest.seal is not None:
        findings.hold("seal", name, found=_guarded(lambda: seal_of(papers.content or {})), expected=manifest.seal)
    _check_recipes(manifest, findings, name)
    if findings.hold(
        "run", name, found=_guarded(lambda: fingerprint(_claim(papers.content or {}))), expected=manifest.run
    ):
        _check_names(manifest, findings, name)
    _check_account(manifest, findings, name)
    _check_rejects(papers, findings)
    _check_rules(manifest, findings, name)
    _check_schema(manifest, findings, name)


def _check_rules(manifest: Manifest, findings: Findings, name: str) -> None:
    """The ledger was made by the rules that it is held against here."""
    entry = manifest.ledger
    if entry is not None:
        found = entry.normal_form, entry.words, entry.unknown_generators
        findings.hold("ledger", name, found=found, expected=(NORMALISER, COUNTING, UNKNOWN_GENERATOR_DEPTH))


def _check_schema(manifest: Manifest, findings: Findings, name: str) -> None:
    """The columns are ours, behind them those of the plan, and behind those what the recipes of the steps add."""
    try:
        schema = schema_from_text(manifest.schema_text)
    except (ValueError, OSError, pa.ArrowException) as error:
        findings.add("schema", name, found=str(error), expected="an Arrow schema in base64")
        return
    found = [{"name": field.name, "type": str(field.type)} for field in schema]
    ours = [{"name": field.name, "type": str(field.type)} for field in SCHEMA]
    recipes = [manifest.recipes.get(mark) for mark in manifest.steps]
    named = [str(column) for recipe in recipes if isinstance(recipe, Mapping) for column in recipe.get("columns", ())]
    added = [dict(zip(("name", "type"), column.split(": ", 1), strict=False)) for column in named]
    findings.hold("schema", name, found=found, expected=[*ours, *manifest.plan.get("columns", ()), *added])


def _guarded(digest: Any) -> str:
    """The digest, or why there is none: numbers that have no canonical form, recipes that are not there."""
    try:
        return str(digest())
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        return f"none: {type(error).__name__} {error}"


def _claim(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the name of a run is the fingerprint of (execution.claim), out of the manifest."""
    same = {name: content[name] for name in ("uncollapse", "output", "rows as", "plan")}
    return {**same, "steps": [content["recipes"][mark] for mark in content["steps"]]}


def _check_recipes(manifest: Manifest, findings: Findings, name: str) -> None:
    for mark, recipe in manifest.recipes.items():
        findings.hold("recipes", name, found=_guarded(lambda r=recipe: fingerprint(r)), expected=mark)
    for mark in manifest.steps:
        findings.hold(
            "recipes", name, found=f"step {mark}" if mark in manifest.recipes else "", expected=f"step {mark}"
        )
    if manifest.models is not None:
        findings.hold("models", name, found=dict(manifest.models), expected=model_table(manifest.recipes))


def _check_names(manifest: Manifest, findings: Findings, name: str) -> None:
    if manifest.output == "folder":
        names = [f"part-{index:05d}-{manifest.run[:12]}.{manifest.rows_as}" for index in range(len(manifest.shards))]
        findings.hold("shard", name, found=[shard.name for shard in manifest.shards], expected=names)


def _check_account(manifest: Manifest, findings: Findings, name: str) -> None:
    rows, shards = manifest.rows, manifest.shards
    stayed = sum(rows.dropped.values()) + sum(rows.failed.values())
    sums = {
        "rows in": (rows.rows_in + rows.added, rows.out + stayed),
        "rows out of the shards": (sum(shard.rows for shard in shards), rows.out),
        "rows into the shards": (sum(shard.rows_in for shard in shards), rows.rows_in),
        "rows of the plan": (manifest.plan.get("rows"), rows.rows_in),
        "rows of the inputs": (_sum(manifest.plan.get("inputs"), "rows"), rows.rows_in),
        "rows of the ledger": (rows.out if manifest.ledger is None else manifest.ledger.rows, rows.out),
    }
    for what, (found, expected) in sums.items():
        findings.hold("account", name, found=f"{what}: {found}", expected=f"{what}: {expected}")
    if manifest.output == "folder":
        planned = [_pieces(shard) for shard in manifest.plan.get("shards", ())]
        findings.hold("account", name, found=[shard.rows_in for shard in shards], expected=planned)


def _sum(entries: Any, key: str) -> int | None:
    try:
        return sum(entry[key] for entry in entries)
    except (TypeError, KeyError):
        return None


def _pieces(shard: Any) -> int | None:
    """How many rows the plan has put into a shard: the last number of each piece."""
    try:
        return sum(piece[-1] for piece in shard)
    except (TypeError, IndexError):
        return None


def _check_rejects(papers: Papers, findings: Findings) -> None:
    """The rows that stayed behind are those that the account counts, by reason."""
    manifest = papers.manifest
    assert manifest is not None
    entry = manifest.rejects
    name = f"{papers.path.name.removesuffix('manifest.json')}rejects.jsonl"
    path = papers.folder / name
    if entry is not None and path.is_file():
        findings.hold("rejects", name, found=file_digest(path), expected=entry.blake3)
    counted: Counter[str] = Counter()
    counted.update({f"dropped: {reason}": count for reason, count in manifest.rows.dropped.items()})
    counted.update({f"failed: {reason}": count for reason, count in manifest.rows.failed.items()})
    findings.hold("rejects", name, found=_rejected(path), expected=dict(sorted(counted.items())))


def _rejected(path: Path) -> dict[str, int] | str:
    """The rejects of a file by fate and reason."""
    found: Counter[str] = Counter()
    try:
        with path.open("rb") as file:
            for line in file:
                reject = json.loads(line)
                found[f"{reject['fate']}: {reject['reason']}"] += 1
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"cannot be read: {error}"
    return dict(sorted(found.items()))
