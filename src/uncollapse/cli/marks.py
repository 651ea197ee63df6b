"""`uncollapse marks`: what a text carries that no reader sees."""

from typing import Annotated, TypeAlias

import typer

Corpora: TypeAlias = Annotated[
    list[str], typer.Argument(metavar="CORPUS...", help="Files, folders, addresses.", show_default=False)
]
Output: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="OUT", help="Write the documents without their marks, and the marks beside them."
    ),
]
Origin: TypeAlias = Annotated[
    str, typer.Option(metavar="NAME", help="What is known of texts that do not say it themselves.")
]
TextColumn: TypeAlias = Annotated[str, typer.Option(metavar="COLUMN", help="The column of the text.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document in place of the table.")]


def marks(
    inputs: Corpora,
    output: Output = None,
    origin: Origin = "unknown",
    text_column: TextColumn = "text",
    as_json: AsJson = False,
) -> None:
    """Read the marks in text that no reader sees: C2PA manifests, tag characters, selectors, zero-width characters.

    [bold]uncollapse marks crawl.parquet[/bold]   what there is, and what it says
    [bold]uncollapse marks crawl.parquet -o clean/[/bold]   without them; clean/marks.parquet keeps each with its place

    Joiners in Persian, Indic and emoji, selectors behind emoji and ideographs, and directions in right-to-left text
    belong to the writing and stay. A text that carries edits is left as it is.
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import marks_run, reserve_settings

    marks_run.perform(reserve_settings.marks_job(given), as_json=as_json)
