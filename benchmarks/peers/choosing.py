"""What other packages take for the same work, run by a Python that has them: data-selection 1.0.3, rensa, datasketch.

    PYTHON benchmarks/peers/choosing.py weights POOL.jsonl REFERENCE.jsonl
    PYTHON benchmarks/peers/choosing.py rensa POOL.jsonl
    PYTHON benchmarks/peers/choosing.py datasketch POOL.jsonl

Prints one JSON object: seconds of processor time, and what was found. Reading the file is not timed for near
duplicates; the weights are timed as the package does them, which reads it twice.
"""

import json
import os
import sys
import tempfile
import time

os.environ["RAYON_NUM_THREADS"] = "1"
VALUES, BANDS, RUN, THRESHOLD = 125, 25, 5, 0.8


def texts_of(path: str) -> list[str]:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 (a script by itself)
        return [json.loads(line)["text"] for line in file]


def runs(text: str) -> list[str]:
    words = text.lower().split()
    return [" ".join(words[at : at + RUN]) for at in range(max(len(words) - RUN + 1, 1))]


def weights(pool: str, reference: str) -> dict[str, object]:
    import contextlib
    import io

    import numpy as np
    from data_selection import HashedNgramDSIR

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        # One part, computed in this process: what parallelize would send to a child is called here.
        import data_selection.hashed_ngram_dsir as fit
        from data_selection import base

        base.parallelize = fit.parallelize = lambda job, parts, _: [job(part) for part in parts]
        started = time.process_time()
        dsir = HashedNgramDSIR([pool], [reference], cache_dir=folder, num_proc=1)
        dsir.fit_importance_estimator(num_tokens_to_fit="auto")
        dsir.compute_importance_weights()
        seconds = time.process_time() - started
        found = np.load(f"{folder}/log_importance_weights/0.npy")
    return {"seconds": seconds, "weights": found.tolist()}


def rensa(pool: str) -> dict[str, object]:
    from rensa import RMinHash, RMinHashLSH

    texts = texts_of(pool)
    started = time.process_time()
    matrix = RMinHash.digest_matrix_from_token_sets([runs(text) for text in texts], VALUES, 42)
    flags = RMinHashLSH(THRESHOLD, VALUES, BANDS).insert_matrix_and_query_duplicate_flags(matrix)
    return {"seconds": time.process_time() - started, "flagged": sum(map(bool, flags))}


def datasketch(pool: str) -> dict[str, object]:
    from datasketch import MinHash, MinHashLSH

    texts = texts_of(pool)
    started = time.process_time()
    index = MinHashLSH(params=(BANDS, VALUES // BANDS), num_perm=VALUES)
    flagged = 0
    for number, text in enumerate(texts):
        signed = MinHash(num_perm=VALUES)
        signed.update_batch([run.encode() for run in runs(text)])
        flagged += bool(index.query(signed))
        index.insert(number, signed)
    return {"seconds": time.process_time() - started, "flagged": flagged}


if __name__ == "__main__":
    print(json.dumps({"weights": weights, "rensa": rensa, "datasketch": datasketch}[sys.argv[1]](*sys.argv[2:])))
