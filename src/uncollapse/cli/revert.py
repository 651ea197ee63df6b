"""`uncollapse revert`: the first text back, byte for byte."""

import typer

from uncollapse.cli import options


def revert(
    inputs: options.Inputs = None,
    output: options.Output = None,
    max_rejects: options.MaxRejects = None,
    workers: options.Workers = None,
    engine: options.Engine = None,
    address: options.Address = None,
    gpus_per_worker: options.GpusPerWorker = None,
    format: options.Format = None,  # noqa: A002 (the option's name)
) -> None:
    """Give the first text back, byte for byte, out of the edits that each document carries.

    [bold]uncollapse revert edited/ -o original/[/bold]

    Each text is checked against the id of the document that it was made from.
    """
    given = dict(locals())
    from uncollapse.cli import settings
    from uncollapse.cli.editing_run import perform_revert

    code = perform_revert(settings.revert_job(given))
    if code:
        raise typer.Exit(code)
