"""Tasks as lm-evaluation-harness runs them: its own, which it fetches, or those whose YAML stands in a folder."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from uncollapse.errors import InputError, MissingExtra, UsageError
from uncollapse.language_models.addresses import WINDOW, folder_of, resolve
from uncollapse.language_models.precision import device
from uncollapse.language_models.quiet import quiet

Z = 1.959963984540054  # of a normal law's 95 % interval


class Reader(NamedTuple):
    """The model that the harness asks, in which arithmetic, and its longest context."""

    address: str
    dtype: str = "auto"
    context: int | None = None


def run_harness(
    reader: Reader, tasks: Sequence[str], *, folder: str | None = None, limit: int | None = None
) -> Iterator[tuple[str, str, float, float, float]]:
    """For each task and metric: task, metric, value, and the harness's own standard error as a 95 % interval.

    Raises:
        MissingExtra: the harness is not installed.
        UsageError: it knows no such task.
        InputError: the task's data could not be had.
    """
    try:
        from lm_eval import simple_evaluate  # noqa: PLC0415  (an extra)
        from lm_eval.models.huggingface import HFLM  # noqa: PLC0415
        from lm_eval.tasks import TaskManager  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("--harness needs lm-evaluation-harness", hint="pip install 'uncollapse[eval]'") from error
    manager = TaskManager(include_path=None if folder is None else str(Path(folder).resolve()))
    unknown = [task for task in tasks if task not in manager.all_tasks]
    if unknown:
        raise UsageError(
            f"the harness knows no task {unknown[0]!r}", hint="its YAML in --task-files DIR, or one of its own names"
        )
    with quiet():
        folder_there = str(folder_of(reader.address).folder)
        card = resolve(reader.address, dtype=reader.dtype, window=reader.context or WINDOW)
        model = HFLM(pretrained=folder_there, batch_size=8, device=device(), dtype=card.dtype, max_length=card.window)
        try:
            found = simple_evaluate(
                model=model, tasks=list(tasks), task_manager=manager, limit=limit, log_samples=False
            )
        except (OSError, ConnectionError) as error:
            raise InputError(
                f"the data of {', '.join(tasks)} could not be had: {error}",
                hint="without a network give files: --tasks NAMES --task-files DIR",
            ) from error
    for task, numbers in (found or {}).get("results", {}).items():
        yield from _numbers(task, numbers)


def _numbers(task: str, numbers: dict[str, Any]) -> Iterator[tuple[str, str, float, float, float]]:
    for name, value in numbers.items():
        metric, _, rule = name.partition(",")
        if not isinstance(value, int | float) or metric.endswith("_stderr") or not rule:
            continue
        error = numbers.get(f"{metric}_stderr,{rule}")
        spread = Z * error if isinstance(error, int | float) else math.nan
        yield task, metric, float(value), float(value) - spread, float(value) + spread
