"""`uncollapse audit`: is this corpus healthy, where not, and how sure is that."""

from typing import Annotated, TypeAlias

import typer

from uncollapse.cli import options

COMPARING = "What it is compared with"
DEPTH = "How deep"
ANSWER = "The answer"

Corpora: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="CORPUS...",
        help="A corpus, or several to be compared: files, folders, addresses. Each argument is one corpus.",
        show_default=False,
    ),
]
Reference: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--reference",
        "-r",
        metavar="HUMAN",
        rich_help_panel=COMPARING,
        help="Held-out human text that nothing was fitted to. Repeat it for several files.",
    ),
]
Output: TypeAlias = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="OUT", help="A folder for report.html, report.json, offenders.parquet."),
]
Model: TypeAlias = Annotated[
    str, typer.Option(metavar="ADDRESS", rich_help_panel=DEPTH, help="The language model that measures surprise.")
]
NoModel: TypeAlias = Annotated[
    bool, typer.Option("--no-model", rich_help_panel=DEPTH, help="Leave the language model out: seconds, not minutes.")
]
Embed: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        rich_help_panel=DEPTH,
        help="A sentence-transformers model (extra: embed), or a .parquet file with the columns id and vector.",
    ),
]
SampleTokens: TypeAlias = Annotated[
    int,
    typer.Option(metavar="N", rich_help_panel=DEPTH, help="Words of each side that are compared; all text is read."),
]
ModelTokens: TypeAlias = Annotated[
    int, typer.Option(metavar="N", rich_help_panel=DEPTH, help="Tokens of each side that the language model reads.")
]
Splits: TypeAlias = Annotated[
    int, typer.Option(metavar="N", rich_help_panel=DEPTH, help="Random splits behind each interval and z; 8 or more.")
]
Seed: TypeAlias = Annotated[int, typer.Option(metavar="N", rich_help_panel=DEPTH, help="Which random splits.")]
Baseline: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="EARLIER.json", rich_help_panel=COMPARING, help="The report.json of an earlier audit: what has changed."
    ),
]
By: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", rich_help_panel=COMPARING, help="Audit each value of this column as well, the worst first."
    ),
]
FailOn: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        rich_help_panel=ANSWER,
        help="The verdicts whose failing gives exit code 1, comma-separated; all unless said: tails, contraction, "
        "concentration, duplicates, templates, topics, domain, memorised.",
    ),
]
TextColumn: TypeAlias = Annotated[str, typer.Option(metavar="COLUMN", help="The column of the text.")]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", rich_help_panel=ANSWER, help="Print report.json in place of the table.")
]


def audit(
    inputs: Corpora,
    reference: Reference = None,
    output: Output = None,
    model: Model = "smollm2-135m",
    no_model: NoModel = False,
    backend: options.Backend = None,
    dtype: options.Dtype = None,
    embed: Embed = None,
    sample_tokens: SampleTokens = 400_000,
    model_tokens: ModelTokens = 20_000,
    splits: Splits = 24,
    seed: Seed = 0,
    baseline: Baseline = None,
    by: By = None,
    fail_on: FailOn = None,
    text_column: TextColumn = "text",
    workers: options.Workers = None,
    engine: options.Engine = None,
    address: options.Address = None,
    gpus_per_worker: options.GpusPerWorker = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a corpus has collapsed, or will collapse what learns from it, beside fresh human text.

    [bold]uncollapse audit made.parquet --reference essays.jsonl -o audit/[/bold]   verdicts, page, offenders
    [bold]uncollapse audit edited/ --reference essays.jsonl --no-model[/bold]   an edited corpus against its own source
    [bold]uncollapse audit a.jsonl b.jsonl -r essays.jsonl -o audit/[/bold]   side by side
    [bold]uncollapse audit mixed/ -r essays.jsonl --by source --fail-on tails,duplicates[/bold]

    Exit code 0: no verdict fails, which says nothing of unknown ones: they are counted with what to give; 1: a verdict
    fails; 2: bad input; 3: a part of the report is missing and named.
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import auditing_run, settings

    code = auditing_run.perform(settings.audit_job(given), as_json=as_json)
    if code:
        raise typer.Exit(code)
