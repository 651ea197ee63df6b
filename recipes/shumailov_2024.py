"""The language models of Shumailov et al. (Nature 631, 2024) at the size given: each published number beside ours.

    python recipes/shumailov_2024.py TEXT... -o FOLDER --quick                       tiny models, drawn blocks, minutes
    python recipes/shumailov_2024.py TEXT... -o FOLDER                               tiny models, five beams, hours
    python recipes/shumailov_2024.py TEXT... -o FOLDER --model hf:facebook/opt-125m  the protocol itself, a GPU

Three studies lie in FOLDER: `replaced` (setting A, no human text kept, 5 epochs), `kept` (setting B, a tenth of the
human blocks in each generation, 10 epochs) and `penalty` (setting A with a repetition penalty of 2). What was stopped
goes on. TEXT is the human text; the paper's is the training part of wikitext-2-raw-v1.
"""

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

from uncollapse.collapse.language import published
from uncollapse.collapse.language.measures import of_model, seen
from uncollapse.collapse.language.store import Store
from uncollapse.language_models import load

STUDIES = {
    "replaced": ("--regime", "replace", "--epochs", published.EPOCHS_REPLACED),
    "kept": ("--regime", "preserve", "--share", published.KEPT, "--epochs", published.EPOCHS_KEPT),
    "penalty": (
        *("--regime", "replace", "--epochs", published.EPOCHS_REPLACED),
        *("--repetition-penalty", published.PENALTY),
    ),
}
BEAMS = ("--decoding", "beam", "--beams", published.BEAMS)
SIZES = {
    "quick": ("--generations", 3, "--seeds", 2, "--blocks", 200, "--held-blocks", 100),
    "tiny": ("--generations", 5, "--seeds", 3, "--blocks", 1600, *BEAMS),
    "model": (
        *("--generations", published.MODELS - 1, "--seeds", published.SEEDS, "--blocks", 1_000_000),
        *("--held-blocks", 4_000, "--batch-blocks", 128, "--workers", 1, *BEAMS),
    ),
}
SHOWN = {
    "perplexity": "perplexity",
    "block_p01": "1 %",
    "block_p50": "50 %",
    "block_p99": "99 %",
}


def main() -> None:
    """Nothing; the studies are run and told on the terminal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true")
    size.add_argument("--model")
    asked = parser.parse_args()
    size_of = SIZES["quick" if asked.quick else "model" if asked.model else "tiny"]
    which = ("--model", asked.model) if asked.model else ()
    told = {name: run(asked.output / name, [*asked.text, *own, *which, *size_of]) for name, own in STUDIES.items()}
    for name, study in told.items():
        tell_generations(name, study)
    tell_claims(told, model=asked.model, folder=asked.output / "replaced")


def run(folder: Path, words: list[object]) -> dict:
    """The summary of a study."""
    command = ["collapse", "language", *map(str, words), "-o", str(folder)]
    print(f"\n$ {shlex.join(['uncollapse', *command])}", flush=True)
    done = subprocess.run([sys.executable, "-c", "from uncollapse.cli.main import run; run()", *command], check=False)
    if done.returncode:
        sys.exit(done.returncode)
    return json.loads((folder / "summary.json").read_text())


def tell_generations(name: str, told: dict) -> None:
    """Nothing; prints what each generation of the arm and of the control came to."""
    arm = next(regime for regime in told["regimes"] if regime != "real")
    print(f"\n{name}: {arm}, mean over {len(told['seeds'])} seeds (95 % interval): perplexity of held-out human text,")
    print("and quantiles of the training blocks' under generation 0. The paper has plots and no table of these.\n")
    print(f"| generation | {' | '.join(SHOWN.values())} | control |")
    print("|---" * (len(SHOWN) + 2) + "|")
    for generation in range(told["settings"]["generations"] + 1):
        cells = [shown(told["regimes"][arm]["generations"][measure][generation]) for measure in SHOWN]
        control = shown(told["regimes"]["real"]["generations"]["perplexity"][generation])
        print(f"| {generation} | {' | '.join(cells)} | {control} |")


def tell_claims(told: dict, *, model: str | None, folder: Path) -> None:
    """Nothing; prints each published number beside ours, and what differs."""
    rows = [(published.CLAIMS["zero"], zero_shot(model, folder) if model else "not run: a model from scratch")]
    found = {row["what"]: row["here"] for study in ("kept", "replaced") for row in told[study]["published"]}
    rows += [(claim, found[claim.what]) for claim in published.CLAIMS.values() if claim.what in found]
    rows.append((published.CLAIMS["penalty"], over(told["penalty"], told["replaced"])))
    print("\n| what | published | here | where |\n|---|---|---|---|")
    for claim, ours in rows:
        print(f"| {claim.what} | {claim.published} | {ours} | {claim.where} |")
    print("\nWhat differs:")
    for each in told["replaced"]["what differs"]:
        # Here the two settings are studies of their own, each with its epochs.
        if each != published.EPOCHS_DIFFER:
            print(f"- {each}")


def zero_shot(model: str, folder: Path) -> str:
    """The perplexity of the untouched model on the held-out blocks."""
    held = Store(folder).held
    found = of_model(seen(load(model, dtype="float32", window=held.ids.shape[1] + 1), held), held)
    return f"{found['perplexity']:.3g}"


def over(one: dict, other: dict) -> str:
    """The last generation's perplexity of one study over that of another, as a ratio of means."""
    last = [told["regimes"]["replace"]["generations"]["perplexity"][-1]["value"] for told in (one, other)]
    return f"{last[0] / last[1]:.3g} times ({last[0]:.3g} against {last[1]:.3g})"


def shown(estimate: dict) -> str:
    """A mean with its interval, where it has one."""
    value, low, high = (estimate[name] for name in ("value", "low", "high"))
    return f"{value:.4g}" if low is None else f"{value:.4g} ({low:.4g} to {high:.4g})"


if __name__ == "__main__":
    main()
