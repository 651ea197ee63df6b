"""The options of `collapse` as a person types them, and which laboratory has which.

Names of regimes, laboratories and measures stand here as words, so that the help needs nothing heavy; a test holds
them against the laboratories themselves.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

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
    "peaks": _option(
        float, "The original law has two peaks this far apart, one normal law is fitted.", panel=LAW, metavar="X"
    ),
    "steps": _option(int, "Optimiser steps of a fit, in place of the exact one.", panel=LAW, metavar="N"),
    "precision": _option(
        Literal["float64", "float32", "bfloat16", "float16"], "How numbers are kept.", panel=LAW, metavar="NAME"
    ),
    "law": _option(Literal["zipf", "uniform"], "The original law.", panel=LAW),
    "states": _option(int, "How many states the law has (1000).", panel=LAW, metavar="K"),
    "exponent": _option(float, "Of Zipf's law (1).", panel=LAW, metavar="B"),
    "counts": _option(
        Path, "A text file of counts, one for each state, as the original law.", panel=LAW, metavar="FILE"
    ),
    "temperature": _option(float, "At which models are drawn from (1).", panel=LAW, metavar="T"),
    "top_k": _option(int, "Draw only from the likeliest so many.", panel=LAW, metavar="K"),
    "top_p": _option(float, "Draw only from the likeliest that have this mass.", panel=LAW, metavar="P"),
    "bandwidth": _option(float, "Of the kernel, in original standard deviations (0.5).", panel=LAW, metavar="H"),
    "design": _option(Literal["same", "fresh"], "Whether each generation labels the same rows or new ones.", panel=LAW),
    "ridge": _option(float, "Ridge penalty, for each row (0).", panel=LAW, metavar="L"),
    "corpus": _option(Path, "A text file, or a folder of them (Python's own help).", panel=LAW, metavar="PATH"),
    "order": _option(int, "Longest n-grams of the model (1).", panel=LAW, metavar="N"),
    "length": _option(
        int, "Words in a stream that is written at a time, order 2 and more (500).", panel=LAW, metavar="L"
    ),
    "smoothing": _option(
        Literal["back-off", "interpolated"], "What becomes of contexts that were not seen.", panel=LAW
    ),
    "clusters": _option(int, "Modes of the original law (2).", panel=LAW, metavar="M"),
    "components": _option(int, "Components that are fitted; as many as modes unless said.", panel=LAW, metavar="C"),
    "spacing": _option(float, "Distance from mode to mode (6).", panel=LAW, metavar="X"),
    "start": _option(Literal["warm", "cold"], "Whether a fit starts from the model before it.", panel=LAW),
    "rounds": _option(int, "Rounds of expectation-maximisation in a fit (15).", panel=LAW, metavar="N"),
    "images": _option(
        Path, "A folder of .npy arrays, one for each class (the digits of scikit-learn).", panel=LAW, metavar="PATH"
    ),
    "hidden": _option(int, "Width of the hidden layers (128).", panel=LAW, metavar="N"),
    "latent": _option(int, "Latent dimensions (8).", panel=LAW, metavar="N"),
    "signal": _option(float, "Length of the true weights (1).", panel=LAW, metavar="W"),
    "eigenvalues": _option(
        Path,
        "A text file of the eigenvalues of the rows' covariance; they set the dimension.",
        panel=LAW,
        metavar="FILE",
    ),
}

REGIME: Any = _option(
    str, f"One or several, comma-separated: {REGIMES}.", panel=FEEDING, metavar="NAMES", names=("--regime",)
)
RUN_OPTIONS: Mapping[str, Any] = {
    "generations": _option(int, "How many fits (20; ngram 10, autoencoder 5).", panel=RUNNING, metavar="N"),
    "seeds": _option(int, "How many independent runs (100; ngram 20, autoencoder 5).", panel=RUNNING, metavar="K"),
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
        ("samples", "dimension", "ddof", "peaks", "steps", "precision"),
        ("mean", "mean_error", "variance", "log_variance", "std", "w2", "tail_mass"),
    ),
    "discrete": (
        "A law over states (Zipf's, uniform, your counts), counted anew: the Wright-Fisher model.",
        ("samples", "law", "states", "exponent", "counts", "temperature", "top_k", "top_p"),
        ("heterozygosity", "support", "entropy", "kl", "error", "tail_mass", "top"),
    ),
    "kde": (
        "A kernel density estimate of a normal law.",
        ("samples", "bandwidth"),
        ("mean", "sample_variance", "variance", "log_variance", "tail_mass", "kl"),
    ),
    "regression": (
        "Least squares or ridge, its answers taken as the next labels.",
        ("samples", "dimension", "design", "ridge", "signal", "eigenvalues"),
        ("error", "error_units", "norm", "bias"),
    ),
    "mixture": (
        "Modes in a row, refitted by expectation-maximisation, and lost.",
        ("samples", "clusters", "components", "dimension", "spacing", "start", "rounds"),
        (
            "modes",
            "smallest_mode",
            "heterozygosity",
            "variance",
            "within_variance",
            "log_variance",
            "tail_mass",
            "between",
            "l2",
            "w2",
        ),
    ),
    "autoencoder": (
        "Variational autoencoders on images, each trained on what the one before it decodes.",
        ("samples", "images", "steps", "hidden", "latent"),
        ("variance", "log_variance", "latent_std", "error", "modes", "entropy", "smallest_mode", "tail_mass"),
    ),
    "ngram": (
        "Counted n-gram models of real text, each fitted to what the one before it wrote.",
        ("samples", "corpus", "order", "length", "smoothing", "temperature", "top_k", "top_p"),
        (
            "types",
            "entropy",
            "effective_types",
            "tail_mass",
            "lost_mass",
            "kept_1_2",
            "kept_3_10",
            "kept_11_100",
            "kept_over_100",
            "kl",
            "ngrams",
            "conditional_entropy",
            "cross_entropy",
        ),
    ),
}

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to stdout.")]
StudyName: TypeAlias = Annotated[
    Literal["shumailov", "gerstgrasser", "kazdan", "dohmatob", "zhu", "suresh"],
    typer.Argument(metavar="NAME", help="shumailov, gerstgrasser, kazdan, dohmatob, zhu or suresh."),
]
StudyOutput: TypeAlias = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="OUT", help="A folder for summary.json and index.html.")
]
Workflow: TypeAlias = Annotated[
    Literal["replace", "accumulate", "edit", "edit-decaying", "keep", "fresh"],
    typer.Argument(
        metavar="WORKFLOW",
        help="replace, accumulate, edit (random rows each round), edit-decaying, keep (a share of human rows is never "
        "touched), fresh (a share of new human rows each round).",
    ),
]
PlanShare: TypeAlias = Annotated[
    float | None, typer.Option("--share", metavar="S", help="Share of human rows, with keep or fresh (0.1).")
]
PlanRate: TypeAlias = Annotated[
    float | None, typer.Option("--rate", metavar="Q", help="Share of rows edited in a round (0.1).")
]
PlanDecay: TypeAlias = Annotated[
    float | None, typer.Option("--decay", metavar="ETA", help="Each round's rate over the one before (0.9).")
]
PlanGenerations: TypeAlias = Annotated[
    int | None, typer.Option("--generations", metavar="N", help="Rounds after the first fit (10).")
]
PlanMultiple: TypeAlias = Annotated[
    float | None,
    typer.Option("--multiple", metavar="X", help="The error to stay under, in errors of one fit to human data (2)."),
]
