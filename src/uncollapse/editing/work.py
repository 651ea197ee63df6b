"""A group of documents as tokens, and which of them may be edited, before anything is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from uncollapse.editing.group import Group
from uncollapse.editing.protect import inside, protected_spans
from uncollapse.editing.rules import Draw, Positions, Rules, editable, flagged_by_probability, uniforms
from uncollapse.editing.words import Pieces
from uncollapse.language_models.model import Scores, Tokens
from uncollapse.randomness import Stream


@dataclass(frozen=True, slots=True)
class Work:
    """A group's tokens with what is known of them before the prior has read them."""

    tokens: Tokens
    document: Int64[ndarray, "n"]
    position: Int64[ndarray, "n"]
    encoded: list[bytes]
    streams: list[Stream]
    able: Bool[ndarray, "n"]
    guarded: Bool[ndarray, "n"]
    picked: Bool[ndarray, "n"] | None
    budget: Int64[ndarray, "d"]
    rules: Rules

    @classmethod
    def of(cls, group: Group, tokens: Tokens, *, rules: Rules, table: Pieces, fingerprint: str) -> Self:
        """What is known of a group."""
        document = tokens.document_of()
        position = np.arange(len(tokens.ids)) - tokens.starts[document]
        streams = [Stream.of(rules.seed, fingerprint, name) for name in group.ids]
        able = editable(tokens, table, unit=rules.unit)
        picked = None
        if rules.positions is Positions.RANDOM:
            rows = np.flatnonzero(able)
            picked = np.zeros(len(able), dtype=bool)
            picked[rows] = uniforms(streams, document[rows], position[rows], draw=Draw.POSITION) < rules.rate
        return cls(
            tokens=tokens,
            document=document,
            position=position,
            encoded=[text.encode() for text in group.texts],
            streams=streams,
            able=able,
            guarded=_guarded(tokens, group.texts, rules),
            picked=picked,
            budget=_budget(tokens, group, share=rules.max_edit_share),
            rules=rules,
        )

    def flag(self, scores: Scores) -> Bool[ndarray, "n"]:
        """Where the rule picks a token, protected or not."""
        return self._flag(np.arange(len(self.able)), scores.logprob) & self.able

    def chooser(self, rows: Int64[ndarray, "m"], logprob: ndarray, _: ndarray) -> Bool[ndarray, "m"]:
        """Where candidates are needed: flagged, and not protected."""
        return self._flag(rows, logprob) & (self.able & ~self.guarded)[rows]

    def _flag(self, rows: Int64[ndarray, "m"], logprob: ndarray) -> Bool[ndarray, "m"]:
        if self.picked is not None:
            return self.picked[rows]
        rules = self.rules
        easy = rules.positions is Positions.EASY
        return flagged_by_probability(logprob, easy=easy, threshold=rules.threshold, strict=rules.strict)

    def uniforms(self, rows: Int64[ndarray, "r"], draw: int) -> Float64[ndarray, "r"]:
        """One uniform number for each row."""
        return uniforms(self.streams, self.document[rows], self.position[rows], draw=draw)


def _guarded(tokens: Tokens, texts: Sequence[str], rules: Rules) -> Bool[ndarray, "n"]:
    """Which tokens share a byte with protected text."""
    guarded = np.zeros(len(tokens.ids), dtype=bool)
    if rules.protect:
        for number, text in enumerate(texts):
            own = slice(int(tokens.starts[number]), int(tokens.offsets[number + 1]))
            guarded[own] = inside(protected_spans(text, rules.protect), tokens.spans[own])
    return guarded


def _budget(tokens: Tokens, group: Group, *, share: float) -> Int64[ndarray, "d"]:
    """How many more edits each document may have: its share of its tokens, less the edits that it carries."""
    sizes = tokens.offsets[1:] - tokens.starts
    carried = np.array([len(edits) for edits in group.earlier], dtype=np.int64)
    return np.maximum(np.floor(share * sizes).astype(np.int64) - carried, 0)
