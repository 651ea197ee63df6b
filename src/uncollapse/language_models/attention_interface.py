"""Attention of ours as transformers calls it, for every architecture that lets its attention be chosen.

Each way of `kernels` has a name there; `documents` says where the documents of the page begin.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from uncollapse.language_models.attention import UnsupportedAttentionError
from uncollapse.language_models.kernels import KERNELS, Documents, Kernel, Name, one_by_one

NAMES: dict[Name, str] = {name: f"uncollapse_{name.replace(' ', '_')}" for name in KERNELS}
# What some architectures hand to attention beyond queries, keys, values and a window; where one is set, documents are
# read apart through the architecture's own code.
UNKNOWN = ("softcap", "s_aux", "position_bias", "head_mask")
# What transformers takes for attention.
Attention = Callable[..., tuple[Tensor, None]]


def register() -> None:
    """Make each way of attention known to transformers under its name."""
    from transformers import AttentionInterface, AttentionMaskInterface  # noqa: PLC0415  (slow import)

    for name, kernel in KERNELS.items():
        attention: Attention = partial(attend, kernel=kernel)
        AttentionInterface.register(NAMES[name], attention)
        AttentionMaskInterface.register(NAMES[name], no_mask)


def no_mask(*_: Any, **__: Any) -> None:
    """No mask: what may be seen follows from where the documents lie."""


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **asked: Any,
) -> tuple[Tensor, None]:
    """What each row sees of its own document (1, t, h, w), and no weights.

    The signature is that of transformers' attention interface; `kernel` says which way it is done, one document after
    the other if nothing else is said, and without `documents` all rows are one.

    Raises:
        UnsupportedAttentionError: a kind of attention that is not done here.
    """
    if attention_mask is not None or any(asked.get(name) is not None for name in UNKNOWN):
        raise UnsupportedAttentionError(f"attention of {type(module).__name__}")
    if asked.get("is_causal") is False or not getattr(module, "is_causal", True):
        raise UnsupportedAttentionError(f"{type(module).__name__} looks ahead")
    kernel: Kernel = asked.get("kernel", one_by_one)
    documents = asked.get("documents") or Documents((0, query.shape[2]), query.device)
    seen = kernel((query[0], key[0], value[0]), documents, span=asked.get("sliding_window"), scale=asked.get("scaling"))
    return seen[None], None
