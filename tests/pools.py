"""Pools that the tests of selection choose from: texts with ids and columns, in batches of any size."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pyarrow as pa

from uncollapse.fingerprint import content_id


def pool(texts: Sequence[str], *, cuts: Sequence[int] = (), **columns: Sequence[Any]) -> list[pa.RecordBatch]:
    """The texts in batches that end at the cuts, with further columns."""
    values: Mapping[str, Any] = {
        "id": [content_id(text) for text in texts],
        "text": pa.array(texts, pa.large_string()),
        **columns,
    }
    whole = pa.record_batch(dict(values))
    return [whole.slice(a, b - a) for a, b in pairwise([0, *cuts, len(texts)])]


def chosen(texts: Sequence[str], choice) -> list[str]:
    """The texts that were taken, each as often as it was."""
    return [text for text, count in zip(texts, choice.counts.tolist(), strict=True) for _ in range(count)]
