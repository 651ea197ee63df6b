"""Write new text with a language model: go on, say anew, answer; each text names what it was made from."""

from uncollapse.generation.answering import Answer
from uncollapse.generation.continuation import BLOCKS, Continue
from uncollapse.generation.instructions import Instruct
from uncollapse.generation.rephrasing import STYLES, Rephrase
from uncollapse.generation.verbalised import Verbalise
from uncollapse.generation.writer import Writer

__all__ = ["BLOCKS", "STYLES", "Answer", "Continue", "Instruct", "Rephrase", "Verbalise", "Writer"]
