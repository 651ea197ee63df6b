"""`uncollapse trial`: does token-level editing of human text help models that learn from it, on your text."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from uncollapse.cli import options

TRIED = "What is tried"
TEXT = "The text"
LEARNING = "How it is learned"
Files: TypeAlias = list[str] | None

Corpus: TypeAlias = Annotated[
    Files,
    typer.Argument(
        metavar="CORPUS...",
        show_default=False,
        help="Human text, many documents: scratch and continual learn from it. Files, folders, addresses.",
    ),
]
Objective: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        rich_help_panel=TRIED,
        help="Comma-separated: scratch, continual, instruct (all for which text was named).",
    ),
]
Arms: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        rich_help_panel=TRIED,
        help="Comma-separated: paper, released, bold, random, delete, half-synthetic (all, beside none).",
    ),
]
Seeds: TypeAlias = Annotated[
    int | None, typer.Option(metavar="K", rich_help_panel=TRIED, help="How often each arm is trained (3).")
]
Seed: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", rich_help_panel=TRIED, help="Of the edits, and the first of trainings (0).")
]
Prior: TypeAlias = Annotated[
    str | None, typer.Option(metavar="ADDRESS", rich_help_panel=TRIED, help="The model that edits (smollm2-135m).")
]
Pairs: TypeAlias = Annotated[
    Files,
    typer.Option(
        metavar="FILE", rich_help_panel=TEXT, help="instruct: questions and human answers, of which these are edited."
    ),
]
Synthetic: TypeAlias = Annotated[
    Files,
    typer.Option(metavar="FILE", rich_help_panel=TEXT, help="Text written by models, for the positive control."),
]
SyntheticPairs: TypeAlias = Annotated[
    Files,
    typer.Option(metavar="FILE", rich_help_panel=TEXT, help="instruct: questions and answers written by models."),
]
Base: TypeAlias = Annotated[
    Files,
    typer.Option(
        metavar="FILE", rich_help_panel=TEXT, help="Other human text, for the models that continual and instruct go on."
    ),
]
From: TypeAlias = Annotated[
    str | None,
    typer.Option("--from", metavar="ADDRESS", rich_help_panel=TEXT, help="A model to go on from, in place of --base."),
]
Words: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=TEXT, help="Words of the corpus that are learned from (20000)."),
]
AnswerWords: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", rich_help_panel=TEXT, help="Words of answers that are learned from (12000).")
]
HeldOut: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=TEXT, help="Documents to measure by, of a fifth and 200 at most (200)."),
]
PromptColumn: TypeAlias = Annotated[
    str | None, typer.Option(metavar="COLUMN", rich_help_panel=TEXT, help="The question (instruction, prompt, ...).")
]
AnswerColumn: TypeAlias = Annotated[
    str | None, typer.Option(metavar="COLUMN", rich_help_panel=TEXT, help="The answer (output, response, ...).")
]
MaxRejects: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N", rich_help_panel=TEXT, help="Go on without this many rows that cannot be read; counted (0)."
    ),
]
Size: TypeAlias = Annotated[
    Literal["tiny", "small", "medium", "124m", "350m"] | None,
    typer.Option(rich_help_panel=LEARNING, help="Of the models that the trial trains from scratch (tiny)."),
]
Context: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", rich_help_panel=LEARNING, help="Tokens of a row (256).")
]
BatchTokens: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", rich_help_panel=LEARNING, help="Tokens between two steps (512).")
]
Tokens: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        rich_help_panel=LEARNING,
        help="Tokens of each training (epochs of the unedited text: scratch 8, continual 1, instruct 3).",
    ),
]
BaseTokens: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=LEARNING, help="Tokens that base models learn from (1 epoch)."),
]
Tasks: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAMES", rich_help_panel=LEARNING, help="Questions to ask: NAME.jsonl in --task-files."),
]
TaskFiles: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="DIR", rich_help_panel=LEARNING, help="A folder of task files.")
]
Workers: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N", rich_help_panel=options.RUNNING, help="Processes, of one thread each (one for each core)."
    ),
]
Output: TypeAlias = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="OUT", help="A folder: text/, results.parquet, trial.json, trial.md, page."),
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", rich_help_panel=options.RUNNING, help="Print trial.json, and nothing else.")
]


def trial(
    corpus: Corpus = None,
    pairs: Pairs = None,
    synthetic: Synthetic = None,
    synthetic_pairs: SyntheticPairs = None,
    base: Base = None,
    start: From = None,
    words: Words = None,
    answer_words: AnswerWords = None,
    held_out: HeldOut = None,
    text_column: options.TextColumn = None,
    prompt_column: PromptColumn = None,
    answer_column: AnswerColumn = None,
    max_rejects: MaxRejects = None,
    objective: Objective = None,
    arms: Arms = None,
    seeds: Seeds = None,
    seed: Seed = None,
    prior: Prior = None,
    size: Size = None,
    context: Context = None,
    batch_tokens: BatchTokens = None,
    tokens: Tokens = None,
    base_tokens: BaseTokens = None,
    tasks: Tasks = None,
    task_files: TaskFiles = None,
    workers: Workers = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Try whether editing human text token by token helps the models that learn from it, beside honest controls.

    [bold]uncollapse trial web.jsonl --synthetic made.jsonl -o trial/[/bold]   from scratch alone
    [bold]uncollapse trial web.jsonl --synthetic made.jsonl --base wiki.jsonl --pairs dolly.jsonl
    --synthetic-pairs alpaca.jsonl -o trial/[/bold]   all three objectives

    Text as it is, edited in three ways, and three controls: as many edits at random places, the edited places left
    out, and half of the text written by models, which a trial that can see anything tells apart. All learn from as many
    tokens and are measured by the same held-out human text; the sentence under the table follows from the intervals.
    Edits are made once. A trial that was stopped goes on when the same command is given; arms and seeds may be added.
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import trial_run

    code = trial_run.perform(trial_run.trial_job(given), as_json=as_json)
    if code:
        raise typer.Exit(code)
