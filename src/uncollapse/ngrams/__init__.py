"""Cutting texts into words and n-grams, and counting them: once, for everybody.

`cut` turns the `text` column of a batch into `Tokens`; `TypeCounts` counts different n-grams, `BucketTable` counts in
fixed buckets, `Sieve` and then `Frequent` find the frequent ones with their words, and
`EqualTokens` takes a sample of a fixed size. All can be merged.
"""

from uncollapse.ngrams.counting import LIMIT as LIMIT
from uncollapse.ngrams.counting import BucketTable as BucketTable
from uncollapse.ngrams.counting import Sums as Sums
from uncollapse.ngrams.counting import TypeCounts as TypeCounts
from uncollapse.ngrams.counting import Types as Types
from uncollapse.ngrams.counting import bucket_of as bucket_of
from uncollapse.ngrams.counting import together as together
from uncollapse.ngrams.frequent import Bounds as Bounds
from uncollapse.ngrams.frequent import Frequent as Frequent
from uncollapse.ngrams.frequent import FrequentNgrams as FrequentNgrams
from uncollapse.ngrams.frequent import Ngram as Ngram
from uncollapse.ngrams.frequent import Sieve as Sieve
from uncollapse.ngrams.frequent import Spelling as Spelling
from uncollapse.ngrams.hashing import mix as mix
from uncollapse.ngrams.mergeable import Mergeable as Mergeable
from uncollapse.ngrams.mergeable import OverWords as OverWords
from uncollapse.ngrams.mergeable import feed as feed
from uncollapse.ngrams.sample import EqualTokens as EqualTokens
from uncollapse.ngrams.sample import OverSample as OverSample
from uncollapse.ngrams.sample import Sample as Sample
from uncollapse.ngrams.words import WORDS as WORDS
from uncollapse.ngrams.words import Case as Case
from uncollapse.ngrams.words import Cutting as Cutting
from uncollapse.ngrams.words import Marks as Marks
from uncollapse.ngrams.words import Rule as Rule
from uncollapse.ngrams.words import Tokens as Tokens
from uncollapse.ngrams.words import cut as cut
from uncollapse.ngrams.words import cut_texts as cut_texts
