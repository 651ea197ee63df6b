"""The mark in text of our own making: false alarms on human text, power against length and entropy, what it costs.

    python -m benchmarks.watermark [--texts 24] [--tokens 200] [--passages 1200]

False alarms: passages of human text under several keys that marked nothing. Power: continuations of human openings by
the default model at several temperatures, cut to several lengths, each tested as a text of unknown group. Cost: many
samples of the same prompts with and without the mark. docs/watermark.md keeps the tables.
"""

import argparse
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from benchmarks.sample import prose

from uncollapse.language_models import load
from uncollapse.language_models.addresses import DEFAULT
from uncollapse.language_models.model import Request, Tokens
from uncollapse.sampling import Decoding
from uncollapse.watermark import GROUPS, corpus_evidence, evidence, keys_of

SECRETS = [f"a secret of the benchmark, number {number}" for number in range(4)]
LENGTHS = (25, 50, 100, 200)
TEMPERATURES = (0.4, 0.7, 1.0)
LEVELS = (0.05, 0.01, 0.001)
OPENING = 32
SAMPLES = 32
NORMAL_95 = 1.96


class Ids(NamedTuple):
    """A tokenizer of texts that are lists of ids, written out."""

    def encode(self, texts: list[str]) -> Tokens:
        """The ids."""
        lines = [[int(token) for token in text.split()] for text in texts]
        offsets = np.cumsum([0, *map(len, lines)]).astype(np.int64)
        ids = np.array([token for line in lines for token in line], np.int32)
        return Tokens(ids, offsets[:-1], offsets, np.zeros((len(ids), 2), np.int64))


def interval(hits: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    centre = (hits + NORMAL_95**2 / 2) / (count + NORMAL_95**2)
    half = NORMAL_95 * np.sqrt(hits * (count - hits) / count + NORMAL_95**2 / 4) / (count + NORMAL_95**2)
    return max(0.0, centre - half), min(1.0, centre + half)


def said(hits: int, count: int) -> str:
    low, high = interval(hits, count)
    return f"{hits / count:.4f} [{low:.4f}, {high:.4f}]"


def false_alarms(ids: np.ndarray, *, passages: int) -> None:
    print("| tokens | texts x keys | p <= 0.05 | p <= 0.01 | p <= 0.001 |\n|---|---|---|---|---|")
    for length in (50, 200):
        count = min(passages, len(ids) // length)
        texts = [" ".join(map(str, ids[at * length : (at + 1) * length])) for at in range(count)]
        p = np.concatenate([evidence(texts, secret, Ids()).p for secret in SECRETS])
        print(
            f"| {length} | {count} x {len(SECRETS)} | "
            + " | ".join(said(int((p <= a).sum()), len(p)) for a in LEVELS)
            + " |"
        )
    texts = [" ".join(map(str, ids[at : at + 1000])) for at in range(0, len(ids) - 1000, 1000)]
    for secret in SECRETS:
        found = corpus_evidence(texts, secret, Ids())
        print(
            f"\nthe whole as one corpus: {found.coins:,} coins, excess {found.excess:+.5f} [{found.low:+.5f}, {found.high:+.5f}], p {found.p:.2f}"
        )


def power(model: Any, prompts: np.ndarray, *, tokens: int) -> None:
    print(
        "\n| temperature | nats a token | "
        + " | ".join(f"{length} tokens" for length in LENGTHS if length <= tokens)
        + " | mean z |"
    )
    print("|---" * (3 + sum(length <= tokens for length in LENGTHS)) + "|")
    generator = np.random.default_rng(11)
    for temperature in TEMPERATURES:
        requests = [
            Request(prompt, generator.random(tokens), keys_of(SECRETS[0], number % GROUPS))
            for number, prompt in enumerate(prompts)
        ]
        written = model.generate(requests, decoding=Decoding(temperature=temperature))
        entropy = np.concatenate([text.drawn_entropy for text in written]).mean()
        cells = []
        for length in (length for length in LENGTHS if length <= tokens):
            found = evidence([" ".join(map(str, text.ids[:length])) for text in written], SECRETS[0], Ids())
            cells.append(said(int((found.p <= 0.01).sum()), len(written)))
        print(f"| {temperature} | {entropy:.2f} | " + " | ".join(cells) + f" | {found.z.mean():.1f} |", flush=True)


def cost(model: Any, prompts: np.ndarray, *, tokens: int) -> None:
    print("\n| | distinct tokens at place 1, 5, 6, 8 of " + f"{SAMPLES} | distinct pairs of tokens |\n|---|---|---|")
    generator = np.random.default_rng(12)
    uniform = generator.random((len(prompts), SAMPLES, tokens))
    for name, marked in (("without a mark", False), ("with it", True)):
        requests = [
            Request(prompt, uniform[number, sample], keys_of(SECRETS[0], number % GROUPS) if marked else None)
            for number, prompt in enumerate(prompts)
            for sample in range(SAMPLES)
        ]
        written = [text.ids.tolist() for text in model.generate(requests, decoding=Decoding())]
        groups = [written[at : at + SAMPLES] for at in range(0, len(written), SAMPLES)]
        places = [np.mean([len({text[place] for text in group}) for group in groups]) for place in (0, 4, 5, 7)]
        pairs = [len(set(p)) / len(p) for group in groups for p in [[x for text in group for x in pairwise(text)]]]
        print(
            f"| {name} | {', '.join(f'{place:.1f}' for place in places)} | {100 * np.mean(pairs):.1f} % |", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=24)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--passages", type=int, default=1200)
    asked = parser.parse_args()
    model: Any = load(DEFAULT)
    model.vocabulary.ends = ()  # nothing stops before its limit
    text, name = prose()
    ids = model.vocabulary.encode([text]).ids
    print(f"{name}, {len(ids):,} tokens; {DEFAULT}, {model.card.dtype}; {GROUPS} groups of keys\n")
    false_alarms(ids, passages=asked.passages)
    places = np.linspace(0, len(ids) - OPENING, asked.texts).astype(int)
    prompts = np.stack([ids[at : at + OPENING] for at in places]).astype(np.int32)
    power(model, prompts, tokens=asked.tokens)
    cost(model, prompts[:4], tokens=12)


if __name__ == "__main__":
    main()
