"""The published script's own way: vLLM with `prompt_logprobs`. Runs in vLLM's environment, as a program of its own.

    VLLM_CPU_KVCACHE_SPACE=2 python with_vllm.py request.json answer.json

The request names the model's folder, the texts, k and the number of rounds; the answer holds the seconds of each.
"""

import json
import math
import sys
import time
from pathlib import Path

import numpy as np
from vllm import LLM, SamplingParams

THRESHOLD, BETA = 0.99, 1.5


def edit(model: LLM, texts: list[str], *, k: int) -> tuple[list[str], int]:
    """The edited texts, and how many tokens were changed; the draw as in the published script."""
    generator = np.random.default_rng(0)
    asked = SamplingParams(max_tokens=1, prompt_logprobs=k, temperature=0.0)
    edited, changed = [], 0
    for output in model.generate(texts, asked, use_tqdm=False):
        ids = list(output.prompt_token_ids)
        new = list(ids)
        for position, candidates in enumerate(output.prompt_logprobs):
            if candidates is None or math.exp(candidates[ids[position]].logprob) <= THRESHOLD:
                continue
            weights = np.exp(np.array([each.logprob for each in candidates.values()]) / BETA)
            new[position] = int(generator.choice(list(candidates), p=weights / weights.sum()))
        changed += sum(a != b for a, b in zip(ids, new, strict=True))
        edited.append(model.get_tokenizer().decode(new, skip_special_tokens=True))
    return edited, changed


def main(request: Path, answer: Path) -> None:
    """Nothing; writes the answer."""
    asked = json.loads(request.read_text())
    model = LLM(
        asked["folder"],
        dtype=asked["dtype"],
        enforce_eager=True,
        enable_prefix_caching=False,
        max_model_len=asked["context"],
        max_logprobs=asked["k"],
    )
    edit(model, asked["texts"][:2], k=asked["k"])
    seconds = []
    for _ in range(asked["rounds"]):
        began = time.perf_counter()
        _, changed = edit(model, asked["texts"], k=asked["k"])
        seconds.append(time.perf_counter() - began)
    import vllm  # its version only

    answer.write_text(json.dumps({"seconds": seconds, "changed": changed, "version": vllm.__version__}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
