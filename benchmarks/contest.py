"""How long a unit of the contest takes with the counted student, and the tables of contests that are finished.

    python -m benchmarks.contest            every arm for one seed and two generations, on `benchmarks.sample.prose`
    python -m benchmarks.contest OUT...     the tables of the folders that `uncollapse contest -o OUT` has written

Times are of the processor, in seconds for each generation of some 50,000 words with what is measured of it.
"""

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.sample import prose
from scipy.stats import spearmanr

from uncollapse.collapse.contest.arms import USUAL, arms_of
from uncollapse.collapse.contest.page import shown
from uncollapse.collapse.contest.ranking import Estimate
from uncollapse.collapse.contest.run import Contest, Settings, Unit
from uncollapse.collapse.contest.students import student
from uncollapse.collapse.contest.text import batch_of, pieces_of

GENERATIONS = 2
OTHERS = {"rare_coverage": "rare cov.", "tail_mass": "tail", "jsd": "JSD", "distinct_1": "distinct-1"}
OTHERS |= {"distinct_3": "distinct-3", "vendi": "Vendi"}


def estimate(told: Mapping[str, float | None]) -> Estimate:
    return Estimate(*(float("nan") if value is None else value for value in told.values()))


def tables(folder: Path) -> None:
    told = json.loads((folder / "summary.json").read_text())
    for name, found in told["students"].items():
        print(f"\n{folder.name}, {name} student\n")
        print(f"| arm | perplexity | × replace | × random | × real | {' | '.join(OTHERS.values())} |")
        print("|---" * (5 + len(OTHERS)) + "|")
        for each in found["arms"]:
            against = each["perplexity against"]
            cells = [shown(estimate(each["last"]["perplexity"]), digits=4)]
            cells += [
                shown(estimate(against[control])) if control in against else "–"
                for control in ("replace", "random", "real")
            ]
            cells += [f"{each['last'][measure]['value']:.3g}" for measure in OTHERS]
            print(f"| {each['place']}. {each['arm']} | {' | '.join(cells)} |")
        start = found["start"]
        first = [f"{start[measure]['value']:.4g}" for measure in ("perplexity",)] + ["–"] * 3
        first += [f"{start[measure]['value']:.3g}" for measure in OTHERS]
        print(f"| generation 0 | {' | '.join(first)} |")


def side_by_side(folder: Path) -> None:
    told = json.loads((folder / "summary.json").read_text())
    names = list(told["students"])
    found = {name: {each["arm"]: each for each in told["students"][name]["arms"]} for name in names}
    print(f"\n{folder.name}, side by side\n")
    heads = [f"{name}: {what}" for name in names for what in ("perplexity", "× replace", "rare cov.", "tail", "Vendi")]
    print(f"| arm | {' | '.join(heads)} |")
    print("|---" * (1 + len(heads)) + "|")
    for arm in found[names[0]]:
        cells = []
        for name in names:
            each = found[name][arm]
            ratio = each["perplexity against"].get("replace")
            last = {measure: estimate(value) for measure, value in each["last"].items()}
            cells += [
                f"{each['place']}. {last['perplexity'].value:,.0f}",
                "–" if ratio is None else shown(estimate(ratio)),
            ]
            cells += [f"{last[measure].value:.3g}" for measure in ("rare_coverage", "tail_mass", "vendi")]
        print(f"| {arm} | {' | '.join(cells)} |")
    values = [[found[name][arm]["last"]["perplexity"]["value"] for arm in found[names[0]]] for name in names]
    print(f"\nrank correlation of the two orders: {spearmanr(*values).statistic:.2f}")


def times() -> None:
    text, _ = prose()
    pieces = pieces_of([batch_of([text])], words=60, most=130_000, corpus="prose")
    contest = Contest(pieces, Settings(generations=GENERATIONS))
    contest(Unit(student("counted"), arms_of(["real"])[0], 0))
    whole = 0.0
    for each in arms_of(USUAL):
        begun = time.process_time()
        contest(Unit(student("counted"), each, 0))
        seconds = (time.process_time() - begun) / GENERATIONS
        whole += seconds
        print(f"{each.name:24s} {seconds:6.2f} s")
    print(f"{len(pieces.pieces):,} pieces; every arm, 8 generations, 3 seeds: about {24 * whole / 60:.0f} minutes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="OUT")
    asked = parser.parse_args()
    for each_folder in asked.folders:
        tables(each_folder)
        if len(json.loads((each_folder / "summary.json").read_text())["students"]) == 2:
            side_by_side(each_folder)
    if not asked.folders:
        times()
