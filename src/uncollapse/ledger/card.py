"""What a corpus says of itself to others: Croissant, a dataset card, the EU template's table; all out of its ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from uncollapse import corpora
from uncollapse.document import Origin
from uncollapse.errors import UsageError
from uncollapse.ledger.croissant import About, Sealed, croissant, is_synthetic, percent, sentence
from uncollapse.ledger.papers import papers_of
from uncollapse.provenance import Holdings, Policy, Totals


@dataclass(frozen=True)
class Cards:
    """The three papers, and the numbers that stand in them."""

    croissant: Mapping[str, Any]
    readme: str
    table: str
    totals: Totals


def cards(corpus: str, about: About, *, beside: Path, policy: Policy | None = None) -> Cards:
    """The papers of a corpus that a verb of ours has written, as they are to lie in the folder `beside`.

    What a `policy` declares of the models stands in them as declared.

    Raises:
        MissingInput: there is nothing at the path.
        UsageError: it has no ledger out of which its numbers could come; says how to give it one.
    """
    papers = papers_of(corpus)
    if papers.manifest is None:
        raise UsageError(
            f"{corpus} has no ledger to write a card from: {papers.problem}",
            hint="Write it with a ledger: uc.write(uc.read(CORPUS, origin='human'), 'OUT/'), then uncollapse card OUT/",
        )
    holdings = Holdings()
    for batch in corpora.read(corpus, origin="unknown").known():
        holdings.update(batch)
    models = (policy or Policy()).known(papers.manifest.models or {})
    found = Sealed(papers, papers.manifest, holdings.result(), models)
    table = synthetic_table(found)
    return Cards(croissant(found, about, beside=beside), _readme(found, about, table), table, found.totals)


def synthetic_table(found: Sealed) -> str:
    """The table on synthetic data as the EU's template for summaries of training content asks for it, in Markdown.

    Source: European Commission, template for the public summary of training content (24 July 2025), section 2.5.
    """
    totals, models = found.totals, found.models
    rows = [("origin", "documents", "words", "share of words"), ("---", "---:", "---:", "---:")]
    for origin in Origin:
        amount = totals.of(origin)
        share = percent(amount.words / totals.words) if totals.words else "-"
        rows.append((str(origin), f"{amount.rows:,}", f"{amount.words:,}", share))
    depths = [("depth (model passes, training text of the models included)", "documents"), ("---", "---:")]
    depths += [("unknown" if depth is None else str(depth), f"{count:,}") for depth, count in totals.depth.items()]
    written = [
        ("model", "weights", "documents it wrote last", "depth of its training text"),
        ("---", "---", "---:", "---"),
    ]
    for name, entry in models.items():
        depth = entry.get("model_depth")
        addresses = ", ".join(entry.get("addresses", ()))
        told = "not on record" if depth is None else str(depth)
        told += " (declared)" if "model_depth" in entry.get("declared", ()) else ""
        written.append((addresses, f"`{name[:16]}`", f"{totals.generators.get(name, 0):,}", told))
    parts = [rows, written if models else [("no model is on record",)], depths]
    return "\n\n".join("\n".join(_line(row) for row in part) for part in parts) + "\n"


def _line(cells: Sequence[str]) -> str:
    if len(cells) == 1:
        return cells[0].capitalize() + "."
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _readme(found: Sealed, about: About, table: str) -> str:
    """The dataset card for a hub: YAML in front, then what the ledger says."""
    totals, manifest = found.totals, found.manifest
    front: dict[str, Any] = {
        "pretty_name": about.name,
        "license": about.licence.lower() or "other",
        "language": list(about.language) or None,
        "language_creators": _creators(totals),
        "tags": ["uncollapse", *(["synthetic"] if is_synthetic(totals) else [])],
        "size_categories": [_size(totals.rows)],
    }
    ending = "jsonl" if manifest.rows_as == "jsonl" else "parquet"
    front["configs"] = [{"config_name": "default", "data_files": f"*.{ending}"}]
    if manifest.output == "folder":
        front["configs"][0]["data_files"] = f"part-*.{ending}"
    else:
        front["configs"][0]["data_files"] = manifest.shards[0].name
    head = yaml.safe_dump({name: value for name, value in front.items() if value}, sort_keys=False, allow_unicode=True)
    roots = "\n".join(f"| {name} | `{value}` |" for name, value in manifest.roots.model_dump().items())
    return (
        f"---\n{head}---\n\n# {about.name}\n\n{about.description or sentence(totals)}\n\n"
        f"## Where the text came from\n\n{sentence(totals)}\n\n{table}\n"
        "Counted by `uncollapse card` out of the ledger beside the files; `uncollapse verify` computes it again.\n\n"
        f"| root | BLAKE3 |\n| --- | --- |\n{roots}\n| seal | `{manifest.seal}` |\n"
    )


def _creators(totals: Totals) -> list[str]:
    """Who made the language, in the hub's words; `found` is text that somebody else declared human."""
    named = []
    if totals.of(Origin.HUMAN).rows or totals.of(Origin.EDITED).rows:
        named.append("found")
    if is_synthetic(totals):
        named.append("machine-generated")
    return named or ["other"]


def _size(rows: int) -> str:
    names = {10**3: "n<1K", 10**4: "1K<n<10K", 10**5: "10K<n<100K", 10**6: "100K<n<1M", 10**7: "1M<n<10M"}
    return next((name for limit, name in names.items() if rows < limit), "10M<n<100M" if rows < 10**8 else "n>100M")
