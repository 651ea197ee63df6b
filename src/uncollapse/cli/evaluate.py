"""`uncollapse evaluate`: how models read text that they have not learned from, and answer questions."""

from typing import Annotated, TypeAlias

import typer

from uncollapse.cli import options

TEXTS = "On texts"
TASKS = "On questions"

Models: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(metavar="MODEL...", help="Names, folders, hf:owner/name; several are set side by side."),
]
On: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--on",
        metavar="FILE",
        rich_help_panel=TEXTS,
        help="Text that none of them has learned from: a file, a folder. Each that is given is a domain of its own.",
    ),
]
Tasks: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES", rich_help_panel=TASKS, help="Comma-separated: piqa,boolq stand in DIR/piqa.jsonl ..."
    ),
]
TaskFiles: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        rich_help_panel=TASKS,
        help="The folder of task files (llm-foundry's, HellaSwag's, BLiMP's forms), and of tasks for --harness.",
    ),
]
Harness: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        rich_help_panel=TASKS,
        help="Tasks that lm-evaluation-harness runs (extra: eval); from --task-files where their YAML stands there.",
    ),
]
Limit: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", rich_help_panel=TASKS, help="The first N questions of each task alone.")
]
Output: TypeAlias = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="OUT", help="A folder for metrics.json and documents.parquet."),
]
Context: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=TEXTS, help="Longest context in tokens (2048, or the model's)."),
]
Seed: TypeAlias = Annotated[int, typer.Option(metavar="N", help="Of the draws behind the intervals.")]


def evaluate(
    models: Models = None,
    on: On = None,
    tasks: Tasks = None,
    task_files: TaskFiles = None,
    harness: Harness = None,
    limit: Limit = None,
    output: Output = None,
    context: Context = None,
    dtype: options.Dtype = None,
    backend: options.Backend = None,
    text_column: options.TextColumn = None,
    max_rejects: options.LeftOut = None,
    seed: Seed = 0,
    workers: options.Workers = None,
    engine: options.Engine = None,
    address: options.Address = None,
    gpus_per_worker: options.GpusPerWorker = None,
    as_json: options.AsJson = False,
) -> None:
    """Say how models read held-out text and answer questions, each number with its interval.

    [bold]uncollapse evaluate model/ --on heldout.jsonl[/bold]   perplexity, bits per byte, the tail apart, calibration
    [bold]uncollapse evaluate a/ b/ --on news.jsonl --on books/ -o result/[/bold]   side by side, by domain
    [bold]uncollapse evaluate model/ --tasks piqa,boolq --task-files tasks/[/bold]   as lm-evaluation-harness scores

    Each token is read after all that stand before it in its document, in windows that overlap by a quarter where the
    document is longer. Intervals are 95 % bootstraps over documents (over questions for tasks).
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import evaluating_run

    code = evaluating_run.perform(evaluating_run.evaluate_job(given), as_json=as_json)
    if code:
        raise typer.Exit(code)
