"""What happens when models feed on themselves: laboratories, regimes, and the closed forms that simulations must meet.

    import uncollapse as uc

    comparison = uc.collapse.run("gaussian", "replace", "accumulate", generations=50, seeds=1000, samples=100)
    comparison["replace"].values  # an array with the axes generation, seed, measure

A laboratory (`gaussian`, `discrete`, ...) knows how to draw, fit and measure; a regime (`regimes`) says what each fit
is given; `feeding` lets every regime run over every laboratory that has what it asks for. `theory` holds the closed
forms, each with its source and standing.
"""

from uncollapse.collapse.experiment import Experiment, run
from uncollapse.collapse.laboratory import Laboratory, laboratory
from uncollapse.collapse.regimes import REGIMES, Regime, regime
from uncollapse.collapse.results import Comparison, Results

__all__ = ["REGIMES", "Comparison", "Experiment", "Laboratory", "Regime", "Results", "laboratory", "regime", "run"]
