"""What stays and in which proportions: choosing from a pool, and mixing so that the human text is kept."""

from uncollapse.selection.mixture import Mixing, Mixture, mix
from uncollapse.selection.selecting import Selecting, Selection, TailLost, select

__all__ = ["Mixing", "Mixture", "Selecting", "Selection", "TailLost", "mix", "select"]
