"""Numbers about text, each a statistic that can be taken in parts: `update`, `merge`, `result`.

`tails` asks which rare words are left, `concentration` what a corpus piles up on, `repetition` how often it repeats
itself, `shift` how far it is from another and where, `lexical` how rich its words are. Of rows of numbers (embeddings)
`manifold` asks which lie where others are, `vendi` how many different ones there are, `frontier` how two clouds differ.
The formulas themselves, over arrays of counts, are in `spectrum` and `powerlaw`.
"""

from uncollapse.measures.concentration import BucketConcentration as BucketConcentration
from uncollapse.measures.concentration import over_represented as over_represented
from uncollapse.measures.frontier import Frontier as Frontier
from uncollapse.measures.frontier import divergence_frontier as divergence_frontier
from uncollapse.measures.lexical import SampledLexical as SampledLexical
from uncollapse.measures.manifold import Manifold as Manifold
from uncollapse.measures.manifold import Neighbourhoods as Neighbourhoods
from uncollapse.measures.manifold import expected_coverage as expected_coverage
from uncollapse.measures.manifold import neighbourhoods as neighbourhoods
from uncollapse.measures.powerlaw import fit_power_law as fit_power_law
from uncollapse.measures.powerlaw import plausibility as plausibility
from uncollapse.measures.repetition import SampledRepetition as SampledRepetition
from uncollapse.measures.shift import attribute as attribute
from uncollapse.measures.shift import energy_distance as energy_distance
from uncollapse.measures.shift import hashed_vectors as hashed_vectors
from uncollapse.measures.shift import jensen_shannon as jensen_shannon
from uncollapse.measures.shift import kullback_leibler as kullback_leibler
from uncollapse.measures.shift import sampled_energy_distance as sampled_energy_distance
from uncollapse.measures.tails import Tails as Tails
from uncollapse.measures.tails import lost_types as lost_types
from uncollapse.measures.tails import rare_coverage as rare_coverage
from uncollapse.measures.tails import tail_mass as tail_mass
from uncollapse.measures.vendi import renyi_kernel_entropy as renyi_kernel_entropy
from uncollapse.measures.vendi import vendi_of_similarities as vendi_of_similarities
from uncollapse.measures.vendi import vendi_score as vendi_score
