"""Loading without transformers' progress bars and remarks: what is worth saying, our own errors say."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any


@contextmanager
def quiet() -> Iterator[None]:
    """Within, transformers shows no progress and says nothing but errors; afterwards it is as it was."""
    from transformers.utils import logging  # noqa: PLC0415  (slow import)

    shown, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    # The reader of GGUF takes its bar past transformers' own switch.
    gguf: Any = import_module("transformers.modeling_gguf_pytorch_utils")
    bar = gguf.tqdm
    gguf.tqdm = logging.tqdm
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        gguf.tqdm = bar
        logging.set_verbosity(verbosity)
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
