"""Numbers that each document has by itself."""

import numpy as np
import pyarrow as pa
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.auditing.pool import Documents
from uncollapse.duplicates.templates import FRAMES, Templates, templates_of
from uncollapse.measures.lexical import LEXICAL, SHORTEST, mattr, mtld
from uncollapse.measures.repetition import runs
from uncollapse.ngrams import Cutting, Sample, cut

_LISTED = 20
# In fewer documents of a small sample a frame of common words comes about by chance.
_SPREAD = 0.05
_LOOP = 4  # words of a run


def own_values(documents: Documents) -> dict[str, Float64[ndarray, "d"]]:
    """MTLD and MATTR (NaN under 50 words), and the share of runs of four words that a document has had before."""
    words = sample_of(documents, LEXICAL).rows()
    rich = [(mtld(row), mattr(row)) if len(row) >= SHORTEST else (np.nan, np.nan) for row in words]
    columns = np.array(rich, dtype=np.float64).reshape(-1, 2)
    looped = [_looped(documents.words[a:b]) for a, b in zip(documents.offsets, documents.offsets[1:], strict=False)]
    return {"mtld": columns[:, 0], "mattr": columns[:, 1], "looped": np.array(looped, dtype=np.float64)}


def frames_of(documents: Documents) -> Templates:
    """The frames that documents are cut from, and which are."""
    return templates_of(sample_of(documents, FRAMES), most=_LISTED, cutting=FRAMES, spread=_SPREAD)


def sample_of(documents: Documents, cutting: Cutting) -> Sample:
    """The documents' texts, cut in another way."""
    batch = pa.RecordBatch.from_arrays([pa.array(documents.texts, pa.large_string())], ["text"])
    words = [np.zeros(0, dtype=np.uint64)]
    lengths = [np.zeros(1, dtype=np.int64)]
    for tokens in cut(batch, cutting):
        words.append(tokens.words)
        lengths.append(np.diff(tokens.offsets))
    return Sample(documents.texts, np.concatenate(words), np.cumsum(np.concatenate(lengths)), True)


def _looped(words: ndarray) -> float:
    keys = runs(words, _LOOP)
    return 1 - len(np.unique(keys)) / len(keys) if len(keys) else float("nan")
