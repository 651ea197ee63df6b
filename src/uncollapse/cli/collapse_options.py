"""The options of `collapse` as a person types them, and which laboratory has which.

Names of regimes, laboratories and measures stand here as words, so that the help needs nothing heavy; a test holds
them against the laboratories themselves.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

FEEDING = "What each fit is given"
LAW = "The law and the fit"
RUNNING = "Running and writing"

REGIMES = "replace, accumulate, subsample, preserve, fresh, edit, verify, weighted, mixed"


def _option(kind: Any, help_: str, *, panel: str, metavar: str | None = None, names: tuple[str, ...] = ()) -> Any:
    return Annotated[kind | None, typer.Option(*names, help=help_, rich_help_panel=panel, metavar=metavar)]


# What regimes are set with; each name is a field of one or more of them.
REGIME_OPTIONS: Mapping[str, Any] = {
    "share": _option(
        float, "Share of original rows, kept (preserve) or new (fresh), 0 to 1.", panel=FEEDING, metavar="S"
    ),
    "rate": _option(float, "Share of rows edited in a round, 0 to 1.", panel=FEEDING, metavar="Q"),
    "mask": _option(Literal["random", "disjoint", "same"], "Which rows are edited.", panel=FEEDING),
    "decay": _option(float, "Each round's edit rate over that of the round before.", panel=FEEDING, metavar="ETA"),
    "phi": _option(float, "How often the verifier keeps a right row.", panel=FEEDING, metavar="P"),
    "psi": _option(float, "How often the verifier keeps a wrong row.", panel=FEEDING, metavar="P"),
    "weight": _option(float, "Weight of new original data (golden ratio).", panel=FEEDING, metavar="W"),
    "alpha": _option(
        str,
        "mixed: share of the new model's law; one, or one a round, comma-separated.",
        panel=FEEDING,
        metavar="A,...",
    ),
    "beta": _option(str, "mixed: share of the law before.", panel=FEEDING, metavar="B,..."),
    "gamma": _option(str, "mixed: share of the original law.", panel=FEEDING, metavar="C,..."),
}

# What laboratories are set with; each name is a field of one or more of them.
LABORATORY_OPTIONS: Mapping[str, Any] = {
    "samples": _option(str, "Rows in each training set, or inf: no sampling error.", panel=LAW, metavar="M"),
    "dimension": _option(int, "Dimensions.", panel=LAW, metavar="D"),
    "ddof": _option(
        int, "Divide by samples less this: 1 as the theorem, 0 as maximum likelihood.", panel=LAW, metavar="0|1"
    ),
}

REGIME: Any = _option(
    str, f"One or several, comma-separated: {REGIMES}.", panel=FEEDING, metavar="NAMES", names=("--regime",)
)
RUN_OPTIONS: Mapping[str, Any] = {
    "generations": _option(int, "How many fits (20).", panel=RUNNING, metavar="N"),
    "seeds": _option(int, "How many independent runs (100).", panel=RUNNING, metavar="K"),
    "seed": _option(int, "Another seed, other draws.", panel=RUNNING, metavar="N"),
    "output": _option(
        Path,
        "A folder for results.parquet, theory.parquet, summary.json and index.html.",
        panel=RUNNING,
        metavar="OUT",
        names=("--output", "-o"),
    ),
    "as_json": Annotated[
        bool, typer.Option("--json", help="Print summary.json, and nothing else, to stdout.", rich_help_panel=RUNNING)
    ],
}

# Each laboratory: the sentence of its help, the options that it has, the measures that it gives.
LABORATORIES: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "gaussian": (
        "A normal law in one or more dimensions, refitted.",
        ("samples", "dimension", "ddof"),
        ("mean", "mean_error", "variance", "log_variance", "std", "w2", "tail_mass"),
    ),
}
