"""Attention inside each document of a packed page, one document after the other.

Documents lie end to end in one row without padding. The linear layers see them all at once; attention runs document
by document, so what a document gets does not depend on its neighbours, to the last bit.

Shape letters: t rows of a page, h heads, g heads of keys and values, w width of a head.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

# Queries that share one matrix product in bfloat16; found by measurement, docs/decisions/0003.
BLOCK = 128


class UnsupportedAttentionError(NotImplementedError):
    """The architecture asks of attention what is not done here."""


def attend_documents(
    heads: tuple[Tensor, Tensor, Tensor],
    *,
    bounds: Sequence[int],
    span: int | None = None,
    scale: float | None = None,
) -> Tensor:
    """What each row sees of its own document, (t, h, w), from queries (h, t, w) and keys and values (g, t, w).

    A row sees itself and the rows before it in its document, `span` rows in all where there is a span.
    """
    query, key, value = heads
    if scale is None:
        scale = query.shape[-1] ** -0.5
    in_blocks = query.dtype is torch.bfloat16 and query.device.type == "cpu"
    one = _blocked if in_blocks else _fused
    out = torch.empty(query.shape[1], query.shape[0], value.shape[-1], dtype=query.dtype, device=query.device)
    if in_blocks:
        query = query * scale
    for begin, end in pairwise(bounds):
        seen = one(query[:, begin:end], key[:, begin:end], value[:, begin:end], span=span, scale=scale)
        out[begin:end].copy_(seen.transpose(0, 1))
    return out


def within_span(rows: int, span: int | None, device: torch.device) -> Tensor | None:
    """What each row of a document sees (rows, rows), where that is less than all before it; else None."""
    if span is None or rows <= span:
        return None
    at = torch.arange(rows, device=device)
    distance = at[:, None] - at[None, :]
    return (distance >= 0) & (distance < span)


def _fused(q: Tensor, k: Tensor, v: Tensor, *, span: int | None, scale: float) -> Tensor:
    """One document through the framework's own fused kernel."""
    mask = within_span(q.shape[1], span, q.device)
    seen = scaled_dot_product_attention(
        q[None],
        k[None],
        v[None],
        attn_mask=mask,
        scale=scale,
        is_causal=mask is None,
        enable_gqa=q.shape[0] != k.shape[0],
    )
    return seen[0]


def _blocked(q: Tensor, k: Tensor, v: Tensor, *, span: int | None, scale: float) -> Tensor:  # noqa: ARG001
    """One document with queries that are scaled already, a block at a time over the keys that the block can see.

    In bfloat16 on a CPU this is up to twice as fast as the fused kernel, at the same precision (docs/decisions/0003).
    """
    heads, rows, _ = q.shape
    kept = k.shape[0]
    turned = k.transpose(1, 2)
    seen = torch.empty(heads, rows, v.shape[-1], dtype=q.dtype)
    for begin in range(0, rows, BLOCK):
        end = min(rows, begin + BLOCK)
        first = 0 if span is None else max(0, begin - span + 1)
        grouped = q[:, begin:end].reshape(kept, heads // kept * (end - begin), -1)
        weights = torch.bmm(grouped, turned[:, :, first:end])
        _hide(weights.view(heads, end - begin, end - first), ahead=begin - first, span=span)
        part = torch.bmm(torch.softmax(weights, dim=-1), v[:, first:end])
        seen[:, begin:end] = part.view(heads, end - begin, -1)
    return seen


def _hide(weights: Tensor, *, ahead: int, span: int | None) -> None:
    """Minus infinity where a query of the block would look ahead, or further back than its span.

    Of the columns, the last `size` stand for the block's own rows; `ahead` columns stand before the first row.
    """
    size = weights.shape[-2]
    weights[..., ahead:] += _triangle(size, weights.dtype)
    if span is not None and ahead + size > span:
        row = torch.arange(size)[:, None] + ahead
        column = torch.arange(ahead + size)[None, :]
        weights.masked_fill_(row - column >= span, -math.inf)


@lru_cache(maxsize=2 * BLOCK)
def _triangle(size: int, dtype: torch.dtype) -> Tensor:
    """Zero on and below the diagonal, minus infinity above it."""
    return torch.full((size, size), -math.inf, dtype=dtype).triu_(1)
