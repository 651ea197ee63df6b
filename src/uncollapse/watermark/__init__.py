"""Marks that we leave in text of our own making, and how they are found again; arrays in, no models, no torch."""

from uncollapse.watermark.evidence import CorpusEvidence as CorpusEvidence
from uncollapse.watermark.evidence import Evidence as Evidence
from uncollapse.watermark.evidence import corpus_evidence as corpus_evidence
from uncollapse.watermark.evidence import evidence as evidence
from uncollapse.watermark.keys import GROUPS as GROUPS
from uncollapse.watermark.keys import check_secret as check_secret
from uncollapse.watermark.keys import group_of as group_of
from uncollapse.watermark.keys import key_name as key_name
from uncollapse.watermark.keys import keys_of as keys_of
from uncollapse.watermark.keys import read_key as read_key
from uncollapse.watermark.tournament import DEPTH as DEPTH
from uncollapse.watermark.tournament import HEAD as HEAD
from uncollapse.watermark.tournament import NGRAM as NGRAM
from uncollapse.watermark.tournament import TABLE_SEED as TABLE_SEED
from uncollapse.watermark.tournament import TABLE_SIZE as TABLE_SIZE
from uncollapse.watermark.tournament import context_hash as context_hash
from uncollapse.watermark.tournament import tournament as tournament
