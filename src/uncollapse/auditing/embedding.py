"""Embeddings of documents: made by a sentence-transformers model, or read from a file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.auditing.pool import Documents
from uncollapse.errors import InputError, MissingColumn, MissingExtra

_COLUMNS = ("id", "vector")


def embeddings(address: str, samples: Sequence[Documents]) -> list[Float64[ndarray, "_ v"]]:
    """A row of length 1 for each document of each sample.

    `address` is a Parquet file with the columns `id` (the documents' own) and `vector` (lists of numbers of one
    length), which has the documents of all samples, or else a model that sentence-transformers knows or finds in a
    folder. Nothing is cut off but by the model itself.

    Raises:
        MissingExtra: sentence-transformers is not installed.
        InputError: the file does not have what is needed.
    """
    if address.endswith(".parquet"):
        known = _read(Path(address))
        found = [_looked_up(known, sample, address) for sample in samples]
    else:
        found = _made(address, samples)
    return [_unit(rows) for rows in found]


def _read(path: Path) -> dict[str, list[float]]:
    if not path.is_file():
        raise InputError(f"{path} is not there", hint="give a Parquet file with the columns id and vector")
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}", hint="write it again") from error
    missing = [name for name in _COLUMNS if name not in table.column_names]
    if missing:
        raise MissingColumn(f"{path} has no column {missing[0]!r}", hint=f"it has: {', '.join(table.column_names)}")
    return dict(zip(table["id"].to_pylist(), table["vector"].to_pylist(), strict=True))


def _looked_up(known: dict[str, list[float]], sample: Documents, address: str) -> Float64[ndarray, "d v"]:
    if any(row.passage for row in sample.rows):
        raise InputError(
            f"{address} has vectors of documents, and passages are compared here",
            hint="name a model in its place, or give more and shorter documents",
        )
    absent = [row.id for row in sample.rows if row.id not in known]
    if absent:
        raise InputError(
            f"{address} has no vector for {len(absent):,} of {len(sample):,} documents, the first {absent[0]}",
            hint="embed every document of corpus and reference; ids are those that `uncollapse` writes",
        )
    rows = [known[row.id] for row in sample.rows]
    if len({len(row) for row in rows}) > 1:
        raise InputError(f"{address} has vectors of different lengths", hint="use one model for all documents")
    return np.array(rows, dtype=np.float64)


def _made(address: str, samples: Sequence[Documents]) -> list[Float64[ndarray, "_ v"]]:
    try:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 (an extra, and slow to import)
    except ImportError as error:
        raise MissingExtra(
            "embeddings need sentence-transformers", hint="pip install 'uncollapse[embed]', or give a Parquet file"
        ) from error
    try:
        model = SentenceTransformer(address)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no embedding model at {address!r}: {error}", hint="give a model's name, a folder, or a Parquet file"
        ) from error
    return [np.asarray(model.encode(list(sample.texts), convert_to_numpy=True), dtype=np.float64) for sample in samples]


def _unit(rows: Float64[ndarray, "d v"]) -> Float64[ndarray, "d v"]:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(rows).all() or (length == 0).any():
        raise InputError("an embedding is all zeros or not a number", hint="embed these documents again")
    return rows / length
