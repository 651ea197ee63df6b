"""What may be written down of an endpoint's answer: one that repeats the key is not repeated.

The key goes before anything reads the answer: a cut through it would leave a part that nobody finds afterwards.
"""

import re
from collections.abc import Mapping

INSTEAD = "(the key)"
# Shorter keys, and words that are not much longer, are no secrets but stand for none (`none`, `EMPTY`): content may
# hold them for their own sake.
SHORT, WORD = 8, 16


class Discretion:
    """The answers of an endpoint without the key that it was sent."""

    def __init__(self, key: str | None) -> None:
        self._key = key
        secret = key is not None and len(key) >= SHORT and not (key.isalpha() and len(key) < WORD)
        self._in_content = re.compile("".join(map(_spelled, key)).encode()) if key and secret else None

    def of_text(self, text: str) -> str:
        """A text without the key."""
        return text.replace(self._key, INSTEAD) if self._key else text

    def of_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers without the key, by their names in small letters."""
        return {name.lower(): self.of_text(value) for name, value in headers.items()}

    def of_content(self, content: bytes) -> bytes:
        """Content without the key, however JSON spells it."""
        return content if self._in_content is None else self._in_content.sub(INSTEAD.encode(), content)


def _spelled(character: str) -> str:
    """A pattern of a character of ASCII in JSON: as itself, behind a backslash, or as a number."""
    return rf"(?:\\u00(?i:{ord(character):02x})|\\?{re.escape(character)})"
