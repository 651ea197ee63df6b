"""`uncollapse edit`: human text in, semi-synthetic text out, every edit on record."""

import typer

from uncollapse.cli import options


def edit(
    inputs: options.Inputs = None,
    output: options.Output = None,
    preset: options.Preset = None,
    config: options.Config = None,
    model: options.Model = None,
    positions: options.Positions = None,
    threshold: options.Threshold = None,
    rate: options.Rate = None,
    spacing: options.Spacing = None,
    unit: options.Unit = None,
    max_edit_share: options.MaxEditShare = None,
    replace: options.Replace = None,
    strategy: options.Strategy = None,
    top_k: options.TopK = None,
    top_p: options.TopP = None,
    min_p: options.MinP = None,
    temperature: options.Temperature = None,
    exclude_original: options.ExcludeOriginal = None,
    seed: options.Seed = None,
    protect: options.Protect = None,
    recheck: options.Recheck = None,
    text_column: options.TextColumn = None,
    prompt_column: options.PromptColumn = None,
    rename: options.Rename = None,
    origin: options.Origin = None,
    max_rejects: options.MaxRejects = None,
    dtype: options.Dtype = None,
    window: options.Window = None,
    backend: options.Backend = None,
    policy: options.Policy = None,
    workers: options.Workers = None,
    engine: options.Engine = None,
    address: options.Address = None,
    gpus_per_worker: options.GpusPerWorker = None,
    format: options.Format = None,  # noqa: A002 (the option's name)
    preview: options.Preview = None,
    as_json: options.AsJson = False,
) -> None:
    """Edit text token by token with a prior language model's own candidates; every edit is on record.

    [bold]uncollapse edit essays.jsonl -o edited/[/bold]   a file, the defaults
    [bold]uncollapse edit essays/ --preview 3[/bold]   three documents in the terminal, nothing written
    [bold]uncollapse edit *.parquet -o made.jsonl --preset paper --seed 7[/bold]
    [bold]uncollapse edit chats.jsonl -o edited/ --text-column answer --prompt-column question[/bold]

    OUT then holds the shards, manifest.json, report.json and edits.html, and is an input of every other verb. A run
    that was stopped goes on when the same command is given again; [bold]uncollapse revert[/bold] gives the first text
    back.
    """
    given = {name: value for name, value in locals().items() if name not in {"config", "preview", "as_json"}}
    from uncollapse.cli import editing_run, settings

    job = settings.edit_job(given, recipe=config)
    if preview is not None:
        _refuse_json(as_json)
        editing_run.preview(job, count=preview)
        return
    code = editing_run.perform(job, as_json=as_json)
    if code:
        raise typer.Exit(code)


def _refuse_json(as_json: bool) -> None:
    from uncollapse.errors import UsageError

    if as_json:
        raise UsageError("--preview shows text to a person, --json prints a run's account", hint="give one of them")
