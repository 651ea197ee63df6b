"""The account of a run: the content of report.json, and the same numbers as a person reads them at the end."""

import json
from collections.abc import Mapping, Set
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from uncollapse.cli.progress import tokens_read
from uncollapse.execution import RunResult
from uncollapse.execution.target import Target
from uncollapse.step import Step

Report = Mapping[str, Any]
REPORT = "report.json"

# What became of the tokens, in the order in which the rule comes to it.
TOKENS = {
    "read": "read",
    "scored": "with a probability",
    "flagged": "flagged: where the rule would edit",
    "protected": "· protected: in text that stays as it is",
    "kept": "· kept: drawn again as themselves",
    "over_budget": "· over budget: too many or too near",
    "taken_back": "· taken back by the recheck",
    "changed": "· changed",
    "near_threshold": "within 0.002 of the threshold: precision decides",
}


KEYS = {"rows", "tokens", "histogram", "speed", "documents", "recipe", "model"}


def edit_report(result: RunResult, step: Step) -> Report:
    """The content of report.json: rows, tokens, histogram, speed, documents, recipe, model."""
    tally: Any = result.tally
    recipe = dict(step.recipe())
    counts = tally["histogram"]["probability"]
    return {
        "rows": result.rows,
        "tokens": tally["tokens"],
        "histogram": {"edges": [edge / len(counts) for edge in range(len(counts) + 1)], "counts": counts},
        "speed": _speed(result),
        "documents": tally["documents"],
        "recipe": recipe,
        "model": recipe.get("resolved", {}),
    }


def _speed(result: RunResult) -> Mapping[str, Any]:
    """What this session did and how fast; null where it had nothing to do."""
    tokens = tokens_read(result.session_tally)
    rate = tokens / result.seconds if result.seconds and tokens else None
    return {
        "seconds": round(result.seconds, 3),
        "tokens": tokens,
        "bytes": result.session_text_bytes,
        "tokens_per_second": None if rate is None else round(rate, 1),
        "shards_done_before": result.shards_done_before,
    }


def read_report(place: Target, *, keys: Set[str] = KEYS) -> Report | None:
    """The report that an earlier start left beside the documents; None where it is not there, or is damaged."""
    data = place.read(REPORT)
    try:
        report = json.loads(data or b"")
    except ValueError:
        return None
    return report if isinstance(report, dict) and report.keys() >= keys else None


def write_report(report: Report, place: Target) -> None:
    """The report as JSON beside the documents, whole or not at all."""
    place.write(REPORT, (json.dumps(report, indent=2, ensure_ascii=False) + "\n").encode())


def print_account(report: Report, console: Console) -> None:
    """The account on the terminal: rows, tokens, and a sentence where next to nothing was changed."""
    tokens = report["tokens"]
    parts: list[Any] = [rows_table(report["rows"])]
    if tokens:
        parts.append(_tokens_table(tokens))
        parts.append(Text(_sentence(report)))
    console.print(Group(*parts))


def rows_table(rows: Report) -> Table:
    """Rows in, out, dropped and failed by reason; a total that does not add up would be a fault of ours."""
    table = Table(title="rows", title_justify="left", box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    table.add_row(f"{rows['in']:,}", "in")
    if rows.get("added"):
        table.add_row(f"{rows['added']:,}", "more than went in, where several were made of one")
    table.add_row(f"{rows['out']:,}", "out")
    for fate in ("dropped", "failed"):
        for reason, count in rows[fate].items():
            table.add_row(f"{count:,}", f"{fate}: {reason}")
    return table


def _tokens_table(tokens: Mapping[str, int]) -> Table:
    table = Table(title="tokens", title_justify="left", box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_column()
    for name, words in TOKENS.items():
        if name in tokens:
            table.add_row(f"{tokens[name]:,}", _percent(tokens[name], tokens["read"]), words)
    return table


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3f} %" if whole else ""


# Below this share of changed tokens a run is called what it is.
# Source: the shares that the published rule reaches with a small prior (docs/benchmarks.md) lie below it.
NEXT_TO_NOTHING = 0.001


def _what_changes_more(recipe: Mapping[str, Any]) -> str:
    """What would change more than this recipe has; a rule that never draws a token again is bold already."""
    if recipe.get("positions") == "random":
        return "A higher --rate changes more"
    if recipe.get("exclude_original"):
        return "A lower threshold changes more"
    return "A lower threshold, or the bold preset, changes more"


def _sentence(report: Report) -> str:
    """What the numbers come to, in a sentence."""
    tokens, documents, speed = report["tokens"], report["documents"], report["speed"]
    count = documents.get("changed", 0) + documents.get("unchanged", 0)
    said = f"{documents.get('changed', 0):,} of {count:,} documents changed"
    if speed["tokens_per_second"]:
        said += f"; {speed['tokens']:,} tokens in {speed['seconds']:,.1f} s, {speed['tokens_per_second']:,.0f} a second"
    if tokens["read"] and tokens["changed"] / tokens["read"] < NEXT_TO_NOTHING:
        said += (
            f".\nThis run is close to the identity: {_percent(tokens['changed'], tokens['read'])} of the tokens"
            f" changed. {_what_changes_more(report['recipe'])}"
        )
    return said + "."
