"""`uncollapse compare`: arms beside a control, on the same documents."""

from typing import Annotated, TypeAlias

import typer

from uncollapse.cli import options

Runs: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(metavar="RUN...", help="What `uncollapse evaluate ... -o RUN` wrote; several are one."),
]
Control: TypeAlias = Annotated[
    str | None, typer.Option(metavar="ARM", help="The arm that the others are held against.", show_default=False)
]
Output: TypeAlias = Annotated[str | None, typer.Option("--output", "-o", metavar="FILE", help="The table as JSON.")]
Seed: TypeAlias = Annotated[int, typer.Option(metavar="N", help="Of the draws behind the intervals.")]


def compare(
    runs: Runs = None, control: Control = None, output: Output = None, seed: Seed = 0, as_json: options.AsJson = False
) -> None:
    """Say how models differ from a control on the same documents: paired differences, each with its interval.

    [bold]uncollapse evaluate edited-0/ edited-1/ plain-0/ plain-1/ --on heldout.jsonl -o run/[/bold]
    [bold]uncollapse compare run/ --control plain[/bold]

    A number at the end of a model's name is its seed: edited-0 and edited-1 are two seeds of the arm edited. Draws take
    the same documents for both sides, and seeds anew; with one seed the interval is over documents alone, and says
    nothing of another training. Beside each difference stands the smallest that would have been seen.
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import comparing_run

    code = comparing_run.perform(comparing_run.compare_job(given), as_json=as_json)
    if code:
        raise typer.Exit(code)
