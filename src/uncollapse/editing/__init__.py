"""Change a few tokens of human text: positions, replacements, respelling, and the first text back."""

from uncollapse.editing.presets import PRESETS, preset
from uncollapse.editing.revert import Revert
from uncollapse.editing.toedit import ToEdit
from uncollapse.editing.trace import DocumentTrace

__all__ = ["PRESETS", "DocumentTrace", "Revert", "ToEdit", "preset"]
