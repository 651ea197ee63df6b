"""vLLM as an engine in this process: opened to read or to write, one at a time, and closed again.

It is told by variables of the environment, of which those that a user has set are left as they are. In this process,
and not in one of its own, the hidden states of a page stay where they are and nothing is sent; and what draws tokens
can be ours.
"""

import gc
import os
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from uncollapse.errors import BrokenModel, ModelError
from uncollapse.language_models import precision
from uncollapse.language_models.windows import Page

# What the engine must be told; the older model runner alone asks processors of logits from outside.
ALWAYS = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_USE_V2_MODEL_RUNNER": "0"}
# What it is told unless the user says otherwise: nothing is sent to anybody, nothing but errors is said, and not on
# stdout, which is a verb's own; and workers beside each other are not all bound to the same cores.
UNLESS_SET = {
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
}
# Bytes for keys and values on a processor; on a GPU the share of its memory that is the engine's, beside our head.
KEPT = 2 << 30
SHARE = 0.8
READ = "token_embed"


class Shape(NamedTuple):
    """What an engine is opened for: a model's folder, its arithmetic, the longest context."""

    folder: Path
    dtype: str
    window: int


class Engines:
    """The engines of one model, none of which is open before it is needed."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._open: tuple[str, Any] | None = None

    def reading(self) -> Any:
        """The engine that gives hidden states."""
        return self._opened("reading", reading_options)

    def writing(self, draws: Callable[[], type]) -> Any:
        """The engine that writes; the class that draws its tokens is made when it is opened."""
        return self._opened("writing", lambda: writing_options(draws()))

    def _opened(self, what: str, options: Callable[[], dict[str, Any]]) -> Any:
        if self._open is None or self._open[0] != what:
            self.close()
            self._open = (what, _start(self._shape, options()))
        return self._open[1]

    def close(self) -> None:
        """Nothing; the engine that is open, if one is, has given its memory back."""
        if self._open is not None:
            _, engine = self._open
            self._open = None
            engine.llm_engine.engine_core.shutdown()
            del engine
            gc.collect()


def reading_options() -> dict[str, Any]:
    """What makes vLLM give the last hidden states of every token, as they are and in the model's own numbers."""
    with engine_told():
        from vllm.config import PoolerConfig  # noqa: PLC0415  (an extra)
    return {
        "runner": "pooling",
        "convert": "embed",
        "pooler_config": PoolerConfig(task=READ, tok_pooling_type="ALL", use_activation=False),
        "hf_overrides": {"head_dtype": "model"},
    }


def writing_options(draws: type) -> dict[str, Any]:
    """What makes vLLM write with draws of ours, each noted when it is made."""
    return {
        "runner": "generate",
        "logits_processors": [draws],
        "generation_config": "vllm",
        "skip_tokenizer_init": True,
        "async_scheduling": False,
    }


def _start(shape: Shape, options: dict[str, Any]) -> Any:
    on_cpu = precision.device() == "cpu"
    memory = {"kv_cache_memory_bytes": KEPT} if on_cpu else {"gpu_memory_utilization": SHARE}
    with engine_told():
        from vllm import LLM  # noqa: PLC0415  (an extra, and slow)

        try:
            return LLM(
                model=str(shape.folder),
                tokenizer=str(shape.folder),
                dtype=shape.dtype,
                max_model_len=shape.window,
                enforce_eager=on_cpu,
                enable_prefix_caching=False,
                disable_log_stats=True,
                use_tqdm_on_load=False,
                trust_remote_code=False,
                load_format="safetensors",
                **memory,
                **options,
            )
        except (ValueError, RuntimeError, OSError, KeyError, NotImplementedError, AssertionError) as error:
            raise BrokenModel(
                f"vLLM cannot open {shape.folder}: {_first_line(error)}", hint="--backend transformers reads it, too"
            ) from error


def hidden_states(engine: Any, page: Page) -> Tensor:
    """The last hidden states (t, n) of a page, each of its windows read by itself.

    Raises:
        ModelError: the engine gave other rows than it was asked for.
    """
    from vllm import PoolingParams  # noqa: PLC0415  (an extra)

    lines = [page.ids[begin:end].tolist() for begin, end in zip(page.bounds, page.bounds[1:], strict=False)]
    prompts = [{"prompt_token_ids": line} for line in lines]
    with engine_told():
        said = engine.encode(
            prompts, pooling_params=PoolingParams(use_activation=False), pooling_task=READ, use_tqdm=False
        )
    rows = [one.outputs.data for one in said]
    asked, given = [len(line) for line in lines], [len(part) for part in rows]
    if asked != given:
        raise ModelError(
            f"vLLM was asked for prompts of {asked} tokens, and gave rows for {given}",
            hint="--backend transformers reads the same model",
        )
    return torch.cat(rows)


@contextmanager
def engine_told() -> Iterator[None]:
    """Within, vLLM finds its variables, and what it changes for the whole process is put back afterwards."""
    os.environ.update(ALWAYS)
    for name, value in UNLESS_SET.items():
        os.environ.setdefault(name, value)
    threads = torch.set_num_threads
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with kept_generators():
                yield
        finally:
            # Its worker for processors replaces this by a function that does nothing.
            torch.set_num_threads = threads


@contextmanager
def kept_generators() -> Iterator[None]:
    """Within, vLLM may seed the process's random generators and draw from them; afterwards they are as they were."""
    plain, arrays = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(plain)
            np.random.set_state(arrays)


def _first_line(error: Exception) -> str:
    lines: Sequence[str] = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip() if lines else type(error).__name__
