"""`uncollapse status`: how far a run is, from outside."""

from typing import Annotated

import typer


def status(
    out: Annotated[str, typer.Argument(metavar="OUT", help="What was given to the run as -o.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print the status as JSON to stdout.")] = False,
) -> None:
    """Show how it stands with an output: what is done, running and failed, how fast it goes, how long it takes.

    [bold]uncollapse status edited/[/bold]

    It reads what lies there and touches nothing; the run may be at work, stopped or finished, here or on a cluster.
    Exit code 0: finished; 1: not finished; 2: no output of a run; 3: finished, and rows failed within --max-rejects.
    """
    from uncollapse.cli import status_run

    code = status_run.perform(out, as_json=as_json)
    if code:
        raise typer.Exit(code)
