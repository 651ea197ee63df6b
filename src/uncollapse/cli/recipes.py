"""`uncollapse run`: several verbs as one story, out of a YAML file."""

from pathlib import Path
from typing import Annotated

import typer

from uncollapse.cli import options


def run(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A YAML file with a list of verbs under `steps`.")],
    workers: options.Workers = None,
    engine: options.Engine = None,
    address: options.Address = None,
    gpus_per_worker: options.GpusPerWorker = None,
) -> None:
    """Run several verbs as one story: a YAML file that lists them with their options, in order.

    [bold]uncollapse run recipe.yaml[/bold]

    The file holds `steps:`, a list of entries such as `- edit: {inputs: essays.jsonl, output: edited/, seed: 7}`; the
    options are those of the verb. Paths are seen from the file's folder. All of it is checked before the first verb
    runs; the story stops at the first failure, and given again goes on from there. Where a verb does not say itself
    where it runs, it runs where it is said here.
    """
    wanted = {name: value for name, value in locals().items() if name != "recipe" and value is not None}
    from uncollapse.cli.story import read_story, tell

    code = tell(read_story(recipe, wanted=wanted))
    if code:
        raise typer.Exit(code)
