"""`uncollapse reserve`: the human reserve, to which texts are added and from which nothing is taken."""

from typing import Annotated, Literal, TypeAlias

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
GROUND = "Why these texts are human"

Folder: TypeAlias = Annotated[
    str, typer.Argument(metavar="RESERVE", help="The folder of the reserve.", show_default=False)
]
Human: TypeAlias = Annotated[
    list[str],
    typer.Argument(metavar="HUMAN...", help="Human text: files, folders, addresses.", show_default=False),
]
Basis: TypeAlias = Annotated[
    Literal["dated", "publisher", "declaration"],
    typer.Option(
        rich_help_panel=GROUND,
        help="dated: public before 30 November 2022 (--date); publisher: who published them vouches (--publisher); "
        "declaration: a person does (--by).",
        show_default=False,
    ),
]
Date: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="YYYY-MM-DD", rich_help_panel=GROUND, help="All of them were public on this day."),
]
Publisher: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", rich_help_panel=GROUND, help="Who published them.")
]
By: TypeAlias = Annotated[str | None, typer.Option(metavar="NAME", rich_help_panel=GROUND, help="Who declares it.")]
Domain: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", rich_help_panel=GROUND, help="What kind of text it is, such as news.")
]
Exclude: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN>VALUE",
        help="Leave out rows by a score, such as a detector's: it can exclude a text and never admits one. Repeatable.",
    ),
]
TextColumn: TypeAlias = Annotated[str, typer.Option(metavar="COLUMN", help="The column of the text.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document in place of the table.")]
Head: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="HEX", help="A digest that you noted before: the reserve must have grown out of that one."),
]
Against: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CORPUS",
        help="Generated text with its ledger: no text of the reserve may stand in it that it was not made from. "
        "Repeatable.",
    ),
]
Threshold: TypeAlias = Annotated[
    float, typer.Option(metavar="C", help="With --against: the share of a text's word runs that is too much.")
]


@app.callback()
def _reserve() -> None:
    """The human reserve: append-only, hashed, indexed for near copies.

    [bold]uncollapse reserve add human/ essays.jsonl --basis declaration --by "A. Writer"[/bold]
    """


def add(
    reserve: Folder,
    inputs: Human,
    basis: Basis,
    date: Date = None,
    publisher: Publisher = None,
    by: By = None,
    domain: Domain = None,
    exclude: Exclude = None,
    text_column: TextColumn = "text",
    as_json: AsJson = False,
) -> None:
    """Admit human texts to a reserve, which is made if it is not there; all of them, or none.

    [bold]uncollapse reserve add human/ essays.jsonl --basis declaration --by "A. Writer" --domain essays[/bold]
    [bold]uncollapse reserve add human/ crawl2019/*.parquet --basis dated --date 2019-12-31[/bold]
    [bold]uncollapse reserve add human/ news.jsonl --basis publisher --publisher P --exclude 'p_synthetic>0.9'[/bold]

    Texts that are there already are counted, near copies of them are named. A row that a model made or changed is
    refused by file and number: there is no basis by which a detector could admit it.
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import reserve_run, reserve_settings

    reserve_run.add(reserve_settings.reserve_add_job(given), as_json=as_json)


def check(
    reserve: Folder,
    head: Head = None,
    against: Against = None,
    threshold: Threshold = 0.5,
    as_json: AsJson = False,
) -> None:
    """Work everything out again that a reserve says of itself: exit code 1 if anything is not so, and what.

    [bold]uncollapse reserve check human/[/bold]
    [bold]uncollapse reserve check human/ --head 00faeca8... --against made.parquet[/bold]

    A manifest that was rewritten with all that it vouches for is found only against a digest that was noted elsewhere:
    keep the head that [bold]reserve add[/bold] prints, and give it as --head.
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import reserve_run, reserve_settings

    code = reserve_run.check(reserve_settings.reserve_check_job(given), as_json=as_json)
    if code:
        raise typer.Exit(code)


def show(reserve: Folder, as_json: AsJson = False) -> None:
    """List the admissions of a reserve: how many texts, on which ground, from where.

    [bold]uncollapse reserve list human/[/bold]
    """
    from uncollapse.cli import reserve_run

    reserve_run.show(reserve, as_json=as_json)
