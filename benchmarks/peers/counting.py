"""Counts the n-grams of a Parquet file with scikit-learn and with DSIR's package, in an environment of their own.

    python counting.py FILE LONGEST ANSWER      (needs pyarrow, scikit-learn and data-selection)

Each reads the file itself, in the batches that ours gets, one document after the other or a batch at a time, as its
makers mean it. Written to the answer: seconds by the clock, processor seconds, the n-grams counted, versions.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

BATCH = 1024
BUCKETS = 10_000


def texts(path: str) -> Iterator[list[str]]:
    for batch in pq.ParquetFile(path).iter_batches(BATCH, columns=["text"]):
        yield batch.column("text").to_pylist()


def with_scikit_learn(path: str, longest: int) -> int:
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer = HashingVectorizer(ngram_range=(1, longest), norm=None, alternate_sign=False, n_features=2**20)
    total = np.zeros(2**20)
    for batch in texts(path):
        total += np.asarray(vectorizer.transform(batch).sum(axis=0)).ravel()
    return int(total.sum())


def with_data_selection(path: str, longest: int) -> int:
    from data_selection.hashed_ngram_dsir import get_ngram_counts

    counts = np.zeros(BUCKETS, dtype=int)
    for batch in texts(path):
        for text in batch:
            counts = get_ngram_counts(text, n=longest, num_buckets=BUCKETS, counts=counts)
    return int(counts.sum())


def measured(count: Callable[[str, int], int], path: str, longest: int) -> dict[str, float]:
    clock, processor = time.perf_counter(), time.process_time()
    found = count(path, longest)
    return {"seconds": time.perf_counter() - clock, "processor": time.process_time() - processor, "ngrams": found}


def main(path: str, longest: str, answer: str) -> None:
    found = {}
    for package, count in (("scikit-learn", with_scikit_learn), ("data-selection", with_data_selection)):
        found[f"{package} {version(package)}"] = measured(count, path, int(longest))
    Path(answer).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
