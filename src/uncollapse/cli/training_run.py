"""What `train` does once it is known what is asked: read, learn, account."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse.cli.catalogue import announcement
from uncollapse.cli.editing_run import output_of, read_input
from uncollapse.cli.failures import visible
from uncollapse.cli.progress import Stages
from uncollapse.cli.running import Running
from uncollapse.cli.settings import Job, checked, normal, refuse_unknown, refused
from uncollapse.corpora import Corpus
from uncollapse.corpora.addresses import find
from uncollapse.errors import MissingColumn, UsageError
from uncollapse.language_models import catalogue

if TYPE_CHECKING:
    from uncollapse.training import Far, Material, Trained, Training

SOME_FAILED = 3


class TrainJob(Job):
    """A training: where its texts are, what of them is learned, and the fields of `Training` that were given."""

    objective: Literal["pretrain", "continual", "instruct"] = "pretrain"
    prompt_column: str | None = None
    answer_column: str | None = None
    threads: Annotated[int, Field(ge=1)] | None = None
    tensorboard: str | None = None
    weights: str | None = None
    fields: Mapping[str, Any] = {}

    def training(self) -> "Training":
        """The settings.

        Raises:
            UsageError: a value that cannot be, or options that contradict each other.
        """
        from uncollapse.training import Training

        try:
            training = Training(**self.fields)
        except ValidationError as error:
            raise refused(error, verb="train", spelled={"start": "from"}) from error
        if self.objective == "continual" and training.from_scratch:
            raise UsageError("a model from scratch has nothing to go on from", hint="--from ADDRESS")
        if self.objective == "pretrain" and not training.from_scratch and "objective" in self.model_fields_set:
            raise UsageError(f"{training.start} is trained already", hint="--objective continual, or no --from")
        for name in ("prompt_column", "answer_column"):
            if getattr(self, name) is not None and self.objective != "instruct":
                flag = "--" + name.replace("_", "-")
                raise UsageError(
                    f"{flag} has no meaning with --objective {self.objective}", hint="--objective instruct"
                )
        return training


def train_job(given: Mapping[str, Any], *, base: Path | None = None) -> TrainJob:
    """The training that these options describe.

    Raises:
        UsageError: an unknown option, or a value that cannot be.
    """
    from uncollapse.training import Training

    values = normal({"start" if name == "from" else name: value for name, value in given.items()}, base=base)
    own = set(TrainJob.model_fields) - {"fields", "format", *Running.model_fields}
    refuse_unknown(values, known=own | set(Training.model_fields), where="train")
    fields = {name: value for name, value in values.items() if name not in own}
    return checked(TrainJob, {**{name: values[name] for name in own & set(values)}, "fields": fields}, verb="train")


def perform(job: TrainJob, *, as_json: bool = False) -> int:
    """The exit code of a training: 0, or 3 where rows were rejected within what is allowed."""
    from uncollapse.training import fit

    folder = Path(output_of(job))
    training = job.training()
    corpus = _read(job)
    material = _material(job, corpus)
    if not training.from_scratch:
        sys.stderr.write(announcement(training.start, catalogue()))
    if job.threads is not None:
        import torch

        torch.set_num_threads(job.threads)
    try:
        with Stages("train") as stages:
            trained = fit(
                material,
                folder,
                training,
                on_progress=lambda far: _show(stages, far),
                tensorboard=job.tensorboard,
            )
    except KeyboardInterrupt:
        kept = any((folder / ".training" / "steps").glob("checkpoint-*/whole"))
        goes_on = "the last checkpoint stays, and the same command goes on from there"
        sys.stderr.write(
            f"stopped: {goes_on if kept else 'before the first checkpoint; the same command begins anew'}\n"
        )
        raise
    broken = corpus.plan.broken_rows
    if as_json:
        told = {"output": str(folder), "rows": {"in": corpus.rows, "failed": broken}, **trained.account}
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    else:
        assumed = "origin" not in job.model_fields_set and any(file.ledger is None for file in find(job.inputs)[0])
        _tell(trained, broken, assumed=assumed, console=Console())
    return SOME_FAILED if broken else 0


def _read(job: TrainJob) -> Corpus:
    """The corpus; of an instruction file the answers are its texts."""
    from uncollapse.training.material import ANSWERED

    if job.objective != "instruct":
        return read_input(job)
    names = [job.answer_column] if job.answer_column else list(ANSWERED)
    for name in names:
        try:
            return read_input(job.model_copy(update={"text_column": name}))
        except MissingColumn:
            continue
    raise MissingColumn(
        f"{job.inputs[0]} has no column with the answer: none of {', '.join(names)}", hint="--answer-column NAME"
    )


def _material(job: TrainJob, corpus: Corpus) -> "Material":
    from uncollapse.training.material import instruction_material_of, material_of, questions_of

    roots = sorted({file.ledger.roots["contents"] for file in find(job.inputs)[0] if file.ledger is not None})
    if job.objective != "instruct":
        return material_of(corpus, roots=roots, weights=job.weights)
    questions = questions_of(corpus.schema.names, asked=job.prompt_column)
    return instruction_material_of(corpus, questions, roots=roots, weights=job.weights)


def _show(stages: Stages, far: "Far") -> None:
    stages(f"loss {far.loss:.3f} nats a token", far.step, far.steps)


def _tell(trained: "Trained", broken: int, *, assumed: bool, console: Console) -> None:
    account = trained.account
    if trained.already_done:
        console.print("nothing to do: this model was trained before, and is as it was left")
    data, epochs = account["data"], account["epochs"]
    table = Table(box=None, pad_edge=False, show_header=False)
    rows = {
        "parameters": f"{account['parameters']:,}",
        "documents": f"{data['documents']:,}{_weighed(data)}"
        + (f", and {broken:,} rows that cannot be read" if broken else ""),
        "tokens there": f"{data['tokens']:,}",
        "tokens learned": f"{account['tokens']:,} in {account['steps']:,} steps, {epochs:.2f} epochs",
        "padding": f"{100 * account['padding_share']:.2f} % of the rows of {account['context']:,}",
        "loss": f"{account['losses'][0][1]:.4f} at first, {trained.last_loss:.4f} in the end (nats a token)",
        "speed": f"{account['tokens_per_second'] or 0:,.0f} tokens/s",
        "depth": _depth(account),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)
    if epochs > 1:
        console.print(Text(f"note: the texts were read {epochs:.2f} times to come to {account['tokens']:,} tokens"))
    if account["rows_of_one_document"]:
        console.print(Text("note: this architecture looks across documents in a row, so each has rows of its own"))
    if assumed:
        console.print(Text("note: texts without a ledger were taken to be human; --origin says what else they are"))
    console.print(Text(f"model: {visible(str(trained.folder))}"), soft_wrap=True)


def _weighed(data: Mapping[str, Any]) -> str:
    return f", which weigh as much as {data['effective_documents']:,.0f}" if "effective_documents" in data else ""


def _depth(account: Mapping[str, Any]) -> str:
    depth = account.get("model_depth")
    if depth is None:
        return "unknown: not all texts say how deep they are"
    deepest = "learned from people alone" if depth == 0 else "its deepest text; the ledger says whose a text is"
    return f"{depth} ({deepest}), so that what it writes is {depth + 1} deep"
