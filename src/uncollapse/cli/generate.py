"""`uncollapse generate`: new text by a language model, each with the document that it was made from as its parent."""

from typing import Annotated, Literal, TypeAlias

import typer

from uncollapse.cli import options

SOURCES = "What it is made from"
TEXTS = "What is written"
DRAWS = "How tokens are drawn"
ENDPOINT = "How an endpoint is called"

Continued: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--continue",
        metavar="CORPUS",
        rich_help_panel=SOURCES,
        help="Go on from the opening of each document; may be repeated.",
    ),
]
Rephrased: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CORPUS",
        rich_help_panel=SOURCES,
        help="Have a chat model say each document anew; may be repeated.",
    ),
]
Prompts: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE",
        rich_help_panel=SOURCES,
        help="Have a chat model answer each text as a prompt (--text-column names another column); of a .txt file each "
        "line.",
    ),
]
Instructions: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CORPUS",
        rich_help_panel=SOURCES,
        help="Have a chat model ask a question that each document answers, and answer it from the document; columns "
        "instruction and answer.",
    ),
]
Model: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="smollm2-135m, a folder, a .gguf file, hf:owner/name@revision, or an endpoint: http://host:port/v1#name.",
    ),
]
OpeningTokens: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        rich_help_panel=TEXTS,
        help="Tokens of each document that are kept (64); words, if an endpoint writes.",
    ),
]
OpeningShare: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="S", rich_help_panel=TEXTS, help="Instead: this share of each document's tokens."),
]
KeepOpening: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--keep-opening/--drop-opening",
        rich_help_panel=TEXTS,
        help="Whether the new text begins with the opening, or is what was written alone (keep).",
    ),
]
Preset: TypeAlias = Annotated[
    Literal["blocks"] | None,
    typer.Option(
        rich_help_panel=TEXTS,
        help="blocks: cut documents into blocks of 64 tokens, write 64 after each (Shumailov et al. 2024).",
    ),
]
Styles: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        rich_help_panel=TEXTS,
        help="Of a rephrasing, comma-separated: plain, encyclopedia, questions, conversation, list, letter; one is "
        "drawn for each document (all).",
    ),
]
Instruction: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="TEXT", rich_help_panel=TEXTS, help="What to ask of each document in place of a style."),
]
Plain: TypeAlias = Annotated[
    bool | None,
    typer.Option("--plain/--chat", rich_help_panel=TEXTS, help="Go on from prompts as they stand, unasked (chat)."),
]
Template: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        rich_help_panel=TEXTS,
        help="Of an instruction pair's text, with {instruction} and {answer} in it (both, a blank line between them).",
    ),
]
MaxTokens: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=TEXTS, help="Most tokens that are written after a prompt (256)."),
]
DecodingRule: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME=VALUE,...",
        rich_help_panel=DRAWS,
        help="temperature, top_k, top_p, min_p, applied in this order (temperature=1: the model's own "
        "distribution). What narrows it costs entropy, and you are told how much.",
    ),
]
Samples: TypeAlias = Annotated[
    int | None,
    typer.Option("--n", metavar="N", rich_help_panel=DRAWS, help="Texts that are written for each document (1)."),
]
Keep: TypeAlias = Annotated[
    Literal["best", "all", "sample"] | None,
    typer.Option(
        rich_help_panel=DRAWS,
        help="Of several texts. best: the most typical, neither a loop nor noise; sample: one drawn, the more typical "
        "the likelier; all: each as a row of its own, numbered in the column draw (best).",
    ),
]
Verbalised: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="K",
        rich_help_panel=DRAWS,
        help="With --prompts: ask for K answers with their probabilities at once and draw one by those, or --keep all.",
    ),
]
Watermark: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="KEYFILE",
        rich_help_panel=DRAWS,
        help="Mark the text under the secret in this file (SynthID-Text); only the key's name is written down.",
    ),
]
Seed: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", rich_help_panel=DRAWS, help="Another seed, other texts (0).")
]

Concurrency: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", rich_help_panel=ENDPOINT, help="Requests under way at once (8).")
]
Tries: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=ENDPOINT, help="How often a request is sent before it is given up (6)."),
]
Timeout: TypeAlias = Annotated[
    float | None, typer.Option(metavar="S", rich_help_panel=ENDPOINT, help="Seconds for one try (120).")
]
ApiKeyEnv: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        rich_help_panel=ENDPOINT,
        help="The environment variable that holds the key; no key is sent unless one is named.",
    ),
]
PriceIn: TypeAlias = Annotated[
    float | None, typer.Option(metavar="P", rich_help_panel=ENDPOINT, help="Price of a million tokens of prompts.")
]
PriceOut: TypeAlias = Annotated[
    float | None, typer.Option(metavar="P", rich_help_panel=ENDPOINT, help="Price of a million tokens written.")
]


def generate(
    continued: Continued = None,
    rephrase: Rephrased = None,
    prompts: Prompts = None,
    instructions: Instructions = None,
    output: options.Output = None,
    model: Model = None,
    opening_tokens: OpeningTokens = None,
    opening_share: OpeningShare = None,
    keep_opening: KeepOpening = None,
    preset: Preset = None,
    styles: Styles = None,
    instruction: Instruction = None,
    plain: Plain = None,
    template: Template = None,
    max_tokens: MaxTokens = None,
    decoding: DecodingRule = None,
    n: Samples = None,
    keep: Keep = None,
    verbalised: Verbalised = None,
    watermark: Watermark = None,
    seed: Seed = None,
    concurrency: Concurrency = None,
    tries: Tries = None,
    timeout: Timeout = None,
    api_key_env: ApiKeyEnv = None,
    price_in: PriceIn = None,
    price_out: PriceOut = None,
    text_column: options.TextColumn = None,
    rename: options.Rename = None,
    origin: options.Origin = None,
    max_rejects: options.MaxRejects = None,
    dtype: options.Dtype = None,
    window: options.Window = None,
    backend: options.Backend = None,
    workers: options.Workers = None,
    engine: options.Engine = None,
    address: options.Address = None,
    gpus_per_worker: options.GpusPerWorker = None,
    format: options.Format = None,  # noqa: A002 (the option's name)
    as_json: options.AsJson = False,
) -> None:
    """Write new text with a language model; each text is `synthetic` and names the document that it was made from.

    [bold]uncollapse generate --continue essays.jsonl -o made/[/bold]   openings of 64 tokens, 256 written after each
    [bold]uncollapse generate --continue essays/ -o made.jsonl --opening-share 0.5 --drop-opening --seed 7[/bold]
    [bold]uncollapse generate --rephrase essays.jsonl -o said/ --styles plain,questions --max-tokens 400[/bold]
    [bold]uncollapse generate --continue essays.jsonl -o made/ --model hf:owner/name --decoding top_p=0.95[/bold]
    [bold]uncollapse generate --prompts prompts.jsonl -o answers/ --model http://localhost:8000/v1#name --n 4[/bold]

    OUT then holds the shards, manifest.json and report.json, and is an input of every other verb. The same command
    gives the same texts, whatever the number of workers; a run that was stopped goes on when it is given again. Keep
    the human text: what is written here is no substitute for it (`uncollapse mix`).
    """
    given = {name: value for name, value in locals().items() if name != "as_json"}
    from uncollapse.cli import generating_run, generating_settings

    code = generating_run.perform(generating_settings.generate_job(given), as_json=as_json)
    if code:
        raise typer.Exit(code)
