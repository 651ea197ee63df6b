"""Training beside a plain script on transformers' Trainer: the same model, text, batch and steps, one run.

    python -m benchmarks.training --texts FILE [--size tiny] [--tokens 1000000]
    python -m benchmarks.training --texts FILE --memory 5,100

The plain script is what the library's own examples do: texts joined end to end and cut into blocks. Both see as many
rows of the same length; tokens that are predicted are counted, so that padding is nobody's gain. Threads as torch takes
them (OMP_NUM_THREADS).

`--memory` trains on 20,000 tokens of corpora of so many megabytes, the given texts with their words in another order
again and again, each in a process of its own, and prints the most memory that each ever had resident (VmHWM).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import uncollapse as uc
from uncollapse.language_models.quiet import quiet
from uncollapse.training import SIZES, Training, fit
from uncollapse.training.material import material_of
from uncollapse.training.sizes import config_of, size_of
from uncollapse.training.tokenizer import fit_tokenizer

BATCH_TOKENS = 2048


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", required=True, type=Path)
    parser.add_argument("--size", default="tiny", choices=sorted(SIZES))
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--memory", metavar="MB,MB")
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.alone is not None:
        alone(args.texts, args.alone)
        return
    if args.memory is not None:
        memory(args.texts, [int(size) for size in args.memory.split(",")])
        return
    texts = [document.text for document in uc.read(str(args.texts))]
    found: dict[str, list[float]] = {"ours": [], "plain": []}
    share = 0.0
    for number in range(args.rounds):
        with tempfile.TemporaryDirectory() as folder:
            ours = fit(texts, Path(folder) / "model", Training(size=args.size, tokens=args.tokens, seed=number))
            # Cutting into tokens is no part of the plain script's time either.
            found["ours"].append(float(ours.account["tokens"]) / float(ours.account["seconds"]))
            share = float(ours.account["padding_share"])
        with tempfile.TemporaryDirectory() as folder:
            found["plain"].append(plain(texts, args.size, args.tokens, Path(folder)))
    best = {name: max(each) for name, each in found.items()}
    size = SIZES[args.size]
    print(f"{args.size} ({size.architecture}, {size.what}), {args.tokens:,} tokens, {torch.get_num_threads()} threads")
    print("| way | tokens predicted a second | padding |")
    print("|---|---|---|")
    print(f"| uncollapse | {best['ours']:,.0f} | {100 * share:.2f} % |")
    print(f"| plain script | {best['plain']:,.0f} | 0.00 % (documents run into each other) |")
    print(f"\nratio {best['ours'] / best['plain']:.2f}; goal: 1")


def memory(source: Path, megabytes: list[int]) -> None:
    """Prints the most memory of a training on corpora of some sizes."""
    texts = [document.text for document in uc.read(str(source))]
    random = np.random.default_rng(0)
    print("| corpus | most memory |\n|---|--:|")
    found = []
    with tempfile.TemporaryDirectory() as name:
        for size in megabytes:
            path, written = Path(name, f"{size}.jsonl"), 0
            with path.open("w") as file:
                while written < size * 1_000_000:
                    words = random.permutation(texts[int(random.integers(len(texts)))].split())
                    written += file.write(json.dumps({"text": " ".join(words)}) + "\n")
            command = [sys.executable, "-m", "benchmarks.training", "--texts", path, "--alone", Path(name, str(size))]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            found.append(float(said.stdout.splitlines()[-1]))
            print(f"| {size:,} MB | {found[-1]:,.0f} MB |")
    print(f"\n{megabytes[-1] / megabytes[0]:.0f} times the corpus, {found[-1] / found[0]:.2f} times the memory")


def alone(texts: Path, folder: Path) -> None:
    """Trains, and prints the most memory that this process ever had, in MB."""
    fit(material_of(uc.read(str(texts))), folder, Training(tokens=20_000))
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    print(int(line.split()[1]) / 1000)


def plain(texts: list[str], name: str, tokens: int, folder: Path) -> float:
    """Tokens predicted a second by the plain way."""
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    size = size_of(name)
    tokenizer = fit_tokenizer(texts, vocabulary=size.vocabulary)
    line = [token for text in texts for token in [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]]
    blocks = [line[at : at + size.context] for at in range(0, len(line) - size.context, size.context)]
    rows = [{"input_ids": block, "labels": block} for block in blocks]
    config = config_of(size, vocabulary=len(tokenizer), context=size.context, end=tokenizer.eos_token_id)
    a_step = BATCH_TOKENS // size.context
    steps = max(tokens // (a_step * (size.context - 1)), 1)
    told = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=a_step,
        max_steps=steps,
        learning_rate=size.learning_rate,
        use_cpu=not torch.cuda.is_available(),
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        logging_steps=max(steps // 200, 1),
        dataloader_pin_memory=False,
    )
    with quiet():
        trainer = Trainer(model=AutoModelForCausalLM.from_config(config), args=told, train_dataset=rows)
        began = time.monotonic()
        trainer.train()
    return steps * a_step * (size.context - 1) / (time.monotonic() - began)


if __name__ == "__main__":
    main()
