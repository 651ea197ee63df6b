"""Between documents and a model that writes: what it is asked for each row, and the text that comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32
from numpy import ndarray

from uncollapse.language_models.model import Request, Written
from uncollapse.randomness import Stream

MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be written for one row: a stretch after each prompt, end to end, behind the opening that stays."""

    row: int
    prompts: tuple[Int32[ndarray, "_"], ...]
    opening: bytes = b""
    strip: bool = False
    """Whether blanks around the text go, as where a model answers."""


class Made(NamedTuple):
    """One text that was made of a row; `broken` counts bytes that were no characters and are marked as such."""

    row: int
    text: str
    fresh: bool
    """Whether anything but blanks was written."""
    stretches: tuple[Written, ...]
    broken: int

    @property
    def strangeness(self) -> float:
        """How far the surprise of the text is from what the model expects of its own text, in nats a token."""
        tokens = sum(len(stretch.ids) for stretch in self.stretches)
        gap = sum(float((-stretch.logprob - stretch.entropy).sum(dtype=np.float64)) for stretch in self.stretches)
        return abs(gap) / tokens if tokens else np.inf


def requests(draft: Draft, *, stream: Stream, draw: int, tokens: int, keys: ndarray | None) -> list[Request]:
    """What a model is asked for one sample of a draft; stretch i has the random numbers from position i * tokens on."""
    uniform = stream.uniform(np.arange(len(draft.prompts) * tokens), draw=draw)
    return [Request(prompt, uniform[at * tokens : (at + 1) * tokens], keys) for at, prompt in enumerate(draft.prompts)]


def made(draft: Draft, stretches: Sequence[Written], *, surfaces: Sequence[bytes | None]) -> Made:
    """The text of one sample of a draft."""
    written = b"".join(surfaces[token] or b"" for stretch in stretches for token in stretch.ids.tolist())
    data = _whole(draft.opening + written)
    text = data.decode(errors="replace")
    broken = text.count("\ufffd") - data.decode(errors="ignore").count("\ufffd")
    fresh = bool(data[len(draft.opening) :].strip())
    return Made(draft.row, text.strip() if draft.strip else text, fresh, tuple(stretches), broken)


def _whole(data: bytes) -> bytes:
    """The bytes without a character at their end that was begun and not finished."""
    for back in range(1, min(4, len(data) + 1)):
        lead = data[-back]
        if lead & 0xC0 == 0x80:
            continue
        needed = 4 if lead >= 0xF0 else 3 if lead >= 0xE0 else 2 if lead >= 0xC0 else 1
        return data[:-back] if needed > back else data
    return data


def micronats(values: ndarray) -> int:
    """The sum of some nats, each in whole millionths, so that the cut into batches does not matter."""
    return int(np.rint(values.astype(np.float64) * MICRO).sum())
