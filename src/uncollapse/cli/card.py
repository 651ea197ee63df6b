"""`uncollapse card`: what a corpus says of itself to others."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

ABOUT = "What the ledger cannot know"

Corpus: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="CORPUS", help="A folder or a file that a verb has written.", show_default=False)
]
Output: TypeAlias = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="OUT", help="The folder for croissant.json, README.md and synthetic.md."),
]
Read: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Say what a Croissant file or dataset card declares of its texts' origin."),
]
Name: TypeAlias = Annotated[str | None, typer.Option(rich_help_panel=ABOUT, help="Of the data set (the folder's).")]
Description: TypeAlias = Annotated[str | None, typer.Option(rich_help_panel=ABOUT, help="In a sentence or two.")]
Licence: TypeAlias = Annotated[
    str | None, typer.Option(rich_help_panel=ABOUT, help="As a short name or an address: cc-by-4.0")
]
Url: TypeAlias = Annotated[str | None, typer.Option(rich_help_panel=ABOUT, help="Where the data set can be had.")]
Creator: TypeAlias = Annotated[str | None, typer.Option(rich_help_panel=ABOUT, help="Who publishes it.")]
Version: TypeAlias = Annotated[str | None, typer.Option(rich_help_panel=ABOUT, help="As in 1.0.0, which it is.")]
Date: TypeAlias = Annotated[str | None, typer.Option(rich_help_panel=ABOUT, help="Of publication: 2026-01-31")]
Language: TypeAlias = Annotated[
    list[str] | None, typer.Option(rich_help_panel=ABOUT, help="A language code, as en; may be repeated.")
]
PolicyFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        rich_help_panel=ABOUT,
        help="A TOML file that declares what models were trained on: \\[model_depth], \\[trained_on].",
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print what is found as JSON to stdout.")]


def card(
    corpus: Corpus = None,
    output: Output = None,
    read: Read = None,
    name: Name = None,
    description: Description = None,
    licence: Licence = None,
    url: Url = None,
    creator: Creator = None,
    version: Version = None,
    date: Date = None,
    language: Language = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Write a corpus's papers: Croissant 1.1 with provenance, a dataset card, the EU template's synthetic-data table.

    [bold]uncollapse card mixed/ -o card/ --licence cc-by-4.0 --language en[/bold]
    [bold]uncollapse card --read croissant.json[/bold]   what somebody else's papers declare

    Every number comes out of the ledger. For papers that lie beside the files, as a hub wants them, name the corpus as
    OUT too. What is read from papers is a declaration, to be given as --origin.
    """
    given = {key: value for key, value in locals().items() if key != "as_json"}
    from uncollapse.cli import card_run

    card_run.perform(card_run.card_job(given), as_json=as_json)
