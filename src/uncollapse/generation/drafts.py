"""Between documents and whoever writes: what is asked for each row, and the text that comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from uncollapse.language_models.texts import Ask, Fault, Prompt, WrittenText
from uncollapse.randomness import Stream

MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be written for one row: a stretch after each prompt, end to end, behind the opening that stays."""

    row: int
    prompts: tuple[Prompt, ...]
    opening: bytes = b""
    strip: bool = False
    """Whether blanks around the text go, as where a model answers."""


class Made(NamedTuple):
    """One text that was made of a row; `broken` counts bytes that were no characters and are marked as such."""

    row: int
    text: str
    fresh: bool
    """Whether anything but blanks was written."""
    stretches: tuple[WrittenText, ...]
    broken: int

    @property
    def fault(self) -> Fault | None:
        """Why the text is not whole: the first fault of its stretches."""
        return next((stretch.fault for stretch in self.stretches if stretch.fault is not None), None)

    @property
    def ended(self) -> bool:
        """Whether the writer itself ended some stretch."""
        return any(stretch.ended for stretch in self.stretches)


def asks(draft: Draft, *, stream: Stream, draw: int, tokens: int, keys: ndarray | None) -> list[Ask]:
    """What is asked for one sample of a draft; stretch i has the random numbers from position i * tokens on."""
    return [Ask(prompt, tokens, stream, draw, place, keys) for place, prompt in enumerate(draft.prompts)]


def made(draft: Draft, stretches: Sequence[WrittenText]) -> Made:
    """The text of one sample of a draft."""
    data = _whole(draft.opening + b"".join(stretch.data for stretch in stretches))
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
