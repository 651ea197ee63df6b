"""`uncollapse train`: a model from a corpus, from nothing or from one that goes on learning."""

from typing import Annotated, Literal, TypeAlias

import typer

from uncollapse.cli import options

LEARNED = "What is learned"
HOW = "How it learns"

Corpora: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(metavar="CORPUS...", help="Files, folders, addresses; together one corpus.", show_default=False),
]
Output: TypeAlias = Annotated[
    str | None, typer.Option("--output", "-o", metavar="MODEL", help="A folder that transformers loads.")
]
From: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="ADDRESS",
        rich_help_panel=LEARNED,
        help="scratch (unless said), or the model that goes on learning: a name, a folder, hf:owner/name.",
    ),
]
Size: TypeAlias = Annotated[
    Literal["tiny", "small", "medium", "124m", "350m"] | None,
    typer.Option(
        rich_help_panel=LEARNED,
        help="From scratch: tiny (0.16 million parameters), small (1.0), medium (2.6), 124m and 350m (GPT-2) (tiny).",
    ),
]
Objective: TypeAlias = Annotated[
    Literal["pretrain", "continual", "instruct"] | None,
    typer.Option(
        rich_help_panel=LEARNED,
        help="pretrain and continual: every token; instruct: the answers alone, after their questions.",
    ),
]
PromptColumn: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", rich_help_panel=LEARNED, help="instruct: the question (instruction, prompt, ...)."),
]
AnswerColumn: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", rich_help_panel=LEARNED, help="instruct: the answer (output, response, ...)."),
]
Tokens: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        rich_help_panel=HOW,
        help="Tokens that are predicted in all (each text once). More than there are are read again: you are told.",
    ),
]
Weights: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN|FOLDER",
        rich_help_panel=LEARNED,
        help="How much each text counts, 0 is not at all: a column, or what `detect --weights` wrote.",
    ),
]
Context: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", rich_help_panel=HOW, help="Tokens in a row (the model's own).")
]
BatchTokens: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", rich_help_panel=HOW, help="Tokens between two steps (2048).")
]
Rate: TypeAlias = Annotated[
    float | None,
    typer.Option("--learning-rate", metavar="RATE", rich_help_panel=HOW, help="At its peak (a size has its own)."),
]
Warmup: TypeAlias = Annotated[
    float | None, typer.Option(metavar="SHARE", rich_help_panel=HOW, help="Of the steps, in which it rises (0.05).")
]
Decay: TypeAlias = Annotated[
    float | None, typer.Option("--weight-decay", metavar="W", rich_help_panel=HOW, help="Of AdamW (0.1).")
]
Lora: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="RANK", rich_help_panel=HOW, help="Low-rank adapters learn, and are merged (extra: train)."),
]
Seed: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", rich_help_panel=HOW, help="Of first weights and order (0).")
]
Dtype: TypeAlias = Annotated[
    Literal["auto", "float32", "bfloat16"] | None,
    typer.Option(rich_help_panel=HOW, help="auto: bfloat16 on a GPU that has it, else float32 (auto)."),
]
TensorBoard: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="DIR", rich_help_panel=options.RUNNING, help="Curves for TensorBoard there (extra: train)."),
]
Threads: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", rich_help_panel=options.RUNNING, help="Of the processor's (all).")
]


def train(
    inputs: Corpora = None,
    output: Output = None,
    start: From = None,
    size: Size = None,
    objective: Objective = None,
    prompt_column: PromptColumn = None,
    answer_column: AnswerColumn = None,
    weights: Weights = None,
    tokens: Tokens = None,
    context: Context = None,
    batch_tokens: BatchTokens = None,
    learning_rate: Rate = None,
    warmup: Warmup = None,
    weight_decay: Decay = None,
    lora: Lora = None,
    seed: Seed = None,
    dtype: Dtype = None,
    text_column: options.TextColumn = None,
    rename: options.Rename = None,
    origin: options.Origin = None,
    max_rejects: options.LeftOut = None,
    tensorboard: TensorBoard = None,
    threads: Threads = None,
    as_json: options.AsJson = False,
) -> None:
    """Train a language model on a corpus; the folder says what it read, how often, and what it descends from.

    [bold]uncollapse train mixed/ -o model/[/bold]   a tiny model from scratch, minutes on one core
    [bold]uncollapse train mixed/ -o model/ --size small --tokens 2000000 --seed 1[/bold]
    [bold]uncollapse train edited/ -o model/ --from smollm2-135m --tokens 200000[/bold]   it goes on learning
    [bold]uncollapse train pairs.jsonl -o model/ --from smollm2-135m --objective instruct --lora 16[/bold]

    Documents share rows and do not see each other; every token is predicted once an epoch. From scratch the tokenizer
    is learned from the human part. The same command goes on where it was stopped, and gives the same weights.
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import training_run

    code = training_run.perform(training_run.train_job(given), as_json=as_json)
    if code:
        raise typer.Exit(code)
