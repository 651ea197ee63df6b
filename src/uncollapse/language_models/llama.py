"""Llamas read by code of ours: transformers' own numbers, with fewer trips to memory and no slow import.

For the most common family of models (Llama, SmolLM2, Mistral, Qwen2 and what is built like them). One product makes
queries, keys and values; norms, rotations and the gate work in place; the feed-forward layer takes its rows in chunks
that stay in the cache. A model is read so when its configuration asks for nothing else and its weights are exactly
those that are expected, by name; the tests hold the numbers against transformers'.

Shape letters: t rows of a page, n width, h heads, g heads of keys, w width of a head.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeAlias

import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn.functional import embedding, linear, silu

from uncollapse.language_models.checkpoint import weight_files
from uncollapse.language_models.kernels import KERNELS, Documents, serving

# What each row sees (t, h, w), from a layer's number and its queries (h, t, w), keys and values (g, t, w).
See: TypeAlias = Callable[[int, tuple[Tensor, Tensor, Tensor]], Tensor]

KINDS = {"llama", "mistral", "qwen2"}
# How positions may turn. On a processor Llama 3 stays with transformers, so that its last bits stay what they were.
ROTATIONS = {"default"}
CUDA_ROTATIONS = {"default", "llama3"}
# Rows of the feed-forward layer at a time: found by measurement on a processor (docs/decisions/0003); where there is no
# such cache to stay in, as few chunks as memory allows.
ROWS = 256
CUDA_ROWS = 1 << 14
OUTER = ("model.embed_tokens.weight", "model.norm.weight")
HEAD = "lm_head.weight"
MATRICES = ("self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
MIXED = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
NORMS = ("input_layernorm", "post_attention_layernorm")


class Shape(NamedTuple):
    """What attention needs to know: layers, heads, heads of keys, their width, how far back a row sees."""

    layers: int
    heads: int
    kept: int
    width: int
    span: int | None


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


class Llama:
    """A Llama from embedding to the last norm, and the matrix of its head."""

    def __init__(self, config: dict[str, Any], weights: dict[str, Tensor]) -> None:
        self._embedding = weights[OUTER[0]]
        self._last_norm = weights[OUTER[1]]
        self.head = weights.get(HEAD, self._embedding)
        self._epsilon: float = config["rms_norm_eps"]
        self._layers = [_layer(weights, f"model.layers.{n}.") for n in range(config["num_hidden_layers"])]
        self.shape = _shape(config, mixed=len(self._layers[0].mixed))
        width = self.shape.width
        self.kernel = next(serving(self.head, (self.shape.heads, self.shape.kept, width)))
        """How attention is done, by name."""
        self._turn = turns(config, width).to(self._embedding.device)

    @classmethod
    def of(cls, folder: Path, config: dict[str, Any], *, dtype: torch.dtype, device: str) -> Self | None:
        """The model in a folder when it is a Llama in every respect that counts; None otherwise."""
        if not is_plain(config, device=device):
            return None
        files = weight_files(folder)
        with torch.inference_mode():
            weights: dict[str, Tensor] = {}
            for path in files:
                with safe_open(path, framework="pt") as file:
                    # A copy: out of the file, numbers lie at odd addresses.
                    weights |= {name: file.get_tensor(name).to(device, dtype, copy=True) for name in file.keys()}  # noqa: SIM118
            if set(weights) != _names(config, weights):
                return None
            return cls(config, weights)

    def __call__(self, ids: Tensor, positions: Tensor, bounds: Sequence[int]) -> Tensor:
        """The last hidden states (t, n) of documents that lie end to end, each within its bounds."""
        documents = Documents(bounds, ids.device)
        return self.run(ids, positions, see=lambda _, heads: self.attend(heads, documents))

    def attend(self, heads: tuple[Tensor, Tensor, Tensor], documents: Documents) -> Tensor:
        """What each row sees of its own document (t, h, w)."""
        return KERNELS[self.kernel](heads, documents, span=self.shape.span, scale=None)

    def run(self, ids: Tensor, positions: Tensor, *, see: See) -> Tensor:
        """The last hidden states (t, n) of rows, each of which sees what `see` lets it see in each layer."""
        stream = embedding(ids, self._embedding)
        angle = (positions.float()[:, None] * self._turn)[:, None]
        turn = angle.cos().to(stream.dtype), angle.sin().to(stream.dtype)
        for number, layer in enumerate(self._layers):
            queries, keys, values = self._heads_of(self._norm(stream, layer.norm), layer, turn=turn)
            seen = see(number, (queries, keys, values))
            stream += linear(seen.flatten(1), layer.out, layer.out_bias)
            rows = self._norm(stream, layer.second_norm)
            for begin, end in pairwise(_chunks(len(ids), ROWS if stream.device.type == "cpu" else CUDA_ROWS)):
                hidden = silu(linear(rows[begin:end], layer.gate), inplace=True)
                hidden *= linear(rows[begin:end], layer.up)
                stream[begin:end] += linear(hidden, layer.down)
        return self._norm(stream, self._last_norm)

    def _heads_of(self, rows: Tensor, layer: Layer, *, turn: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (h, t, w), keys and values (g, t, w) of some rows."""
        heads, kept = self.shape.heads, self.shape.kept
        mixed = linear(rows, layer.mixed, layer.mixed_bias).view(len(rows), heads + 2 * kept, -1)
        turned = _rotated(mixed[:, :-kept], *turn)
        return turned[:, :heads].transpose(0, 1), turned[:, heads:].transpose(0, 1), mixed[:, -kept:].transpose(0, 1)

    def _norm(self, rows: Tensor, weight: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(rows, dim=-1, keepdim=True, dtype=torch.float32)
        factor = torch.rsqrt(length * length / rows.shape[-1] + self._epsilon)
        return (rows * factor.to(rows.dtype)).mul_(weight)


def _shape(config: dict[str, Any], *, mixed: int) -> Shape:
    heads = int(config["num_attention_heads"])
    kept = int(config.get("num_key_value_heads") or heads)
    span = config.get("sliding_window") if config["model_type"] == "mistral" else None
    return Shape(int(config["num_hidden_layers"]), heads, kept, mixed // (heads + 2 * kept), span)


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


def _chunks(rows: int, size: int) -> list[int]:
    """Where chunks begin, and the end; the last takes what is left over, so that none has few rows."""
    return [*range(0, max(1, rows // size) * size, size), rows]


def is_plain(config: dict[str, Any], *, device: str) -> bool:
    """Whether a configuration asks for nothing that is not done here, or not on this device."""
    rotation = _rotation(config)
    return (
        config.get("model_type") in KINDS
        and config.get("hidden_act") == "silu"
        and not config.get("mlp_bias")
        and not config.get("use_sliding_window")
        and not config.get("quantization_config")
        and _kind(rotation) in (ROTATIONS if device == "cpu" else CUDA_ROTATIONS)
        and rotation.get("partial_rotary_factor", 1.0) == 1.0
        and {"rms_norm_eps", "num_attention_heads", "num_hidden_layers"} <= set(config)
    )


def turns(config: dict[str, Any], width: int) -> Tensor:
    """The angle by which each pair of numbers (w / 2,) turns from one position to the next.

    Llama 3 slows the pairs that turn less than once or so within the length that it was first trained on.

    Source: Su et al. 2021 (RoFormer), eq. 15; Grattafiori et al. 2024 (Llama 3), `rope_type` llama3 of transformers.
    """
    angle = _theta(config) ** -(torch.arange(0, width, 2, dtype=torch.float32) / width)
    rotation = _rotation(config)
    if _kind(rotation) == "default":
        return angle
    low, high = rotation["low_freq_factor"], rotation["high_freq_factor"]
    times = rotation["original_max_position_embeddings"] * angle / (2 * math.pi)
    kept = ((times - low) / (high - low)).clamp(0.0, 1.0)
    return angle * (kept + (1.0 - kept) / rotation["factor"])


def _rotation(config: dict[str, Any]) -> dict[str, Any]:
    return config.get("rope_parameters") or config.get("rope_scaling") or {}


def _kind(rotation: dict[str, Any]) -> str:
    return rotation.get("rope_type", rotation.get("type", "default"))


def _theta(config: dict[str, Any]) -> float:
    return float((config.get("rope_parameters") or {}).get("rope_theta") or config.get("rope_theta") or 10_000.0)


def _names(config: dict[str, Any], weights: dict[str, Tensor]) -> set[str]:
    """The weights that such a model has; biases of attention, and a head of its own, where they are there."""
    layers = range(config["num_hidden_layers"])
    inner = [f"{part}.weight" for part in (*MATRICES, *MIXED, *NORMS)]
    if "model.layers.0.self_attn.q_proj.bias" in weights:
        inner += [f"{part}.bias" for part in MIXED]
    if "model.layers.0.self_attn.o_proj.bias" in weights:
        inner.append("self_attn.o_proj.bias")
    names = {f"model.layers.{layer}.{part}" for layer in layers for part in inner}
    return {*OUTER, *names} | (set() if config.get("tie_word_embeddings") else {HEAD})


def _layer(weights: dict[str, Tensor], prefix: str) -> Layer:
    mixed = [weights.pop(f"{prefix}{part}.weight") for part in MIXED]
    biases = [weights[f"{prefix}{part}.bias"] for part in MIXED if f"{prefix}{part}.bias" in weights]
    return Layer(
        norm=weights[f"{prefix}input_layernorm.weight"],
        mixed=torch.cat(mixed),
        mixed_bias=torch.cat(biases) if biases else None,
        out=weights[f"{prefix}self_attn.o_proj.weight"],
        out_bias=weights.get(f"{prefix}self_attn.o_proj.bias"),
        second_norm=weights[f"{prefix}post_attention_layernorm.weight"],
        gate=weights[f"{prefix}mlp.gate_proj.weight"],
        up=weights[f"{prefix}mlp.up_proj.weight"],
        down=weights[f"{prefix}mlp.down_proj.weight"],
    )
