"""`uncollapse collapse`: what happens to a law when each generation learns from the one before."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import typer

from uncollapse.cli import collapse_options as options

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


@app.callback()
def _collapse() -> None:
    """What happens when models feed on themselves: simulations beside the closed forms that they must meet.

    [bold]uncollapse collapse gaussian --regime replace,accumulate --generations 50 -o lab/[/bold]
    """


def _verb(name: str, settings: Mapping[str, Any]) -> Callable[..., None]:
    """A command that takes these options and runs the laboratory of this name."""

    def verb(**given: Any) -> None:
        from uncollapse.cli import collapse_run

        code = collapse_run.perform(name, given)
        if code:
            raise typer.Exit(code)

    kind = inspect.Parameter.KEYWORD_ONLY
    defaults = {"as_json": False}
    verb.__annotations__ = {**settings, "return": None}
    verb.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(each, kind, default=defaults.get(each), annotation=settings[each]) for each in settings]
    )
    return verb


for _name, (_sentence, _own, _measures) in options.LABORATORIES.items():
    app.command(
        _name,
        help=f"{_sentence}\n\nMeasures: {', '.join(_measures)}.",
    )(
        _verb(
            _name,
            {
                "regime": options.REGIME,
                **options.REGIME_OPTIONS,
                **{each: options.LABORATORY_OPTIONS[each] for each in _own},
                **options.RUN_OPTIONS,
            },
        )
    )
