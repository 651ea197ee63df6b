"""How fast a small model learns and writes blocks, and the tables of studies that are finished.

    python -m benchmarks.collapse_language            tokens a second of one processor, on `benchmarks.sample.prose`
    python -m benchmarks.collapse_language OUT...     the tables of what `uncollapse collapse language -o OUT` has written

Times are of the processor.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from benchmarks.sample import prose

from uncollapse.collapse.language.chain import Learner
from uncollapse.collapse.language.measures import block_nats
from uncollapse.collapse.language.settings import Settings
from uncollapse.collapse.language.store import Store, prepared
from uncollapse.collapse.language.text import human_text
from uncollapse.collapse.language.writing import written

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
    """Nothing; prints what the folder's summary holds."""
    told = json.loads((folder / "summary.json").read_text())
    regimes = told["regimes"]
    print(f"\n{told['answer']}\n\nperplexity of held-out human text by generation\n")
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
    print("\n| regime | × generation 0 | × control | rare words × control | log perplexity a generation |")
    print("|---|---|---|---|---|")
    for regime, each in regimes.items():
        found = [each.get(name) for name in RATIOS]
        print(f"| {regime} | {' | '.join('–' if one is None else cell(one) for one in found)} |")
    print()
    for each in regimes.values():
        print(f"- {each['said']}")
    print(f"\ntokens of each model: {sorted({each['tokens'] for each in regimes.values()})}; run: {told['run']}")


RATIOS = (
    "perplexity over generation 0",
    "perplexity over the control",
    "tail perplexity over the control",
    "log perplexity a generation",
)


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
    asked = parser.parse_args()
    for each_folder in asked.folders:
        tables(each_folder)
    if not asked.folders:
        times()
