"""What a training begins with: drawn weights and a tokenizer out of the text, or a model that goes on learning."""

import warnings
from collections.abc import Iterable
from typing import Any

import torch
from blake3 import blake3
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from uncollapse.errors import BrokenModel, MissingExtra, UsageError
from uncollapse.language_models.addresses import folder_of
from uncollapse.language_models.by_transformers import opened
from uncollapse.training.fit import Beginning
from uncollapse.training.settings import Training
from uncollapse.training.sizes import config_of, size_of
from uncollapse.training.tokenizer import fit_tokenizer


def begin(training: Training, texts: Iterable[str]) -> Beginning:
    """The model before its first step; its draws come from the process's generator, which is seeded before.

    Raises:
        ModelError: there is no such model, or it is none that can learn.
    """
    if training.from_scratch:
        size = size_of(training.size)
        tokenizer = fit_tokenizer(texts, vocabulary=size.vocabulary)
        context = training.context or size.context
        config = config_of(size, vocabulary=len(tokenizer), context=context, end=int(tokenizer.eos_token_id))
        return Beginning(AutoModelForCausalLM.from_config(config, dtype=torch.float32), tokenizer, None)  # type: ignore[no-untyped-call]
    folder, revision = folder_of(training.start)
    learned: Any = AutoTokenizer.from_pretrained(folder)
    model = opened(folder, dtype="float32")
    _check(model, learned, training.start)
    return Beginning(adapted(model, training) if training.lora else model, learned, revision)


def _check(model: Any, tokenizer: Any, address: str) -> None:
    if not isinstance(tokenizer, PreTrainedTokenizerFast) or tokenizer.eos_token_id is None:
        raise BrokenModel(
            f"the tokenizer of {address} has no end of text, or is none of the tokenizers library",
            hint="take a model with tokenizer.json and an eos token",
        )
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise BrokenModel(
            f"{address} has {rows:,} embeddings and a tokenizer of {len(tokenizer):,} pieces",
            hint="the tokenizer is of another model: fetch the model again",
        )


def adapted(model: Any, training: Training) -> Any:
    """The model with low-rank adapters on all its linear layers, which alone learn.

    Source: Hu et al. 2022 (LoRA); on all linear layers as in Dettmers et al. 2023, section 4.
    """
    try:
        from peft import LoraConfig, get_peft_model  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise MissingExtra("low-rank adapters need peft", hint="pip install 'uncollapse[train]'") from error
    if training.lora > min(model.config.hidden_size, model.get_input_embeddings().weight.shape[0]):
        raise UsageError(f"a rank of {training.lora} is more than the model is wide", hint="--lora 16")
    told = LoraConfig(r=training.lora, lora_alpha=2 * training.lora, target_modules="all-linear", task_type="CAUSAL_LM")
    with warnings.catch_warnings():
        # peft asks models for what transformers is about to call otherwise.
        warnings.simplefilter("ignore", FutureWarning)
        return get_peft_model(model, told)


def digest_of(tokenizer: PreTrainedTokenizerFast) -> str:
    """The BLAKE3 digest of a tokenizer."""
    return blake3(tokenizer.backend_tokenizer.to_str().encode()).hexdigest()
