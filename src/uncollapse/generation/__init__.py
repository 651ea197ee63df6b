"""Write new text with a language model, going on from human text or saying it anew; each text names its parents."""

from uncollapse.generation.continuation import BLOCKS, Continue
from uncollapse.generation.rephrasing import STYLES, Rephrase
from uncollapse.generation.writer import Writer

__all__ = ["BLOCKS", "STYLES", "Continue", "Rephrase", "Writer"]
