"""`uncollapse models`: what can be had, what is on this machine, what it takes."""

import sys
from typing import Annotated

import typer


def models(
    fetch: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Have this model on this machine, ready to use; says where it came from."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Show which language models have a name here, and which are on this machine.

    [bold]uncollapse models[/bold]
    [bold]uncollapse models --fetch smollm2-135m[/bold]

    Besides these, an address may be a folder with safetensors, a .gguf file, or hf:owner/name@revision.
    """
    if fetch is not None:
        _fetch(fetch)
        return
    from rich.console import Console

    from uncollapse.cli.catalogue import as_list, as_records
    from uncollapse.language_models import catalogue

    entries = catalogue()
    if as_json:
        Console().print_json(data=as_records(entries))
    else:
        Console().print(as_list(entries), soft_wrap=True)


def _fetch(address: str) -> None:
    """The model is there and could be loaded when this returns."""
    from uncollapse.cli.catalogue import announcement
    from uncollapse.language_models import catalogue, load

    sys.stderr.write(announcement(address, catalogue()))
    card = load(address).card
    typer.echo(f"{address} is on this machine: {card.backend_version}; revision {card.revision}")
