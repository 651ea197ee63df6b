"""`uncollapse arbitrate`: of the candidates of each prompt one is kept: the best of n, or of several teachers."""

from typing import Annotated, Literal, TypeAlias

import typer

from uncollapse.cli import options

SCORING = "By what they are compared"
KEEPING = "Which of them are kept"

Pools: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="POOL",
        show_default=False,
        help="Candidates: one pool for each teacher, or one with all; files, folders and addresses.",
    ),
]
Score: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN|SCORER",
        rich_help_panel=SCORING,
        help="A column of numbers, or lexical-diversity, likelihood, agreement, distance, reward.",
    ),
]
Model: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", rich_help_panel=SCORING, help="The model of likelihood, or the reward model of reward."
    ),
]
Reference: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="HUMAN", rich_help_panel=SCORING, help="Text that distance is from; may be repeated."),
]
Prompt: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", rich_help_panel=SCORING, help="The prompts that a reward model reads first."),
]
Lowest: TypeAlias = Annotated[
    bool | None, typer.Option("--lowest", rich_help_panel=SCORING, help="Low scores win, not high ones.")
]
Group: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", rich_help_panel=SCORING, help="What rivals have in common (their first parent)."),
]
Teacher: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        rich_help_panel=SCORING,
        help="Whose a candidate is: a column, model, recipe, pool, or auto: the model in the ledger, else the pool.",
    ),
]
Keep: TypeAlias = Annotated[
    Literal["argmax", "softmax"] | None,
    typer.Option(rich_help_panel=KEEPING, help="argmax: the best (taken unless said). softmax: drawn by exp(score/T)."),
]
Temperature: TypeAlias = Annotated[
    float | None, typer.Option(metavar="T", rich_help_panel=KEEPING, help="Of softmax, in the score's unit (1).")
]
RandomFloor: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE", rich_help_panel=KEEPING, help="In this share of groups a random reject wins, 0 to 1 (0)."
    ),
]
CapTeacher: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="SHARE", rich_help_panel=KEEPING, help="No teacher has more of what is kept than this."),
]
CapStratum: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN=SHARE", rich_help_panel=KEEPING, help="No value of the column has more than this share."
    ),
]
Seed: TypeAlias = Annotated[int | None, typer.Option(metavar="N", rich_help_panel=KEEPING, help="Of the draws (0).")]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", rich_help_panel=options.RUNNING, help="Print the account as JSON to stdout.")
]


def arbitrate(
    pools: Pools = None,
    score: Score = None,
    output: options.Output = None,
    model: Model = None,
    reference: Reference = None,
    prompt: Prompt = None,
    lowest: Lowest = None,
    group: Group = None,
    teacher: Teacher = None,
    keep: Keep = None,
    temperature: Temperature = None,
    random_floor: RandomFloor = None,
    cap_teacher: CapTeacher = None,
    cap_stratum: CapStratum = None,
    seed: Seed = None,
    text_column: options.TextColumn = None,
    rename: options.Rename = None,
    max_rejects: options.MaxRejects = None,
    workers: options.Workers = None,
    engine: options.Engine = None,
    address: options.Address = None,
    gpus_per_worker: options.GpusPerWorker = None,
    format: options.Format = None,  # noqa: A002 (the option's name)
    as_json: AsJson = False,
) -> None:
    """Keep one of the candidates of each prompt, by a score, under caps, with every row that lost accounted for.

    [bold]uncollapse arbitrate samples/ --score likelihood --model smollm2-135m -o best/[/bold]   best of n
    [bold]uncollapse arbitrate a/ b/ c/ --score reward --model rm/ --cap-teacher 0.5 -o best/[/bold]   several teachers
    [bold]uncollapse arbitrate samples/ --score lexical-diversity -o rich/[/bold]   steered towards an attribute

    Which candidates are kept depends on the seed and on what they are, never on the order of files or rows. A cap that
    cannot be met is refused with the least that can be. A pool that a model of ours wrote groups by itself; of other
    files say what rivals have in common: --group prompt.
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import arbitrating_run

    code = arbitrating_run.perform(arbitrating_run.arbitrate_job(given), as_json=as_json)
    if code:
        raise typer.Exit(code)
