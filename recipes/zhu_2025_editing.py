"""The editing part of Zhu et al. (ICML 2025, arXiv 2412.14689): their tables beside a trial of one's own.

    uncollapse trial web.jsonl --synthetic made.jsonl ... -o trial/
    python recipes/zhu_2025_editing.py trial/ web.jsonl OUT [--rounds 3] [--words 4000] [--prior smollm2-135m]

The text is edited over some rounds as the published script does it, each round in what the last one left, as their
Table 15; how many tokens really change, which they never say, stands beside how many are flagged. Their averages over
tasks (Tables 2 to 5 and 16) stand beside the differences in perplexity that the trial found, with intervals.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from uncollapse import corpora, execution
from uncollapse.collapse.trial import text
from uncollapse.collapse.trial.text import Row
from uncollapse.editing import preset
from uncollapse.report import share

MILLION = 1_000_000

# Source: Zhu et al. 2025, Table 15: tokens above 0.99 of 4,671,834, by generation.
TABLE_15_TOKENS = 4_671_834
TABLE_15 = (584_103, 549_519, 517_433)


class Published(NamedTuple):
    """A line of the paper: where it stands, what was learned from what, and averages without and with editing."""

    table: str
    what: str
    without: float
    edited: float
    objective: str


# Averages over tasks, accuracy in per cent; printed without seeds and without intervals.
# Source: Zhu et al. 2025, Tables 2, 3 and 4.
PUBLISHED = (
    Published("2", "OLMo-1B from scratch, 8 tasks", 32.75, 33.11, "scratch"),
    Published("3", "OLMo-1B, biomedicine", 38.83, 40.89, "continual"),
    Published("3", "OLMo-1B, finance", 47.92, 50.21, "continual"),
    Published("3", "OLMo-1B, mathematics", 16.26, 16.59, "continual"),
    Published("3", "Llama-3-8B, biomedicine", 56.04, 56.48, "continual"),
    Published("3", "Llama-3-8B, finance", 71.40, 72.24, "continual"),
    Published("4", "Llama-3-8B, Natural-Instructions", 69.34, 69.70, "instruct"),
    Published("4", "Llama-3-8B, CoT", 69.01, 69.26, "instruct"),
    Published("4", "Llama-3-8B, FLAN v2", 70.18, 70.65, "instruct"),
    Published("4", "Llama-3-8B, Open Assistant 1", 69.19, 69.44, "instruct"),
    Published("4", "Llama-3-8B, OSS-Instruct-75K", 45.76, 46.13, "instruct"),
    Published("4", "Llama-3-8B, Evol-Instruct-110K", 46.62, 46.92, "instruct"),
)
# Source: Table 5. By the configurations in the public history of the code these runs are deletions of the tokens at
# these probabilities, not replacements; the run without edits has 39.39 there, and stands in no table.
TABLE_5 = ((">= 0.99", 38.69), (">= 0.999", 38.48), ("<= 0.1", 35.72), ("<= 0.01", 37.46))
TABLE_5_UNEDITED = 39.39
# Source: Table 16: average of five tasks after 0, 1 and 2 rounds of editing CoT, one training each.
TABLE_16 = (69.01, 69.26, 69.39)


class Round(NamedTuple):
    """One round of edits, in the prior's tokens."""

    tokens: int
    flagged: int
    expected: float
    changed: int


def rounds_of(source: Path, folder: Path, *, rounds: int, prior: str, seed: int = 0) -> list[Round]:
    """What each round of the published script's rule comes to; the text of each lies in the folder."""
    found = []
    for number in range(1, rounds + 1):
        place = folder / f"round-{number}"
        step = preset("released", model=prior, seed=seed + number)
        tally: Any = execution.run(step(corpora.read(source)), place).tally
        tokens = tally["tokens"]
        expected = tokens["expected_changed_millionths"] / MILLION
        found.append(Round(tokens["scored"], tokens["flagged"], expected, tokens["changed"]))
        source = place
    return found


def sample(source: str, path: Path, *, words: int) -> None:
    """Nothing; some documents of the source, in an order that their words give, lie at the path."""
    rows = [Row(found or "") for batch in corpora.read(source).batches() for found in batch.column("text").to_pylist()]
    text.write(list(text.until(text.beside(rows, []).rows, words, size=lambda row: len(row.words))), path)


def tables(rounds: Sequence[Round], trial: Mapping[str, Any]) -> str:
    """All tables as Markdown."""
    return "\n\n".join([_table_15(rounds), _averages(trial), _deletion(trial), _table_16(rounds)]) + "\n"


def _table_15(rounds: Sequence[Round]) -> str:
    lines = ["| round | flagged, paper | flagged, here | expected to change, here | changed, here | changed, paper |"]
    lines.append("|---|---|---|---|---|---|")
    for number, each in enumerate(rounds):
        theirs = share(TABLE_15[number], TABLE_15_TOKENS) if number < len(TABLE_15) else "–"
        flagged = f"{share(each.flagged, each.tokens)} ({each.flagged:,} of {each.tokens:,})"
        expected = f"{share(each.expected, each.tokens)} ({each.expected:,.1f})"
        changed = f"{share(each.changed, each.tokens)} ({each.changed:,})"
        lines.append(f"| {number + 1} | {theirs} | {flagged} | {expected} | {changed} | not printed |")
    return "**Table 15: tokens above 0.99 by round**\n\n" + "\n".join(lines)


def _averages(trial: Mapping[str, Any]) -> str:
    lines = ["| table | paper | no edit | edited | gain, points | arm here | perplexity here, difference to no edit |"]
    lines.append("|---|---|---|---|---|---|---|")
    for each in PUBLISHED:
        gain = f"{each.edited - each.without:+.2f}, no interval"
        said = f"| {each.table} | {each.what} | {each.without:.2f} | {each.edited:.2f} | {gain} |"
        arms = [arm for arm in ("paper", "released") if _against(trial, each.objective, arm) is not None]
        if each is not next(one for one in PUBLISHED if one.objective == each.objective) or not arms:
            lines.append(f"{said} | |")
            continue
        own = "; ".join(f"{arm} {_shown(_against(trial, each.objective, arm))}" for arm in arms)
        lines.append(f"{said} {each.objective} | {own} |")
    return "**Tables 2, 3 and 4: averages of accuracies, and a trial's perplexities**\n\n" + "\n".join(lines)


def _deletion(trial: Mapping[str, Any]) -> str:
    lines = ["| deleted, paper's Table 5 | average | against 39.39 without edits |", "|---|---|---|"]
    lines += [f"| p {where} | {value:.2f} | {value - TABLE_5_UNEDITED:+.2f} |" for where, value in TABLE_5]
    own = [
        f"- {objective}, tokens that bold changed left out: {_shown(found)} in perplexity"
        for objective in trial["objectives"]
        if (found := _against(trial, objective, "delete")) is not None
    ]
    return "**Table 5: tokens left out**\n\n" + "\n".join(lines) + ("\n\n" + "\n".join(own) if own else "")


def _table_16(rounds: Sequence[Round]) -> str:
    lines = ["| rounds of editing | average, paper | tokens changed so far, here |", "|---|---|---|"]
    for number, value in enumerate(TABLE_16):
        changed = sum(each.changed for each in rounds[:number])
        here = f"{share(changed, rounds[0].tokens)} ({changed:,})" if number <= len(rounds) else "–"
        lines.append(f"| {number} | {value:.2f} | {here} |")
    return "**Table 16: rounds of editing** (one training each in the paper, none here)\n\n" + "\n".join(lines)


def _against(trial: Mapping[str, Any], objective: str, arm: str) -> Mapping[str, Any] | None:
    arms = trial["objectives"].get(objective, {}).get("arms", {})
    found: Mapping[str, Any] | None = arms.get(arm, {}).get("against", {}).get("none", {}).get("perplexity")
    return found


def _shown(found: Mapping[str, Any] | None) -> str:
    assert found is not None
    interval = "" if found["low"] is None else f" [{found['low']:+.3g}, {found['high']:+.3g}]"
    return f"{found['value']:+.3g}{interval}"


def main() -> None:
    """Nothing; the tables are printed, and lie in OUT/tables.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trial", type=Path, help="the folder of `uncollapse trial`")
    parser.add_argument("text", help="human text for the rounds")
    parser.add_argument("output", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--words", type=int, default=4_000, help="of the text that take part")
    parser.add_argument("--prior", default="smollm2-135m")
    asked = parser.parse_args()
    trial = json.loads((asked.trial / "trial.json").read_text(encoding="utf-8"))
    sample(asked.text, asked.output / "sample.parquet", words=asked.words)
    made = rounds_of(asked.output / "sample.parquet", asked.output, rounds=asked.rounds, prior=asked.prior)
    said = tables(made, trial)
    (asked.output / "tables.md").write_text(said, encoding="utf-8")
    print(said)


if __name__ == "__main__":
    main()
