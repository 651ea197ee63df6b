"""The options of `edit` as a person types them: name, help and panel of each, in one place.

An option that is not given is None, so that the preset's or the recipe file's value holds. The choices stand
here as words, so that the help needs nothing heavy; a test holds them against the fields of `ToEdit`.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

POSITIONS = "Which tokens"
REPLACEMENTS = "What stands there instead"
GUARDS = "What is left alone or taken back"
READING = "Reading"
RUNNING = "Running and writing"

Inputs: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUT",
        help="Files and folders in any mix: jsonl (plain, .gz, .zst), parquet, text; fsspec and hf:// addresses.",
        show_default=False,
    ),
]
Output: TypeAlias = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="OUT", help="A folder for the shards, or one .jsonl or .parquet file."),
]
Preset: TypeAlias = Annotated[
    Literal["bold", "paper", "released"] | None,
    typer.Option(
        help="Where the values below start from: bold (readable, changes a useful share; taken unless said), "
        "paper (Zhu et al. 2025 as printed), released (what the published script does)."
    ),
]
Config: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A YAML file with any of these options; flags that are given override it."),
]
Model: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="smollm2-135m, a folder, a .gguf file, or hf:owner/name@revision. See `uncollapse models`.",
    ),
]

Positions: TypeAlias = Annotated[
    Literal["easy", "hard", "random"] | None,
    typer.Option(
        rich_help_panel=POSITIONS, help="easy: p >= threshold; hard: p <= threshold; random: a control, at --rate."
    ),
]
Threshold: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="P", rich_help_panel=POSITIONS, help="The prior's probability that decides, 0 to 1."),
]
Rate: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="R", rich_help_panel=POSITIONS, help="Share of tokens picked at random, 0 to 1."),
]
Spacing: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=POSITIONS, help="At least this many tokens from edit to edit."),
]
Unit: TypeAlias = Annotated[
    Literal["token", "word"] | None,
    typer.Option(rich_help_panel=POSITIONS, help="word: only whole words are picked and put in."),
]
MaxEditShare: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="S",
        rich_help_panel=POSITIONS,
        help="At most this share of a document's tokens, earlier rounds included.",
    ),
]

Replace: TypeAlias = Annotated[
    Literal["resample", "drop"] | None,
    typer.Option(rich_help_panel=REPLACEMENTS, help="Draw another token, or leave the place empty."),
]
Strategy: TypeAlias = Annotated[
    Literal["top-k", "top-p", "min-p", "full", "rejection"] | None,
    typer.Option(
        metavar="NAME",
        rich_help_panel=REPLACEMENTS,
        help="Which candidates may be drawn: top-k, top-p, min-p, full, or rejection.",
    ),
]
TopK: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="K", rich_help_panel=REPLACEMENTS, help="How many candidates, with top-k or rejection."),
]
TopP: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="P", rich_help_panel=REPLACEMENTS, help="Their total probability, with top-p."),
]
MinP: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="P", rich_help_panel=REPLACEMENTS, help="Their least probability, with min-p."),
]
Temperature: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="T", rich_help_panel=REPLACEMENTS, help="Above 1 flattens the draw, below 1 sharpens it."),
]
ExcludeOriginal: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--exclude-original/--include-original",
        rich_help_panel=REPLACEMENTS,
        help="Whether the token that stands there may be drawn again.",
    ),
]
Seed: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=REPLACEMENTS, help="Another seed, other draws."),
]

Protect: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="KINDS",
        rich_help_panel=GUARDS,
        help="Never touched, comma-separated: numbers, urls, emails, code, markup, names, quotes, citations; or none.",
    ),
]
Recheck: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--recheck/--no-recheck",
        rich_help_panel=GUARDS,
        help="Score the edited text once more; take back edits after which the text became unlikely.",
    ),
]

TextColumn: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", rich_help_panel=READING, help="The column with the text (text).")
]
PromptColumn: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", rich_help_panel=READING, help="A column read as context before each text, never edited."
    ),
]
Rename: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="OLD=NEW", rich_help_panel=READING, help="Give a column another name; may be repeated."),
]
Origin: TypeAlias = Annotated[
    Literal["human", "edited", "synthetic", "unknown"] | None,
    typer.Option(
        metavar="NAME",
        rich_help_panel=READING,
        help="What is known of texts that do not say it themselves: human, edited, synthetic or unknown (human).",
    ),
]
MaxRejects: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        rich_help_panel=READING,
        help="Go on past this many rows that cannot be used; they are written aside with reasons (0).",
    ),
]
LeftOut: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        rich_help_panel=READING,
        help="Go on without this many rows that cannot be read; they are counted (0).",
    ),
]

Dtype: TypeAlias = Annotated[
    Literal["auto", "float32", "bfloat16", "float16"] | None,
    typer.Option(
        metavar="NAME",
        rich_help_panel=RUNNING,
        help="The model's arithmetic: auto, float32 (repeats best across machines), bfloat16 or float16.",
    ),
]
Backend: TypeAlias = Annotated[
    Literal["transformers", "vllm"] | None,
    typer.Option(
        rich_help_panel=RUNNING,
        help="Which library reads the model (transformers); vllm is the same as vllm:ADDRESS.",
    ),
]
Window: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=RUNNING, help="Tokens of context; longer texts are read in windows."),
]
Policy: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        rich_help_panel=RUNNING,
        help="A TOML file with limits (max_depth, max_edits_per_position, ...): what breaks them is refused.",
    ),
]
Workers: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        rich_help_panel=RUNNING,
        help="Processes; the result does not depend on it (1; with --engine ray as many as the cluster has room for).",
    ),
]
Engine: TypeAlias = Annotated[
    Literal["local", "ray"] | None,
    typer.Option(
        rich_help_panel=RUNNING,
        help="Where the workers are: local (this machine) or ray (a Ray cluster); the result does not depend on it.",
    ),
]
Address: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        rich_help_panel=RUNNING,
        help="Of a running Ray cluster, or auto for the one of this machine; without it Ray is started for the run.",
    ),
]
GpusPerWorker: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="N", rich_help_panel=RUNNING, help="GPUs that each worker on Ray takes, parts as well (0)."),
]
Format: TypeAlias = Annotated[
    Literal["parquet", "jsonl"] | None,
    typer.Option(rich_help_panel=RUNNING, help="Of the shards (parquet), or what the file's ending says."),
]
Preview: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=RUNNING, help="Edit N documents, show them here, write nothing."),
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", rich_help_panel=RUNNING, help="Print the result as JSON, and nothing else, to stdout.")
]
