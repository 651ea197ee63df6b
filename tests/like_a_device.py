"""What a CUDA device does, done by a processor: so that everything around it can be tried without one."""

import math

import torch


def plain_variable_length(
    query, key, value, starts, starts_again, longest, longest_again, *, scale, window_size, enable_gqa
):
    """What torch says of its kernel, in fp64: rows (t, h, w); the window counts rows before and after the one that looks."""
    assert starts is starts_again
    assert starts.dtype is torch.int32
    assert longest == longest_again == int(starts.diff().max())
    assert enable_gqa == (query.shape[1] != key.shape[1])
    left, right = window_size
    assert right == 0
    key, value = (part.repeat_interleave(query.shape[1] // part.shape[1], dim=1).double() for part in (key, value))
    out = torch.empty(query.shape, dtype=torch.float64)
    scale = 1 / math.sqrt(query.shape[2]) if scale is None else scale
    for begin, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        for row in range(begin, end):
            first = begin if left < 0 else max(begin, row - left)
            weights = torch.einsum("hw,khw->hk", query[row].double(), key[first : row + 1]) * scale
            out[row] = torch.einsum("hk,khw->hw", weights.softmax(dim=1), value[first : row + 1])
    return out.to(query.dtype)


def product(rows, weight):
    """What the device's product gives, up to the order in which it is summed."""
    assert rows.dtype is weight.dtype
    return rows.float() @ weight.float().T
