"""Who writes: a model continues every prompt by as many tokens as a block has, and never ends before.

Blocks are drawn by our own writer, in which each depends on its own prompt and numbers alone; beams and a repetition
penalty are those of transformers. A model that has room for a prompt and its continuation reads the whole prompt. One
from scratch has only ever seen a block: it writes half a block after the second half of the prompt, and the other half
after that, so that no token stands farther from the beginning than any that was learned.
"""

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Int32
from numpy import ndarray
from numpy.random import Generator, default_rng

from uncollapse.collapse.language.settings import Settings
from uncollapse.collapse.language.store import kept_array
from uncollapse.language_models import load
from uncollapse.language_models.checkpoint import config_of, context_of
from uncollapse.language_models.model import Request
from uncollapse.randomness import Stream
from uncollapse.sampling import Decoding

PART = 256
"""Blocks that are kept together as soon as they are written."""
DEFAULT_CONTEXT = 1024
Extend: TypeAlias = Callable[[Int32[ndarray, "n p"], int, Generator], Int32[ndarray, "n c"]]
"""So many more tokens behind each of some lines of equal length."""


def generator(seed: int, arm: str, generation: int, what: str) -> Generator:
    """The draws of one thing in one generation of one arm."""
    key = Stream.of(seed, f"language {arm} {what}", f"generation {generation}").key
    return default_rng(int.from_bytes(key, "little"))


def written(
    prompts: Int32[ndarray, "n b"], folder: Path, settings: Settings, *, keep: Path, rng: Generator
) -> Iterator[str | Int32[ndarray, "n b"]]:
    """How far it is, and in the end what the model in the folder writes behind the prompts, part by part kept."""
    context = context_of(config_of(folder)) or DEFAULT_CONTEXT
    opened = cache(partial(_writer, folder, settings, context=context))
    parts = []
    for number, begin in enumerate(range(0, len(prompts), PART)):
        some, seed = prompts[begin : begin + PART], int(rng.integers(2**63))
        path = keep.with_name(f"{keep.stem}-part-{number:04d}.npy")
        parts.append(kept_array(path, partial(_part, some, opened, context=context, seed=seed)))
        yield f"{begin + len(some):,} of {len(prompts):,} blocks written"
    yield np.concatenate(parts)


def _part(prompts: Int32[ndarray, "n b"], opened: Callable[[], Extend], *, context: int, seed: int) -> ndarray:
    return continued(prompts, opened(), context=context, rng=default_rng(seed))


def continued(prompts: Int32[ndarray, "n b"], extend: Extend, *, context: int, rng: Generator) -> Int32[ndarray, "n b"]:
    """A block behind each prompt, in one stretch where a context has room for two blocks and a start, else in two."""
    block = prompts.shape[1]
    stretches = [block] if context > 2 * block else [block - block // 2, block // 2]
    lines = prompts
    for stretch in stretches:
        seen = min(lines.shape[1], context - 1 - stretch, block)
        lines = np.concatenate([lines, extend(lines[:, -seen:], stretch, rng)], axis=1)
    return lines[:, block:].astype(np.int32)


def _writer(folder: Path, settings: Settings, *, context: int) -> Extend:
    if settings.decoding == "sample" and settings.repetition_penalty == 1:
        return _drawn(folder, settings, context=context)
    return _by_transformers(folder, settings)


def _drawn(folder: Path, settings: Settings, *, context: int) -> Extend:
    from uncollapse.language_models.neural import NeuralModel  # noqa: PLC0415  (torch)

    model = load(str(folder), dtype="float32", window=min(context, 2 * settings.block + 1))
    assert isinstance(model, NeuralModel)
    endless = model.without_end()
    decoding = Decoding(temperature=settings.temperature)

    def extend(lines: Int32[ndarray, "n p"], count: int, rng: Generator) -> Int32[ndarray, "n c"]:
        numbers = rng.random((len(lines), count))
        requests = [Request(line, own) for line, own in zip(lines.astype(np.int32), numbers, strict=True)]
        return np.stack([each.ids for each in endless.generate(requests, decoding=decoding)])

    return extend


def _by_transformers(folder: Path, settings: Settings) -> Extend:
    """Beams, and draws under a repetition penalty."""
    import torch  # noqa: PLC0415

    from uncollapse.language_models.by_transformers import opened  # noqa: PLC0415
    from uncollapse.language_models.precision import device  # noqa: PLC0415
    from uncollapse.language_models.quiet import quiet  # noqa: PLC0415
    from uncollapse.language_models.vocabulary import PieceVocabulary  # noqa: PLC0415

    model = opened(folder, dtype="float32").eval().to(device())
    vocabulary = PieceVocabulary.load(folder, size=model.config.vocab_size)
    start = [] if vocabulary.start is None else [vocabulary.start]
    told: dict[str, Any] = {
        "do_sample": settings.decoding == "sample",
        "num_beams": settings.beams if settings.decoding == "beam" else 1,
        "repetition_penalty": settings.repetition_penalty,
        "suppress_tokens": [token for token, surface in enumerate(vocabulary.surfaces) if surface is None],
        "pad_token_id": start[0] if start else 0,
        "eos_token_id": None,
    }
    if told["do_sample"]:
        told |= {"temperature": settings.temperature, "top_k": 0, "top_p": 1.0}

    def extend(lines: Int32[ndarray, "n p"], count: int, rng: Generator) -> Int32[ndarray, "n c"]:
        ids = np.concatenate([np.tile(np.array(start, np.int64), (len(lines), 1)), lines], axis=1).astype(np.int64)
        with quiet(), torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(int(rng.integers(2**63)))
            given = torch.from_numpy(ids).to(device())
            found = model.generate(
                given, attention_mask=torch.ones_like(given), min_new_tokens=count, max_new_tokens=count, **told
            )
        return np.asarray(found[:, ids.shape[1] :].cpu().numpy(), np.int32)

    return extend
