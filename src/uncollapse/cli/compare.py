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

    [bold]uncollapse evaluate edited-s0/ edited-s1/ plain-s0/ plain-s1/ --on heldout.jsonl -o run/[/bold]
    [bold]uncollapse compare run/ --control plain[/bold]

    edited-s0 and edited-s1 are two seeds of the arm edited. With several seeds an interval is Student's over their
    differences, widened by what other documents would change; with one it is over documents alone, and says nothing of
    another training. Beside each difference stands the smallest that would have been seen four times in five.
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import comparing_run

    code = comparing_run.perform(comparing_run.compare_job(given), as_json=as_json)
    if code:
        raise typer.Exit(code)
