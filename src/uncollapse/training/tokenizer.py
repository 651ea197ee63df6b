"""A tokenizer out of the text that a model is to learn: byte-level pairs, so that any text can be cut and had back."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from uncollapse.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

END = "<|endoftext|>"
# More text moves few merges of a vocabulary of some thousands.
ENOUGH = 20_000_000  # characters
LEAST = 257  # every byte and the end


def fit_tokenizer(texts: Iterable[str], *, vocabulary: int) -> "PreTrainedTokenizerFast":
    """A byte-level pair tokenizer of at most so many pieces, learned from the first 20 million characters.

    Its one special token stands between documents.

    Raises:
        InputError: there is no text to learn from.

    Source: Sennrich, Haddow and Birch 2016, section 3.2; over bytes as in Radford et al. 2019, section 2.2.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: PLC0415  (slow import)
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=max(vocabulary, LEAST),
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    taken = _Taken()
    tokenizer.train_from_iterator(taken.some(texts), trainer)
    if not taken.characters:
        raise InputError("there is no text to learn from", hint="give a corpus with at least one text")
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, bos_token=END, eos_token=END, pad_token=END, clean_up_tokenization_spaces=False
    )


class _Taken:
    """How much text has been handed on."""

    def __init__(self) -> None:
        self.characters = 0

    def some(self, texts: Iterable[str]) -> Iterator[str]:
        for text in texts:
            if self.characters >= ENOUGH:
                return
            self.characters += len(text)
            yield text
