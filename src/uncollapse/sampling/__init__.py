"""Choosing from probabilities: arrays in, arrays out, no models and no hidden randomness.

A row is one position, its columns are candidate tokens with their log-probabilities. A strategy says which columns
may be drawn (`truncation`), the temperature how strongly the likelier ones are preferred, and `draw` picks one column
a row by uniform numbers that the caller hands in.
"""

from uncollapse.sampling.decoding import Decoding as Decoding
from uncollapse.sampling.decoding import entropy as entropy
from uncollapse.sampling.decoding import narrowed as narrowed
from uncollapse.sampling.draw import draw as draw
from uncollapse.sampling.draw import draw_by_rejection as draw_by_rejection
from uncollapse.sampling.draw import tempered as tempered
from uncollapse.sampling.truncation import Strategy as Strategy
from uncollapse.sampling.truncation import min_p_mask as min_p_mask
from uncollapse.sampling.truncation import top_k_mask as top_k_mask
from uncollapse.sampling.truncation import top_p_mask as top_p_mask
