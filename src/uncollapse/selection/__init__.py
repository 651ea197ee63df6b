"""What stays and in which proportions: choosing from a pool, and mixing so that the human text is kept.

`arbitrate` keeps of the candidates of each prompt one: the best of n samples, or the best of several teachers.
"""

from uncollapse.selection.arbitration import Arbitrated, Arbitration, arbitrate
from uncollapse.selection.mixture import Mixing, Mixture, mix
from uncollapse.selection.selecting import Selecting, Selection, TailLost, select

__all__ = [
    "Arbitrated",
    "Arbitration",
    "Mixing",
    "Mixture",
    "Selecting",
    "Selection",
    "TailLost",
    "arbitrate",
    "mix",
    "select",
]
