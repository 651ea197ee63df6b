"""A language model made from texts, with the trainer of transformers.

Texts become tokens on disk (1), tokens rows of equal length (2); the rows of all epochs stand in one order that the
seed gives (3), so that a step's rows follow from its number, and a training that was stopped goes on with the same.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from uncollapse.errors import InputError
from uncollapse.fingerprint import fingerprint
from uncollapse.language_models.addresses import last_part
from uncollapse.language_models.quiet import quiet
from uncollapse.training.account import Trained
from uncollapse.training.settings import Training
from uncollapse.training.tokens import Item, Tokenised, plain, write_tokens
from uncollapse.training.workshop import FINISHED, STEPS, Workshop

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from uncollapse.training.rows import Rows

POINTS = 200  # of the curve of losses
DEVICE_TOKENS = 16_384  # places that go through the model at once; a batch of more is added up
CHECKPOINTS = 10  # over a training, at most


class Far(NamedTuple):
    """How far a training is; `loss` in nats a token."""

    step: int
    steps: int
    loss: float


Watcher = Callable[[Far], None]


class Telling(NamedTuple):
    """Who hears how far a training is, and the folder in which TensorBoard finds its curves."""

    watcher: Watcher | None = None
    tensorboard: str | os.PathLike[str] | None = None


class Material(NamedTuple):
    """What is learned from: texts, pairs or blocks, those of them that are human (a tokenizer is learned from these,
    where they are told apart), what is known of where they come from (`model_depth`, `trained_on`), and a weight above
    0 for each text: a token's loss counts so much, in the mean once.
    """

    texts: Iterable[Item]
    human: Iterable[str] | None = None
    parentage: Mapping[str, Any] = MappingProxyType({})
    weights: Iterable[float] | None = None


class Beginning(NamedTuple):
    """A model before it learns, and what it reads with."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerFast"
    revision: str | None


def fit(
    texts: Iterable[str] | Material,
    folder: str | os.PathLike[str],
    training: Training | None = None,
    *,
    on_progress: Watcher | None = None,
    tensorboard: str | os.PathLike[str] | None = None,
) -> Trained:
    """The model that learns from the texts, in a folder that transformers loads, with `training.json` beside it.

    A model from scratch reads them twice, so they must give the same texts again. Where it was stopped before, it goes
    on; where it is done, nothing happens. On one machine with as many threads the weights are the same, stopped or not.
    `tensorboard` is a folder for event files of loss, learning rate and gradient norm by step.

    Raises:
        MissingExtra: curves were asked for and TensorBoard is not installed.
        InputError: there is no text, or less than one batch of it.
        OutputError: the folder holds something else, or another training works there.
        ModelError: there is no model to start from, or the loss was no number (the last checkpoint stays).
    """
    training = training or Training()
    material = texts if isinstance(texts, Material) else Material(texts)
    with Workshop(Path(folder)) as workshop, quiet(), _seeds_of_its_own(training.seed):
        from uncollapse.training.beginning import begin  # noqa: PLC0415  (torch)
        from uncollapse.training.rows import Rows  # noqa: PLC0415

        start = begin(training, plain(material.texts if material.human is None else material.human))
        tokens = write_tokens(material.texts, start.tokenizer, workshop.folder, weights=material.weights)
        plan = _plan(training, tokens, start)
        account = workshop.done(plan)
        if account is not None:
            workshop.clear()
            return Trained(Path(folder), account, already_done=True)
        rows = Rows.of(tokens, training, start.model, end=int(start.tokenizer.eos_token_id))
        _refuse_too_little(rows, training)
        account = _learn(start, rows, workshop=workshop, training=training, telling=Telling(on_progress, tensorboard))
        account = {"plan": plan, "settings": plan["settings"], **account, **_data(tokens, rows), **material.parentage}
        workshop.publish(account)
        workshop.clear()
    return Trained(Path(folder), account)


def _learn(
    start: Beginning, rows: "Rows", *, workshop: Workshop, training: Training, telling: Telling
) -> dict[str, Any]:
    """The account of the trainer's run; the model lies in the workshop's `finished`."""
    from uncollapse.training.trainer import Careful, arguments  # noqa: PLC0415  (torch)

    steps = -(-len(rows) // rows.a_step)
    told = arguments(training, steps=steps, rows=rows, folder=workshop.folder / STEPS)
    checkpoint = workshop.checkpoint()
    first = 0 if checkpoint is None else int(checkpoint.name.rsplit("-", 1)[1])
    trainer = Careful(model=start.model, args=told, train_dataset=rows, telling=telling, first=first)
    began = time.monotonic()
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    seconds = time.monotonic() - began
    model: Any = start.model
    if training.lora:
        model = model.merge_and_unload()
    finished = workshop.folder / FINISHED
    model.save_pretrained(finished)
    start.tokenizer.save_pretrained(finished)
    read = rows.predicted(first * rows.a_step)
    return {
        "steps": steps,
        "losses": [[each["step"], each["loss"]] for each in trainer.state.log_history if "loss" in each],
        "seconds": round(seconds, 3),
        "tokens_per_second": round(read / seconds, 1) if seconds else None,
        "parameters": sum(each.numel() for each in model.parameters()),
        "resumed_at": first or None,
        "versions": _versions(),
    }


def _plan(training: Training, tokens: "Tokenised", start: Beginning) -> dict[str, Any]:
    """What the weights follow from."""
    from uncollapse.training.beginning import digest_of  # noqa: PLC0415  (torch)

    settings = training.model_dump(mode="json")
    if start.revision is not None:
        # What comes of it follows from the weights, which the revision names, and not from where they lie.
        settings["start"] = last_part(training.start)
    known = {
        "settings": settings,
        "data": tokens.digest,
        "tokenizer": digest_of(start.tokenizer),
        "start": start.revision,
    }
    return {**known, "fingerprint": fingerprint(known)}


def _data(tokens: "Tokenised", rows: "Rows") -> dict[str, Any]:
    data = {"documents": len(tokens.sizes), "tokens": int(tokens.sizes.sum()), "digest": tokens.digest}
    weights = tokens.weights
    if weights is not None:
        data["effective_documents"] = round(float(weights.sum() ** 2 / (weights @ weights)), 1)
    return {
        "data": data,
        "tokens": rows.predicted(0),
        "epochs": round(len(rows) / len(rows.packing), 4),
        "padding_share": round(rows.packing.padding_share, 6),
        "rows_of_one_document": rows.alone,
        "context": rows.packing.context,
    }


def _refuse_too_little(rows: "Rows", training: Training) -> None:
    if len(rows.packing) < rows.a_step:
        raise InputError(
            f"the texts have {rows.packing.predicted.sum():,} tokens, less than one batch of {training.batch_tokens:,}",
            hint=f"more text, or --batch-tokens {max(rows.packing.context, 8)}",
        )


def _versions() -> dict[str, str]:
    import accelerate  # noqa: PLC0415
    import torch  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    found = {"torch": torch.__version__, "transformers": transformers.__version__}
    return {**found, "accelerate": accelerate.__version__, "threads": str(torch.get_num_threads())}


@contextmanager
def _seeds_of_its_own(seed: int) -> Any:
    """The trainer sets the process's generators; whoever called has theirs back in the end."""
    import random  # noqa: PLC0415

    import numpy as np  # noqa: PLC0415
    import torch  # noqa: PLC0415

    plain, arrays = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(plain)
            np.random.set_state(arrays)
