"""Numbers about text, each a statistic that can be taken in parts: `update`, `merge`, `result`.

`tails` asks which rare words are left, `concentration` what a corpus piles up on, `repetition` how often it repeats
itself, `shift` how far it is from another and where, `lexical` how rich its words are. The formulas themselves, over
arrays of counts, are in `spectrum` and `powerlaw`.
"""

from uncollapse.measures.concentration import BucketConcentration as BucketConcentration
from uncollapse.measures.concentration import over_represented as over_represented
from uncollapse.measures.lexical import SampledLexical as SampledLexical
from uncollapse.measures.powerlaw import fit_power_law as fit_power_law
from uncollapse.measures.powerlaw import plausibility as plausibility
from uncollapse.measures.repetition import SampledRepetition as SampledRepetition
from uncollapse.measures.shift import attribute as attribute
from uncollapse.measures.shift import energy_distance as energy_distance
from uncollapse.measures.shift import hashed_vectors as hashed_vectors
from uncollapse.measures.shift import jensen_shannon as jensen_shannon
from uncollapse.measures.shift import kullback_leibler as kullback_leibler
from uncollapse.measures.tails import Tails as Tails
from uncollapse.measures.tails import lost_types as lost_types
from uncollapse.measures.tails import rare_coverage as rare_coverage
from uncollapse.measures.tails import tail_mass as tail_mass
