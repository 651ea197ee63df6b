"""The account of a generation: the content of its report.json, and the same numbers as a person reads them."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse.cli.account import Report, rows_table
from uncollapse.cli.failures import visible
from uncollapse.execution import RunResult
from uncollapse.generation import Writer
from uncollapse.language_models.calling import BILLION

MICRO = 1_000_000
# An endpoint lists some tokens at each place; what is measured on those is not called the model's.
LISTED = {"model": "listed", "drawn": "listed_drawn"}
KEYS = {"rows", "tokens", "entropy", "speed", "recipe", "model"}


def generate_report(result: RunResult, step: Writer) -> Report:
    """The content of report.json: rows, tokens, documents, entropy in nats a token, speed, recipe, model.

    Of an endpoint also the requests, who said to have written the replies, and what they cost; its entropies are those
    of the tokens that it lists, `listed` before the decoding and `listed_drawn` after.
    """
    tally: Any = result.tally
    recipe = dict(step.recipe())
    session: Any = result.session_tally
    done = session.get("tokens", {}).get("written", 0)
    return {
        "rows": result.rows,
        **{name: tally[name] for name in ("tokens", "documents", "stretches", "characters")},
        "entropy": _labelled(_entropy(tally), step),
        "speed": {
            "seconds": round(result.seconds, 3),
            "tokens": done,
            "tokens_per_second": round(done / result.seconds, 1) if result.seconds and done else None,
            "shards_done_before": result.shards_done_before,
        },
        **(_afar(tally, step) if step.far else {}),
        "recipe": recipe,
        "model": recipe["resolved"],
    }


def _entropy(tally: Any) -> dict[str, float | None]:
    """Nats a token, over the tokens of which it is known; None where it is of none."""
    written = tally["tokens"]["written"]
    over = tally.get("measured", dict.fromkeys(tally["micronats"], written))
    return {name: value / MICRO / over[name] if over[name] else None for name, value in tally["micronats"].items()}


def _labelled(found: Mapping[str, Any], step: Writer) -> dict[str, Any]:
    return {LISTED.get(name, name) if step.far else name: value for name, value in found.items()}


def _afar(tally: Any, step: Writer) -> dict[str, Any]:
    prices = {"price_in": step.calling.price_in, "price_out": step.calling.price_out}
    cost = tally.get("cost")
    return {
        "requests": tally.get("requests", {}),
        "writers": tally.get("writers", {}),
        "measured": _labelled(tally.get("measured", {}), step),
        "cost": None if cost is None else {"total": cost["billionths"] / BILLION, **prices},
    }


def print_report(report: Report, console: Console) -> None:
    """The account on the terminal: rows, tokens, requests, and a sentence."""
    console.print(rows_table(report["rows"]))
    console.print(_table("tokens", _tokens(report)))
    if "requests" in report:
        console.print(_table("requests", _requests(report["requests"])))
        for name, count in report["writers"].items():
            console.print(
                Text(visible(f"answered by {name}: {count:,} (model | fingerprint | server)")), soft_wrap=True
            )
        console.print(Text(_cost(report)), soft_wrap=True)
    console.print(Text(_sentence(report)), soft_wrap=True)


def _table(title: str, lines: Iterator[tuple[int, str]]) -> Table:
    table = Table(title=title, title_justify="left", box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    for count, words in lines:
        table.add_row(f"{count:,}", words)
    return table


def _tokens(report: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    stretches, broken = report["stretches"], report["characters"]["broken"]
    yield report["tokens"]["prompt"], "read as prompts"
    yield report["tokens"]["written"], "written"
    yield stretches["ended"], "stretches that the model ended"
    yield stretches["at_the_limit"], "stretches that reached the limit"
    if broken:
        yield broken, "characters that were no UTF-8, marked by U+FFFD"


def _requests(requests: Mapping[str, int]) -> Iterator[tuple[int, str]]:
    yield requests.get("answered", 0), "answered"
    for name, words in (
        ("kept", "answered before, taken from the journal"),
        ("again", "tries that were in vain"),
        ("unanswered", "given up, or refused"),
        ("shared", "the same as another, and sent once"),
        ("without_usage", "replies that do not say how many tokens they took"),
    ):
        if requests.get(name):
            yield requests[name], words


def _cost(report: Report) -> str:
    cost = report["cost"]
    if cost is None:
        return "cost: no price was named (--price-in, --price-out, for a million tokens)"
    prices = [cost[name] or 0 for name in ("price_in", "price_out")]
    return f"cost: {cost['total']:,.4f}, at {prices[0]:g} for a million tokens read and {prices[1]:g} written"


def _sentence(report: Report) -> str:
    """What the numbers come to, in a sentence."""
    if not report["tokens"]["written"] and "requests" not in report:
        return "nothing was written."
    speed = report["speed"]
    said = _said_of_entropy(report)
    if speed["tokens_per_second"]:
        said += f"; {speed['tokens']:,} tokens in {speed['seconds']:,.1f} s, {speed['tokens_per_second']:,.0f} a second"
    return said + "."


def _said_of_entropy(report: Report) -> str:
    entropy = report["entropy"]
    afar = "requests" in report
    own, drawn = (entropy.get(label, entropy.get(name)) for name, label in LISTED.items())
    surprise = entropy["surprise"]
    if own is not None:
        said = f"entropy {'of the tokens that the endpoint lists' if afar else 'of the model'} {own:.2f} nats a token"
        said += " (not the model's)" if afar else ""
        said += "" if surprise is None else f", surprise of what was drawn {surprise:.2f}"
        return said + (f"; the decoding left {drawn:.2f} ({own - drawn:.2f} lost)" if own - drawn > 0.005 else "")
    if surprise is not None:
        return f"surprise of what was drawn {surprise:.2f} nats a token, as the endpoint says; its entropy is unknown"
    return "the endpoint gives no probabilities, so entropy and surprise are unknown"
