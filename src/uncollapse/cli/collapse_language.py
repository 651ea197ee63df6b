"""`uncollapse collapse language`: a language model learns from what the one before it wrote."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from uncollapse.cli import options

PROTOCOL = "The protocol"
MODEL = "The model"
WRITING = "How blocks are written"

Corpus: TypeAlias = Annotated[
    list[str] | None, typer.Argument(metavar="CORPUS...", help="Human text: files, folders, or addresses.")
]
Human: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--human", "--corpus", metavar="CORPUS", help="The same, by name; may be repeated."),
]
Regime: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        rich_help_panel=PROTOCOL,
        help="What each generation learns from, comma-separated: replace, preserve, accumulate, subsample, edit "
        "(replace,preserve,accumulate,edit); the control real is always there.",
    ),
]
Generations: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", rich_help_panel=PROTOCOL, help="Generations after the first (5).")
]
Seeds: TypeAlias = Annotated[
    int | None, typer.Option(metavar="K", rich_help_panel=PROTOCOL, help="How many times all is done (3).")
]
Seed: TypeAlias = Annotated[int | None, typer.Option(metavar="N", rich_help_panel=PROTOCOL, help="The first seed (0).")]
Block: TypeAlias = Annotated[
    int | None, typer.Option(metavar="L", rich_help_panel=PROTOCOL, help="Tokens of a block, and of a prompt (64).")
]
Blocks: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", rich_help_panel=PROTOCOL, help="Most blocks that are learned from (1600).")
]
HeldBlocks: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N", rich_help_panel=PROTOCOL, help="Most blocks that are held out, by document (480; a fifth at most)."
    ),
]
Share: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="S", rich_help_panel=PROTOCOL, help="preserve: share of human blocks kept (0.1)."),
]
Rate: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="Q", rich_help_panel=PROTOCOL, help="edit: share of tokens of human text drawn anew (0.1)."),
]
Model: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        rich_help_panel=MODEL,
        help="A pretrained model that every generation starts from; one from scratch unless said.",
    ),
]
Size: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", rich_help_panel=MODEL, help="Of a model from scratch (tiny).")
]
Epochs: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="E", rich_help_panel=MODEL, help="Each generation reads so many times the human blocks' tokens (6)."
    ),
]
BatchBlocks: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=MODEL, help="Blocks between two steps of the optimizer (8)."),
]
LearningRate: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="X", rich_help_panel=MODEL, help="Its peak (tiny 0.003; a size's own; 2e-5 for a pretrained model)."
    ),
]
Warm: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--warm/--cold", rich_help_panel=MODEL, help="Start each generation from the last model, or anew (cold)."
    ),
]
DecodingKind: TypeAlias = Annotated[
    Literal["sample", "beam"] | None,
    typer.Option("--decoding", rich_help_panel=WRITING, help="Draw blocks, or search as the paper does (sample)."),
]
Beams: TypeAlias = Annotated[int | None, typer.Option(metavar="N", rich_help_panel=WRITING, help="How many (5).")]
Temperature: TypeAlias = Annotated[
    float | None, typer.Option(metavar="T", rich_help_panel=WRITING, help="Of a draw (1).")
]
Penalty: TypeAlias = Annotated[
    float | None,
    typer.Option("--repetition-penalty", metavar="X", rich_help_panel=WRITING, help="1 is none; the paper tries 2."),
]
Workers: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=options.RUNNING, help="Chains at once (as many as cores; 1 on a GPU)."),
]
Output: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="OUT", help="A folder for results, histograms, summary.json and index.html."
    ),
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", rich_help_panel=options.RUNNING, help="Print summary.json, and nothing else.")
]


def language(
    corpus: Corpus = None,
    human: Human = None,
    regime: Regime = None,
    generations: Generations = None,
    seeds: Seeds = None,
    seed: Seed = None,
    block: Block = None,
    blocks: Blocks = None,
    held_blocks: HeldBlocks = None,
    share: Share = None,
    rate: Rate = None,
    model: Model = None,
    size: Size = None,
    epochs: Epochs = None,
    batch_blocks: BatchBlocks = None,
    learning_rate: LearningRate = None,
    warm: Warm = None,
    decoding: DecodingKind = None,
    beams: Beams = None,
    temperature: Temperature = None,
    repetition_penalty: Penalty = None,
    text_column: options.TextColumn = None,
    max_rejects: options.LeftOut = None,
    workers: Workers = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Generations of a language model, each trained on what the last one wrote behind every human block.

    [bold]uncollapse collapse language essays.jsonl -o lab/[/bold]   four regimes, three seeds, within an hour
    [bold]uncollapse collapse language wiki/ --model hf:facebook/opt-125m --decoding beam -o lab/[/bold]

    Held-out text measures each generation, generation 0 judges what it learned from. The control learns from human text
    every time, as what fresh seeds do is not the loop. What was stopped goes on; regimes and seeds may be added.
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli.collapse_language_run import language_job, perform

    if code := perform(language_job(given), as_json=as_json):
        raise typer.Exit(code)
