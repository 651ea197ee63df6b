"""Whether the human parent of a changed text is found, and how often one is named for a text that has none.

    python -m benchmarks.find_parents [--texts 400] [--model smollm2-135m] [--labelled HUMAN.csv COPIES.csv ...]

Human texts of the shared data (UNCOLLAPSE_DATA): half of them are the reserve, the other half are strangers. Of each
text in the reserve copies are made: by `edit` with a counted model at several rates (and with `--model` by a language
model), with words exchanged, cut, mixed with a stranger, with sentences in another order, with unseen marks. `--labelled`
takes files of parents and copies that are joined by the column `id` (text in `text`, `generation` or the longest column),
such as polished texts.

Recall is the share of copies whose own parent comes first; accepted the share for which it also reaches the threshold
of `find`. With n and 95 % intervals (Wilson). Machine halves of the pair files begin with some words of the human text:
they are told apart from strangers and are no error.
"""

import argparse
import csv
import json
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from benchmarks.sample import SHARED

from uncollapse.corpora import from_documents
from uncollapse.duplicates.foremost import wilson
from uncollapse.duplicates.sketch import sketches_of
from uncollapse.duplicates.smoothing import smooth
from uncollapse.fingerprint import content_id
from uncollapse.language_models.counted import CountedModel
from uncollapse.ledger.searching import THRESHOLD, Shelf, shelved

GOAL = 0.98
RATES = (0.05, 0.1, 0.2, 0.4)
FEWEST_WORDS = 40
SAME = 0.2


def human_texts() -> tuple[list[str], list[tuple[str, str]]]:
    """Different human texts, and pairs of a human text and a machine's that begins like it."""
    texts: dict[str, None] = {}
    pairs = []
    for path in sorted((SHARED / "pairs").rglob("*.raw_data.json")):
        content = json.loads(path.read_text("utf-8"))
        pairs += list(zip(content["original"], content["sampled"], strict=True))
        texts |= dict.fromkeys(content["original"])
    path = SHARED / "c4" / "llamafactory_c4_demo.jsonl"
    if path.is_file():
        texts |= dict.fromkeys(json.loads(line)["text"] for line in path.open(encoding="utf-8"))
    return apart([text for text in texts if len(text.split()) >= FEWEST_WORDS]), pairs


def apart(texts: list[str]) -> list[str]:
    """The texts of which no earlier one holds much: the same human text stands in several sets, cut or marked up anew."""
    with shelved(from_documents(texts)) as shelf:
        matches = shelf.index.best(sketches_of(smooth(pa.array(texts, pa.large_string()))), most=64)
    close = (matches.containment >= SAME) & (matches.document != matches.query)
    dropped: set[int] = set()
    for query, document in zip(matches.query[close].tolist(), matches.document[close].tolist(), strict=True):
        if query not in dropped and document not in dropped:
            dropped.add(max(query, document))
    print(f"{len(texts):,} human texts, {len(dropped):,} left out that are nearly in another one")
    return [text for number, text in enumerate(texts) if number not in dropped]


def edited(texts: list[str], *, model: str, rate: float) -> list[str]:
    """The texts after `edit` at random positions, with the model's own candidates."""
    from uncollapse.editing import ToEdit

    step = ToEdit(model=model, positions="random", rate=rate, strategy="top-k", top_k=50, seed=7)
    return [document.text for document in step(from_documents(texts))]


def exchanged(text: str, share: float, words: list[str], chance: random.Random) -> str:
    return " ".join(chance.choice(words) if chance.random() < share else word for word in text.split())


def cut(text: str, share: float, chance: random.Random) -> str:
    words = text.split()
    size = max(round(share * len(words)), 1)
    at = chance.randrange(len(words) - size + 1)
    return " ".join(words[at : at + size])


def reordered(text: str, chance: random.Random) -> str:
    sentences = re.split(r"(?<=[.!?])\s+", text)
    chance.shuffle(sentences)
    return " ".join(sentences)


def marked(text: str, chance: random.Random) -> str:
    signs = "\u200b\u200c\u2060\u00ad"
    return "".join(sign + (chance.choice(signs) if chance.random() < 0.1 else "") for sign in text.upper())


def made_copies(parents: list[str], strangers: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Kinds of copies without a model, each with one for every parent."""
    chance = random.Random(5)
    words = [word for text in strangers for word in text.split()]
    kinds: dict[str, Callable[[int, str], str]] = {
        "10 % of words exchanged": lambda _, text: exchanged(text, 0.1, words, chance),
        "30 % of words exchanged": lambda _, text: exchanged(text, 0.3, words, chance),
        "50 % of words exchanged": lambda _, text: exchanged(text, 0.5, words, chance),
        "half of it": lambda _, text: cut(text, 0.5, chance),
        "a quarter of it": lambda _, text: cut(text, 0.25, chance),
        "half of it in a stranger": lambda n, text: cut(text, 0.5, chance) + " " + strangers[n % len(strangers)],
        "sentences in another order": lambda _, text: reordered(text, chance),
        "capitals and unseen marks": lambda _, text: marked(text, chance),
    }
    for name, make in kinds.items():
        yield name, [make(number, text) for number, text in enumerate(parents)]


def measured(shelf: Shelf, copies: list[str], parents: list[str] | None) -> tuple[int, int, int, float]:
    """How many there are, whose own parent comes first, for which it is accepted (of strangers: any), and the median C."""
    sketched = sketches_of(smooth(pa.array(copies, pa.large_string())))
    matches = shelf.index.best(sketched, most=1)
    names = [name.tobytes().hex() for name in matches.id]
    own = [content_id(text) for text in parents or ()]
    right = [not own or own[query] == name for query, name in zip(matches.query.tolist(), names, strict=True)]
    accepted = matches.accepted(THRESHOLD) & np.array(right, dtype=bool)
    median = float(np.median(matches.containment)) if names else 0.0
    return len(copies), sum(right), int(accepted.sum()), median


def told(name: str, found: tuple[int, int, int, float], *, parents: bool = True) -> None:
    """Prints a line of the table."""
    total, first, accepted, median = found
    ranked = share(first, total) if parents else ""
    print(f"{name:34}{total:>6}  {ranked:24}{share(accepted, total):24}{median:.2f}", flush=True)


def share(number: int, total: int) -> str:
    low, high = wilson(np.array([number]), np.array([max(total, 1)]))
    return f"{number / max(total, 1):.3f} ({low[0]:.3f} to {high[0]:.3f})"


def labelled(human: Path, copies: Path) -> tuple[list[str], list[str]]:
    """Parents and copies out of two CSV files, joined by `id`."""
    csv.field_size_limit(sys.maxsize)
    texts, made = (dict(_rows(path)) for path in (human, copies))
    both = [name for name in made if name in texts]
    return [texts[name] for name in both], [made[name] for name in both]


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield row["id"], row.get("text") or row.get("generation") or _longest(row)


def _longest(row: Mapping[str, str | None]) -> str:
    return max((value for value in row.values() if isinstance(value, str)), key=len)


def main() -> int:
    """The exit code: 1 if the recall of edited copies misses the goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--model", help="also edit by this language model, which takes minutes on a processor")
    parser.add_argument("--model-texts", type=int, default=20)
    parser.add_argument("--labelled", nargs=2, action="append", default=[], metavar=("HUMAN", "COPIES"), type=Path)
    asked = parser.parse_args()
    if not (SHARED / "pairs").is_dir():
        sys.exit(f"no labelled data at {SHARED}: set UNCOLLAPSE_DATA")
    texts, pairs = human_texts()
    random.Random(3).shuffle(texts)
    held, strangers = texts[: asked.texts], texts[asked.texts : 3 * asked.texts]
    extra = [labelled(*files) for files in asked.labelled]
    reserve = [*held, *(text for parents, _ in extra for text in parents)]
    worst = 1.0
    print(f"reserve of {len(reserve):,} texts, {len(strangers):,} strangers, threshold {THRESHOLD}")
    print(f"{'copies':34}{'n':>6}  {'own parent first':24}{'and accepted':24}median containment of the best")
    with tempfile.TemporaryDirectory() as folder, shelved(from_documents(reserve)) as shelf:
        CountedModel.fit(strangers, order=3).save(Path(folder))
        kinds = [(f"edit, counted model, rate {rate}", edited(held, model=folder, rate=rate)) for rate in RATES]
        if asked.model:
            few = held[: asked.model_texts]
            kinds += [
                (f"edit, {asked.model}, rate {rate}", edited(few, model=asked.model, rate=rate)) for rate in RATES
            ]
        for name, copies in [*kinds, *made_copies(held, strangers)]:
            found = measured(shelf, copies, held[: len(copies)])
            told(name, found)
            worst = min(worst, found[1] / found[0]) if name.startswith("edit") else worst
        for files, (parents, copies) in zip(asked.labelled, extra, strict=True):
            told(files[1].stem, measured(shelf, copies, parents))
        begun = [(human, made) for human, made in pairs if human in set(held)]
        told(
            "machine text that begins like it",
            measured(shelf, [text for _, text in begun], [text for text, _ in begun]),
        )
        told("strangers (accepted is an error)", measured(shelf, strangers, None), parents=False)
    print(f"edited copies: recall of the right parent at least {worst:.3f} (goal {GOAL})")
    return int(worst < GOAL)


if __name__ == "__main__":
    raise SystemExit(main())
