"""Attention inside every document of a page: three ways of doing the same, of which a machine takes the fastest.

One by one is what a processor does: documents are long against its cache, and a call costs nothing. On a CUDA device a
call costs more than the attention of a short document, so there all documents go at once through a kernel that knows
where each begins; where no such kernel serves (fp32, odd widths of a head, old devices), documents of nearly equal
length stand side by side. Which it is on a device is found out when a model is opened, by comparing with one by one.

Shape letters: t rows of a page, h heads, g heads of keys and values, w width of a head, m documents of a group.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Literal, NamedTuple, Protocol, TypeAlias, cast, runtime_checkable

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from uncollapse.language_models.attention import UnsupportedAttentionError, attend_documents, within_span
from uncollapse.language_models.transfer import to_device

Name: TypeAlias = Literal["at once", "side by side", "one by one"]

# Documents stand side by side while the longest is not longer than this share of the shortest, and some rows.
UNEVEN, SLACK = 1.25, 16
# The widest head that the framework's kernel for documents of any length takes; all are multiples of eight.
WIDEST = 256
# Documents of the probe, in rows, and spans that it tries.
PROBE = (1, 70, 3, 200)
SPANS = (None, 17)
# How far the numbers of the probe, averages of standard normal ones, may be from those in fp32: some roundings.
AGREE = {torch.float32: 1e-4, torch.float16: 5e-3, torch.bfloat16: 4e-2}


class Group(NamedTuple):
    """Documents that stand side by side: for each (m, longest) its rows of the page, filled up with its first.

    `places` are the places of this table, counted row by row, that are no filling; `own` their rows of the page.
    """

    rows: Tensor
    places: Tensor
    own: Tensor


class Documents:
    """Where the documents of a page lie; what kernels want to know of it is worked out once for all layers."""

    def __init__(self, bounds: Sequence[int], device: torch.device | str = "cpu") -> None:
        self.bounds = tuple(bounds)
        self._device = torch.device(device)

    @cached_property
    def longest(self) -> int:
        """Rows of the longest document."""
        return max(end - begin for begin, end in pairwise(self.bounds))

    @cached_property
    def starts(self) -> Tensor:
        """The bounds on the device."""
        return to_device(np.array(self.bounds, np.int32), self._device)

    @cached_property
    def groups(self) -> list[Group]:
        """The documents in groups of nearly equal length."""
        starts, lengths = np.array(self.bounds[:-1]), np.diff(self.bounds)
        return [self._group(starts[part], lengths[part]) for part in _alike(lengths)]

    def _group(self, starts: ndarray, lengths: ndarray) -> Group:
        column = np.arange(lengths.max())
        real = column < lengths[:, None]
        rows = np.where(real, starts[:, None] + column, starts[:, None])
        return Group(*(to_device(each, self._device) for each in (rows, np.flatnonzero(real), rows[real])))


@runtime_checkable
class Kernel(Protocol):
    """What each row sees of its own document (t, h, w), from queries (h, t, w) and keys and values (g, t, w)."""

    def __call__(
        self, heads: tuple[Tensor, Tensor, Tensor], documents: Documents, *, span: int | None, scale: float | None
    ) -> Tensor:
        """A row sees itself and the rows before it in its document, `span` rows in all where there is a span."""
        ...


def one_by_one(
    heads: tuple[Tensor, Tensor, Tensor], documents: Documents, *, span: int | None = None, scale: float | None = None
) -> Tensor:
    """The same, one document after the other."""
    return attend_documents(heads, bounds=documents.bounds, span=span, scale=scale)


def side_by_side(
    heads: tuple[Tensor, Tensor, Tensor], documents: Documents, *, span: int | None = None, scale: float | None = None
) -> Tensor:
    """The same, some documents of nearly equal length at a time.

    Filling stands behind a document, where none of its rows looks, so that no mask is needed for it.
    """
    query, key, value = (part.transpose(0, 1) for part in heads)
    # Each head has keys of its own: not every fused kernel can share them.
    key, value = (part.repeat_interleave(query.shape[1] // part.shape[1], dim=1) for part in (key, value))
    out = torch.empty(*query.shape[:2], value.shape[-1], dtype=query.dtype, device=query.device)
    for group in documents.groups:
        mask = within_span(group.rows.shape[1], span, query.device)
        q, k, v = (part[group.rows].transpose(1, 2) for part in (query, key, value))
        seen = scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None, scale=scale)
        out[group.own] = seen.transpose(1, 2).flatten(0, 1)[group.places]
    return out


def at_once(
    heads: tuple[Tensor, Tensor, Tensor], documents: Documents, *, span: int | None = None, scale: float | None = None
) -> Tensor:
    """The same in one call of the framework's kernel for documents of any length.

    Raises:
        UnsupportedAttentionError: this torch has none, or not for heads of this width.
    """
    variable = _variable_length()
    width = heads[0].shape[-1]
    if variable is None or width % 8 or width > WIDEST or heads[2].shape[-1] != width:
        raise UnsupportedAttentionError("attention of variable length")
    query, key, value = (part.transpose(0, 1) for part in heads)
    starts, longest = documents.starts, documents.longest
    # The kernel counts the rows before the one that looks, a span that row too.
    behind = -1 if span is None else span - 1
    return variable(
        query,
        key,
        value,
        starts,
        starts,
        longest,
        longest,
        scale=scale,
        window_size=(behind, 0),
        enable_gqa=query.shape[1] != key.shape[1],
    )


KERNELS: dict[Name, Kernel] = {"at once": at_once, "side by side": side_by_side, "one by one": one_by_one}


def names_for(device: torch.device) -> tuple[Name, ...]:
    """The ways that are worth a try on a device, the fastest first; the last is always right."""
    return ("one by one",) if device.type == "cpu" else ("at once", "side by side", "one by one")


def serving(like: Tensor, shape: tuple[int, int, int]) -> Iterator[Name]:
    """The ways that give on the device of a tensor, and in its number format, what one by one gives in fp32.

    The shape is the heads, the heads of keys, and their width.
    """
    for name in names_for(like.device):
        if name == "one by one" or agrees(KERNELS[name], like, shape):
            yield name


def agrees(kernel: Kernel, like: Tensor, shape: tuple[int, int, int]) -> bool:
    """Whether a way of attention gives what one by one gives in fp32, on a few documents, with and without a span."""
    documents = Documents((0, *accumulate(PROBE)), like.device)
    generator = torch.Generator().manual_seed(0)
    heads, kept, width = shape
    given = tuple(
        torch.randn(count, sum(PROBE), width, generator=generator).to(like.device, like.dtype)
        for count in (heads, kept, kept)
    )
    for span in SPANS:
        wanted = one_by_one(_wide(given), documents, span=span)
        try:
            found = kernel(_three(given), documents, span=span, scale=None)
        except torch.OutOfMemoryError:
            raise
        except (UnsupportedAttentionError, RuntimeError):
            # What a kernel cannot do it says so with a RuntimeError: device, number format or width of a head.
            return False
        if not bool((found.float() - wanted).abs().amax() <= AGREE[like.dtype]):
            return False
    return True


def _three(parts: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
    query, key, value = parts
    return query, key, value


def _wide(parts: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
    return _three(tuple(part.float() for part in parts))


def _alike(lengths: ndarray) -> Iterator[ndarray]:
    """Which documents stand side by side, shortest first."""
    order = np.argsort(lengths, kind="stable")
    first = 0
    for at in range(1, len(order) + 1):
        if at == len(order) or lengths[order[at]] > UNEVEN * lengths[order[first]] + SLACK:
            yield order[first:at]
            first = at


def _variable_length() -> Callable[..., Tensor] | None:
    """The framework's kernel, where it can share keys among heads and look back over a window."""
    try:
        from torch.nn.attention.varlen import varlen_attn  # noqa: PLC0415  (not in every torch)
    except ImportError:
        return None
    known = inspect.signature(varlen_attn).parameters
    # Without an auxiliary result it gives a tensor.
    kernel = cast("Callable[..., Tensor]", varlen_attn)
    return kernel if {"enable_gqa", "window_size", "scale"} <= set(known) else None
