"""Models read by transformers: with attention of ours where an architecture allows it, by itself where not.

Which it is for a model is found out when it is loaded, by comparing each way with the plain one on two short lines.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from uncollapse.errors import BrokenModel
from uncollapse.language_models import attention_interface, precision
from uncollapse.language_models.attention import UnsupportedAttentionError
from uncollapse.language_models.cohorts import Advance, Cohorts
from uncollapse.language_models.head import Finish, Head, ReadyLogits
from uncollapse.language_models.kernels import Documents, serving
from uncollapse.language_models.quiet import quiet
from uncollapse.language_models.reading import Reader, Remember, least_rows, linear_head, packed
from uncollapse.language_models.transfer import to_device
from uncollapse.language_models.windows import Page

# Two lines of the probe; their tokens are spread over the vocabulary.
PROBE = (5, 9)
# Heads, heads of keys and their width on which kernels are tried before the model's own are.
PROBED = (4, 2, 64)
# How far two ways of summing may be apart, as a share of what log-probabilities differ among themselves. The default
# model in bfloat16 has 0.08 on the probe, and 0.5 where one line sees the other.
AGREE = {"float32": 1e-3, "bfloat16": 0.25, "float16": 0.05}


def transformers_reader(folder: Path, *, dtype: str) -> Reader:
    """The fastest way of reading that agrees with the model's own."""
    attention_interface.register()
    model = opened(folder, dtype=dtype).train(False).to(precision.device())
    lines = _probe(model)
    plain = [torch.log_softmax(_plain_logits(model, line).float(), dim=-1) for line in lines]
    for way in _ways(model):
        if _agrees(way, lines=lines, plain=plain, tolerance=AGREE[dtype]):
            return way
    whole = ReadyLogits(plain[0].shape[-1])
    return Reader(
        "whole",
        lambda page: _apart(page, read=lambda ids: _plain_logits(model, ids)),
        whole,
        _remember(lambda ids, cache: _advance_whole(model, ids, cache), dtype=dtype),
        _remembered(model),
    )


def _ways(model: Any) -> Iterator[Reader]:
    """Ways of reading with a head of ours, the fastest first; each may set the model up for itself."""
    head = _head(model)
    if head is None:
        return
    body = model.base_model
    own = model.config._attn_implementation

    def advance(ids: Tensor, cache: Any) -> tuple[Tensor, Any]:
        _attend_by(model, own)
        return _advance_body(body, ids, cache)

    remember = _remember(advance, dtype=str(model.dtype).removeprefix("torch."))
    if getattr(model, "_supports_attention_backend", False):
        for name in serving(model.get_output_embeddings().weight, PROBED):
            yield Reader("packed", _packed(model, attention_interface.NAMES[name]), head, remember, _remembered(model))
            _attend_by(model, own)
    apart = partial(_apart, read=lambda ids: _hidden(body, ids))
    yield Reader("apart", apart, head, remember, _remembered(model))


def _packed(model: Any, attention: str) -> Callable[[Page], Tensor]:
    """Reading a page in one row, with attention of a name."""

    def read(page: Page) -> Tensor:
        _attend_by(model, attention)
        return packed(page, read=partial(_body, model.base_model))

    return read


def _attend_by(model: Any, name: str) -> None:
    """Nothing; the model's attention is the one of this name: ours to read a page, its own to go on from a cache."""
    if model.config._attn_implementation != name:
        model.set_attn_implementation(name)


def _remembered(model: Any) -> int:
    """Bytes of keys and values for each token, at most: as if every head had some of its own."""
    config = model.config.get_text_config()
    return 2 * int(config.num_hidden_layers) * int(config.hidden_size) * model.dtype.itemsize


def _remember(advance: Advance, *, dtype: str) -> Remember:
    return lambda _places, _length: Cohorts(advance, least_rows=least_rows(dtype))


def _advance_body(body: Any, ids: Tensor, cache: Any) -> tuple[Tensor, Any]:
    """The last hidden states (b, n) after some more tokens of texts of equal length, and the cache with them."""
    said = body(input_ids=ids, use_cache=True, **_kept(body, cache))
    return said.last_hidden_state[:, -1], _cache_of(said)


def _advance_whole(model: Any, ids: Tensor, cache: Any) -> tuple[Tensor, Any]:
    """The same for models whose last layer is their own: logits in place of hidden states."""
    said = model(input_ids=ids, use_cache=True, **_kept(model, cache))
    return said.logits[:, -1], _cache_of(said)


# What architectures call their cache.
CACHES = ("past_key_values", "cache_params")


def _kept(model: Any, cache: Any) -> dict[str, Any]:
    if cache is None:
        return {}
    names = inspect.signature(model.forward).parameters
    return {next(name for name in CACHES if name in names): cache}


def _cache_of(said: Any) -> Any:
    for name in CACHES:
        if getattr(said, name, None) is not None:
            return getattr(said, name)
    raise BrokenModel(
        "the architecture has no cache, so it cannot write", hint="take a model of another architecture to generate"
    )


def opened(folder: Path, *, dtype: str) -> Any:
    """The model in a folder, from safetensors alone, without code of its own, with all of its weights.

    Raises:
        BrokenModel: it cannot be loaded, or weights are not there, which transformers would draw at random.
    """
    loaded: Any
    try:
        with quiet():
            loaded = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=getattr(torch, dtype),
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise BrokenModel(
            f"{folder} cannot be loaded: {error}", hint="is it a causal language model that transformers knows?"
        ) from error
    model, info = loaded
    refuse_missing(info["missing_keys"], folder)
    return model


def refuse_missing(names: Iterable[str], folder: Path) -> None:
    """Nothing, where no weight is missing.

    Raises:
        BrokenModel: one is.
    """
    missing = sorted(names)
    if missing:
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise BrokenModel(f"{folder} lacks weights of its kind: {missing[0]}{more}", hint="fetch the model again")


def _probe(model: Any) -> list[Tensor]:
    size = model.get_input_embeddings().weight.shape[0]
    spread = (np.arange(sum(PROBE)) * 7919 + 11) % size
    ids = torch.from_numpy(spread).to(model.device)
    return list(torch.split(ids, list(PROBE)))


def _agrees(way: Reader, *, lines: list[Tensor], plain: list[Tensor], tolerance: float) -> bool:
    """Whether reading the lines as one page gives what the model says of each."""
    ids = torch.cat(lines).cpu().numpy()
    bounds = np.cumsum([0, *map(len, lines)])
    positions = np.concatenate([np.arange(len(line)) for line in lines])
    page = Page(ids, positions, tuple(bounds.tolist()), np.arange(len(ids)), np.arange(len(ids)))
    try:
        logits = way.head.logits(way.read(page))
    except (UnsupportedAttentionError, TypeError, AttributeError):
        return False
    if logits.shape[1] != plain[0].shape[1]:
        return False
    wanted = torch.cat(plain)
    apart = (torch.log_softmax(logits, dim=-1) - wanted).square().mean().sqrt()
    return bool(apart <= tolerance * wanted.std())


def _plain_logits(model: Any, ids: Tensor) -> Tensor:
    logits: Tensor = model(input_ids=ids[None], use_cache=False).logits[0]
    return logits


def _hidden(body: Any, ids: Tensor) -> Tensor:
    hidden: Tensor = body(input_ids=ids[None], use_cache=False).last_hidden_state[0]
    return hidden


def _body(body: Any, ids: Tensor, positions: Tensor, bounds: Sequence[int]) -> Tensor:
    """The last hidden states of documents that lie end to end, through transformers."""
    hidden: Tensor = body(
        input_ids=ids[None],
        position_ids=positions[None],
        use_cache=False,
        documents=Documents(bounds, ids.device),
    ).last_hidden_state[0]
    return hidden


def _apart(page: Page, *, read: Callable[[Tensor], Tensor]) -> Tensor:
    """The rows of a page, each window read by itself."""
    ids = to_device(page.ids, precision.device())
    return torch.cat([read(ids[begin:end]) for begin, end in pairwise(page.bounds)])


def _head(model: Any) -> Head | None:
    """The model's last layer, where it is a matrix and one of the known ways to finish."""
    layer = model.get_output_embeddings()
    weight = getattr(layer, "weight", None)
    if weight is None or weight.ndim != 2:
        return None
    bias = getattr(layer, "bias", None)
    return linear_head(
        weight, bias=None if bias is None else bias.float(), finish=finish_of(model.config.get_text_config())
    )


def finish_of(config: Any) -> Finish | None:
    """What becomes of logits after the matrix: scaled (Cohere, Granite) or bent (Gemma), else nothing."""
    cap = getattr(config, "final_logit_softcapping", None)
    scale = getattr(config, "logit_scale", None) or 1.0 / (getattr(config, "logits_scaling", None) or 1.0)
    if cap:
        return lambda logits: cap * torch.tanh(logits / cap)
    return None if scale == 1.0 else lambda logits: logits * scale
