"""A language model that can be worked by hand: counts of n-grams, smoothed towards the next shorter context.

The oracle of every test that needs a model, and a real model: fit it on a few documents, save it, and its folder is
an address like any other. For a word w after the context h = (w1 ... wj), h' = (w2 ... wj) and pseudo count m:

    p(w | h)  = (c(h w) + m p(w | h')) / (c(h) + m)      where h was seen
    p(w | h)  = p(w | h')                                where it was not
    p(w | ()) = (c(w) + m / v) / (n + m)                 with n words counted and v pieces in the vocabulary

so the longest context that was seen decides and the shorter ones fill in. Every text begins after a start token.

Source: MacKay and Peto 1995, A hierarchical Dirichlet language model, eq. 17 (with one fixed m).
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from blake3 import blake3
from jaxtyping import Float64, Int32, Int64
from numpy import ndarray

from uncollapse.errors import BrokenModel, UsageError
from uncollapse.fingerprint import canonical_json
from uncollapse.language_models.asking import HINT
from uncollapse.language_models.contexts import START, counted_ngrams, find, levels_of, table_of
from uncollapse.language_models.drawing import Text, write_next
from uncollapse.language_models.model import (
    Block,
    Candidates,
    Chooser,
    ModelCard,
    Moments,
    Request,
    Scores,
    Tokens,
    Written,
)
from uncollapse.sampling import Decoding

FILE = "counted.json"
FORMAT = 1
FIRST_BYTE = 1
# A word or one sign with the space before it, or one character of white space: these tile any text.
PIECE = re.compile(r" ?\w+| ?[^\w\s]|\s")
# Numbers in one block of rows over the whole vocabulary (float64: 64 MiB).
BLOCK = 1 << 23


class WordVocabulary:
    """Words with the space before them; what was not seen in fitting is spelled byte by byte."""

    def __init__(self, words: Sequence[str]) -> None:
        bytes_ = [bytes([value]) for value in range(256)]
        self.words = tuple(words)
        self.surfaces: Sequence[bytes | None] = (None, *bytes_, *(word.encode() for word in words))
        self._ids = {surface: index for index, surface in enumerate(self.surfaces) if surface is not None}

    def __len__(self) -> int:
        return len(self.surfaces)

    def spell(self, text: str) -> list[int]:
        """The text as token ids."""
        ids: list[int] = []
        for piece in PIECE.findall(text):
            surface = piece.encode()
            known = self._ids.get(surface)
            ids += [FIRST_BYTE + value for value in surface] if known is None else [known]
        return ids

    def encode(self, texts: Sequence[str], *, prompts: Sequence[str] | None = None) -> Tokens:
        """The texts as tokens, each after its prompt where there are prompts."""
        before = [self.spell(prompt) for prompt in prompts] if prompts else [[] for _ in texts]
        own = [self.spell(text) for text in texts]
        lengths = self._lengths
        spans = [np.zeros((0, 2), np.int64)]
        for prompt, ids in zip(before, own, strict=True):
            ends = np.cumsum(lengths[ids])
            spans += [np.zeros((len(prompt), 2), np.int64), np.stack([ends - lengths[ids], ends], axis=1)]
        sizes = np.array([len(prompt) + len(ids) for prompt, ids in zip(before, own, strict=True)], np.int64)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        return Tokens(
            ids=np.array([i for pair in zip(before, own, strict=True) for ids in pair for i in ids], np.int32),
            offsets=offsets,
            starts=offsets[:-1] + np.array([len(prompt) for prompt in before], np.int64),
            spans=np.concatenate(spans),
        )

    def ask(self, questions: Sequence[str]) -> list[Int32[ndarray, "_"]]:  # noqa: ARG002  (nobody can be asked)
        """Never: who counts words cannot be asked."""
        raise UsageError("a counted model cannot be asked, it can only go on", hint=HINT)

    @property
    def ends(self) -> Collection[int]:
        """None: where a text ends is not counted."""
        return ()

    @cached_property
    def _lengths(self) -> Int64[ndarray, "v"]:
        return np.array([len(surface or b"") for surface in self.surfaces], np.int64)


class CountedModel:
    """The counted n-gram model; see the head of this file for its formula."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        ngrams: Sequence[tuple[Int64[ndarray, "_ _"], Int64[ndarray, "_"]]],
        pseudo_count: float,
        address: str | None = None,
    ) -> None:
        self.vocabulary = WordVocabulary(words)
        self.pseudo_count = pseudo_count
        self._ngrams = tuple(ngrams)
        self._address = address
        self._levels = levels_of(self._ngrams, size=len(self.vocabulary))

    @classmethod
    def fit(cls, texts: Iterable[str], *, order: int = 3, pseudo_count: float = 0.01, least: int = 1) -> Self:
        """The model of some texts: n-grams up to `order` words, words seen at least `least` times as pieces."""
        if order < 1 or not pseudo_count > 0 or least < 1:
            raise UsageError(
                f"a counted model with order={order}, pseudo_count={pseudo_count}, least={least}",
                hint="order and least are at least 1, pseudo_count is more than 0",
            )
        texts = list(texts)
        seen = Counter(piece for text in texts for piece in PIECE.findall(text))
        words = sorted(word for word, count in seen.items() if count >= least and len(word.encode()) > 1)
        vocabulary = WordVocabulary(words)
        lines = [np.array([START, *vocabulary.spell(text)], np.int64) for text in texts]
        ngrams = [counted_ngrams(lines, length=length) for length in range(1, order + 1)]
        return cls(words, ngrams=ngrams, pseudo_count=pseudo_count)

    @classmethod
    def load(cls, folder: str | Path, *, address: str | None = None) -> Self:
        """The model that was saved in a folder.

        Raises:
            BrokenModel: the file is not what `save` writes.
        """
        path = Path(folder) / FILE
        try:
            content = json.loads(path.read_bytes())
            if content["format"] != FORMAT:
                raise BrokenModel(
                    f"{path} has format {content['format']!r}, not {FORMAT}",
                    hint="fit and save the model again with this version",
                )
            ngrams = [table_of(rows, length=length + 1) for length, rows in enumerate(content["ngrams"])]
            pseudo_count = float(content["pseudo_count"])
            return cls(content["words"], ngrams=ngrams, pseudo_count=pseudo_count, address=address or str(folder))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BrokenModel(
                f"{path} is no counted model: {error}", hint="make one with CountedModel.fit(texts).save(folder)"
            ) from error

    def save(self, folder: str | Path) -> Path:
        """The file that now holds the model; its bytes depend on the counts alone."""
        path = Path(folder) / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._bytes)
        return path

    @cached_property
    def _bytes(self) -> bytes:
        ngrams = [np.column_stack([ids, counts]).tolist() for ids, counts in self._ngrams]
        return canonical_json(
            {
                "format": FORMAT,
                "pseudo_count": self.pseudo_count,
                "words": list(self.vocabulary.words),
                "ngrams": ngrams,
            }
        )

    @cached_property
    def card(self) -> ModelCard:
        """What a result of this model depends on."""
        revision = blake3(self._bytes).hexdigest()
        return counted_card(self._address or f"counted:{revision[:12]}", revision=revision)

    def without_start(self) -> "CountedModel":
        """Itself: the beginning of a text is a context like any other, and no token stands for it."""
        return self

    def score(self, tokens: Tokens) -> Scores:
        """What the model says of each token."""
        return self._score(tokens, self._contexts(tokens))

    def moments(self, tokens: Tokens) -> Moments:
        """What the model says of each token, with mean, variance and rank, in the same pass."""
        logprob = self.score(tokens).logprob
        mean, variance = (np.full(len(tokens.ids), np.nan, np.float32) for _ in range(2))
        rank = np.zeros(len(tokens.ids), np.int32)
        for rows, dense in self._dense(tokens):
            logs = np.log(dense)
            mean[rows] = centre = (dense * logs).sum(axis=1)
            variance[rows] = (dense * (logs - centre[:, None]) ** 2).sum(axis=1)
            own = np.take_along_axis(dense, tokens.ids[rows, None].astype(np.int64), axis=1)
            rank[rows] = 1 + (dense > own).sum(axis=1)
        return Moments(logprob, mean, variance, rank)

    def distributions(self, tokens: Tokens) -> Iterator[Block]:
        """All that the model says at every scored token, some rows at a time, in order; large, for pairs of models."""
        for rows, dense in self._dense(tokens):
            yield Block(rows, np.log(dense).astype(np.float32))

    def score_and_choose(self, tokens: Tokens, *, chooser: Chooser, k: int) -> tuple[Scores, Candidates]:
        """The scores, and the k likeliest tokens at the rows that `chooser` picks."""
        contexts = self._contexts(tokens)
        scores = self._score(tokens, contexts)
        scored = np.flatnonzero(~np.isnan(scores.logprob))
        rows = scored[chooser(scored, scores.logprob[scored], scores.is_argmax[scored])]
        size = len(self.vocabulary)
        k = min(k, size)
        ids = np.empty((len(rows), k), np.int32)
        logprob = np.empty((len(rows), k), np.float32)
        step = max(1, BLOCK // size)
        for at in range(0, len(rows), step):
            dense = self._distribution([nodes[rows[at : at + step]] for nodes in contexts])
            # Stable over the negated row: equal probabilities stand in the order of their ids.
            best = np.argsort(-dense, axis=1, kind="stable")[:, :k]
            ids[at : at + step] = best
            logprob[at : at + step] = np.log(np.take_along_axis(dense, best, axis=1))
        return scores, Candidates(rows=rows, ids=ids, logprob=logprob)

    def generate(self, requests: Sequence[Request], *, decoding: Decoding) -> list[Written]:
        """The texts that are asked for; each goes on to its limit, since the model knows no end of text."""
        texts = [Text(request, number) for number, request in enumerate(requests)]
        banned = np.array([surface is None for surface in self.vocabulary.surfaces])
        step = max(1, BLOCK // len(self.vocabulary))
        while going := [text for text in texts if not text.done]:
            for at in range(0, len(going), step):
                block = going[at : at + step]
                write_next(block, np.log(self._next(block)), decoding=decoding, banned=banned)
        return [text.written() for text in texts]

    def _next(self, texts: Sequence[Text]) -> Float64[ndarray, "r v"]:
        """The distribution of the token that comes after each text, its prompt and a start token before it."""
        # A line holds the end of a text that is looked back upon, and a place for the next token.
        back = len(self._levels)
        lines = [[START, *text.request.prompt[-back:].tolist(), *text.ids[-back:], START] for text in texts]
        ends = np.cumsum([len(line) for line in lines]) - 1
        depth = np.concatenate([np.arange(len(line)) for line in lines])
        nodes = self._walk(np.concatenate([np.array(line, np.int64) for line in lines]), depth)
        return self._distribution([level[ends] for level in nodes])

    def probability(self, context: Sequence[str], word: str) -> float:
        """p(word | context), for people: pieces as text, the context's last piece nearest to the word."""
        ids = [self.vocabulary.spell(piece) for piece in (*context, word)]
        assert all(len(piece) == 1 for piece in ids), "each piece must be one token of the vocabulary"
        line = np.array([piece[0] for piece in ids], np.int64)
        contexts = self._walk(line, np.arange(len(line), dtype=np.int64))
        return float(self._probability([nodes[-1:] for nodes in contexts], line[-1:])[0])

    def _score(self, tokens: Tokens, contexts: list[Int64[ndarray, "n"]]) -> Scores:
        scored = np.flatnonzero(tokens.scored())
        ids = tokens.ids.astype(np.int64)[scored]
        nodes = [level[scored] for level in contexts]
        probability = self._probability(nodes, ids)
        logprob = np.full(len(tokens.ids), np.nan, np.float32)
        logsumexp = logprob.copy()
        is_argmax = np.zeros(len(tokens.ids), np.bool_)
        logprob[scored] = np.log(probability)
        logsumexp[scored] = 0.0
        largest = self._largest(nodes)
        is_argmax[scored] = probability >= largest
        confidence = np.full(len(tokens.ids), np.nan, np.float32)
        confidence[scored] = np.log(largest)
        return Scores(logprob=logprob, is_argmax=is_argmax, logsumexp=logsumexp, confidence=confidence)

    def _dense(self, tokens: Tokens) -> Iterator[tuple[Int64[ndarray, "r"], Float64[ndarray, "r v"]]]:
        """The scored rows with their whole distributions, some at a time."""
        contexts = self._contexts(tokens)
        scored = np.flatnonzero(tokens.scored())
        step = max(1, BLOCK // len(self.vocabulary))
        for at in range(0, len(scored), step):
            rows = scored[at : at + step]
            yield rows, self._distribution([nodes[rows] for nodes in contexts])

    def _contexts(self, tokens: Tokens) -> list[Int64[ndarray, "n"]]:
        """For each level, the number of each token's context; -1 where it was not seen."""
        heads = tokens.offsets[:-1]
        # The line with a start token before each document, and where each token landed in it.
        line = np.insert(tokens.ids.astype(np.int64), heads, START)
        landed = np.arange(len(tokens.ids)) + tokens.document_of() + 1
        depth = landed - np.repeat(heads + np.arange(len(heads)), np.diff(tokens.offsets))
        full = np.zeros(len(line), np.int64)
        full[landed] = depth
        return [nodes[landed] for nodes in self._walk(line, full)]

    def _walk(self, line: Int64[ndarray, "m"], depth: Int64[ndarray, "m"]) -> list[Int64[ndarray, "m"]]:
        """The same for a line of tokens of which `depth` tokens may be looked back upon."""
        size = len(self.vocabulary)
        nodes = [np.zeros(len(line), np.int64)]
        for back, level in enumerate(self._levels[1:], start=1):
            first = np.concatenate([np.zeros(min(back, len(line)), np.int64), line[:-back]])
            key = nodes[-1] * size + first
            at, hit = find(level.contexts, key)
            nodes.append(np.where(hit & (nodes[-1] >= 0) & (depth >= back), at, -1))
        return nodes

    def _probability(self, nodes: list[Int64[ndarray, "n"]], ids: Int64[ndarray, "n"]) -> Float64[ndarray, "n"]:
        size, pseudo = len(self.vocabulary), self.pseudo_count
        probability = np.full(len(ids), 1.0 / size)
        for level, node in zip(self._levels, nodes, strict=True):
            seen = node >= 0
            at, hit = find(level.continuations, node * size + ids)
            count = np.where(hit & seen, level.counts[at], 0.0) if len(level.counts) else np.zeros(len(ids))
            total = level.totals[np.where(seen, node, 0)] if len(level.totals) else np.zeros(len(ids))
            probability = np.where(seen, (count + pseudo * probability) / (total + pseudo), probability)
        return probability

    def _distribution(self, nodes: list[Int64[ndarray, "r"]]) -> Float64[ndarray, "r v"]:
        """p(. | context) of each row, by the same operations in the same order as `_probability`."""
        size, pseudo = len(self.vocabulary), self.pseudo_count
        rows = len(nodes[0])
        probability = np.full((rows, size), 1.0 / size)
        for level, node in zip(self._levels, nodes, strict=True):
            for row in np.flatnonzero(node >= 0) if len(level.totals) else ():
                span = slice(level.bounds[node[row]], level.bounds[node[row] + 1])
                count = np.zeros(size)
                count[level.continuations[span] % size] = level.counts[span]
                probability[row] = (count + pseudo * probability[row]) / (level.totals[node[row]] + pseudo)
        return probability

    def _largest(self, nodes: list[Int64[ndarray, "n"]]) -> Float64[ndarray, "n"]:
        """The largest probability after each token's context."""
        largest = np.empty(len(nodes[0]))
        for level, node in zip(self._largest_of, nodes, strict=True):
            largest = np.where(node >= 0, level[np.maximum(node, 0)] if len(level) else largest, largest)
        return largest

    @cached_property
    def _largest_of(self) -> list[Float64[ndarray, "c"]]:
        """The largest probability after each context of each level.

        It is that of a word seen after the context, or that of the likeliest word after the next shorter one: a
        word not seen after either is less likely than the latter.
        """
        size, pseudo = len(self.vocabulary), self.pseudo_count
        largest = [np.full(1, 1.0 / size)]
        for depth, level in enumerate(self._levels):
            node = level.continuations // size
            nodes = [np.full(len(node), -1)] * len(self._levels)
            for up in range(depth, -1, -1):
                nodes[up] = node
                node = self._levels[up].contexts[node] // size if up else node
            parent = largest[depth][level.contexts // size if depth else np.zeros(1, np.int64)]
            best = (0.0 + pseudo * parent) / (level.totals + pseudo)
            np.maximum.at(best, nodes[depth], self._probability(nodes, level.continuations % size))
            largest.append(best)
        return largest[1:]


def counted_card(address: str, *, revision: str) -> ModelCard:
    """The card of a counted model: it has no window, since its context is shorter than any."""
    return ModelCard(
        address=address, revision=revision, backend="counted", backend_version=str(FORMAT), dtype="float64"
    )
