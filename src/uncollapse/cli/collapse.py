"""`uncollapse collapse`: what happens to a law when each generation learns from the one before."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import typer

from uncollapse.cli import collapse_options as options
from uncollapse.cli.collapse_language import language

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


@app.callback()
def _collapse() -> None:
    """What happens when models feed on themselves: simulations beside the closed forms that they must meet.

    [bold]uncollapse collapse gaussian --regime replace,accumulate --generations 50 -o lab/[/bold]
    """


def _verb(name: str, settings: Mapping[str, Any], *, act: str) -> Callable[..., None]:
    """A command that takes these options and hands them, with the laboratory's name, to `collapse_run`."""

    def verb(**given: Any) -> None:
        from uncollapse.cli import collapse_run

        code = getattr(collapse_run, act)(name, given)
        if code:
            raise typer.Exit(code)

    kind = inspect.Parameter.KEYWORD_ONLY
    defaults = {"as_json": False}
    verb.__annotations__ = {**settings, "return": None}
    verb.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(each, kind, default=defaults.get(each), annotation=settings[each]) for each in settings]
    )
    return verb


theory = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


@theory.callback()
def _theory() -> None:
    """The closed forms alone, generation by generation, as a table: no simulation."""


LABORATORIES, TELLERS = "laboratories", "without a simulation, and apart"
app.command("language", rich_help_panel=LABORATORIES, no_args_is_help=True)(language)
FEEDING = {"regime": options.REGIME, **options.REGIME_OPTIONS}
for _name, (_sentence, _own, _measures) in options.LABORATORIES.items():
    _law = {each: options.LABORATORY_OPTIONS[each] for each in _own}
    _help = f"{_sentence}\n\nMeasures: {', '.join(_measures)}."
    app.command(_name, help=_help, rich_help_panel=LABORATORIES)(
        _verb(_name, {**FEEDING, **_law, **options.RUN_OPTIONS}, act="perform")
    )
    _run = {each: options.RUN_OPTIONS[each] for each in ("generations", "output", "as_json")}
    theory.command(_name, help=f"The closed forms of: {_sentence}")(
        _verb(_name, {**FEEDING, **_law, **_run}, act="tell_theory")
    )
app.add_typer(theory, name="theory", rich_help_panel=TELLERS)
_law = {each: options.LABORATORY_OPTIONS[each] for each in options.LABORATORIES["gaussian"][1]}
app.command(
    "sources",
    help="The Gaussian loop with all sources of error, and with each one switched off: which of them does it.",
    rich_help_panel=TELLERS,
)(_verb("gaussian", {**FEEDING, **_law, **options.RUN_OPTIONS}, act="tell_sources"))


@app.command(rich_help_panel=TELLERS)
def plan(
    workflow: options.Workflow,
    share: options.PlanShare = None,
    rate: options.PlanRate = None,
    decay: options.PlanDecay = None,
    generations: options.PlanGenerations = None,
    multiple: options.PlanMultiple = None,
    as_json: options.AsJson = False,
) -> None:
    """Answer from the theory: is the error bounded, at what multiple, and what would keep it under another one.

    [bold]uncollapse collapse plan keep --share 0.2 --generations 20 --multiple 3[/bold]
    """
    given = {name: value for name, value in locals().items() if name != "as_json" and value is not None}
    from uncollapse.cli import collapse_tell

    collapse_tell.plan(given, as_json=as_json)


@app.command(rich_help_panel=TELLERS, no_args_is_help=True)
def reproduce(
    name: options.StudyName,
    output: options.StudyOutput = None,
    as_json: options.AsJson = False,
) -> None:
    """Run a published experiment: each published number beside ours with its interval, inside or outside."""
    from uncollapse.cli import collapse_tell

    collapse_tell.reproduce(name, output=output, as_json=as_json)
