"""Marks that we leave in text of our own making, and how they are found again; arrays in, no models, no torch."""

from uncollapse.watermark.tournament import DEPTH as DEPTH
from uncollapse.watermark.tournament import HEAD as HEAD
from uncollapse.watermark.tournament import NGRAM as NGRAM
from uncollapse.watermark.tournament import context_hash as context_hash
from uncollapse.watermark.tournament import tournament as tournament
