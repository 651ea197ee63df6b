"""Write new text with a language model: go on from human openings; every text names its parents."""

from uncollapse.generation.continuation import BLOCKS, Continue
from uncollapse.generation.writer import Writer

__all__ = ["BLOCKS", "Continue", "Writer"]
