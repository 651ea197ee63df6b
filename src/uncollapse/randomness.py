"""One seed, and out of it a stream for each step, document and position.

A draw depends on (seed, step fingerprint, document id, position, draw) and on nothing else, so the result
of a step does not depend on batch size, order, number of workers or on what was drawn before.
"""

from dataclasses import dataclass

import numpy as np
from blake3 import blake3
from jaxtyping import Float64, Int64
from numpy import ndarray
from numpy.random import Philox


@dataclass(frozen=True, slots=True)
class Stream:
    """Random numbers of one document in one step, addressed by position and draw."""

    key: bytes

    @classmethod
    def of(cls, seed: int, step: str, document: str) -> "Stream":
        """The stream of one document: a 128-bit key out of seed, step fingerprint and document id."""
        name = f"{seed}\0{step}\0{document}".encode()
        return cls(blake3(name).digest(length=16))

    def uniform(self, positions: Int64[ndarray, "n"], *, draw: int = 0) -> Float64[ndarray, "n"]:
        """Uniform numbers in [0, 1) with 53 random bits, one for each position.

        Source: Salmon et al., SC 2011 (Philox-4x64-10): word p of the counter block `draw` belongs to position p.
        """
        if len(positions) == 0:
            return np.empty(0)
        first, last = int(positions.min()), int(positions.max())
        # Word p lies in counter block p // 4; starting there keeps the cost to the span that is asked for.
        start = first // 4
        generator = Philox(key=int.from_bytes(self.key, "little"), counter=[start, draw, 0, 0])
        words = generator.random_raw(last - 4 * start + 1)
        return (words[positions - 4 * start] >> np.uint64(11)) * 2.0**-53
