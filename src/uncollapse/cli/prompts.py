"""`uncollapse prompts`: prompts that differ, without a model."""

from typing import Annotated, TypeAlias

import typer

from uncollapse.cli import options

AXES = "What varies"
PROMPTS = "The prompts"

Attributes: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        rich_help_panel=AXES,
        help="YAML, JSON or TOML: names, each with a list of values, as in `tone: [dry, warm]`.",
    ),
]
Personas: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        rich_help_panel=AXES,
        help="Who writes: a text file with one person a line, JSON lines with `persona`, or a YAML or JSON list.",
    ),
]
Formats: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAMES", rich_help_panel=AXES, help="Comma-separated, such as letter,table,dialogue."),
]
Seeds: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CORPUS",
        rich_help_panel=AXES,
        help="Documents to begin from, each in as many prompts as the others; may be repeated.",
    ),
]
Amount: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--n",
        metavar="N",
        rich_help_panel=PROMPTS,
        help="How many prompts; unless said, as many as cover every pair of values.",
    ),
]
Template: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        rich_help_panel=PROMPTS,
        help="A text file with a place such as {tone} for each attribute, {persona}, {format} and {seed}.",
    ),
]
Seed: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", rich_help_panel=PROMPTS, help="Another number, other prompts (0).")
]
Output: TypeAlias = Annotated[
    str | None, typer.Option("--output", "-o", metavar="OUT", help="One .jsonl or .parquet file.")
]


def prompts(
    attributes: Attributes = None,
    personas: Personas = None,
    formats: Formats = None,
    seeds: Seeds = None,
    output: Output = None,
    n: Amount = None,
    template: Template = None,
    seed: Seed = None,
    text_column: options.TextColumn = None,
    as_json: options.AsJson = False,
) -> None:
    """Write prompts that differ: attributes, personas, formats and passages, combined so that few cover much.

    [bold]uncollapse prompts --attributes attributes.yaml -o prompts.jsonl[/bold]   every pair of values in some prompt
    [bold]uncollapse prompts --attributes a.toml --personas people.txt --formats letter,table --n 200 -o p.jsonl[/bold]
    [bold]uncollapse prompts --attributes a.yaml --seeds essays.jsonl --n 1000 -o p.jsonl --template ask.txt[/bold]

    No model is asked. Every value of every attribute stands in the first prompts, as many as the longest list has
    values; then every pair, as far as N allows; no prompt comes twice. What was drawn for a prompt stands beside it in
    columns. Then: uncollapse generate --prompts OUT.
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import prompts_run

    prompts_run.perform(prompts_run.prompts_job(given), as_json=as_json)
