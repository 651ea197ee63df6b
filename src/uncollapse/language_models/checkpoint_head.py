"""The head of a model out of its checkpoint, without the rest of it: for bodies that are read by an engine elsewhere.

Only for architectures whose logits are known to be one matrix behind the last norm, and one of the known ways to
finish: a head that was guessed would give numbers, and wrong ones.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM

from uncollapse.errors import BrokenModel
from uncollapse.language_models import precision
from uncollapse.language_models.by_transformers import finish_of, refuse_missing
from uncollapse.language_models.checkpoint import weight_files
from uncollapse.language_models.head import Head
from uncollapse.language_models.quiet import quiet
from uncollapse.language_models.reading import linear_head

# Each is held against the other backend by a test.
# gemma2 and gpt_neox are not here: for them that test failed with vLLM 0.32 on a processor (docs/log.md).
KNOWN = frozenset({"llama", "mistral", "qwen2", "qwen3", "gemma3_text", "gpt2", "cohere", "granite"})
HEADS = ("lm_head.weight",)
BIAS = "lm_head.bias"
EMBEDDINGS = ("model.embed_tokens.weight", "transformer.wte.weight", "wte.weight")


def head_of(folder: Path, *, dtype: str) -> Head:
    """The head of the model in a folder, on the device where models are read.

    Raises:
        BrokenModel: the architecture's head is not known, or its matrix is not there.
    """
    whole = _config(folder)
    kind, config = whole.model_type, whole.get_text_config()
    if getattr(whole, "quantization_config", None) is not None:
        raise BrokenModel(
            f"{folder} holds quantised weights, whose last layer is not read here",
            hint="--backend transformers reads it",
        )
    if kind not in KNOWN:
        raise BrokenModel(
            f"{folder} is of the architecture {kind}, whose last layer is not known here",
            hint=f"--backend transformers reads it; vLLM is used for {', '.join(sorted(KNOWN))}",
        )
    found = _tensors(folder)
    refuse_missing(_expected(config) - {_bare(name) for name in found}, folder)
    tied = bool(getattr(config, "tie_word_embeddings", False))
    names = (*EMBEDDINGS, *HEADS) if tied else (*HEADS, *EMBEDDINGS)
    name = next((name for name in names if name in found), None)
    if name is None or (not tied and name not in HEADS):
        raise BrokenModel(
            f"{folder} holds no matrix for its last layer ({' or '.join(names[:2])})", hint="fetch the model again"
        )
    if tied and name in EMBEDDINGS and HEADS[0] in found and not _same(found, name, HEADS[0]):
        raise BrokenModel(
            f"{folder} says that its last layer is its embedding, and holds another one as well",
            hint="--backend transformers takes the one that it holds",
        )
    weight = _read(found[name], name).to(precision.device(), getattr(torch, dtype), copy=True)
    bias = _read(found[BIAS], BIAS).to(precision.device()).float() if BIAS in found else None
    return linear_head(weight, bias=bias, finish=finish_of(config))


def _config(folder: Path) -> Any:
    try:
        with quiet():
            return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise BrokenModel(
            f"{folder} cannot be loaded: {error}", hint="is it a causal language model that transformers knows?"
        ) from error


def _tensors(folder: Path) -> dict[str, Path]:
    """The file of each tensor of a checkpoint."""
    found: dict[str, Path] = {}
    for path in weight_files(folder):
        with safe_open(path, framework="pt") as file:
            found |= dict.fromkeys(file.keys(), path)
    return found


def _expected(config: Any) -> set[str]:
    """The bare names of the weights of an architecture, but for those that are one with others."""
    with quiet(), torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    tied = set(getattr(model, "all_tied_weights_keys", ()) or ())
    return {_bare(name) for name in model.state_dict() if name not in tied}


def _bare(name: str) -> str:
    """The name of a weight without what stands before those of the body, which old checkpoints leave out."""
    return name.removeprefix("transformer.").removeprefix("model.")


def _same(found: dict[str, Path], one: str, other: str) -> bool:
    return torch.equal(_read(found[one], one), _read(found[other], other))


def _read(path: Path, name: str) -> Tensor:
    with safe_open(path, framework="pt") as file:
        return file.get_tensor(name)
