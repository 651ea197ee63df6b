"""What stays and in which proportions: mixing human and synthetic text so that the human text is kept."""

from uncollapse.selection.mixture import Mixing, Mixture, mix

__all__ = ["Mixing", "Mixture", "mix"]
