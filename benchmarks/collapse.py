"""How many times as fast the laboratories are as the public per-seed loops.

    python -m benchmarks.collapse [--seeds 20000] [--loop-seeds 20]

The loops are written as the published scripts do it: one seed after the other, each generation drawing its rows with
numpy and fitting them (Gaussian: `multivariate_normal`, mean, `cov` with ddof 0, from the released Collapse-or-Thrive
scripts; regression: labels for the same X, `lstsq`). Both do 100 generations of 100 rows; the loop runs fewer seeds, and
what is compared is time for each fit. Both ends are checked against the closed forms before anything is timed.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from uncollapse.collapse import run
from uncollapse.collapse.theory import gaussian, regression

ROWS, GENERATIONS, DIMENSION = 100, 100, 10
ROUNDS = 3
GOAL = 100


def gaussian_loop(seeds: int) -> np.ndarray:
    """The last variance of each seed, one seed at a time."""
    found = np.empty(seeds)
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        mean, covariance = np.zeros(1), np.eye(1)
        for _ in range(GENERATIONS):
            data = rng.multivariate_normal(mean, covariance, size=ROWS)
            mean, covariance = data.mean(axis=0), np.atleast_2d(np.cov(data, rowvar=False, bias=True))
        found[seed] = covariance[0, 0]
    return found


def regression_loop(seeds: int) -> np.ndarray:
    """The last error of each seed, one seed at a time."""
    found = np.empty(seeds)
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        inputs, weights = rng.standard_normal((ROWS, DIMENSION)), np.zeros(DIMENSION)
        for _ in range(GENERATIONS):
            labels = inputs @ weights + rng.standard_normal(ROWS)
            weights = np.linalg.lstsq(inputs, labels, rcond=None)[0]
        found[seed] = (weights**2).sum()
    return found


def gaussian_ours(seeds: int) -> np.ndarray:
    settings = {"samples": ROWS, "ddof": 0}
    return run("gaussian", "replace", generations=GENERATIONS, seeds=seeds, **settings)["replace"]["variance"][-1]


def regression_ours(seeds: int) -> np.ndarray:
    settings = {"samples": ROWS, "dimension": DIMENSION, "signal": 0.0}
    return run("regression", "replace", generations=GENERATIONS, seeds=seeds, **settings)["replace"]["error"][-1]


def seconds(work: Callable[[int], np.ndarray], seeds: int) -> tuple[float, np.ndarray]:
    """The time for each fit, the best of some rounds since machines are shared, and what came out."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = work(seeds)
        times.append((time.perf_counter() - began) / (seeds * GENERATIONS))
    return min(times), found


def main() -> int:
    """The exit code: 1 where a ratio misses the goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20_000)
    parser.add_argument("--loop-seeds", type=int, default=20)
    options = parser.parse_args()
    end = np.array([float(GENERATIONS)])
    expected = {
        "gaussian": float(gaussian.replace_variance(end, n=ROWS, ddof=0)[0]),
        "regression": float(regression.replace_error(end, rows=ROWS, d=DIMENSION)[0]),
    }
    pairs = {"gaussian": (gaussian_loop, gaussian_ours), "regression": (regression_loop, regression_ours)}
    print("| laboratory | per-seed loop, µs a fit | ours, µs a fit | times as fast | 100,000 seeds x 100 fits, ours |")
    print("|---|---|---|---|---|")
    missed = 0
    for name, (loop, ours) in pairs.items():
        ours(100)  # the first call imports
        theirs, their_values = seconds(loop, options.loop_seeds)
        mine, my_values = seconds(ours, options.seeds)
        for values in (their_values, my_values):
            error = values.std(ddof=1) / np.sqrt(len(values))
            assert abs(values.mean() - expected[name]) < 6 * error, (name, values.mean(), expected[name], error)
        ratio = theirs / mine
        missed += ratio < GOAL
        print(f"| {name} | {1e6 * theirs:.1f} | {1e6 * mine:.3f} | {ratio:,.0f} | {mine * 1e7:.1f} s |")
    print(
        f"\ngoal: {GOAL} times, {'met' if not missed else 'missed'}; the loop ran {options.loop_seeds} seeds, "
        f"ours {options.seeds:,}"
    )
    return int(bool(missed))


if __name__ == "__main__":
    raise SystemExit(main())
