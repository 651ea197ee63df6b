"""Published experiments, run here: each published number beside ours with its interval, inside or outside."""

from uncollapse.collapse.reproductions.claims import Claim, Measured, Study, counted, exact, sampled
from uncollapse.collapse.reproductions.registry import STUDIES, reproduce

__all__ = ["STUDIES", "Claim", "Measured", "Study", "counted", "exact", "reproduce", "sampled"]
