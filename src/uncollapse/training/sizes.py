"""Models to be trained from nothing: how large each is, and its configuration for transformers."""

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from uncollapse.errors import UsageError

if TYPE_CHECKING:
    from transformers import PretrainedConfig


class Size(NamedTuple):
    """An architecture and its measures; `vocabulary` counts the pieces that its tokenizer learns at most."""

    architecture: Literal["llama", "gpt2"]
    vocabulary: int
    width: int
    layers: int
    heads: int
    context: int
    learning_rate: float
    what: str


SIZES = {
    "tiny": Size("llama", 1024, 64, 2, 2, 128, 1e-2, "minutes on a laptop's core"),
    "small": Size("llama", 2048, 128, 4, 4, 128, 5e-3, "an order of magnitude more"),
    "medium": Size("llama", 4096, 192, 4, 4, 256, 3e-3, "hours on a core, minutes on a GPU"),
    "124m": Size("gpt2", 50257, 768, 12, 12, 1024, 6e-4, "GPT-2; a GPU"),
    "350m": Size("gpt2", 50257, 1024, 24, 16, 1024, 3e-4, "GPT-2 medium; a GPU"),
}


def size_of(name: str, *, besides: str = "") -> Size:
    """The size with this name; `besides` is what else the asker knows.

    Raises:
        UsageError: there is none.
    """
    if name not in SIZES:
        known = "; ".join(f"{known} ({size.what})" for known, size in SIZES.items())
        raise UsageError(f"no size {name!r}", hint=f"there are {known}{besides and '; '}{besides}")
    return SIZES[name]


def config_of(size: Size, *, vocabulary: int, context: int, end: int) -> "PretrainedConfig":
    """The configuration of a model of that size; `end` is the token between documents.

    Embeddings are tied, as most of a small model would else be two tables of words.
    """
    from transformers import GPT2Config, LlamaConfig  # noqa: PLC0415  (slow import)

    if size.architecture == "gpt2":
        return GPT2Config(
            vocab_size=vocabulary,
            n_positions=context,
            n_embd=size.width,
            n_layer=size.layers,
            n_head=size.heads,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=end,
            eos_token_id=end,
        )
    told: dict[str, Any] = {"bos_token_id": end, "eos_token_id": end, "pad_token_id": end}
    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=size.width,
        # Llama's own ratio, 8/3, in multiples of 16.
        intermediate_size=size.width * 8 // 3 // 16 * 16,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        **told,
    )
