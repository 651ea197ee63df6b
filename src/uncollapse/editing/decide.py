"""What becomes of each token: everything between a group's texts and its replacements."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64
from numpy import ndarray

from uncollapse.editing.account import Decisions
from uncollapse.editing.candidates import Drawn, Sampler, draw_replacements
from uncollapse.editing.group import Group
from uncollapse.editing.respelling import Replacement
from uncollapse.editing.rounds import GONE, Wishes, settle
from uncollapse.editing.rules import Replace, Rules, UnitOf
from uncollapse.editing.words import Pieces, faithful, pieces
from uncollapse.editing.work import Work
from uncollapse.language_models.model import LanguageModel, Scores, Tokens


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
        table = pieces(model.vocabulary.surfaces)
        sampler = Sampler(
            strategy=rules.strategy,
            top_k=rules.top_k,
            top_p=rules.top_p,
            min_p=rules.min_p,
            temperature=rules.temperature,
            exclude_original=rules.exclude_original,
            words=rules.unit is UnitOf.WORD,
            tries=rules.recheck_rounds,
            table=table,
        )
        return cls(model, table, rules, sampler, fingerprint)


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
    work = Work.of(group, tokens, rules=rules, table=table, fingerprint=editor.fingerprint)
    scores, drawn = _score_and_draw(editor, work)
    flagged = work.flag(scores)
    rows = np.flatnonzero(flagged)
    guarded = np.zeros(len(tokens.ids), dtype=bool)
    guarded[rows] = work.guarded[rows] | ~faithful(
        table, tokens.ids[rows], texts=work.encoded, spans=tokens.spans[rows], document=work.document[rows]
    )
    wanted, chance = _wishes(tokens, flagged & ~guarded, drawn)
    settled = settle(editor.model, work, scores, wanted)
    return Decided(
        tokens=tokens,
        document=work.document,
        decisions=Decisions(
            probability=np.exp(scores.logprob.astype(np.float64)),
            flagged=flagged,
            protected=guarded,
            over_budget=settled.over_budget,
            taken_back=settled.taken_back,
            changed=settled.changed,
            chance=chance,
        ),
        new=settled.new,
        drawn=drawn,
    )


def _score_and_draw(editor: Editor, work: Work) -> tuple[Scores, Drawn | None]:
    if editor.rules.replace is Replace.DROP:
        return editor.model.score(work.tokens), None
    return draw_replacements(
        editor.model,
        work.tokens,
        chooser=work.chooser,
        sampler=editor.sampler,
        uniforms=work.uniforms,
    )


def _wishes(tokens: Tokens, able: Bool[ndarray, "n"], drawn: Drawn | None) -> tuple[Wishes, Float64[ndarray, "n"]]:
    """What is to be tried at which rows, and for each token the chance that a draw changes it."""
    chance = np.zeros(len(tokens.ids))
    if drawn is None:
        rows = np.flatnonzero(able)
        chance[rows] = 1.0
        return Wishes(rows, np.full((len(rows), 1), GONE, dtype=np.int32)), chance
    own = able[drawn.rows]
    chance[drawn.rows[own]] = drawn.chance[own]
    return Wishes(drawn.rows[own], drawn.ids[own]), chance
