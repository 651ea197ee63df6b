"""Is what a corpus says of itself true."""

from uncollapse.ledger.verify import Evidence as Evidence
from uncollapse.ledger.verify import Verification as Verification
from uncollapse.ledger.verify import verify as verify
