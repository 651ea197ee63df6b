"""What stays and in which proportions: mixing human and synthetic text so that the human text is kept.

`arbitrate` keeps of the candidates of each prompt one: the best of n samples, or the best of several teachers.
"""

from uncollapse.selection.arbitration import Arbitrated, Arbitration, arbitrate
from uncollapse.selection.mixture import Mixing, Mixture, mix

__all__ = ["Arbitrated", "Arbitration", "Mixing", "Mixture", "arbitrate", "mix"]
