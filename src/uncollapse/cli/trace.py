"""`uncollapse trace`: the family tree of a document or of a corpus."""

from typing import Annotated, TypeAlias

import typer

Corpus: TypeAlias = Annotated[
    str, typer.Argument(metavar="CORPUS", help="A folder, a file or an address.", show_default=False)
]
Id: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="The id of a document, or its first digits.", show_default=False)
]
Row: TypeAlias = Annotated[int | None, typer.Option(metavar="N", help="The document in this row, from 1.")]
Source: TypeAlias = Annotated[
    list[str] | None, typer.Option(metavar="CORPUS", help="Where parents may be found; may be repeated.")
]
PolicyFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        help="A TOML file that declares what models were trained on: \\[model_depth], \\[trained_on].",
    ),
]
Edits: TypeAlias = Annotated[int, typer.Option(metavar="N", help="How many edits of a document are shown.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the trace as JSON to stdout.")]


def trace(
    corpus: Corpus,
    id: Id = None,  # noqa: A002 (the argument's name)
    row: Row = None,
    source: Source = None,
    policy: PolicyFile = None,
    edits: Edits = 12,
    as_json: AsJson = False,
) -> None:
    """Show where a document, or a whole corpus, came from: human share, depth, models, recipes, edits in place.

    [bold]uncollapse trace edited/[/bold]   the corpus: words by origin, depths, models, recipes, inputs
    [bold]uncollapse trace edited/ --row 3 --source essays.jsonl[/bold]   one document, its parents found
    [bold]uncollapse trace edited/ 1f0c9a[/bold]   the same by its id
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import settings, tracing_run

    tracing_run.perform(settings.trace_job(given), as_json=as_json)
