"""Decisions as traces: what a person is shown of each document."""

from collections.abc import Iterator

import numpy as np

from uncollapse.editing.decide import Decided
from uncollapse.editing.group import Group
from uncollapse.editing.trace import Alternative, DocumentTrace, TokenTrace, Verdict
from uncollapse.editing.words import Pieces


def traces(group: Group, decided: Decided, table: Pieces) -> Iterator[DocumentTrace]:
    """Each document of the group, token by token. Pieces of one character are shown as one token, the first piece's."""
    tokens = decided.tokens
    shown = _alternatives(decided, table)
    for number, text in enumerate(group.texts):
        encoded = text.encode()
        found: list[TokenTrace] = []
        start = 0
        for row in range(int(tokens.starts[number]), int(tokens.offsets[number + 1])):
            end = int(tokens.spans[row, 1])
            if end < len(encoded) and encoded[end] & 0xC0 == 0x80:
                continue  # inside a character: the next piece ends it
            found.append(_token(decided, row, encoded[start:end].decode(), table, shown.get(row, ())))
            start = end
        yield DocumentTrace(id=group.ids[number], source=group.sources[number], tokens=tuple(found))


def _token(decided: Decided, row: int, before: str, table: Pieces, alternatives: tuple[Alternative, ...]) -> TokenTrace:
    decisions = decided.decisions
    verdict = Verdict.KEPT
    for name in (Verdict.PROTECTED, Verdict.OVER_BUDGET, Verdict.TAKEN_BACK, Verdict.CHANGED):
        if getattr(decisions, name.name.lower())[row]:
            verdict = name
    after = None
    if verdict is Verdict.CHANGED:
        token = int(decided.new[row])
        after = "" if token < 0 else (table.surfaces[token] or b"").decode()
    probability = float(decisions.probability[row])
    return TokenTrace(
        before=before,
        probability=None if np.isnan(probability) else probability,
        flagged=bool(decisions.flagged[row]),
        verdict=verdict,
        after=after,
        alternatives=alternatives,
    )


def _alternatives(decided: Decided, table: Pieces) -> dict[int, tuple[Alternative, ...]]:
    """For each row with candidates the likeliest of them as text; what is no text by itself is shown as its bytes."""
    drawn = decided.drawn
    if drawn is None:
        return {}
    return {
        row: tuple(
            Alternative((table.surfaces[token] or b"").decode(errors="backslashreplace"), probability)
            for token, probability in zip(ids, chances, strict=True)
            if token >= 0
        )
        for row, ids, chances in zip(
            drawn.rows.tolist(), drawn.alternatives.tolist(), drawn.probabilities.tolist(), strict=True
        )
    }
