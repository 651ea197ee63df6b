"""How fast text is written: against transformers' own `generate`, at the same batch on the same prompts.

    python -m benchmarks.generation [--batch 16] [--prompts 32] [--tokens 64] [--rounds 2]

Both draw from the default model's own distribution (temperature 1, nothing cut) in the number format that this machine
takes. At equal lengths every text has `--tokens` tokens. At mixed lengths each has its own limit between an eighth of
that and twice as much; `generate` goes on until the longest text of its batch is done, here a text that is done makes
room for the next. Only tokens that were asked for are counted. The rounds of both take turns; the fastest
counts. On a machine that others use, too, the ratio of processor time says more than that of the clock.
"""

import argparse
import platform
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from benchmarks.sample import prose
from transformers import AutoModelForCausalLM

from uncollapse.language_models import load, neural
from uncollapse.language_models.addresses import DEFAULT
from uncollapse.language_models.embedded import SMOLLM2_135M, folder_of
from uncollapse.language_models.model import Request
from uncollapse.sampling import Decoding

OPENING = 64
GOAL = 0.9


def plain(model: Any, prompts: np.ndarray, limits: np.ndarray, *, batch: int) -> None:
    """Every batch of prompts, each until its longest text is done."""
    for at in range(0, len(prompts), batch):
        ids = torch.from_numpy(prompts[at : at + batch].astype(np.int64))
        most = int(limits[at : at + batch].max())
        with torch.inference_mode():
            out = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=most,
                min_new_tokens=most,
                do_sample=True,
                temperature=1.0,
                top_k=0,
                top_p=1.0,
                pad_token_id=0,
            )
        assert out.shape[1] == OPENING + most


def ours(model: Any, prompts: np.ndarray, limits: np.ndarray) -> None:
    """The same prompts, each to its own limit."""
    generator = np.random.default_rng(7)
    requests = [Request(p.astype(np.int32), generator.random(int(n))) for p, n in zip(prompts, limits, strict=True)]
    written = model.generate(requests, decoding=Decoding())
    assert sum(len(text.ids) for text in written) == limits.sum()


class Taken(NamedTuple):
    """Seconds by the clock and of the processor."""

    clock: float
    processor: float


def fastest(engines: dict[str, Callable[[], None]], *, rounds: int) -> dict[str, Taken]:
    """The fastest round of each by either measure; the rounds take turns."""
    seconds: dict[str, list[Taken]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, run in engines.items():
            began = Taken(time.perf_counter(), time.process_time())
            run()
            seconds[name].append(Taken(time.perf_counter() - began.clock, time.process_time() - began.processor))
    return {name: Taken(*map(min, zip(*taken, strict=True))) for name, taken in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--prompts", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()
    model: Any = load(DEFAULT)
    model.vocabulary.ends = ()  # nothing stops before its limit
    neural.PLACES["cpu"] = asked.batch
    text, name = prose()
    ids = model.vocabulary.encode([text[:400_000]]).ids
    places = np.linspace(0, len(ids) - OPENING, asked.prompts).astype(int)
    prompts = np.stack([ids[at : at + OPENING] for at in places])
    dtype = getattr(torch, model.card.dtype)
    peer: Any = AutoModelForCausalLM.from_pretrained(folder_of(SMOLLM2_135M), dtype=dtype).eval()
    lengths = {
        "equal": np.full(asked.prompts, asked.tokens),
        "mixed": np.random.default_rng(3).integers(asked.tokens // 8, 2 * asked.tokens + 1, asked.prompts),
    }
    print(
        f"{platform.machine()}, {torch.get_num_threads()} threads, {model.card.dtype}; {model.card.backend_version}\\"
    )
    print(f"{asked.prompts} openings of {OPENING} tokens of {name}, batch {asked.batch}\n")
    print("| lengths | uncollapse, tokens/s | transformers' generate, tokens/s | ratio | ratio by processor time |")
    print("|---|---|---|---|---|")
    for kind, limits in lengths.items():
        seconds = fastest(
            {
                "ours": lambda limits=limits: ours(model, prompts, limits),
                "plain": lambda limits=limits: plain(peer, prompts, limits, batch=asked.batch),
            },
            rounds=asked.rounds,
        )
        rates = {engine: limits.sum() / taken.clock for engine, taken in seconds.items()}
        goal = f" (goal: at least {GOAL})" if kind == "equal" else ""
        ratio = rates["ours"] / rates["plain"]
        processor = seconds["plain"].processor / seconds["ours"].processor
        print(
            f"| {kind} | {rates['ours']:,.0f} | {rates['plain']:,.0f} | {ratio:.2f}{goal} | {processor:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
