"""What becomes of each token: everything between a group's texts and its replacements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64
from numpy import ndarray

from uncollapse.editing.account import Decisions
from uncollapse.editing.candidates import Drawn, Sampler, draw_replacements
from uncollapse.editing.group import Group
from uncollapse.editing.protect import inside, protected_spans
from uncollapse.editing.recheck import survivors
from uncollapse.editing.respelling import Replacement
from uncollapse.editing.rules import (
    Draw,
    Positions,
    Replace,
    Rules,
    UnitOf,
    editable,
    flagged_by_probability,
    spaced,
    uniforms,
    within_budget,
)
from uncollapse.editing.words import Pieces, faithful, pieces
from uncollapse.language_models.model import LanguageModel, Scores, Tokens
from uncollapse.randomness import Stream


@dataclass(frozen=True, slots=True)
class Editor:
    """The rules with everything they need: the prior, its vocabulary as text, and the name of the streams."""

    model: LanguageModel
    table: Pieces
    rules: Rules
    sampler: Sampler
    fingerprint: str

    @classmethod
    def of(cls, model: LanguageModel, *, rules: Rules, fingerprint: str) -> Self:
        """An editor for these rules."""
        sampler = Sampler(
            strategy=rules.strategy,
            top_k=rules.top_k,
            top_p=rules.top_p,
            min_p=rules.min_p,
            temperature=rules.temperature,
            exclude_original=rules.exclude_original,
            words=rules.unit is UnitOf.WORD,
        )
        return cls(model, pieces(model.vocabulary.surfaces), rules, sampler, fingerprint)


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided for a group: per token, and the new token at each changed row (-1 where it is left out)."""

    tokens: Tokens
    document: Int64[ndarray, "n"]
    decisions: Decisions
    new: Int32[ndarray, "n"]
    drawn: Drawn | None

    def own(self) -> Decisions:
        """The decisions for tokens of the texts, without those of the prompts."""
        scored = self.tokens.scored()
        return Decisions(*(part[scored] for part in self.decisions))

    def replacements(self, table: Pieces) -> list[list[Replacement]]:
        """For each document its replacements, in order, as bytes of its text."""
        found: list[list[Replacement]] = [[] for _ in range(len(self.tokens))]
        for row in np.flatnonzero(self.decisions.changed).tolist():
            start, end = self.tokens.spans[row].tolist()
            after = b"" if self.new[row] < 0 else table.surfaces[self.new[row]] or b""
            probability = float(self.decisions.probability[row])
            found[self.document[row]].append(Replacement(start, end, after, probability))
        return found


def decide(editor: Editor, group: Group) -> Decided:
    """What becomes of each token of the group's documents."""
    rules, table = editor.rules, editor.table
    tokens = editor.model.vocabulary.encode(group.texts, prompts=group.prompts)
    work = _Work.of(editor, group, tokens)
    scores, drawn = _score_and_draw(editor, work)
    able = work.flag(scores)
    flagged = np.flatnonzero(able)
    guarded = np.zeros(len(tokens.ids), dtype=bool)
    guarded[flagged] = work.guarded[flagged] | ~faithful(
        table, tokens.ids[flagged], texts=work.encoded, spans=tokens.spans[flagged], document=work.document[flagged]
    )
    new = tokens.ids.copy()
    chance = np.zeros(len(tokens.ids))
    if drawn is None:
        new[able & ~guarded] = -1
        chance[able & ~guarded] = 1.0
    else:
        new[drawn.rows] = drawn.ids
        chance[drawn.rows] = drawn.chance
        new[guarded], chance[guarded] = tokens.ids[guarded], 0.0
    proposed = np.flatnonzero(new != tokens.ids)
    within = proposed[_limits(editor, work, group, proposed)]
    stay = within if not rules.recheck else within[_recheck(editor, tokens, scores, new, within)]
    return Decided(
        tokens=tokens,
        document=work.document,
        decisions=Decisions(
            probability=np.exp(scores.logprob.astype(np.float64)),
            flagged=able,
            protected=guarded,
            over_budget=_marks(tokens, np.setdiff1d(proposed, within)),
            taken_back=_marks(tokens, np.setdiff1d(within, stay)),
            changed=_marks(tokens, stay),
            chance=chance,
        ),
        new=new,
        drawn=drawn,
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """A group's tokens with what is known of them before the prior has read them."""

    tokens: Tokens
    document: Int64[ndarray, "n"]
    position: Int64[ndarray, "n"]
    encoded: list[bytes]
    streams: list[Stream]
    able: Bool[ndarray, "n"]
    guarded: Bool[ndarray, "n"]
    picked: Bool[ndarray, "n"] | None
    rules: Rules

    @classmethod
    def of(cls, editor: Editor, group: Group, tokens: Tokens) -> Self:
        rules = editor.rules
        document = tokens.document_of()
        position = np.arange(len(tokens.ids)) - tokens.starts[document]
        streams = [Stream.of(rules.seed, editor.fingerprint, name) for name in group.ids]
        able = editable(tokens, editor.table, unit=rules.unit)
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


def _score_and_draw(editor: Editor, work: _Work) -> tuple[Scores, Drawn | None]:
    if editor.rules.replace is Replace.DROP:
        return editor.model.score(work.tokens), None
    return draw_replacements(
        editor.model,
        work.tokens,
        chooser=work.chooser,
        sampler=editor.sampler,
        table=editor.table,
        uniforms=work.uniforms,
    )


def _guarded(tokens: Tokens, texts: Sequence[str], rules: Rules) -> Bool[ndarray, "n"]:
    """Which tokens share a byte with protected text."""
    guarded = np.zeros(len(tokens.ids), dtype=bool)
    if rules.protect:
        for number, text in enumerate(texts):
            own = slice(int(tokens.starts[number]), int(tokens.offsets[number + 1]))
            guarded[own] = inside(protected_spans(text, rules.protect), tokens.spans[own])
    return guarded


def _limits(editor: Editor, work: _Work, group: Group, rows: Int64[ndarray, "r"]) -> Bool[ndarray, "r"]:
    """Which proposed edits spacing and budget allow."""
    rules = editor.rules
    keep = spaced(rows, work.document[rows], spacing=rules.spacing)
    if rules.max_edit_share < 1:
        sizes = work.tokens.offsets[1:] - work.tokens.starts
        budget = np.floor(rules.max_edit_share * sizes).astype(np.int64) - np.array([len(edits) for edits in group.earlier], dtype=np.int64)
        apart = np.flatnonzero(keep)
        priority = work.uniforms(rows[apart], Draw.BUDGET)
        keep[apart] = within_budget(work.document[rows[apart]], priority, budget=np.maximum(budget, 0))
    return keep


def _recheck(editor: Editor, tokens: Tokens, scores: Scores, new: ndarray, rows: Int64[ndarray, "r"]) -> Bool[ndarray, "r"]:
    """Which edits stay after the documents that have any are read once more with all of them in place."""
    if len(rows) == 0:
        return np.ones(0, dtype=bool)
    ids = tokens.ids.copy()
    ids[rows] = new[rows]
    edited = Tokens(ids=ids, offsets=tokens.offsets, starts=tokens.starts, spans=tokens.spans)
    part, origin = edited.take(np.unique(tokens.document_of()[rows]))
    after = scores.logprob.copy()
    after[origin] = editor.model.score(part).logprob
    rules = editor.rules
    return survivors(
        scores.logprob, after, rows, tokens=tokens, ahead=rules.recheck_tokens, tolerance=rules.recheck_nats
    )


def _marks(tokens: Tokens, rows: Int64[ndarray, "r"]) -> Bool[ndarray, "n"]:
    marks = np.zeros(len(tokens.ids), dtype=bool)
    marks[rows] = True
    return marks
