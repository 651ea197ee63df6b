"""`uncollapse find`: which human document is this an edited copy of."""

from typing import Annotated, TypeAlias

import typer

Corpora: TypeAlias = Annotated[
    list[str],
    typer.Argument(metavar="CORPUS...", help="The documents: files, folders, addresses.", show_default=False),
]
Among: TypeAlias = Annotated[
    list[str],
    typer.Option(
        "--in",
        metavar="RESERVE",
        help="Where parents are looked for: a reserve, whose index is there, or any human text, which is indexed for "
        "this search. Repeat it for several files.",
        show_default=False,
    ),
]
Threshold: TypeAlias = Annotated[
    float,
    typer.Option(metavar="C", help="The least share of a document's word runs that its parent must have, 0 to 1."),
]
Top: TypeAlias = Annotated[int, typer.Option(metavar="N", help="Candidates for each document.")]
Output: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="OUT", help="A .parquet or .jsonl file of candidates, or a folder for both papers."
    ),
]
TextColumn: TypeAlias = Annotated[str, typer.Option(metavar="COLUMN", help="The column of the text.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document in place of the table.")]


def find(
    inputs: Corpora,
    among: Among,
    threshold: Threshold = 0.1,
    top: Top = 3,
    output: Output = None,
    text_column: TextColumn = "text",
    as_json: AsJson = False,
) -> None:
    """Say of each document which human document it is an edited copy of.

    [bold]uncollapse find web.parquet --in human/ -o found/[/bold]   in a reserve
    [bold]uncollapse find polished.jsonl --in essays.jsonl[/bold]   in any human text

    A parent has the same bytes (exact), the same text but for white space, capitals and compatibility forms
    (normalised), or the document's runs of three words (containment: their share, with an interval where the parent
    is long). Marks that no reader sees do not hide a copy.
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import finding_run, reserve_settings

    finding_run.perform(reserve_settings.find_job(given), as_json=as_json)
