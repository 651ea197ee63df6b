"""`uncollapse contest`: which way of feeding models their own text keeps them nearest to human text, on your text."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from uncollapse.cli import options

PLAYING = "What is played"

Corpus: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CORPUS", show_default=False, help="Human text, some 25,000 words or more: files, folders, addresses."
    ),
]
Arms: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        rich_help_panel=PLAYING,
        help="Comma-separated; all that there are unless said. With human text: human10, coverage+human10.",
    ),
]
Generations: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", rich_help_panel=PLAYING, help="How often models learn from the last (8).")
]
Seeds: TypeAlias = Annotated[
    int | None, typer.Option(metavar="K", rich_help_panel=PLAYING, help="How many times all is played (3).")
]
Seed: TypeAlias = Annotated[int | None, typer.Option(metavar="N", rich_help_panel=PLAYING, help="The first seed (0).")]
Students: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        rich_help_panel=PLAYING,
        help="Who learns: counted (n-grams, a toy, minutes; taken unless said), small (a transformer from scratch).",
    ),
]
Length: TypeAlias = Annotated[
    int | None, typer.Option(metavar="L", rich_help_panel=PLAYING, help="Words of a piece of text (60).")
]
Words: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=PLAYING, help="Most words of the corpus that take part (130000)."),
]
Oversampled: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=PLAYING, help="Texts that selectors choose one of, in the mean (4)."),
]
Output: TypeAlias = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="OUT", help="A folder for results.parquet, summary.json and index.html."),
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", rich_help_panel=options.RUNNING, help="Print summary.json, and nothing else.")
]


def contest(
    corpus: Corpus = None,
    arms: Arms = None,
    generations: Generations = None,
    seeds: Seeds = None,
    seed: Seed = None,
    students: Students = None,
    length: Length = None,
    words: Words = None,
    oversampled: Oversampled = None,
    text_column: options.TextColumn = None,
    max_rejects: options.LeftOut = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Let ways of making training text compete over some generations, on your own human text, beside three controls.

    [bold]uncollapse contest essays.jsonl -o contest/[/bold]   every arm, counted models, minutes
    [bold]uncollapse contest books/ --arms replace,random,real,coverage+human10 --seeds 5 -o contest/[/bold]

    Of the text some is learned from, some is the reference of selectors, and some is held out to measure by. Ranked by
    perplexity of held-out text, against naive replacement, a random choice and real text at the same seeds. A contest
    that was stopped goes on where it stopped; arms and seeds may be added. The counted student is a toy.
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import contest_run

    code = contest_run.perform(contest_run.contest_job(given), as_json=as_json)
    if code:
        raise typer.Exit(code)
