"""The next token of many texts at once, in NumPy: the distribution is shaped, marked where asked, and drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from uncollapse.language_models.model import Request, Written
from uncollapse.sampling import Decoding, draw, entropy, narrowed
from uncollapse.watermark import HEAD, NGRAM, context_hash, tournament


@dataclass(slots=True)
class Text:
    """A text while it is written."""

    request: Request
    number: int
    ids: list[int] = field(default_factory=list)
    logprob: list[float] = field(default_factory=list)
    entropy: list[float] = field(default_factory=list)
    drawn_entropy: list[float] = field(default_factory=list)
    contexts: set[int] = field(default_factory=set)
    ended: bool = False

    @property
    def uniform(self) -> float:
        """The number that decides the next token."""
        return float(self.request.uniform[len(self.ids)])

    @property
    def done(self) -> bool:
        """Whether nothing more is to be written."""
        return self.ended or len(self.ids) == len(self.request.uniform)

    def written(self) -> Written:
        """The text as it is given back."""
        return Written(
            ids=np.array(self.ids, np.int32),
            logprob=np.array(self.logprob, np.float32),
            entropy=np.array(self.entropy, np.float32),
            drawn_entropy=np.array(self.drawn_entropy, np.float32),
            ended=self.ended,
        )


def marked_rows(texts: Sequence[Text]) -> list[tuple[int, int]]:
    """The texts whose next token bears a mark, and the hash of what stands before it.

    The first tokens have no context of the text's own, and a context that was there before would make the same
    coins fall again: both are drawn without a mark.
    """
    wanted = [row for row, text in enumerate(texts) if text.request.keys is not None and len(text.ids) >= NGRAM - 1]
    if not wanted:
        return []
    contexts = np.array([texts[row].ids[1 - NGRAM :] for row in wanted], np.int64)
    found = []
    for row, value in zip(wanted, context_hash(contexts).tolist(), strict=True):
        if value not in texts[row].contexts:
            texts[row].contexts.add(value)
            found.append((row, value))
    return found


def mark(
    weight: Float64[ndarray, "r k"],
    ids: Int64[ndarray, "r k"],
    *,
    rows: Sequence[tuple[int, int]],
    texts: Sequence[Text],
) -> Float64[ndarray, "r k"]:
    """The weights of the likeliest candidates of some rows after the tournament; each row keeps its sum."""
    total = weight.sum(axis=1, keepdims=True)
    keys = np.stack([_keys(texts[row]) for row, _ in rows])
    hashes = np.array([value for _, value in rows], np.int64)
    return total * tournament(weight / total, ids, hashes=hashes, keys=keys)


def _keys(text: Text) -> Int64[ndarray, "l"]:
    assert text.request.keys is not None
    return text.request.keys


def write_next(
    texts: Sequence[Text], logprob: Float64[ndarray, "r v"], *, decoding: Decoding, banned: Bool[ndarray, "v"]
) -> Int64[ndarray, "r"]:
    """The next token of each text out of the model's log-probabilities; what is said of it is noted in the text."""
    with np.errstate(divide="ignore"):
        probability = narrowed(np.where(banned, -np.inf, logprob), decoding)
    drawn = entropy(probability)
    rows = marked_rows(texts)
    if rows:
        at = np.array([row for row, _ in rows])
        head = np.argsort(-probability[at], axis=1, kind="stable")[:, :HEAD]
        weight = np.take_along_axis(probability[at], head, axis=1)
        probability[at[:, None], head] = mark(weight, head, rows=rows, texts=texts)
    ids = np.broadcast_to(np.arange(probability.shape[1]), probability.shape)
    tokens = draw(probability, ids, np.array([text.uniform for text in texts]))
    own = entropy(np.exp(logprob))
    said = np.take_along_axis(logprob, tokens[:, None], axis=1)[:, 0]
    note(texts, tokens=tokens, columns=(said, own, drawn))
    return tokens


def note(texts: Sequence[Text], *, tokens: Int64[ndarray, "r"], columns: Sequence[ndarray]) -> None:
    """Nothing; each text has its token, and what is said of it, at its end."""
    lists = (column.tolist() for column in columns)
    for text, token, said, own, drawn in zip(texts, tokens.tolist(), *lists, strict=True):
        text.ids.append(token)
        text.logprob.append(said)
        text.entropy.append(own)
        text.drawn_entropy.append(drawn)


def close(text: Text) -> None:
    """Nothing; the text is over, and the token that says so is no part of it."""
    text.ended = True
    for column in (text.ids, text.logprob, text.entropy, text.drawn_entropy):
        column.pop()


def rewind(text: Text, length: int) -> None:
    """Nothing; the text is as it was when it had so many tokens, and is drawn for from there once more."""
    if len(text.ids) == length:
        return
    assert len(text.ids) > length
    for column in (text.ids, text.logprob, text.entropy, text.drawn_entropy):
        del column[length:]
    if text.request.keys is not None:
        seen = np.array([text.ids[at - NGRAM + 1 : at] for at in range(NGRAM - 1, length)], np.int64)
        text.contexts = set(context_hash(seen).tolist()) if len(seen) else set()
