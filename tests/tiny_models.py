"""Small models that the tests make themselves: random weights, a tokenizer trained on a few lines."""

from pathlib import Path

LINES = [
    "the cat sat on the mat and the dog sat on the cat",
    "Dogs and cats, cats and dogs; naïve façade, 100 % of 25 mats.",
    "def cat(mat):\n\treturn mat  # the mat",
    "日本語のテキスト と 🙂 emoji",
]


def byte_level_tokenizer(folder: Path) -> None:
    """A byte-level BPE tokenizer as GPT-2's, with a token between documents."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>", "<|im_start|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(LINES * 3, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))


def sentencepiece_tokenizer(folder: Path) -> None:
    """A tokenizer as Llama 2's: a mark for a space, a space before the text, pieces for single bytes, a start token."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors, trainers

    raw = Tokenizer(models.BPE(unk_token="<unk>"))
    raw.normalizer = normalizers.Replace(" ", "▁")
    raw.train_from_iterator(
        LINES[:2] * 3,
        trainers.BpeTrainer(vocab_size=120, show_progress=False, limit_alphabet=60),
    )
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{value:02X}>" for value in range(256))]
    learnt = sorted(raw.get_vocab().items(), key=lambda pair: pair[1])
    vocabulary = {piece: index for index, piece in enumerate([*pieces, *(piece for piece, _ in learnt)])}
    import json

    merges = [tuple(pair) for pair in json.loads(raw.to_str())["model"]["merges"]]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in ("<unk>", "<s>", "</s>")])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))


# One of each architecture that the neural models are held against.
ARCHITECTURES = (
    "llama",
    "llama-untied",
    "mistral",
    "qwen2",
    "qwen3",
    "gpt2",
    "gemma2",
    "gemma3",
    "gpt_neox",
    "mamba",
    "cohere",
)


def tiny_config(kind: str) -> object:
    """The configuration of a very small model of some architecture."""
    import transformers as t

    shape = {"vocab_size": 420, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64}
    special = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    long = {"max_position_embeddings": 256}
    return {
        "llama": lambda: t.LlamaConfig(**shape, **heads, **long, **special),
        "llama-untied": lambda: t.LlamaConfig(
            **shape, **heads, **long, **special, tie_word_embeddings=False, attention_bias=True
        ),
        "mistral": lambda: t.MistralConfig(**shape, **heads, **long, **special, sliding_window=16),
        "qwen2": lambda: t.Qwen2Config(**shape, num_attention_heads=4, num_key_value_heads=2, **long, **special),
        "qwen3": lambda: t.Qwen3Config(**shape, **heads, **long, **special),
        "gpt2": lambda: t.GPT2Config(vocab_size=420, n_embd=32, n_layer=2, n_head=4, n_positions=256, **special),
        "gemma2": lambda: t.Gemma2Config(
            **shape, **heads, **long, **special, sliding_window=16, query_pre_attn_scalar=64, attn_logit_softcapping=2.0
        ),
        "gemma3": lambda: t.Gemma3TextConfig(
            **shape,
            **heads,
            **long,
            **special,
            sliding_window=16,
            query_pre_attn_scalar=64,
            final_logit_softcapping=3.0,
        ),
        "gpt_neox": lambda: t.GPTNeoXConfig(**shape, num_attention_heads=4, **long, **special),
        "mamba": lambda: t.MambaConfig(vocab_size=420, hidden_size=32, num_hidden_layers=2, state_size=8, **special),
        "cohere": lambda: t.CohereConfig(**shape, num_attention_heads=4, num_key_value_heads=2, **long, **special),
    }[kind]()
