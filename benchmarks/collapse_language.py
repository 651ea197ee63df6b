"""How fast a small model learns and writes blocks, and the tables of studies that are finished.

    python -m benchmarks.collapse_language            tokens a second of one processor, on `benchmarks.sample.prose`
    python -m benchmarks.collapse_language OUT...     the tables of what `uncollapse collapse language -o OUT` has written
    python -m benchmarks.collapse_language OUT --text TEXT.jsonl    and what the spare documents of its text have and have
                                                                    not, as many blocks as were learned from

Times are of the processor.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from benchmarks.sample import prose

from uncollapse.collapse.language.chain import Learner
from uncollapse.collapse.language.fresh import Fresh, fresh_human, fresh_of
from uncollapse.collapse.language.measures import block_nats
from uncollapse.collapse.language.settings import Settings
from uncollapse.collapse.language.store import Store, prepared
from uncollapse.collapse.language.summary import answer, told_of, values_of
from uncollapse.collapse.language.text import blocks_of, human_text
from uncollapse.collapse.language.writing import written
from uncollapse.errors import InputError
from uncollapse.language_models.vocabulary import PieceVocabulary

SHOWN = ("perplexity", "bits_per_byte", "tail_perplexity", "block_p50", "block_p99", "block_spread")
OF_TEXT = ("types_lost", "strange_words", "distinct_1", "distinct_3", "repeats", "human_share")


def cell(estimate: Mapping[str, float | None], *, digits: int = 3) -> str:
    """A mean with its interval, where it has one."""
    value, low, high = (estimate[name] for name in ("value", "low", "high"))
    if value is None:
        return "–"
    shown = [f"{part:,.0f}" if abs(part) >= 1000 else f"{part:.{digits}g}" for part in (value, low or 0, high or 0)]
    return shown[0] if low is None else f"{shown[0]} ({shown[1]} to {shown[2]})"


def tables(folder: Path) -> None:
    """Nothing; prints what the folder's results say, anew."""
    told = json.loads((folder / "summary.json").read_text())
    values, fresh = values_of(pq.read_table(folder / "results.parquet")), fresh_of(Store(folder))
    regimes = {arm: told_of(values, arm, fresh) for arm in told["regimes"]}
    print(f"\n{answer(values, list(regimes))}\n\nperplexity of held-out human text by generation\n")
    print(f"| generation | {' | '.join(regimes)} |")
    print("|---" * (1 + len(regimes)) + "|")
    for generation in range(told["settings"]["generations"] + 1):
        row = [cell(each["generations"]["perplexity"][generation]) for each in regimes.values()]
        print(f"| {generation} | {' | '.join(row)} |")
    for title, measures in (("the last models and blocks", SHOWN), ("the last texts", OF_TEXT)):
        print(f"\n{title}\n\n| regime | {' | '.join(name.replace('_', ' ') for name in measures)} |")
        print("|---" * (1 + len(measures)) + "|")
        first = [cell(regimes["real"]["generations"][name][0]) for name in measures]
        print(f"| generation 0 | {' | '.join(first)} |")
        for regime, each in regimes.items():
            print(f"| {regime} | {' | '.join(cell(each['generations'][name][-1]) for name in measures)} |")
    known = fresh.as_json()
    row = ["–" if known.get(name) is None else f"{known[name]:.3g}" for name in OF_TEXT]
    print(f"| held-out human text, {fresh.words:,} words | {' | '.join(row)} |")
    tell_ratios(regimes)
    print(
        f"\ntokens of each model: {sorted({each['tokens'] for each in told['regimes'].values()})}; run: {told['run']}"
    )


def tell_ratios(regimes: Mapping[str, Mapping[str, Any]]) -> None:
    """Nothing; prints every regime beside generation 0 and the control, which definitions hold, and the words."""
    print("\n| regime | × generation 0 | × control | rare words × control | log perplexity a generation |")
    print("|---|---|---|---|---|")
    for regime, each in regimes.items():
        found = [each.get(name) for name in RATIOS]
        print(f"| {regime} | {' | '.join('–' if one is None else cell(one) for one in found)} |")
    names = list(regimes["real"]["definitions"])
    print(f"\n| definition of collapse | {' | '.join(regimes)} |")
    print("|---" * (1 + len(regimes)) + "|")
    for name in names:
        print(f"| {name} | {' | '.join(each['definitions'][name] for each in regimes.values())} |")
    print()
    for each in regimes.values():
        print(f"- {each['said']}")


RATIOS = (
    "perplexity over generation 0",
    "perplexity over the control",
    "tail perplexity over the control",
    "log perplexity a generation",
)


def spare_of(folder: Path, path: Path) -> Fresh:
    """What documents that the study neither learned from nor held out have and have not, in as many blocks."""
    store = Store(folder)
    told = json.loads((folder / "summary.json").read_text())["settings"]
    settings = Settings(**{name: told[name] for name in ("block", "blocks", "held_blocks")})
    documents = [json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()]
    human = human_text(documents, settings)
    if human.learned != store.human:
        raise InputError(f"{path} is not the text of {folder}", hint="give the text that the study was made of")
    used = {*human.learned, *human.held_out}
    vocabulary = PieceVocabulary((folder / "text" / "tokenizer.json").read_text("utf-8"))
    spare, _ = blocks_of([text for text in documents if text not in used], vocabulary, block=settings.block)
    return fresh_human(store.spelled(store.learned), store.spelled(spare[: len(store.learned)]))


def times() -> None:
    """Nothing; prints how many tokens a second a tiny model learns, writes and scores."""
    torch.set_num_threads(1)
    settings = Settings(blocks=512, epochs=1)
    text, name = prose()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        prepared(human_text([text], settings), settings).write(place)
        store = Store(place)
        learner = Learner(store, settings, 0)
        model = place / "model"
        steps = {
            "learn": lambda: learner.learn(store.learned, model, seed=0),
            "write": lambda: list(
                written(store.learned, model, settings, keep=place / "b.npy", rng=np.random.default_rng(0))
            ),
            "score": lambda: block_nats(learner.opened(model), store.learned),
        }
        print(f"{name}: {len(store.learned):,} blocks of {settings.block} tokens, size {settings.size}")
        for what, step in steps.items():
            began = time.process_time()
            step()
            print(f"{what}: {store.learned.size / (time.process_time() - began):,.0f} tokens a second")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="OUT")
    parser.add_argument("--text", type=Path, metavar="TEXT.jsonl", help="the text of the studies")
    asked = parser.parse_args()
    for each_folder in asked.folders:
        tables(each_folder)
        if asked.text:
            spare = spare_of(each_folder, asked.text)
            print(
                f"spare human text at {spare.words:,} words each: {spare.types_lost:.3g} of types lost, "
                f"{spare.strange_words:.3g} of words strange"
            )
    if not asked.folders:
        times()
