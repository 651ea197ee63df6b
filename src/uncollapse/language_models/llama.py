"""The body of a Llama: the same numbers as transformers' own, with fewer trips to memory.

For the most common family of models (Llama, SmolLM2, Mistral, Qwen2 and what is built like them). One product makes
queries, keys and values; norms, rotations and the gate work in place; the feed-forward layer takes its rows in chunks
that stay in the cache. Whether a model is of this kind is not taken from its name alone: its numbers are compared with
transformers' when it is loaded.

Shape letters: t rows of a page, n width, h heads, g heads of keys, w width of a head.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor
from torch.nn.functional import embedding, linear, silu

from uncollapse.language_models.attention import attend_documents

KINDS = {"llama", "mistral", "qwen2"}
# Rows of the feed-forward layer at a time; found by measurement, docs/decisions/0003.
ROWS = 256


class Layer(NamedTuple):
    """The weights of one layer."""

    norm: Tensor
    mixed: Tensor
    mixed_bias: Tensor | None
    out: Tensor
    out_bias: Tensor | None
    second_norm: Tensor
    gate: Tensor
    up: Tensor
    down: Tensor
    span: int | None


class Llama:
    """The body of a Llama, from embedding to the last norm."""

    def __init__(self, body: Any) -> None:
        config = body.config
        self._embedding = body.embed_tokens.weight
        self._last_norm = body.norm.weight
        self._rotary = body.rotary_emb
        self._epsilon = config.rms_norm_eps
        self._heads = config.num_attention_heads
        self._kept = config.num_key_value_heads
        self._layers = [_layer(layer) for layer in body.layers]

    @classmethod
    def of(cls, body: Any) -> Self | None:
        """The body, when it is of this kind; None otherwise."""
        config = body.config
        plain = getattr(config, "hidden_act", None) == "silu" and not getattr(config, "mlp_bias", False)
        return cls(body) if config.model_type in KINDS and plain else None

    def __call__(self, ids: Tensor, positions: Tensor, bounds: Sequence[int]) -> Tensor:
        """The last hidden states (t, n) of documents that lie end to end, each within its bounds."""
        stream = embedding(ids, self._embedding)
        cosine, sine = self._rotary(stream, positions[None])
        half = cosine.shape[-1] // 2
        # Both halves of a rotation are the same.
        turn = cosine[0, :, None, :half].contiguous(), sine[0, :, None, :half].contiguous()
        for layer in self._layers:
            stream += self._attention(self._norm(stream, layer.norm), layer, turn=turn, bounds=bounds)
            rows = self._norm(stream, layer.second_norm)
            for begin, end in pairwise(_chunks(len(ids))):
                hidden = silu(linear(rows[begin:end], layer.gate), inplace=True)
                hidden *= linear(rows[begin:end], layer.up)
                stream[begin:end] += linear(hidden, layer.down)
        return self._norm(stream, self._last_norm)

    def _attention(self, rows: Tensor, layer: Layer, *, turn: tuple[Tensor, Tensor], bounds: Sequence[int]) -> Tensor:
        mixed = linear(rows, layer.mixed, layer.mixed_bias).view(len(rows), self._heads + 2 * self._kept, -1)
        turned = _rotated(mixed[:, : -self._kept], *turn)
        seen = attend_documents(
            (
                turned[:, : self._heads].transpose(0, 1),
                turned[:, self._heads :].transpose(0, 1),
                mixed[:, -self._kept :].transpose(0, 1),
            ),
            bounds=bounds,
            span=layer.span,
        )
        return linear(seen.flatten(1), layer.out, layer.out_bias)

    def _norm(self, rows: Tensor, weight: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(rows, dim=-1, keepdim=True, dtype=torch.float32)
        factor = torch.rsqrt(length * length / rows.shape[-1] + self._epsilon)
        return (rows * factor.to(rows.dtype)).mul_(weight)


def _rotated(heads: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Queries and keys (t, h + g, w), each turned by the angle of its position."""
    half = cosine.shape[-1]
    left, right = heads[..., :half], heads[..., half:]
    turned = torch.empty(heads.shape, dtype=heads.dtype, device=heads.device)
    torch.mul(left, cosine, out=turned[..., :half])
    turned[..., :half].addcmul_(right, sine, value=-1)
    torch.mul(right, cosine, out=turned[..., half:])
    turned[..., half:].addcmul_(left, sine)
    return turned


def _chunks(rows: int) -> list[int]:
    """Where chunks begin, and the end; the last takes what is left over, so that none has few rows."""
    return [*range(0, max(1, rows // ROWS) * ROWS, ROWS), rows]


def _layer(layer: Any) -> Layer:
    attention, feed = layer.self_attn, layer.mlp
    parts = (attention.q_proj, attention.k_proj, attention.v_proj)
    biases = [part.bias for part in parts if part.bias is not None]
    assert attention.head_dim**-0.5 == attention.scaling
    return Layer(
        norm=layer.input_layernorm.weight,
        mixed=torch.cat([part.weight for part in parts]),
        mixed_bias=torch.cat(biases) if biases else None,
        out=attention.o_proj.weight,
        out_bias=attention.o_proj.bias,
        second_norm=layer.post_attention_layernorm.weight,
        gate=feed.gate_proj.weight,
        up=feed.up_proj.weight,
        down=feed.down_proj.weight,
        span=getattr(attention, "sliding_window", None),
    )
