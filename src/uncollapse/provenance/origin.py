"""On what our knowledge of a text's origin rests, and the columns of the ledger that say so."""

from enum import StrEnum

import pyarrow as pa

from uncollapse.fingerprint import ID_BYTES


class OriginBasis(StrEnum):
    """What the origin of a row rests on, the strongest first; a detector's guess goes with `unknown` alone."""

    GENERATED_HERE = "generated_here"
    SIGNED_MANIFEST = "signed_manifest"
    LEDGER_MATCH = "ledger_match"
    WATERMARK = "watermark"
    DATED_BEFORE_CUTOFF = "dated_before_cutoff"
    PUBLISHER_DECLARED = "publisher_declared"
    DETECTOR = "detector"
    NONE = "none"


BASES = tuple(OriginBasis)
BASIS_NAMES = pa.array([str(basis) for basis in BASES], pa.string())

UNKNOWN_GENERATOR_DEPTH = 1
"""The depth of a model of which nobody knows what it was trained on: somebody's text, so at least the first."""

DEEPEST = 255
"""Depths are kept in a byte; what is deeper is kept as this."""

# One row for each row of an output, in the order of shards and rows; the id is not stored a second time.
SIDECAR = pa.schema(
    [
        pa.field("norm_hash", pa.binary(ID_BYTES), nullable=False),
        pa.field("origin_basis", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("human_share", pa.float32()),
        pa.field("depth", pa.uint8()),
        pa.field("words", pa.uint32(), nullable=False),
        pa.field("generator", pa.dictionary(pa.int16(), pa.string())),
    ]
)
