"""A text before its edits: what makes `edited` a claim that anybody can check."""

from collections.abc import Sequence

from uncollapse.document import Edit


def first_text(text: bytes, edits: Sequence[Edit]) -> bytes:
    """The text before any of its edits.

    Raises:
        ValueError: if the text does not hold what an edit says it put there.
    """
    parts = []
    done = shift = 0
    for edit in edits:
        start = edit.position + shift
        after, before = edit.after.encode(), edit.before.encode()
        if start < done or text[start : start + len(after)] != after:
            raise ValueError(f"at byte {start} the text does not hold {edit.after!r}, which an edit put there")
        parts += [text[done:start], before]
        done = start + len(after)
        shift += len(after) - len(before)
    return b"".join([*parts, text[done:]])
