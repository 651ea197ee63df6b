"""Real text cut into documents of mixed lengths: the same documents on every machine that has the same text."""

import os
import pydoc_data.topics
from pathlib import Path

import numpy as np

from uncollapse.language_models.model import Vocabulary

SHORTEST, LONGEST = 50, 4000
SHARED = Path(os.environ.get("UNCOLLAPSE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def prose() -> tuple[str, str]:
    """A long English text and its name: WikiText-2 where the shared data is, else Python's own documentation."""
    path = SHARED / "wikitext2" / "hf_test.txt"
    if path.is_file():
        return path.read_text("utf-8"), "WikiText-2, test part"
    return "\n".join(pydoc_data.topics.topics.values()), "the topics of pydoc"


def mixed_lengths(text: str, *, tokens: int, vocabulary: Vocabulary) -> list[str]:
    """Documents of 50 to 4,000 tokens, evenly spread over the logarithm of their length, about `tokens` in all."""
    generator = np.random.default_rng(2024)
    lengths: list[int] = []
    while sum(lengths) < tokens:
        low, high = np.log(SHORTEST), np.log(min(LONGEST, max(2 * SHORTEST, tokens - sum(lengths))))
        lengths.append(int(np.exp(generator.uniform(low, high))))
    raw = text.encode()
    spans = vocabulary.encode([text]).spans
    if len(spans) < sum(lengths):
        raise ValueError(f"the text has {len(spans)} tokens where {sum(lengths)} are asked")
    ends = np.cumsum(lengths)
    return [
        raw[spans[begin][0] : spans[end - 1][1]].decode(errors="ignore")
        for begin, end in zip([0, *ends[:-1]], ends, strict=True)
    ]
