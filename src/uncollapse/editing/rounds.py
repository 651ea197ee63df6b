"""From wishes to edits: spacing, budget, and reading the edited text again until the rounds are used up.

In each round every row that is still open wishes for its next token. Rows are admitted in a random order, those that
were tried least often first, as far as spacing and budget allow. Without a recheck what is admitted is done. With one,
the documents are read with all edits in place; edits that cost too much are taken back, and their rows may wish again.
"""

from bisect import bisect_left
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int32, Int64
from numpy import ndarray

from uncollapse.editing.recheck import Limits, survivors
from uncollapse.editing.rules import Draw
from uncollapse.editing.work import Work
from uncollapse.language_models.model import LanguageModel, Scores, Tokens

# What a row wishes for when it is to be left out.
GONE = -1


class Wishes(NamedTuple):
    """Rows, ascending, and the tokens that each tries in turn; its own token ends the row of tries."""

    rows: Int64[ndarray, "r"]
    tries: Int32[ndarray, "r t"]


class Settled(NamedTuple):
    """The new tokens, and what became of rows that wished for another: each is in at most one of the three."""

    new: Int32[ndarray, "n"]
    changed: Bool[ndarray, "n"]
    taken_back: Bool[ndarray, "n"]
    over_budget: Bool[ndarray, "n"]


def settle(model: LanguageModel, work: Work, scores: Scores, wishes: Wishes) -> Settled:
    """Which wishes come true."""
    tokens = work.tokens
    rows, tries = wishes
    own = tokens.ids[rows]
    turns = tries.shape[1]
    used = np.zeros(len(rows), dtype=np.int64)
    done = np.zeros(len(rows), dtype=bool)
    new = tokens.ids.copy()
    priority = work.uniforms(rows, Draw.PRIORITY)
    for _ in range(work.rules.recheck_rounds):
        wish = np.take_along_axis(tries, np.minimum(used, turns - 1)[:, None], axis=1)[:, 0]
        wishing = ~done & (used < turns) & (wish != own)
        admitted = _admit(work, rows, np.lexsort((priority, used)), wishing=wishing, done=done)
        if not admitted.any():
            break
        new[rows[admitted]] = wish[admitted]
        used[admitted] += 1
        in_place = done | admitted
        stay = in_place.copy()
        if work.rules.recheck:
            stay[in_place] = _stay(model, work, scores, new, rows[in_place])
        done |= admitted & stay
        new[rows[~done]] = own[~done]
    return Settled(
        new=new,
        changed=_marks(tokens, rows[done]),
        taken_back=_marks(tokens, rows[~done & (used > 0)]),
        over_budget=_marks(tokens, rows[~done & (used == 0) & (tries[:, 0] != own)]),
    )


def _admit(
    work: Work,
    rows: Int64[ndarray, "r"],
    order: Int64[ndarray, "r"],
    *,
    wishing: Bool[ndarray, "r"],
    done: Bool[ndarray, "r"],
) -> Bool[ndarray, "r"]:
    """Which wishes spacing and budget allow beside the edits that are done, taken in the given order."""
    document = work.document[rows]
    left = work.budget - np.bincount(document[done], minlength=len(work.budget))
    spacing = work.rules.spacing
    if spacing == 1 and (np.bincount(document[wishing], minlength=len(left)) <= left).all():
        return wishing
    placed: list[list[int]] = [[] for _ in left]
    for row, number in zip(rows[done].tolist(), document[done].tolist(), strict=True):
        placed[number].append(row)
    admitted = np.zeros(len(rows), dtype=bool)
    for index in order[wishing[order]].tolist():
        row, number = int(rows[index]), int(document[index])
        there = placed[number]
        at = bisect_left(there, row)
        far = (at == 0 or row - there[at - 1] >= spacing) and (at == len(there) or there[at] - row >= spacing)
        if far and left[number] > 0:
            there.insert(at, row)
            left[number] -= 1
            admitted[index] = True
    return admitted


def _stay(
    model: LanguageModel, work: Work, scores: Scores, new: Int32[ndarray, "n"], rows: Int64[ndarray, "r"]
) -> Bool[ndarray, "r"]:
    """Which edits stay after the documents that have any are read with all of them in place."""
    tokens, rules = work.tokens, work.rules
    edited = Tokens(ids=new, offsets=tokens.offsets, starts=tokens.starts, spans=tokens.spans)
    part, origin = edited.take(np.unique(work.document[rows]))
    after = scores.logprob.copy()
    after[origin] = model.score(part).logprob
    limits = Limits(rules.recheck_tokens, rules.recheck_nats, rules.recheck_total_nats)
    return survivors(scores.logprob, after, rows, tokens=tokens, limits=limits)


def _marks(tokens: Tokens, rows: Int64[ndarray, "r"]) -> Bool[ndarray, "n"]:
    marks = np.zeros(len(tokens.ids), dtype=bool)
    marks[rows] = True
    return marks
