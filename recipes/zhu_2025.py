"""The tables of Zhu et al. 2025 that can be run here, at the size given, beside the published numbers.

    python recipes/zhu_2025.py mixture --human h.jsonl --synthetic s.jsonl -o zhu/ [--by COLUMN] [any of `forecast`]

`mixture` trains proxies on shares of synthetic text (Tables 13 and 17, Table 1 by domain), and on synthetic text that
was selected for being like human text or for being surprising (Table 14). Everything is written into the folder; a
second run finds its work done. What differs from the paper is printed under each table.

Source of every published number: arXiv 2412.14689v3; shares in per cent of synthetic text, perplexities.
"""

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from math import exp, log
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from uncollapse.collapse.forecast.counting import PieceCounted, vocabulary_of
from uncollapse.collapse.forecast.kinds import spelling
from uncollapse.collapse.forecast.tokens import read_counted
from uncollapse.evaluation.reading import read_texts

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
GPT2 = {  # Tables 13 and 17: GPT-2 124M after 42 billion tokens
    "Wikitext-103": (34.55, 36.32, 38.65, 42.95, 128.05),
    "RedPajama": (32.34, 34.24, 37.72, 44.30, 96.03),
    "Falcon-RefinedWeb": (44.90, 46.66, 49.87, 56.19, 122.69),
    "c4-en": (37.56, 39.41, 42.23, 47.27, 106.55),
    "mc4-en": (49.74, 52.71, 57.07, 64.82, 144.99),
}
PILE = {  # Table 1: GPT-2 124M on 22 domains of the Pile
    "ArXiv": (22.26, 21.86, 22.50, 24.35, 35.60),
    "BookCorpus2": (25.39, 26.32, 28.01, 31.19, 43.72),
    "Books3": (22.87, 23.87, 25.75, 28.98, 47.72),
    "DM Mathematics": (10.84, 11.05, 10.84, 11.81, 17.25),
    "Enron": (23.50, 24.85, 26.56, 30.30, 66.97),
    "EuroParl": (30.73, 35.02, 41.99, 56.32, 129.75),
    "FreeLaw": (12.04, 12.84, 14.02, 16.03, 29.62),
    "GitHub": (4.15, 4.35, 4.67, 5.30, 12.00),
    "PG-19": (16.88, 17.99, 19.70, 22.75, 50.14),
    "HackerNews": (32.54, 33.80, 36.12, 40.44, 87.95),
    "NIH ExPorter": (23.53, 23.76, 24.61, 26.19, 39.48),
    "OpenSubtitles": (28.08, 29.25, 31.00, 34.18, 57.83),
    "OpenWebText2": (25.77, 26.94, 28.76, 32.04, 53.94),
    "PhilPapers": (33.56, 34.63, 37.48, 42.39, 78.18),
    "Pile-CC": (26.78, 27.83, 29.36, 32.17, 54.69),
    "PubMed Abstracts": (18.97, 19.55, 20.51, 22.33, 34.82),
    "PubMed Central": (15.49, 15.38, 15.89, 16.92, 23.87),
    "StackExchange": (10.81, 11.03, 11.54, 12.55, 20.47),
    "Ubuntu IRC": (20.86, 22.32, 23.53, 26.54, 51.78),
    "USPTO": (19.32, 19.58, 20.51, 22.21, 37.24),
    "Wikipedia (en)": (24.31, 25.88, 27.57, 30.68, 46.12),
    "YouTube Subtitles": (21.54, 22.63, 24.91, 28.98, 65.49),
}
RESCUE = {  # Table 14: OLMo-237M on all synthetic text, on DSIR's million of it, on the perplexity filter's million
    "Wikitext-103": (1605.73, 1309.53, 738.36),
    "RedPajama": (907.91, 649.36, 376.36),
    "Falcon-RefinedWeb": (523.93, 573.61, 344.82),
    "c4-en": (410.19, 457.96, 286.95),
    "mc4-en": (800.40, 861.01, 476.81),
    "M2D2-Wiki": (189.06, 234.45, 130.43),
    "M2D2-S2ORC": (204.22, 170.78, 117.44),
}
KEPT = 0.5
"""The part of the synthetic words that a selector keeps."""


class Asked(NamedTuple):
    """What was asked for: the sides, where it goes, and whatever `forecast` is told besides."""

    human: Sequence[str]
    synthetic: Sequence[str]
    output: Path
    others: Sequence[str]


def mixture(asked: Asked) -> None:
    """Nothing; the tables of mixtures stand on the terminal, ours beside the published."""
    asked.output.mkdir(parents=True, exist_ok=True)
    whole = forecast(asked, asked.synthetic, "mixture", ["--shares", ",".join(f"{share:g}" for share in SHARES)])
    print(section("Perplexity as a ratio to no synthetic text: Tables 13, 17 and 1"))
    print(table(("", *(f"{share:.0%}" for share in SHARES)), [*published_ratios(), *our_ratios(whole)]))
    print(differs(whole))
    selected = dict(selections(asked))
    arms = {
        name: forecast(asked, [str(path)], name, ["--shares", "0,1", "--tokens", str(whole["plan"]["tokens"])])
        for name, path in selected.items()
    }
    print(section("Synthetic text alone, selected, as a ratio to all of it: Table 14"))
    print(table(("", *selected), [*published_rescue(), *our_rescue(whole, arms)]))
    print(
        f"Ours: {KEPT:.0%} of the synthetic words kept by `uncollapse select` at equal tokens; the paper's budgets are"
        " unequal (8.4, 8.4 and 13.68 billion tokens). Our DSIR weighs target over raw, tempered; its surprise is that"
        " of n-gram counts of the human text, quantiles .5 to .98, where the paper does not say which side it keeps."
    )


def forecast(asked: Asked, synthetic: Sequence[str], name: str, words: Sequence[str]) -> dict[str, Any]:
    """What `forecast.json` holds after a study of this synthetic side; it lies in a folder of this name."""
    sides = [word for side in asked.human for word in ("--human", side)]
    sides += [word for side in synthetic for word in ("--synthetic", side)]
    folder = asked.output / name
    others = [*asked.others]
    if "--tokens" in words:  # the plan of the first study holds for all
        others = without(without(others, "--budget-minutes"), "--tokens")
    tell("forecast", *sides, *others, *words, "-o", str(folder), allowed=(0, 3))
    told: dict[str, Any] = json.loads((folder / "forecast.json").read_text(encoding="utf-8"))
    return told


def without(words: Sequence[str], option: str) -> list[str]:
    """The words without an option and its value."""
    if option not in words:
        return list(words)
    at = list(words).index(option)
    return [*words[:at], *words[at + 2 :]]


def tell(*words: str, allowed: Sequence[int] = (0,)) -> None:
    """Nothing; shows the command as it would be typed, and runs it."""
    print(f"$ {shlex.join(['uncollapse', *words])}", flush=True)
    command = [sys.executable, "-c", "from uncollapse.cli.main import run; run()", *words]
    done = subprocess.run(command, check=False)
    if done.returncode not in allowed:
        sys.exit(done.returncode)


def selections(asked: Asked) -> Iterator[tuple[str, Path]]:
    """The two selections of the synthetic side by name; no selector sees held-out text."""
    pool, reference = asked.output / "pool.jsonl", asked.output / "reference.jsonl"
    words = write_sides(asked.output / "mixture" / "pieces", pool, reference)
    budget = ["--budget", str(round(KEPT * words)), "--by", "words", "--force"]
    ways = {
        "dsir": ["--method", "importance", "--reference", str(reference)],
        "perplexity-filter": ["--method", "likelihood", "--score", "surprise", "--band", "0.5:0.98"],
    }
    for name, way in ways.items():
        path = asked.output / f"{name}.parquet"
        tell("select", str(pool), *way, *budget, "--origin", "synthetic", "-o", str(path))
        yield name, path


def write_sides(study: Path, pool: Path, reference: Path) -> int:
    """The words of the study's synthetic side, which lies in the pool with a column `surprise` in nats a token.

    Surprise is that of counts of the human side, which lies in the reference.
    """
    text = read_counted(study)
    human, texts = text.texts("human"), text.texts("synthetic")
    reading = read_texts(PieceCounted(human, vocabulary_of(spelling(human))), texts)
    surprise = (reading.nats / np.maximum(reading.tokens, 1)).tolist()
    rows = [{"text": text, "surprise": value} for text, value in zip(texts, surprise, strict=True)]
    for path, own in ((pool, rows), (reference, [{"text": text} for text in human])):
        path.write_text("".join(f"{json.dumps(row)}\n" for row in own), encoding="utf-8")
    return sum(len(text.split()) for text in texts)


def geometric(rows: Mapping[str, Sequence[float]]) -> list[float]:
    """The geometric mean of each column."""
    return [exp(sum(map(log, column)) / len(column)) for column in zip(*rows.values(), strict=True)]


def published_ratios() -> Iterator[list[str]]:
    """The published perplexities as ratios to those of share 0."""
    named = {f"GPT-2 124M, {name}": row for name, row in GPT2.items()}
    named["GPT-2 124M, geometric mean of 22 Pile domains"] = tuple(geometric(PILE))
    for name, row in named.items():
        yield [name, *(f"{value / row[0]:.2f}" for value in row)]


def our_ratios(told: Mapping[str, Any]) -> Iterator[list[str]]:
    """Ours, of each size: all held-out text, each domain, and the domains' geometric mean."""
    for size, each in told["sizes"].items():
        rows = {"all": each["measures"]["loss"], **each["domains"]}
        if "loss over domains" in each["measures"]:
            rows["geometric mean of domains"] = each["measures"]["loss over domains"]
        doubt = "" if each["learned"] else " (learned too little)"
        for name, row in rows.items():
            yield [f"ours, {size}, {name}{doubt}", *(ratio(point) for point in row)]


def ratio(point: Mapping[str, Any]) -> str:
    """How many times the perplexity of share 0 it is, with its interval."""
    if not point["share"]:
        return "1.00"
    if point["rise_low"] is None:
        return f"{exp(point['rise']):.2f}"
    return f"{exp(point['rise']):.2f} ({exp(point['rise_low']):.2f} to {exp(point['rise_high']):.2f})"


def published_rescue() -> Iterator[list[str]]:
    """The published perplexities of selected synthetic text as ratios to all synthetic text."""
    for name, row in RESCUE.items():
        yield [f"OLMo-237M, {name}", *(f"{value / row[0]:.2f}" for value in row[1:])]


def our_rescue(whole: Mapping[str, Any], arms: Mapping[str, Mapping[str, Any]]) -> Iterator[list[str]]:
    """Ours, of each size: all held-out text, and each domain."""
    for size, each in whole["sizes"].items():
        for name, rows in {"all": each["measures"]["loss"], **each["domains"]}.items():
            found = [arm["sizes"][size] for arm in arms.values()]
            theirs = [arm["measures"]["loss"] if name == "all" else arm["domains"][name] for arm in found]
            doubt = "" if each["learned"] else " (learned too little)"
            cells = [f"{exp(own[-1]['value'] - rows[-1]['value']):.2f}" for own in theirs]
            yield [f"ours, {size}, {name}{doubt}", *cells]


def differs(told: Mapping[str, Any]) -> str:
    """What our numbers are of, and what theirs."""
    parameters = ", ".join(f"{size} with {each['parameters']:,}" for size, each in told["sizes"].items())
    return (
        f"Ours: {parameters} parameters, {told['plan']['tokens']:,} tokens each, {told['settings']['seeds']} seeds, the"
        " text given. Theirs: one run of 124 million parameters over 42 billion tokens (8.4 billion, five times), Dolma"
        f" and Cosmopedia, no intervals. {told['shape']}"
    )


def section(title: str) -> str:
    """A heading."""
    return f"\n## {title}\n"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


STORIES = {"mixture": mixture}


def main(words: Sequence[str]) -> None:
    """Nothing; the story that was asked for is told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("story", choices=STORIES)
    parser.add_argument("--human", action="append", required=True)
    parser.add_argument("--synthetic", action="append", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    found, others = parser.parse_known_args(words)
    STORIES[found.story](Asked(found.human, found.synthetic, found.output, others))


if __name__ == "__main__":
    main(sys.argv[1:])
