"""`uncollapse verify`: is what a corpus says of itself true, and does it keep to a policy."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

AGAINST = "What it is held against"

Corpus: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="CORPUS", help="A folder or a file that a verb has written.", show_default=False),
]
PolicyFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        rich_help_panel=AGAINST,
        help="A TOML file with limits: max_depth, min_human_token_share, max_unknown_share and others.",
    ),
]
Root: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="HEX", rich_help_panel=AGAINST, help="A seal or root that was noted down earlier."),
]
PublicKey: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", rich_help_panel=AGAINST, help="The public key of who signed the manifest."),
]
Reserve: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="RESERVE", rich_help_panel=AGAINST, help="The human reserve, for its share of the words."),
]
Source: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="CORPUS", rich_help_panel=AGAINST, help="Where parents may be found; may be repeated."),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the verification as JSON to stdout.")]


def verify(
    corpus: Corpus,
    policy: PolicyFile = None,
    root: Root = None,
    public_key: PublicKey = None,
    reserve: Reserve = None,
    source: Source = None,
    as_json: AsJson = False,
) -> None:
    """Say whether what a corpus says of itself is true: everything is computed again from its bytes.

    [bold]uncollapse verify edited/[/bold]   every file, row, edit, account and root
    [bold]uncollapse verify edited/ --policy policy.toml[/bold]   and whether it keeps to limits
    [bold]uncollapse verify edited/ --public-key me.pub[/bold]   and whether it is what was signed

    Exit code 0: all of it holds; 1: something is broken, each with what to do; 2: bad usage or input.
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import ledger_run, settings

    code = ledger_run.perform_verify(settings.verify_job(given), as_json=as_json)
    if code:
        raise typer.Exit(code)
