"""The seam between text and models: documents as token ids, and what a model says of each token.

Documents are ragged and lie end to end: document d owns the tokens `offsets[d]:offsets[d + 1]`. A document may
begin with a prompt, which is read as context and never scored; its own text begins at `starts[d]`. Shape
letters: n tokens of all documents, d documents, r chosen rows, k candidates, v vocabulary.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64
from numpy import ndarray

from uncollapse.fingerprint import Json
from uncollapse.sampling import Decoding


@dataclass(frozen=True, slots=True)
class Tokens:
    """Documents as token ids, end to end.

    `spans[i]` is the stretch of UTF-8 bytes of its document's text that token i covers. The spans of one
    document tile its text: each begins where the one before it ended, so white space that a tokenizer trims
    belongs to the token after it. Tokens of a prompt have the span (0, 0).
    """

    ids: Int32[ndarray, "n"]
    starts: Int64[ndarray, "d"]
    offsets: Int64[ndarray, "d+1"]
    spans: Int64[ndarray, "n 2"]

    def __len__(self) -> int:
        return len(self.starts)

    def document_of(self) -> Int64[ndarray, "n"]:
        """For each token, the number of its document."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def scored(self) -> Bool[ndarray, "n"]:
        """Which tokens belong to a text, as against its prompt."""
        return np.arange(len(self.ids)) >= np.repeat(self.starts, np.diff(self.offsets))

    def take(self, documents: Int64[ndarray, "m"]) -> tuple["Tokens", Int64[ndarray, "t"]]:
        """Some of the documents as tokens of their own, and for each of their tokens its index here."""
        sizes = np.diff(self.offsets)[documents]
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[documents] - offsets[:-1], sizes)
        starts = offsets[:-1] + (self.starts - self.offsets[:-1])[documents]
        return Tokens(ids=self.ids[rows], offsets=offsets, starts=starts, spans=self.spans[rows]), rows


class Scores(NamedTuple):
    """What a model says of each token given all tokens before it in its document.

    `logprob` is in natural logarithms; it is NaN, and `is_argmax` is False, for tokens of a prompt and for
    tokens that have nothing before them under a model without a start token. `logsumexp` is the natural logarithm
    of the softmax's denominator, so that logprob + logsumexp is the token's logit. `confidence` is the log-probability
    of the likeliest token in its place.
    """

    logprob: Float32[ndarray, "n"]
    is_argmax: Bool[ndarray, "n"]
    logsumexp: Float32[ndarray, "n"]
    confidence: Float32[ndarray, "n"]


class Moments(NamedTuple):
    """What a model says of each token, and how its whole distribution p lies around it.

    `logprob` in natural logarithms; `mean` and `variance` are those of log p(v) with v drawn from p, so that -mean is
    the entropy in nats; `rank` is 1 and the number of tokens with a strictly larger logit. Where `Scores.logprob` is
    NaN, so are all of these, and the rank is 0.
    """

    logprob: Float32[ndarray, "n"]
    mean: Float32[ndarray, "n"]
    variance: Float32[ndarray, "n"]
    rank: Int32[ndarray, "n"]


class Block(NamedTuple):
    """Whole distributions: the log-probability of every token at some rows, which are indices into `Tokens.ids`."""

    rows: Int64[ndarray, "r"]
    logprob: Float32[ndarray, "r v"]


class Candidates(NamedTuple):
    """The likeliest tokens at some rows, likeliest first, ties by the smaller id.

    `rows` are indices into `Tokens.ids`, ascending; `logprob` is in natural logarithms over the whole vocabulary.
    """

    rows: Int64[ndarray, "r"]
    ids: Int32[ndarray, "r k"]
    logprob: Float32[ndarray, "r k"]


class Request(NamedTuple):
    """One text to be written: what stands before it, and one uniform number for each token that it may have.

    `keys` mark the text with a tournament under these keys, one layer for each; without keys it bears no mark.
    """

    prompt: Int32[ndarray, "p"]
    uniform: Float64[ndarray, "m"]
    keys: Int64[ndarray, "l"] | None = None


class Written(NamedTuple):
    """One text that a model wrote, in natural logarithms.

    `logprob` is what the model gives to each token, before any setting of the draw; `entropy` that of the model's
    distribution at each token, `drawn_entropy` that of the distribution the token was drawn from. `ended` says that
    the model came to an end of text, which is not among the tokens; else the limit was reached.
    """

    ids: Int32[ndarray, "t"]
    logprob: Float32[ndarray, "t"]
    entropy: Float32[ndarray, "t"]
    drawn_entropy: Float32[ndarray, "t"]
    ended: bool


# Rows of a slice of tokens, their log-probabilities and whether each was the argmax; True where candidates are asked.
Chooser: TypeAlias = Callable[[Int64[ndarray, "n"], Float32[ndarray, "n"], Bool[ndarray, "n"]], Bool[ndarray, "n"]]


class ModelCard(NamedTuple):
    """What a result depends on: address as asked, revision (a hash of the weights), backend, version, dtype, window.

    A document longer than `window` tokens is read in windows, each of which begins with `overlap` tokens that the one
    before it has scored; both are None for a model that looks back upon less than any window.
    """

    address: str
    revision: str
    backend: str
    backend_version: str
    dtype: str
    window: int | None = None
    overlap: int | None = None

    def as_json(self) -> dict[str, Json]:
        """The card as it stands in a recipe."""
        return dict(self._asdict())


@runtime_checkable
class Vocabulary(Protocol):
    """Between text and token ids."""

    @property
    def surfaces(self) -> Sequence[bytes | None]:
        """What each token adds to a text, as bytes; None for special tokens, which are never text."""
        ...

    @property
    def ends(self) -> Collection[int]:
        """The special tokens after which a text is over; none where the model knows no end."""
        ...

    def encode(self, texts: Sequence[str], *, prompts: Sequence[str] | None = None) -> Tokens:
        """The texts as tokens, each after its prompt where there are prompts.

        The names of special tokens in a text are read as plain text.
        """
        ...

    def ask(self, questions: Sequence[str]) -> list[Int32[ndarray, "_"]]:
        """Each question as a chat model reads it, up to where its answer begins.

        Raises:
            UsageError: the model is none that can be asked.
        """
        ...


@runtime_checkable
class LanguageModel(Protocol):
    """Who reads and writes text. The card names it; the vocabulary cuts text for it."""

    @property
    def card(self) -> ModelCard:
        """What a result depends on."""
        ...

    @property
    def vocabulary(self) -> Vocabulary:
        """How this model cuts text."""
        ...

    def without_start(self) -> "LanguageModel":
        """The same model, which reads texts with no start token before them; their first tokens go unscored."""
        ...

    def score(self, tokens: Tokens) -> Scores:
        """What the model says of each token."""
        ...

    def moments(self, tokens: Tokens) -> Moments:
        """What the model says of each token, with mean, variance and rank, in the same pass."""
        ...

    def distributions(self, tokens: Tokens) -> Iterator[Block]:
        """All that the model says at every scored token, some rows at a time, in order; large, for pairs of models."""
        ...

    def score_and_choose(self, tokens: Tokens, *, chooser: Chooser, k: int) -> tuple[Scores, Candidates]:
        """The scores, and the k likeliest tokens at the rows that `chooser` picks; k = vocabulary size gives all."""
        ...

    def generate(self, requests: Sequence[Request], *, decoding: Decoding) -> list[Written]:
        """The texts that are asked for, in their order; each depends on its own request alone (to the bit in fp32)."""
        ...
