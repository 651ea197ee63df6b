"""`uncollapse select`: which documents of a pool stay, by a method, a budget and an account of what that loses."""

from typing import Annotated, Literal, TypeAlias

import typer

from uncollapse.cli import options

AGAINST = "Against what"
WAY = "How"
GUARDS = "What it must hold to"

Method: TypeAlias = Annotated[
    Literal["random", "coverage", "importance", "rebalance", "likelihood", "duplicates", "facility", "quality"] | None,
    typer.Option(
        metavar="NAME",
        help="random, coverage, importance, rebalance, likelihood, duplicates, facility or quality (random).",
    ),
]
Budget: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", help="How much is chosen; duplicates alone can do without.")
]
By: TypeAlias = Annotated[
    Literal["documents", "words", "bytes"] | None, typer.Option(help="What the budget counts (documents).")
]
Seed: TypeAlias = Annotated[int | None, typer.Option(metavar="N", help="Another seed, other draws (0).")]
Reference: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="HUMAN", rich_help_panel=AGAINST, help="What the choice is to cover or be like; repeatable."),
]
HeldOut: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HUMAN",
        rich_help_panel=AGAINST,
        help="Text that no selector sees and that judges the tail; repeatable.",
    ),
]
HoldOut: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE", rich_help_panel=AGAINST, help="Or so much of the reference is held out for that (0.2)."
    ),
]
Strata: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="COLUMNS", rich_help_panel=AGAINST, help="Columns counted before and after, comma-separated."),
]
MaxTailLoss: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE", rich_help_panel=GUARDS, help="Of the rare words that chance keeps, at most so many lost (0.2)."
    ),
]
Force: TypeAlias = Annotated[
    bool | None, typer.Option("--force", rich_help_panel=GUARDS, help="Choose even so; the loss stands in the account.")
]
Cap: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN=SHARE",
        rich_help_panel=GUARDS,
        help="No value of the column has more of the budget, as in source=0.5; repeatable.",
    ),
]
Scoring: TypeAlias = Annotated[
    Literal["corrected", "published"] | None,
    typer.Option(rich_help_panel=WAY, help="importance: ours, or the estimator as its package has it (corrected)."),
]
LeastEffective: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        rich_help_panel=WAY,
        help="importance: the weights are worth at least so many equal ones, of the pool.",
    ),
]
Orders: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="1,2", rich_help_panel=WAY, help="coverage (1), importance (1,2): the lengths of the n-grams."
    ),
]
RareWeight: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="W", rich_help_panel=WAY, help="coverage: of n-grams that the reference has once or twice (1)."
    ),
]
Alpha: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="A", rich_help_panel=WAY, help="rebalance: groups of n get n^A: 1 as they are, 0 equal (0.5)."
    ),
]
RepeatCap: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=WAY, help="rebalance: a document is taken N times at most (3)."),
]
ByColumn: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", rich_help_panel=WAY, help="rebalance, quality: groups by a column, not by k-means."),
]
Clusters: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="K", rich_help_panel=WAY, help="rebalance, quality: how many groups k-means makes."),
]
Score: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", rich_help_panel=WAY, help="quality: its column; likelihood: surprise, instead of a model's."
    ),
]
Temperature: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="T", rich_help_panel=WAY, help="quality: scores enter as exp(score / T), never as a cut (1)."),
]
Model: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", rich_help_panel=WAY, help="likelihood: who is surprised (smollm2-135m)."),
]
Band: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="LOW:HIGH", rich_help_panel=WAY, help="likelihood: from which quantile of surprise to which (0.5:0.98)."
    ),
]
Sameness: TypeAlias = Annotated[
    Literal["near", "words", "text"] | None,
    typer.Option(rich_help_panel=WAY, help="duplicates: nearly the same, the same words, the same bytes (near)."),
]
Threshold: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="S", rich_help_panel=WAY, help="duplicates: the similarity of near ones, 0.5 to 1 (0.8)."),
]
Strategy: TypeAlias = Annotated[
    Literal["dpp", "msd", "mmr", "cover"] | None,
    typer.Option(rich_help_panel=WAY, help="facility: how spread is measured (dpp)."),
]
Origin: TypeAlias = Annotated[
    Literal["human", "edited", "synthetic", "unknown"] | None,
    typer.Option(
        metavar="NAME",
        rich_help_panel=options.READING,
        help="What is known of texts that do not say it themselves: human, edited, synthetic or unknown (unknown).",
    ),
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", rich_help_panel=options.RUNNING, help="Print the account as JSON to stdout.")
]


def select(
    inputs: options.Inputs = None,
    output: options.Output = None,
    method: Method = None,
    budget: Budget = None,
    by: By = None,
    seed: Seed = None,
    reference: Reference = None,
    held_out: HeldOut = None,
    hold_out: HoldOut = None,
    strata: Strata = None,
    scoring: Scoring = None,
    least_effective: LeastEffective = None,
    orders: Orders = None,
    rare_weight: RareWeight = None,
    alpha: Alpha = None,
    repeat_cap: RepeatCap = None,
    by_column: ByColumn = None,
    clusters: Clusters = None,
    score: Score = None,
    temperature: Temperature = None,
    model: Model = None,
    backend: options.Backend = None,
    band: Band = None,
    sameness: Sameness = None,
    threshold: Threshold = None,
    strategy: Strategy = None,
    max_tail_loss: MaxTailLoss = None,
    force: Force = None,
    cap: Cap = None,
    text_column: options.TextColumn = None,
    rename: options.Rename = None,
    origin: Origin = None,
    max_rejects: options.MaxRejects = None,
    workers: options.Workers = None,
    engine: options.Engine = None,
    address: options.Address = None,
    gpus_per_worker: options.GpusPerWorker = None,
    format: options.Format = None,  # noqa: A002 (the option's name)
    as_json: AsJson = False,
) -> None:
    """Choose documents of a pool within a budget, beside a choice at random, with the tail before and after.

    [bold]uncollapse select pool/ --method coverage --reference essays.jsonl --budget 200000 --by words -o kept/[/bold]
    [bold]uncollapse select pool/ --method duplicates -o kept/[/bold]
    [bold]uncollapse select pool/ --method rebalance --by-column source --alpha 0.5 --budget 5000 -o kept/[/bold]

    Which rows are taken depends on the seed and on what the rows are, never on the order of files or rows. A choice
    that loses more of the rare words than --max-tail-loss allows is refused before anything is written (exit code 1).
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import selecting_run

    code = selecting_run.perform(selecting_run.select_job(given), as_json=as_json)
    if code:
        raise typer.Exit(code)
