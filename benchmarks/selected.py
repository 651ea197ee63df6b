"""What each way of choosing does to a pool: the tail beside chance, lengths, and the share of each file.

    python -m benchmarks.selected [POOL... --reference HUMAN] [--budget WORDS]

Without a pool it takes two of the shared data (UNCOLLAPSE_DATA): 300 pages of C4 with 998 paragraphs of WikiText-2, whose
other 500 are the reference; and Emma in pieces of 60 words, a fifth of them the reference. Every method that needs no score of yours chooses as many words of the same pool; likelihood asks the counted model of the
reference. Printed for each: the rare words of held-out reference that are known, with the mean of choices at random, the
recall beside that of chance, tail mass, different words and pairs at equal words, the mean length of a document, and the share of the first file. For
the two scorings of importance also the correlation of score and length, and of how many equal weights the weights are.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from benchmarks.sample import SHARED

import uncollapse as uc
from uncollapse.language_models import CountedModel


class Case(NamedTuple):
    """A pool, what it is held against, and how many words are chosen."""

    pool: list[Path]
    reference: Path
    budget: int


METHODS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("random", {}),
    ("coverage", {}),
    ("coverage", {"rare_weight": 3.0}),
    ("importance", {}),
    ("importance", {"scoring": "published"}),
    ("rebalance", {}),
    ("rebalance", {"by_column": "source", "alpha": 0.0}),
    ("facility", {}),
    ("likelihood", {"band": (0.5, 0.98)}),
    ("likelihood", {"band": (0.0, 0.5)}),
)


def chosen(case: Case, model: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for method, fields in METHODS:
        more = {"model": str(model)} if method == "likelihood" else {}
        name = " ".join([method, *(f"{key}={value}" for key, value in fields.items())])
        try:
            found = uc.select(
                *case.pool,
                method=method,
                budget=case.budget,
                by="words",
                reference=case.reference,
                force=True,
                **fields,
                **more,
            )
        except (uc.UsageError, uc.MissingExtra) as error:
            print(f"{name}: {error}")
            continue
        yield name, dict(found.report)


def shared(folder: Path) -> Iterator[tuple[str, list[Path], Path]]:
    """The two pools of the shared data, each with its reference."""
    random = np.random.default_rng(0)
    wiki = (SHARED / "wikitext2" / "valid.txt").read_text(encoding="utf-8").splitlines()
    wiki = [wiki[at].strip() for at in random.permutation(len(wiki)) if len(wiki[at]) > 200]
    web = (SHARED / "c4" / "llamafactory_c4_demo.jsonl").read_text(encoding="utf-8").splitlines()
    files = {"web": [json.loads(line)["text"] for line in web], "wiki": wiki[500:], "reference": wiki[:500]}
    paths = {name: written(folder / f"{name}.jsonl", texts) for name, texts in files.items()}
    yield "C4 and WikiText-2, WikiText-2 as reference", [paths["web"], paths["wiki"]], paths["reference"]
    words = (SHARED / "gutenberg_nltk" / "austen-emma.txt").read_text(encoding="utf-8").split()
    pieces = [" ".join(words[at : at + 60]) for at in range(0, len(words), 60)]
    pieces = [pieces[at] for at in random.permutation(len(pieces))]
    fifth = len(pieces) // 5
    pool, own = written(folder / "emma.jsonl", pieces[fifth:]), written(folder / "own.jsonl", pieces[:fifth])
    yield "Emma, of itself", [pool], own


def written(path: Path, texts: list[str]) -> Path:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool", nargs="*", type=Path)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--budget", type=int, default=40_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = [("your text", asked.pool, asked.reference)] if asked.pool else shared(folder)
        for title, pool, reference in cases:
            print(f"\n{title}: {asked.budget:,} words\n")
            table(Case(pool, reference, asked.budget), folder / "model")


def table(case: Case, model: Path) -> None:
    """The tables of one pool."""
    print(
        "| method | rare | at random | loss | recall | at random | tail mass | different 1 | different 2 | words each | first file |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    lengths = []
    CountedModel.fit(document.text for document in uc.read(case.reference)).save(model)
    for name, told in chosen(case, model):
        tail = told["tails"]
        own, chance = tail["chosen"], [each["rare_coverage"] for each in tail["random"]]
        first = min(told["strata"]["source"]["listed"], key=lambda each: each["value"])
        cells = (
            *(f"{own['rare_coverage']:.3f}", f"{sum(chance) / 3:.3f} ({min(chance):.3f} to {max(chance):.3f})"),
            f"{100 * tail['loss']['share']:.1f} %",
            *(f"{own['recall']:.3f}", f"{sum(each['recall'] for each in tail['random']) / 3:.3f}"),
            *(f"{own[key]:.3f}" for key in ("tail_mass", "distinct_1", "distinct_2")),
            f"{told['mean words']['chosen']:.0f} of {told['mean words']['pool']:.0f}",
            f"{100 * first['share']['chosen']:.1f} % of {100 * first['share']['pool']:.1f} %",
        )
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
        if "scoring" in told["account"]:
            lengths.append(told["account"])
    print("\n| scoring | score and length | words of the choice | of the pool | effective documents | of the best |")
    print("|---|---|---|---|---|---|")
    for told in lengths:
        print(
            f"| {told['scoring']} | {told['correlation of score and length']:.3f} | "
            f"{told['mean length of the choice']:.0f} | {told['mean length of the pool']:.0f} | "
            f"{told['effective documents']:,.1f} | "
            f"{100 * told['share of the choice among the highest scores']:.0f} % |"
        )


if __name__ == "__main__":
    main()
