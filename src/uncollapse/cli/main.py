"""The command line: its verbs in groups, and what becomes of everything that can go wrong.

Exit codes: 0 done and healthy; 1 the verdict or policy says no; 2 bad usage or input; 3 done, but rows failed
within --max-rejects; 70 a fault of ours; 130 interrupted; 141 nobody reads the output any more.
"""

import inspect
import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, TypeAlias

import typer

from uncollapse.cli import (
    arbitrate,
    audit,
    card,
    collapse,
    compare,
    contest,
    detect,
    edit,
    evaluate,
    find,
    forecast,
    generate,
    marks,
    mix,
    models,
    prompts,
    recipes,
    reserve,
    revert,
    select,
    sign,
    status,
    trace,
    train,
    trial,
    verify,
)
from uncollapse.cli.failures import report_failure
from uncollapse.version import __version__

app = typer.Typer(
    name="uncollapse",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
NOBODY_READS = 128 + 13  # what a shell says of a process that SIGPIPE ended
MAKE, CHOOSE, CHECK, KNOW = "make", "choose", "check", "know"
TRAIN = "train"
UNDERSTAND, STORIES = "understand", "whole stories"


def _add(
    verb: Callable[..., None], *, group: str | None, bare: bool = False, to: typer.Typer = app, name: str | None = None
) -> None:
    """The verb answers to its function's name or another; without arguments it shows its help, unless it works `bare`.

    In its help the docstring's paragraphs flow, and its examples keep their lines.
    """
    paragraphs = inspect.cleandoc(verb.__doc__ or "").split("\n\n")
    taught = [text if text.startswith("[bold]") else text.replace("\n", " ") for text in paragraphs]
    command = to.command(name, rich_help_panel=group, no_args_is_help=not bare, help="\n\n".join(taught))
    command(_until_nobody_reads(verb))


def _until_nobody_reads(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb, which ends quietly when the reader of its output goes away, as in `uncollapse models | head -1`."""

    @wraps(verb)
    def read(**options: Any) -> None:
        try:
            verb(**options)
            sys.stdout.flush()
        except (BrokenPipeError, SystemExit) as gone:
            # A verb leaves by typer.Exit; SystemExit is what rich makes of a broken pipe. Python would complain once
            # more when it closes stdout at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(NOBODY_READS) from gone

    return read


_add(edit.edit, group=MAKE)
_add(revert.revert, group=MAKE)
_add(generate.generate, group=MAKE)
_add(prompts.prompts, group=MAKE)
_add(arbitrate.arbitrate, group=CHOOSE)
_add(select.select, group=CHOOSE)
_add(mix.mix, group=CHOOSE)
_add(contest.contest, group=CHOOSE)
_add(audit.audit, group=CHECK)
_add(detect.detect, group=CHECK)
_add(detect.detector, group=CHECK)
_add(find.find, group=CHECK)
_add(marks.marks, group=CHECK)
_add(trace.trace, group=KNOW)
_add(verify.verify, group=KNOW)
_add(sign.sign, group=KNOW)
_add(card.card, group=KNOW)
for _name, _verb in (("add", reserve.add), ("check", reserve.check), ("list", reserve.show)):
    _add(_verb, group=None, to=reserve.app, name=_name)
app.add_typer(reserve.app, name="reserve", rich_help_panel=KNOW)
_add(status.status, group=KNOW)
_add(models.models, group=KNOW, bare=True)
_add(train.train, group=TRAIN)
_add(evaluate.evaluate, group=TRAIN)
_add(compare.compare, group=TRAIN)
_add(forecast.forecast, group=TRAIN)
_add(trial.trial, group=TRAIN)
app.add_typer(collapse.app, name="collapse", rich_help_panel=UNDERSTAND)
_add(recipes.run, group=STORIES)


def _version(asked: bool) -> bool:
    if asked:
        typer.echo(f"uncollapse {__version__}")
        raise typer.Exit
    return asked


Version: TypeAlias = Annotated[
    bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
]
Debug: TypeAlias = Annotated[
    bool, typer.Option("--debug", envvar="UNCOLLAPSE_DEBUG", help="Show the traceback of whatever goes wrong.")
]


@app.callback()
def _uncollapse(
    version: Version = False,  # noqa: ARG001 (its callback acts)
    debug: Debug = False,
) -> None:
    """Training text that models can keep learning from, generation after generation.

    [bold]uncollapse edit essays.jsonl -o edited/[/bold]   human text in, semi-synthetic text out, every edit on record
    """
    os.environ["UNCOLLAPSE_DEBUG"] = "1" if debug else ""


def run() -> None:
    """Never returns: the command runs, and the process ends with its exit code."""
    try:
        code = app(prog_name="uncollapse", standalone_mode=False)
    except BaseException as error:
        code = report_failure(error)
    sys.exit(code or 0)
