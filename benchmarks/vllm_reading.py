"""How fast vLLM says what it thinks of a text: our way through it beside two others, on the same documents.

    python -m benchmarks.vllm_reading [--tokens 6000] [--rounds 2] [--threads N]     where vLLM is installed

`hidden states` is `vllm:ADDRESS`: a tensor for each window, our head, candidates at flagged places alone (p of at least
0.99, as the published rule has it). `prompt_logprobs=64` is the published script's way: a dictionary with 64 objects for
each position, gone through in Python. `prompt_logprobs=1, flat` is the leanest that the engine offers for given text; it
has no candidates. All give each token's log-probability; how far those lie apart is printed. One engine is open at a
time; the fastest round of each counts, after one that does not.
"""

import argparse
import gc
import importlib.metadata
import importlib.util
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from benchmarks.sample import mixed_lengths, prose

from uncollapse.language_models import load
from uncollapse.language_models.addresses import DEFAULT, folder_of
from uncollapse.language_models.model import Tokens
from uncollapse.language_models.vllm_address import PREFIX, backend_version

WINDOW = 2048
K = 64
THRESHOLD = 0.99
GOAL = 5.0


def timed(run: Callable[[], np.ndarray], rounds: int) -> tuple[float, np.ndarray]:
    """The seconds of the fastest round, and what it found."""
    taken = []
    for number in range(rounds + 1):
        gc.collect()
        began = time.perf_counter()
        found = run()
        if number:
            taken.append(time.perf_counter() - began)
    return min(taken), found


def ours(tokens: Tokens, *, rounds: int, dtype: str) -> tuple[float, np.ndarray]:
    """Seconds and log-probabilities by hidden states."""
    model: Any = load(f"{PREFIX}{DEFAULT}", window=WINDOW, dtype=dtype)

    def run() -> np.ndarray:
        found, _ = model.score_and_choose(
            tokens, chooser=lambda _rows, logprob, _best: logprob >= math.log(THRESHOLD), k=K
        )
        return found.logprob

    try:
        return timed(run, rounds)
    finally:
        model.close()


def published(lines: list[list[int]], *, rounds: int, dtype: str) -> dict[str, tuple[float, np.ndarray]]:
    """The same by `prompt_logprobs`, with the dictionaries of the published script and flat."""
    from vllm import LLM, SamplingParams

    memory = {"kv_cache_memory_bytes": 2 << 30} if not torch.cuda.is_available() else {}
    # One token more than the window holds, since the engine always writes one.
    engine = LLM(
        str(folder_of(DEFAULT).folder),
        dtype=dtype,
        max_model_len=WINDOW + 1,
        enforce_eager=not torch.cuda.is_available(),
        enable_prefix_caching=False,
        max_logprobs=K,
        **memory,
    )
    prompts = [{"prompt_token_ids": line} for line in lines]

    def by_dictionaries() -> np.ndarray:
        found = []
        asked = SamplingParams(max_tokens=1, prompt_logprobs=K, temperature=0.0)
        for line, output in zip(lines, engine.generate(prompts, asked, use_tqdm=False), strict=True):
            for position, candidates in enumerate(output.prompt_logprobs):
                if candidates is not None:
                    logprob = candidates[line[position]].logprob
                    if math.exp(logprob) >= THRESHOLD:
                        _ = np.exp([each.logprob for each in candidates.values()])
                    found.append(logprob)
        return np.array(found)

    def flat() -> np.ndarray:
        asked = SamplingParams(max_tokens=1, prompt_logprobs=1, flat_logprobs=True, temperature=0.0, detokenize=False)
        parts = []
        for output in engine.generate(prompts, asked, use_tqdm=False):
            said = output.prompt_logprobs
            parts.append(np.array(said.logprobs)[np.array(said.start_indices)[1:]])
        return np.concatenate(parts)

    return {f"prompt_logprobs={K}": timed(by_dictionaries, rounds), "prompt_logprobs=1, flat": timed(flat, rounds)}


def report(rows: dict[str, tuple[float, np.ndarray]], *, count: int) -> None:
    """Nothing; prints the table."""
    best, own = rows["hidden states"]
    print("| way | tokens/s | `hidden states` is this many times as fast | largest difference in log p |")
    print("|---|--:|--:|--:|")
    for name, (seconds, logprob) in rows.items():
        print(f"| {name} | {count / seconds:,.0f} | {seconds / best:.2f} | {np.abs(logprob - own).max():.2g} |")
    ratio = rows[f"prompt_logprobs={K}"][0] / best
    print(f"\nagainst the published way: {ratio:.1f} (goal on a GPU: at least {GOAL})")


def main() -> None:
    """Nothing; prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tokens", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--dtype", default="bfloat16")
    asked = parser.parse_args()
    if importlib.util.find_spec("vllm") is None:
        print("skipped: vLLM is not installed (docs/backends.md says how)")
        return
    torch.set_num_threads(asked.threads)
    plain = load(DEFAULT, window=WINDOW)
    text, source = prose()
    texts = mixed_lengths(text, tokens=asked.tokens, vocabulary=plain.vocabulary)
    whole = plain.vocabulary.encode(texts)
    # No document is longer than one window, so that every way reads each token after the same tokens.
    keep = np.flatnonzero(np.diff(whole.offsets) <= WINDOW - 1)
    tokens, _ = whole.take(keep)
    start = plain.vocabulary.start
    lines = [[start, *tokens.ids[a:b].tolist()] for a, b in zip(tokens.offsets, tokens.offsets[1:], strict=False)]
    del plain
    count = len(tokens.ids)
    print(
        f"{backend_version()}, transformers {importlib.metadata.version('transformers')}, {asked.threads} threads, "
        f"{asked.dtype}; {datetime.now(UTC):%Y-%m-%d}\n{len(lines)} documents of {source}, {count:,} tokens\n",
        flush=True,
    )
    rows = {"hidden states": ours(tokens, rounds=asked.rounds, dtype=asked.dtype)}
    rows |= published(lines, rounds=asked.rounds, dtype=asked.dtype)
    report(rows, count=count)


if __name__ == "__main__":
    main()
