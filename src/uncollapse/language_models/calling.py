"""How an endpoint is called: how many at once, how often, how long, at what price. Nothing of it is in a recipe."""

import os
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from uncollapse.errors import UsageError
from uncollapse.randomness import Stream

# However often it was in vain: not more than this many seconds before the next try.
LONGEST_WAIT = 60.0
# An endpoint that wants to be left alone for longer is not waited for.
PATIENCE = 600.0
BILLION = 1_000_000_000
MILLION = 1_000_000

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Calling(BaseModel):
    """The manners of calling an endpoint.

    Attributes:
        concurrency: how many requests are under way at once.
        tries: how often a request is sent before it is given up.
        timeout: seconds for one try, from the first byte sent to the last one read.
        first_wait: seconds before the second try; each further wait is twice as long.
        key_from: the environment variable that holds the key; without a name no key is sent.
        price_in: of a million tokens of prompts, in whatever currency.
        price_out: of a million tokens that are written.
        journal: the file in which replies are kept as they come, so that none is paid for twice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    concurrency: Annotated[int, Field(ge=1, le=4096)] = 8
    tries: Annotated[int, Field(ge=1, le=100)] = 6
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 120.0
    first_wait: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.5
    key_from: Annotated[str, Field(min_length=1)] | None = None
    price_in: Price | None = None
    price_out: Price | None = None
    journal: Path | None = None

    def key(self) -> str | None:
        """The key; None where none is named.

        Raises:
            UsageError: the environment variable is not there, or is empty.
        """
        if self.key_from is None:
            return None
        key = os.environ.get(self.key_from, "").strip()
        if not key:
            raise UsageError(
                f"the environment variable {self.key_from} is empty or not there",
                hint=f"export {self.key_from}=... ; the option takes the variable's name, never the key itself",
            )
        if not key.isascii() or not key.isprintable():
            raise UsageError(f"{self.key_from} holds characters that no key has", hint="was a line break copied?")
        return key

    def wait(self, name: str, *, attempt: int) -> float:
        """Seconds before a further try, `attempt` from 1: doubled each time, between half and whole of it by the name.

        The part of chance is keyed by the request's name, so that requests which failed together come back apart, and
        the same run waits alike.
        """
        whole = min(LONGEST_WAIT, self.first_wait * 2 ** (attempt - 1))
        part = Stream.of(0, "wait", name).uniform(np.array([attempt]))[0]
        return float(whole * (0.5 + part / 2))

    def cost(self, *, read: int, written: int) -> int:
        """What so many tokens cost, in billionths of the currency, so that sums are exact."""
        price = read * (self.price_in or 0.0) + written * (self.price_out or 0.0)
        return round(price * BILLION / MILLION)
