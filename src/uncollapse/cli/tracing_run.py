"""What `trace` does once it is known what is asked: read, find, tell."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse import corpora
from uncollapse.cli.failures import visible
from uncollapse.cli.progress import waiting
from uncollapse.cli.settings import NEEDS, TraceJob
from uncollapse.corpora import Corpus
from uncollapse.corpora.opening import is_remote
from uncollapse.errors import UsageError
from uncollapse.ledger.papers import papers_of
from uncollapse.ledger.trace import (
    Ancestor,
    CorpusTrace,
    DocumentTrace,
    EditInPlace,
    in_words,
    trace_corpus,
    trace_document,
)
from uncollapse.provenance import Policy

BAR = 30
BEGINNING = 240  # characters of a document


def perform(job: TraceJob, *, as_json: bool = False) -> int:
    """The exit code of a trace, which is 0."""
    if job.id is not None and job.row is not None:
        raise UsageError("an id and --row name two documents", hint="give one of them")
    policy = None if job.policy is None else Policy.from_toml(Path(job.policy))
    corpus = _read(job.corpus)
    sources = {address: _read(address) for address in job.source}
    found: CorpusTrace | DocumentTrace
    with waiting("the corpus is read"):
        if job.id is None and job.row is None:
            among = list(sources.values())
            found = trace_corpus(corpus, sources=among, manifest=_manifest(job.corpus), policy=policy)
        else:
            found = trace_document(corpus, mark=job.id, row=job.row, sources=sources)
    if as_json:
        sys.stdout.write(json.dumps(found.as_json(), indent=2, ensure_ascii=False) + "\n")
        return 0
    console = Console()
    if isinstance(found, CorpusTrace):
        _tell_corpus(found, console)
    else:
        _tell_document(found, console, most=job.edits)
    return 0


def _read(address: str) -> Corpus:
    with waiting("the input is looked through"):
        return corpora.read(address, origin="unknown")


def _manifest(address: str) -> Mapping[str, Any] | None:
    """The manifest of a corpus on this machine, where it has one."""
    papers = None if is_remote(address) else papers_of(address)
    return papers.content if papers is not None and papers.manifest is not None else None


def _meaningful(recipe: Any) -> Any:
    """A recipe without the settings that another setting has made idle."""
    idle = {name for name, master, values in NEEDS if master in recipe and recipe[master] not in values}
    return {name: value for name, value in recipe.items() if name not in idle}


def _tell_corpus(found: CorpusTrace, console: Console) -> None:
    totals = found.totals
    console.print(Text(f"{totals.rows:,} documents, {totals.words:,} words"))
    console.print(_origins(found))
    console.print(_facts(_shares(found)))
    console.print(_depths(found))
    for name, entry in found.models.items():
        rows = totals.generators.get(name, 0)
        depth = entry.get("model_depth")
        told = "training text not on record" if depth is None else f"trained on text of depth {depth}"
        told += ", as the policy declares" if "model_depth" in entry.get("declared", ()) else ""
        for root in entry.get("trained_on") or ():
            told += f"\n       trained on the corpus {root}"
        said = (
            f"\nmodel  {', '.join(entry['addresses'])}, weights {name[:16]}\n       wrote last in {rows:,} rows; {told}"
        )
        console.print(Text(visible(said)), soft_wrap=True)
    for mark, recipe in found.recipes.items():
        console.print(Text(f"\nrecipe {mark[:12]}  {visible(in_words(_meaningful(recipe)))}"))
    if found.run is None:
        console.print(Text("\nno manifest: nobody can say which run wrote this"))
        return
    rows = found.run["rows"]
    moved = f"{rows['in']:,} rows in, {rows['out']:,} out"
    console.print(Text(f"\nrun    {found.run['run'][:12]}  uncollapse {found.run['uncollapse']}, {moved}"))
    for entry in found.run["inputs"]:
        held = f"{entry['rows']:,} rows, provenance {entry['provenance']}"
        console.print(
            Text(f"       read {visible(str(entry['source']))}\n       {held}, BLAKE3 {str(entry['blake3'])[:16]}")
        )


def _origins(found: CorpusTrace) -> Table:
    table = Table(box=None, pad_edge=False)
    for column, where in (("origin", "left"), ("known by", "left"), ("documents", "right"), ("words", "right")):
        table.add_column(column, justify=where)  # type: ignore[arg-type]
    table.add_column("share", justify="right")
    for (origin, basis), amount in found.totals.by.items():
        share = _percent(amount.words / found.totals.words) if found.totals.words else "-"
        table.add_row(origin, basis.replace("_", " "), f"{amount.rows:,}", f"{amount.words:,}", share)
    return table


def _shares(found: CorpusTrace) -> dict[str, str]:
    totals = found.totals
    facts = {
        "words in human text": _percent(totals.human_share),
        "words written by a person": f"{_percent(totals.written_share)} (those left in edited text included)",
        "words of unknown writers": _percent(totals.unknown_share),
        "most rounds on one place": str(totals.edits_of_a_position),
    }
    if any(entry.get("declared") for entry in found.models.values()):
        facts["deepest, models as declared"] = str(found.deepest)
    if found.at_hand is not None:
        facts["parents at hand"] = f"{found.at_hand:,} of {found.parents:,} rows with parents"
    return facts


def _depths(found: CorpusTrace) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("depth")
    table.add_column("documents", justify="right")
    table.add_column("")
    most = max(found.totals.depth.values(), default=1)
    for depth, rows in found.totals.depth.items():
        name = "unknown" if depth is None else "0 (human)" if depth == 0 else str(depth)
        table.add_row(name, f"{rows:,}", Text("█" * max(1, round(BAR * rows / most))))
    return table


def _facts(facts: Mapping[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bright_black")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, Text(visible(value)))
    return table


def _tell_document(found: DocumentTrace, console: Console, *, most: int) -> None:
    console.print(Text(_one_line(found.text, BEGINNING), style="italic"))
    console.print(_facts(_known(found)))
    console.print(Text("\nfamily"))
    console.print(Text(f"  this text            {found.id}"))
    for distance, ancestor in enumerate(found.parents, start=1):
        _tell_ancestor(ancestor, distance, console)
    if not found.parents:
        console.print(Text("  no parents on record"))
    if not found.edits:
        return
    console.print(Text(f"\n{len(found.edits):,} edits as [old|new], after the prior's probability of the old text"))
    for edit in found.edits[:most]:
        console.print(_edit(edit))
    if len(found.edits) > most:
        console.print(Text(f"  and {len(found.edits) - most:,} more (--edits N)"))


def _known(found: DocumentTrace) -> dict[str, str]:
    facts = {
        "row": f"{found.row:,}" + (f" (and {found.copies:,} further rows with the same text)" if found.copies else ""),
        "origin": f"{found.origin}, known by {found.basis.replace('_', ' ')}",
        "human share": "unknown"
        if found.human_share is None
        else f"{_percent(found.human_share)} of {found.words:,} words",
        "generation": "unknown" if found.generation is None else str(found.generation),
        "depth": "unknown" if found.depth is None else str(found.depth),
        "read from": found.source or "not on record",
    }
    if found.recipe is not None:
        facts["made by"] = in_words(_meaningful(found.recipe))
    if found.restored is not None:
        facts["undoing the edits"] = "gives a parent back" if found.restored else "does NOT give a parent back"
    return facts


def _tell_ancestor(ancestor: Ancestor, distance: int, console: Console) -> None:
    name = "made from" if distance == 1 else f"{distance} steps back"
    console.print(Text(f"  {name:20} {ancestor.id}"))
    if ancestor.where is None:
        console.print(Text(" " * 23 + "not at hand (--source CORPUS)", style="bright_black"))
        return
    known = (
        "without a ledger" if ancestor.generation is None else f"{ancestor.origin}, generation {ancestor.generation}"
    )
    console.print(Text(" " * 23 + visible(f"{ancestor.where}: {known}")))
    console.print(Text(" " * 23 + _one_line(ancestor.beginning or "", 50), style="italic"))


def _edit(edit: EditInPlace) -> Text:
    rounds = "" if edit.rounds == 1 else f" ({edit.rounds} rounds)"
    old, new = _one_line(edit.before, 12), _one_line(edit.after, 12)
    left, right = _one_line(edit.left, 99), _one_line(edit.right, 99)
    return Text.assemble(
        f"  {edit.probability:.3f}  {left}", (f"[{old}", "red"), "|", (f"{new}]", "green"), right, rounds
    )


def _one_line(text: str, most: int) -> str:
    line = visible(text.replace("\n", " "))
    return line if len(line) <= most else f"{line[:most]} ..."


def _percent(share: Any) -> str:
    return "-" if share != share else f"{100 * share:.2f} %"  # noqa: PLR0124  (NaN: there are no words)
