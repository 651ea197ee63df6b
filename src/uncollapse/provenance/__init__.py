"""What we know about where a text came from; takes batches, reads no files."""

from uncollapse.provenance.ancestry import History as History
from uncollapse.provenance.ancestry import Vouching as Vouching
from uncollapse.provenance.ancestry import human_shares as human_shares
from uncollapse.provenance.ancestry import joined as joined
from uncollapse.provenance.ancestry import sidecar_rows as sidecar_rows
from uncollapse.provenance.counting import words as words
from uncollapse.provenance.generators import generator_of as generator_of
from uncollapse.provenance.generators import model_table as model_table
from uncollapse.provenance.holdings import Holdings as Holdings
from uncollapse.provenance.holdings import Totals as Totals
from uncollapse.provenance.normal import normal_hashes as normal_hashes
from uncollapse.provenance.origin import SIDECAR as SIDECAR
from uncollapse.provenance.origin import UNKNOWN_GENERATOR_DEPTH as UNKNOWN_GENERATOR_DEPTH
from uncollapse.provenance.origin import OriginBasis as OriginBasis
from uncollapse.provenance.policy import Breach as Breach
from uncollapse.provenance.policy import Policy as Policy
from uncollapse.provenance.undoing import first_text as first_text
