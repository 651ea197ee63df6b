"""Time and peak memory of the measures over embeddings, each in a process of its own.

    python -m benchmarks.meaning [--rows 50000] [--dimensions 384] [--threads N]

Both sides are drawn from one mixture of 200 normal heaps whose coordinates fade like those of real embeddings, made into
unit rows in 32-bit numbers. The goal is seconds to a minute at 50,000 rows of 384 numbers, and no matrix of all pairs
(10 GB there). "The products alone" is the floor under precision, recall, density and coverage: the inner products of
all pairs that these need, in tiles of the same size, and nothing done with them.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

HEAPS = 200
MEGABYTE = 1_000_000
Sides = tuple[np.ndarray, np.ndarray]


def rows(seed: int, count: int, dimensions: int) -> np.ndarray:
    """Unit rows around common middles; the j-th coordinate's spread falls as 1 / sqrt(j)."""
    fade = (1 + np.arange(dimensions)) ** -0.5
    middles = np.random.default_rng(0).standard_normal((HEAPS, dimensions)) * fade
    random = np.random.default_rng(seed)
    result = np.empty((count, dimensions), dtype=np.float32)
    for at in range(0, count, 4096):
        block = result[at : at + 4096]
        which = random.integers(HEAPS, size=len(block))
        drawn = middles[which] + 0.7 * fade * random.standard_normal(block.shape)
        block[:] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return result


def vendi(sides: Sides) -> str:
    from uncollapse.measures import vendi_score

    return f"{vendi_score(sides[1]):.2f}"


def manifold(sides: Sides) -> str:
    from uncollapse.measures import neighbourhoods

    found = neighbourhoods(real=sides[0], synthetic=sides[1]).manifold()
    return " ".join(f"{name} {value:.3f}" for name, value in found._asdict().items())


def frontier(sides: Sides) -> str:
    from uncollapse.measures import divergence_frontier

    found = divergence_frontier(real=sides[0], synthetic=sides[1], random=np.random.default_rng(1))
    return f"score {found.score:.3f} starred {found.starred:.3f} integral {found.integral:.4f}"


def energy(sides: Sides) -> str:
    from uncollapse.measures import sampled_energy_distance

    return f"{sampled_energy_distance(*sides, random=np.random.default_rng(1)):.5f}"


def products(sides: Sides) -> str:
    rows, columns = 512, 4096
    total = 0.0
    for left, right in ((sides[0], sides[0]), (sides[1], sides[1]), sides):
        for top in range(0, len(left), rows):
            for begin in range(top // columns * columns if left is right else 0, len(right), columns):
                total += float((left[top : top + rows] @ right[begin : begin + columns].T)[0, 0])
    return f"{total:.1f}"


MEASURES: dict[str, tuple[str, Callable[[Sides], str]]] = {
    "vendi": ("Vendi score", vendi),
    "manifold": ("precision, recall, density, coverage", manifold),
    "products": ("the products alone", products),
    "frontier": ("divergence frontier, 500 clusters", frontier),
    "energy": ("energy distance, 2,000 rows of each side", energy),
}


def measure(name: str, asked: argparse.Namespace) -> dict[str, object]:
    sides = rows(1, asked.rows, asked.dimensions), rows(2, asked.rows, asked.dimensions)
    before = _peak()
    clock, processor = time.perf_counter(), time.process_time()
    value = MEASURES[name][1](sides)
    return {
        "value": value,
        "seconds": time.perf_counter() - clock,
        "processor": time.process_time() - processor,
        "before": before,
        "peak": _peak(),
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE


def main() -> None:
    """Nothing; prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure, asked)))
        return
    print(f"{asked.rows:,} rows of {asked.dimensions} numbers on each side, {asked.threads} threads\n")
    print("| measure | value | seconds by the clock | processor seconds | peak memory, MB | of it before, MB |")
    print("|---|---|---|---|---|---|", flush=True)
    seconds = {}
    for name, (title, _) in MEASURES.items():
        threads = {variable: str(asked.threads) for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        command = [sys.executable, "-m", "benchmarks.meaning", "--measure", name]
        sizes = ["--rows", str(asked.rows), "--dimensions", str(asked.dimensions)]
        done = subprocess.run(
            [*command, *sizes], check=True, capture_output=True, text=True, env={**os.environ, **threads}
        )
        found = json.loads(done.stdout)
        numbers = f"{found['seconds']:.1f} | {found['processor']:.1f} | {found['peak']:.0f} | {found['before']:.0f}"
        print(f"| {title} | {found['value']} | {numbers} |", flush=True)
        seconds[name] = found["seconds"]
    ratio = seconds["manifold"] / seconds["products"]
    print(f"\nprecision, recall, density and coverage: {ratio:.2f} x the time of the products alone")


if __name__ == "__main__":
    main()
