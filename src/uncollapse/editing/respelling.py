"""Edits as bytes: put them into a text, add them to the edits of earlier rounds, take them out again.

A replacement names a stretch of the text at hand; an `Edit` names a stretch of the first text, the one before any
edit. No byte outside the stretches changes.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from uncollapse.document import Edit


class Replacement(NamedTuple):
    """New bytes for the stretch [start, end) of the text at hand, and the prior's probability of the old ones."""

    start: int
    end: int
    after: bytes
    probability: float


class _Stretch(NamedTuple):
    """Bytes [start, end) of the text at hand that an earlier edit put there, or that are to go now."""

    start: int
    end: int
    change: Edit | Replacement


def respell(text: bytes, replacements: Sequence[Replacement]) -> bytes:
    """The text with each stretch replaced; stretches in order, not overlapping, all else as it was."""
    parts = []
    done = 0
    for start, end, after, _ in replacements:
        parts += [text[done:start], after]
        done = end
    return b"".join([*parts, text[done:]])


def compose(text: bytes, earlier: Sequence[Edit], replacements: Sequence[Replacement]) -> tuple[Edit, ...]:
    """The edits of all rounds in one list: those that the text carries and the replacements made in it now.

    A replacement that shares bytes with what an earlier edit put there becomes one edit with it: from the first text's
    bytes to the newest, with the newest probability and one round more. The list is ordered by position, and
    `first_text` undoes all of it.
    """
    composed: list[Edit] = []
    shift = 0  # position in the first text minus position at hand, for first-text bytes that come next
    for group in _overlapping([*_stretches(earlier), *(_Stretch(new.start, new.end, new) for new in replacements)]):
        edit = _one_edit(text, group, shift)
        composed.append(edit)
        start, end = group[0].start, max(stretch.end for stretch in group)
        shift += len(edit.before.encode()) - (end - start)
    return tuple(composed)


def _stretches(edits: Sequence[Edit]) -> list[_Stretch]:
    """Where earlier edits lie in the text at hand."""
    found = []
    shift = 0
    for edit in edits:
        before, after = len(edit.before.encode()), len(edit.after.encode())
        start = edit.position + shift
        found.append(_Stretch(start, start + after, edit))
        shift += after - before
    return found


def _overlapping(stretches: list[_Stretch]) -> Iterator[list[_Stretch]]:
    """The stretches in order, those that share bytes in one group; neighbours that only touch stay apart."""
    group: list[_Stretch] = []
    end = 0
    for stretch in sorted(stretches, key=lambda stretch: stretch[:2]):
        if group and stretch.start >= end:
            yield group
            group = []
        group.append(stretch)
        end = max(end, stretch.end) if len(group) > 1 else stretch.end
    if group:
        yield group


def _one_edit(text: bytes, group: Sequence[_Stretch], shift: int) -> Edit:
    """The edit that takes the first text's bytes straight to the newest ones, over all stretches of a group."""
    if len(group) == 1 and isinstance(group[0].change, Edit):
        return group[0].change
    start, end = group[0].start, max(stretch.end for stretch in group)
    old = [stretch for stretch in group if isinstance(stretch.change, Edit)]
    new = [stretch.change for stretch in group if isinstance(stretch.change, Replacement)]
    before = respell(
        text[start:end],
        [Replacement(a - start, b - start, edit.before.encode(), 0.0) for a, b, edit in old],  # type: ignore[union-attr]
    )
    after = respell(
        text[start:end], [change._replace(start=change.start - start, end=change.end - start) for change in new]
    )
    return Edit(
        position=start + shift,
        before=before.decode(),
        after=after.decode(),
        probability=min(change.probability for change in new),
        rounds=1 + max((stretch.change.rounds for stretch in old), default=0),  # type: ignore[union-attr]
    )
