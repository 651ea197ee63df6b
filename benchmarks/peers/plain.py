"""The published algorithm as one writes it down with transformers: padded batches, everything at every position.

Eager attention, logits and log-softmax of the whole vocabulary in fp32, the k likeliest tokens of every position, then
a Python loop over tokens that draws where the token's own probability is above the threshold, and the text decoded anew.
"""

import math
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

THRESHOLD, BETA = 0.99, 1.5


class PlainEditor:
    """The rule of the published script, `up_revise`, over a padded batch."""

    def __init__(self, folder: Path, *, dtype: torch.dtype, k: int, batch: int) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()
        self.k, self.batch = k, batch

    def edit(self, texts: list[str]) -> tuple[list[str], int]:
        """The edited texts, and how many tokens were changed."""
        generator = np.random.default_rng(0)
        edited, changed = [], 0
        for at in range(0, len(texts), self.batch):
            lines, count = self._edit_batch(texts[at : at + self.batch], generator)
            edited += lines
            changed += count
        return edited, changed

    @torch.inference_mode()
    def _edit_batch(self, texts: list[str], generator: np.random.Generator) -> tuple[list[str], int]:
        padded = self.tokenizer(texts, return_tensors="pt", padding=True, padding_side="right")
        logits = self.model(**padded).logits.float()
        logprob = torch.log_softmax(logits, dim=-1)
        values, indices = torch.topk(logprob, self.k, dim=-1)
        lines, changed = [], 0
        for row in range(len(texts)):
            ids = padded["input_ids"][row][padded["attention_mask"][row].bool()].tolist()
            new = list(ids)
            for position in range(1, len(ids)):
                own = logprob[row, position - 1, ids[position]].item()
                if math.exp(own) > THRESHOLD:
                    new[position] = draw(
                        values[row, position - 1].tolist(), indices[row, position - 1].tolist(), generator
                    )
            changed += sum(a != b for a, b in zip(ids, new, strict=True))
            lines.append(self.tokenizer.decode(new, skip_special_tokens=True))
        return lines, changed


def draw(values: list[float], indices: list[int], generator: np.random.Generator) -> int:
    """One of the candidates, by the soft-max of their log-probabilities over beta."""
    weights = np.exp(np.array(values) / BETA)
    return int(generator.choice(indices, p=weights / weights.sum()))
