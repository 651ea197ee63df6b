"""The seam between prompts and whoever writes texts after them: a model whose tokens are known, or an engine elsewhere.

A model that is here takes token ids and our uniform numbers, so that its texts repeat to the bit. An engine behind an
address takes words and a seed, draws by itself, and says at best what it drew with. `TextWriter` is what both can do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64
from numpy import ndarray

from uncollapse.language_models.model import LanguageModel, Request
from uncollapse.randomness import Stream
from uncollapse.sampling import Decoding
from uncollapse.step import Tally


class Prompt(NamedTuple):
    """What stands before a text: its words, whether they are asked or gone on from, and its tokens where they count."""

    text: str
    chat: bool = False
    ids: Int32[ndarray, "_"] | None = None


class Ask(NamedTuple):
    """One text to be written, of at most so many tokens, with an address for its random numbers.

    `keys` mark the text with a tournament under these keys.
    """

    prompt: Prompt
    tokens: int
    stream: Stream
    draw: int = 0
    place: int = 0
    keys: Int64[ndarray, "l"] | None = None

    def uniform(self) -> Float64[ndarray, "m"]:
        """One uniform number for each token that the text may have."""
        first = self.place * self.tokens
        return self.stream.uniform(np.arange(first, first + self.tokens), draw=self.draw)

    def seed(self) -> int:
        """The seed for an engine that draws by itself, 31 bits: the first of the uniform numbers."""
        return int(self.uniform()[0] * 2**31)


class Fault(NamedTuple):
    """Why there is no text: a reason in a few fixed words, details, and whether another try may bring one.

    `wait` is how many seconds the other side wants to be left alone.
    """

    reason: str
    detail: str
    passing: bool = False
    wait: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenText:
    """One text as bytes, with what is known of how it was drawn; natural logarithms, one number for each token.

    `entropy` is that of the model's own distribution at each token, `drawn_entropy` that of what was drawn from; None
    where the writer does not say. Where they are `partial` they are those of some tokens alone, made to sum to one.
    `account` counts what the text cost. With a `fault` there is no text.
    """

    data: bytes = b""
    ended: bool = False
    tokens: int = 0
    prompt_tokens: int = 0
    logprob: Float32[ndarray, "t"] | None = None
    entropy: Float32[ndarray, "t"] | None = None
    drawn_entropy: Float32[ndarray, "t"] | None = None
    partial: bool = False
    fault: Fault | None = None
    account: Tally = field(default_factory=dict)


@runtime_checkable
class TextWriter(Protocol):
    """Who writes texts after prompts."""

    def write(self, asks: Sequence[Ask], *, decoding: Decoding) -> list[WrittenText]:
        """The texts that are asked for, in their order; one of which nothing came bears a fault."""
        ...


@dataclass(frozen=True, slots=True)
class ByTokens:
    """A model that is here, as a writer of texts: each text depends on its own prompt and random numbers alone."""

    model: LanguageModel

    def write(self, asks: Sequence[Ask], *, decoding: Decoding) -> list[WrittenText]:
        """The texts that are asked for, in their order."""
        requests = [Request(self._ids(ask.prompt), ask.uniform(), ask.keys) for ask in asks]
        surfaces = self.model.vocabulary.surfaces
        return [
            WrittenText(
                data=b"".join(surfaces[token] or b"" for token in text.ids.tolist()),
                ended=text.ended,
                tokens=len(text.ids),
                prompt_tokens=len(request.prompt),
                logprob=text.logprob,
                entropy=text.entropy,
                drawn_entropy=text.drawn_entropy,
            )
            for request, text in zip(requests, self.model.generate(requests, decoding=decoding), strict=True)
        ]

    def _ids(self, prompt: Prompt) -> Int32[ndarray, "_"]:
        if prompt.ids is not None:
            return prompt.ids
        vocabulary = self.model.vocabulary
        return vocabulary.ask([prompt.text])[0] if prompt.chat else vocabulary.encode([prompt.text]).ids
