"""The trainer of transformers, told to be exact: rows in our order, every loss looked at, whole checkpoints."""

from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import SequentialSampler
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from uncollapse.errors import BrokenModel, MissingExtra
from uncollapse.training.fit import CHECKPOINTS, DEVICE_TOKENS, POINTS, Far, Telling, Watcher
from uncollapse.training.packing import IGNORED
from uncollapse.training.rows import Rows
from uncollapse.training.settings import Training
from uncollapse.training.workshop import mark_whole


def arguments(training: Training, *, steps: int, rows: Rows, folder: Path) -> TrainingArguments:
    """What the trainer is told."""
    at_once = max(min(rows.a_step, DEVICE_TOKENS // rows.packing.context), 1)
    while rows.a_step % at_once:
        at_once -= 1
    half = training.dtype == "bfloat16" or (
        training.dtype == "auto" and torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    )
    return TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=rows.a_step // at_once,
        max_steps=steps,
        learning_rate=training.rate,
        lr_scheduler_type="cosine",
        warmup_steps=round(training.warmup * steps),
        weight_decay=training.weight_decay,
        adam_beta2=0.95,
        max_grad_norm=1.0,
        bf16=half,
        use_cpu=not torch.cuda.is_available(),
        seed=training.seed,
        data_seed=training.seed,
        logging_steps=-(-steps // POINTS),
        logging_nan_inf_filter=False,
        save_steps=max(-(-steps // CHECKPOINTS), 1),
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        label_names=["labels"],
    )


class Careful(Trainer):
    """A trainer that reads rows in their order and stops where a loss is no number."""

    def __init__(self, *, telling: Telling, first: int, **told: Any) -> None:
        callbacks: list[TrainerCallback] = [_Watching(telling.watcher)]
        if telling.tensorboard is not None:
            callbacks.append(_curves(Path(telling.tensorboard), first=first))
        rows = told["train_dataset"]
        assert isinstance(rows, Rows)
        if rows.tokens.weights is not None:
            told["compute_loss_func"] = self._weighed
        super().__init__(**told, callbacks=callbacks)
        self.remove_callback(PrinterCallback)

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        return SequentialSampler(self.train_dataset if train_dataset is None else train_dataset)  # type: ignore[arg-type]

    def compute_loss(self, model: Any, inputs: Any, *given: Any, **named: Any) -> Any:
        """The loss of a batch; where documents have weights, the mean of what they weigh."""
        inputs = dict(inputs)
        self._weights = inputs.pop("weights", None)
        return super().compute_loss(model, inputs, *given, **named)

    def _weighed(self, outputs: Any, labels: torch.Tensor, *, num_items_in_batch: Any) -> torch.Tensor:
        logits = outputs["logits"][:, :-1].float()
        each = cross_entropy(logits.transpose(1, 2), labels[:, 1:], ignore_index=IGNORED, reduction="none")
        assert self._weights is not None
        return (each * self._weights[:, 1:]).sum() / num_items_in_batch

    def training_step(self, *given: Any, **named: Any) -> torch.Tensor:
        """The loss of one batch.

        Raises:
            BrokenModel: it is no number.
        """
        loss = super().training_step(*given, **named)
        if not bool(torch.isfinite(loss)):
            assert isinstance(self.train_dataset, Rows)
            step = self.state.global_step
            documents = self.train_dataset.documents_of(step * self.train_dataset.a_step)
            named_ones = ", ".join(str(number) for number in documents[:8])
            raise BrokenModel(
                f"the loss of step {step + 1} is {loss.item()}: documents {named_ones} (from 0) were in the batch; the "
                "last checkpoint is kept",
                hint="a lower --learning-rate, or look at these documents",
            )
        return loss


def _curves(folder: Path, *, first: int) -> TrainerCallback:
    """What writes curves for TensorBoard; points of an earlier start beyond the checkpoint `first` are withdrawn."""
    from transformers.integrations.integration_utils import TensorBoardCallback  # noqa: PLC0415  (looks for trackers when imported)

    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("curves need TensorBoard", hint="pip install 'uncollapse[train]'") from error
    writer = SummaryWriter(str(folder), purge_step=first + 1 if first else None)
    return TensorBoardCallback(writer)  # type: ignore[no-untyped-call]


class _Watching(TrainerCallback):
    """Tells how far it is, and says of checkpoints that they are whole."""

    def __init__(self, watcher: Watcher | None) -> None:
        self._watcher = watcher

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
        if self._watcher is not None and logs and "loss" in logs:
            self._watcher(Far(state.global_step, state.max_steps, float(logs["loss"])))

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        mark_whole(Path(args.output_dir) / f"checkpoint-{state.global_step}")
