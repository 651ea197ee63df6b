"""How often the audit finds what is wrong, and how often it cries wolf: ways of failing injected into real text.

    python -m benchmarks.audit_calibration --data DATA [--part seen|unseen] [--trials N] [--healthy N] [--only MODE]
        [-o TRIALS.jsonl]

DATA is a folder with the corpora named below. The limits in `auditing/thresholds.py` were set by looking at the corpora
and strengths of the part "seen" alone; "unseen" has other corpora, and strengths drawn anew around each of the three.
Every trial deals a corpus's documents into corpus, spare text and reference by its own seed. A run that was stopped goes
on where TRIALS.jsonl ends. docs/audit-calibration.md keeps what this prints.
"""

import argparse
import csv
import gzip
import json
import os
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from benchmarks.collapse_modes import MODES, STRENGTHS, Material
from scipy.stats import binomtest

from uncollapse.auditing import Failing, Status, audit
from uncollapse.document import Document, to_batch

TOKENS = 25_000  # words of corpus, spare text and reference each
FEWEST = 150  # documents of each, where there are so many
FEWEST_TOPICS = 400  # the same where topics are dropped: a topic is some of the documents only
SHORTEST = 6  # words of a document
SPREAD = 0.15  # the strengths of unseen trials lie so far around the three of the table, at most
LEVELS = ("weak", "middle", "strong")


class Labelled(NamedTuple):
    """A document and what it is about, where that is known."""

    text: str
    label: str = ""


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    yield from (json.loads(line) for line in text.split("\n") if line)


def _news(data: Path) -> list[Labelled]:
    with (data / "agnews/test.csv").open(encoding="utf-8", newline="") as file:
        return [Labelled(" ".join(row[1:]), row[0]) for row in csv.reader(file)]


def _brown(data: Path) -> list[Labelled]:
    found = []
    with zipfile.ZipFile(data / "nltk/brown.zip") as archive:
        for name in sorted(archive.namelist()):
            match = re.fullmatch(r"brown/c([a-r])\d\d", name)
            if match:
                words = [word.rpartition("/")[0] for word in archive.read(name).decode("latin-1").split()]
                found += [Labelled(" ".join(words[at : at + 300]), match[1]) for at in range(0, len(words), 300)]
    return found


def _parts(words: list[str], label: str, *, length: int, most: int) -> list[Labelled]:
    """The first `most` words as documents of `length` words."""
    ends = range(0, min(len(words), most) - length + 1, length)
    return [Labelled(" ".join(words[at : at + length]), label) for at in ends]


def _web(data: Path) -> list[Labelled]:
    found = []
    with zipfile.ZipFile(data / "nltk/webtext.zip") as archive:
        for name in ("firefox", "grail", "overheard", "pirates", "singles", "wine"):
            words = archive.read(f"webtext/{name}.txt").decode("latin-1").split()
            found += _parts(words, name, length=60, most=24_000)
    return found


def _books(*names: str) -> Callable[[Path], list[Labelled]]:
    def read(data: Path) -> list[Labelled]:
        found = []
        for name in names:
            text = (data / f"gutenberg_nltk/{name}.txt").read_text(encoding="utf-8", errors="replace")
            found += _parts(text.split(), name, length=120, most=40_000)
        return found

    return read


def _book(name: str) -> Callable[[Path], list[Labelled]]:
    def read(data: Path) -> list[Labelled]:
        text = (data / f"gutenberg_nltk/{name}.txt").read_text(encoding="utf-8", errors="replace")
        return [Labelled(part) for part in text.split("\n\n")]

    return read


def _passage(query: str) -> str:
    return query.partition("\nQuestion:")[0].removeprefix("Passage: ")


def _pairs(name: str) -> Callable[[Path], list[Labelled]]:
    def read(data: Path) -> list[Labelled]:
        path = data / f"pairs/fast-detect-gpt/exp_main/{name}.raw_data.json"
        return [Labelled(text) for text in json.loads(path.read_text(encoding="utf-8"))["original"]]

    return read


CORPORA: dict[str, Callable[[Path], list[Labelled]]] = {
    "C4": lambda data: [Labelled(row["text"]) for row in _lines(data / "c4/wimbd_c4-sample.json.gz")],
    "AG News": _news,
    "Emma": _book("austen-emma"),
    "PubMed": lambda data: [
        Labelled(" ".join(row["CONTEXTS"]))
        for row in json.loads((data / "pubmedqa/ori_pqal.json").read_text(encoding="utf-8")).values()
    ],
    "BoolQ": lambda data: [
        Labelled(text)
        for text in sorted({_passage(row["query"]) for row in _lines(data / "eval_llmfoundry/boolq.jsonl")})
    ],
    "HellaSwag": lambda data: [
        Labelled(row["ctx"], row["activity_label"]) for row in _lines(data / "hellaswag/hellaswag_val.jsonl.gz")
    ],
    "Dolly": lambda data: [
        Labelled(f"{row['instruction']} {row['output']}", row["category"])
        for row in json.loads((data / "dolly/dolly_3k.json").read_text(encoding="utf-8"))
    ],
    "Books": _books("austen-emma", "melville-moby_dick", "chesterton-brown", "edgeworth-parents", "milton-paradise"),
    "Other books": _books(
        "austen-persuasion", "bryant-stories", "burgess-busterbrown", "chesterton-thursday", "shakespeare-macbeth"
    ),
    "Web text": _web,
    "Brown": _brown,
    "Moby Dick": _book("melville-moby_dick"),
    "XSum": _pairs("xsum_gpt2-xl"),
    "The Pile": lambda data: [
        Labelled(row["contents"][:4000], row["metadata"]["pile_set_name"])
        for row in _lines(data / "pile/toy_pile_data.jsonl")
    ],
    "WikiText-2": lambda data: [
        Labelled(line)
        for name in ("test", "valid")
        for line in (data / f"wikitext2/{name}.txt").read_text(encoding="utf-8").split("\n")
        if not line.strip().startswith("=")
    ],
    "GSM8K": lambda data: [Labelled(row["question"]) for row in _lines(data / "gsm8k/train.jsonl")],
}
SEEN = ("C4", "AG News", "Emma", "GSM8K", "PubMed", "BoolQ", "Brown", "Moby Dick", "The Pile", "Dolly", "Books")
UNSEEN = ("HellaSwag", "XSum", "Web text", "WikiText-2", "Other books")
OTHER = {
    "C4": "PubMed", "AG News": "Emma", "Emma": "C4", "GSM8K": "C4", "PubMed": "HellaSwag", "BoolQ": "GSM8K",
    "HellaSwag": "BoolQ", "Brown": "PubMed", "Moby Dick": "BoolQ", "XSum": "PubMed", "The Pile": "XSum", "WikiText-2": "HellaSwag",
    "Dolly": "C4", "Books": "C4", "Other books": "PubMed", "Web text": "XSum",
}  # fmt: skip
LABELLED = {"AG News", "Brown", "The Pile", "Dolly", "Books", "HellaSwag", "Other books", "Web text"}


class InMemory:
    """Texts as a corpus that the audit can read."""

    def __init__(self, texts: list[str]) -> None:
        self.rows = len(texts)
        self._texts = texts

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The documents, 500 at a time."""
        for at in range(0, len(self._texts), 500):
            yield to_batch([Document(text=text) for text in self._texts[at : at + 500]])


class Trial(NamedTuple):
    """One audit: which corpus, what was done to it, how strongly, by which seed."""

    corpus: str
    mode: str
    level: str
    strength: float
    seed: int


def trials(part: str, *, each: int, healthy: int) -> Iterator[Trial]:
    """The trials of a part, the healthy ones first."""
    corpora = SEEN if part == "seen" else UNSEEN
    for seed in range(healthy):
        yield Trial(corpora[seed % len(corpora)], "healthy", "", 0.0, seed)
    for mode in MODES:
        usable = [name for name in corpora if mode != "topics dropped" or name in LABELLED]
        for level, strength in zip(LEVELS, STRENGTHS[mode], strict=True):
            for seed in range(each):
                random = np.random.default_rng([hash_of(mode), hash_of(level), seed])
                moved = strength if part == "seen" else strength * float(random.uniform(1 - SPREAD, 1 + SPREAD))
                yield Trial(usable[seed % len(usable)], mode, level, round(min(moved, 1.0), 4), seed)


def hash_of(word: str) -> int:
    """A number for a word, the same in every process."""
    return int.from_bytes(word.encode()[:8], "little")


def run(trial: Trial, data: Path, cache: dict[str, list[Labelled]]) -> dict[str, str]:
    """The status of each verdict."""
    for name in (trial.corpus, OTHER[trial.corpus]):
        if name not in cache:
            cache[name] = [one for one in CORPORA[name](data) if len(one.text.split()) >= SHORTEST]
    random = np.random.default_rng([trial.seed, hash_of(trial.corpus)])
    documents, other = ([cache[name][at] for at in random.permutation(len(cache[name]))] for name in (trial.corpus, OTHER[trial.corpus]))  # fmt: skip
    average = float(np.mean([len(one.text.split()) for one in documents]))
    size = min(
        len(documents) // 3, max(round(TOKENS / average), FEWEST_TOPICS if trial.mode == "topics dropped" else FEWEST)
    )
    own = documents[: 2 * size]
    material = Material(
        texts=[one.text for one in own[:size]],
        spare=[one.text for one in own[size:]],
        other=[one.text for one in other[:size]],
        reference=[one.text for one in documents[2 * size : 3 * size]],
        labels=[sorted({one.label for one in documents}).index(one.label) for one in own],
        random=random,
    )
    texts = material.texts if trial.mode == "healthy" else MODES[trial.mode][0](material, trial.strength)
    found = audit(InMemory(texts), reference=InMemory(material.reference), seed=trial.seed)
    return {verdict.name: str(verdict.status) for verdict in found.verdicts}


def report(rows: list[dict[str, Any]], *, part: str) -> None:
    """Nothing; prints the tables of a part."""
    print(f"\n## {part.capitalize()} corpora: {', '.join(SEEN if part == 'seen' else UNSEEN)}\n")
    healthy = [row for row in rows if row["mode"] == "healthy"]
    if healthy:
        _report_healthy(healthy)
    if len(rows) > len(healthy):
        _report_found(rows)


def _report_healthy(healthy: list[dict[str, Any]]) -> None:
    print(f"False alarms over {len(healthy)} pairs of healthy text:\n")
    print("| verdict | warns | fails | share that fails |\n|---|---|---|---|")
    for name in ["any", *(failing.value for failing in Failing)]:
        statuses = [_status(row, name) for row in healthy]
        fails = statuses.count(Status.FAIL)
        print(f"| {name} | {statuses.count(Status.WARN)} | {fails} | {_interval(fails, len(healthy))} |")


def _report_found(rows: list[dict[str, Any]]) -> None:
    print("\nShare of trials in which the right verdict fails (and, in brackets, fails or warns):\n")
    print("| what was done | right verdict | " + " | ".join(LEVELS) + " |\n|---|---|---|---|---|")
    for mode, (_, verdict) in MODES.items():
        if all(row["mode"] != mode for row in rows):
            continue
        cells = []
        for level in LEVELS:
            statuses = [row["verdicts"][verdict] for row in rows if (row["mode"], row["level"]) == (mode, level)]
            fails = statuses.count(Status.FAIL)
            noticed = fails + statuses.count(Status.WARN)
            cells.append(f"{_interval(fails, len(statuses))} ({noticed}/{len(statuses)})")
        print(f"| {mode} | {verdict} | " + " | ".join(cells) + " |")
    middle = [row["verdicts"][MODES[row["mode"]][1]] == Status.FAIL for row in rows if row["level"] == LEVELS[1]]
    print(f"\nAll modes at middle strength: {_interval(sum(middle), len(middle))}\n")


def _status(row: dict[str, Any], name: str) -> str:
    statuses = list(row["verdicts"].values())
    if name != "any":
        return str(row["verdicts"][name])
    return next((status for status in (Status.FAIL, Status.WARN) if status in statuses), Status.PASS)


def _interval(number: int, total: int) -> str:
    if not total:
        return "no trials"
    interval = binomtest(number, total).proportion_ci(0.95, method="wilson")
    return f"{number / total:.0%} [{interval.low:.0%}, {interval.high:.0%}]"


def main() -> None:
    """Nothing; runs what is missing and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("UNCOLLAPSE_DATA", "../shared/data")))
    parser.add_argument("--part", choices=("seen", "unseen"), default="unseen")
    parser.add_argument("--trials", type=int, default=12, help="of each way of failing and strength")
    parser.add_argument("--healthy", type=int, default=120)
    parser.add_argument("--only", choices=MODES, help="one way of failing")
    parser.add_argument("--output", "-o", type=Path, default=Path("audit-trials.jsonl"))
    asked = parser.parse_args()
    if not asked.data.is_dir():
        sys.exit(f"no folder {asked.data}: name one with --data or UNCOLLAPSE_DATA")
    planned = [
        {"part": asked.part, **trial._asdict()}
        for trial in trials(asked.part, each=asked.trials, healthy=asked.healthy)
        if asked.only in (None, trial.mode) or trial.mode == "healthy"
    ]
    done = list(_lines(asked.output)) if asked.output.exists() else []
    known = [{name: value for name, value in row.items() if name != "verdicts"} for row in done]
    cache: dict[str, list[Labelled]] = {}
    with asked.output.open("a", encoding="utf-8") as file:
        for number, row in enumerate(planned):
            if row in known:
                continue
            trial = Trial(**{name: value for name, value in row.items() if name != "part"})
            finished = {**row, "verdicts": run(trial, asked.data, cache)}
            done.append(finished)
            file.write(json.dumps(finished) + "\n")
            file.flush()
            print(f"{number + 1} of {len(planned)}: {trial}", file=sys.stderr)
    kept = [row for row in done if {name: value for name, value in row.items() if name != "verdicts"} in planned]
    report(kept, part=asked.part)


if __name__ == "__main__":
    main()
