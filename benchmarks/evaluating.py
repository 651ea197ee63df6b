"""Perplexity beside lm-evaluation-harness's rolling log-likelihood: the same model, the same texts, one run.

    python -m benchmarks.evaluating --texts FILE [--documents 60] [--model smollm2-135m]

Both read in float32 on the same threads. Texts are cut at 2,000 characters, so that both see each in one window; the
largest difference of a text's log-likelihood is printed beside the ratio of processor times.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from benchmarks.editing_speed import peak_gigaflops
from safetensors.torch import load_file

import uncollapse as uc
from uncollapse.evaluation import read_texts
from uncollapse.language_models import load
from uncollapse.language_models.addresses import folder_of

LONGEST = 2_000  # characters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", required=True, type=Path)
    parser.add_argument("--documents", type=int, default=60)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    texts = [
        document.text[:LONGEST] for document, _ in zip(uc.read(str(args.texts)), range(args.documents), strict=False)
    ]
    ours = load(args.model, dtype="float32")
    harness, prefix = _harness(args.model)
    own, theirs, times = np.empty(0), np.empty(0), {"ours": [], "harness": []}
    for _ in range(args.rounds):
        began = time.process_time()
        own = -read_texts(ours, texts).nats
        times["ours"].append(time.process_time() - began)
        began = time.process_time()
        theirs = harness(texts)
        times["harness"].append(time.process_time() - began)
    best = {name: min(each) for name, each in times.items()}
    tokens = len(ours.vocabulary.encode(texts).ids)
    print(
        f"{args.model}: {len(texts)} texts, {tokens:,} tokens, float32, start token {prefix!r}; best of {args.rounds}"
    )
    print("| way | processor seconds | tokens/s |")
    print("|---|---|---|")
    for name, seconds in best.items():
        print(f"| {name} | {seconds:.1f} | {tokens / seconds:,.0f} |")
    used, limit = _share_of_limit(ours, texts, seconds=best["ours"])
    print(f"\nratio {best['harness'] / best['ours']:.2f}; goal: 3")
    print(f"ours: {used:,.0f} of {limit:,.0f} GFLOP/s of float32 products on one core, {used / limit:.0%}")
    print(f"so no way of reading in float32 has a ratio above {best['harness'] / best['ours'] * limit / used:.2f} here")
    print(f"largest relative difference of a log-likelihood: {np.max(np.abs(own / theirs - 1)):.1e}; goal: 1e-4")


def _share_of_limit(model, texts: list[str], *, seconds: float) -> tuple[float, float]:
    """The matrix products of the reading, in 10^9 operations a processor second, and the most that products alone do.

    Products are counted low: attention and the head's other work are left out.
    """
    folder = folder_of(model.card.address).folder
    weights = [array for file in folder.glob("*.safetensors") for array in load_file(file).values()]
    # Each number of each matrix is multiplied with and added for each token; the tied embedding is the head's matrix.
    operations = 2 * sum(array.numel() for array in weights if array.ndim == 2)
    tokens = len(model.vocabulary.encode(texts).ids)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    limit = peak_gigaflops(torch.float32)
    torch.set_num_threads(threads)
    return operations * tokens / seconds / 1e9, limit


def _harness(address: str):
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = folder_of(address).folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    start = load(address).vocabulary.start
    # The harness begins with the tokenizer's first special token; both are to begin with the same.
    tokenizer.bos_token = tokenizer.convert_ids_to_tokens(start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = HFLM(
            pretrained=AutoModelForCausalLM.from_pretrained(folder, dtype="float32"),
            tokenizer=tokenizer,
            batch_size=8,
            device="cpu",
            max_length=2048,
        )

    def ask(texts: list[str]) -> np.ndarray:
        requests = [Instance("loglikelihood_rolling", {}, (text,), number) for number, text in enumerate(texts)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.array(model.loglikelihood_rolling(requests, disable_tqdm=True))

    return ask, tokenizer.bos_token


if __name__ == "__main__":
    main()
