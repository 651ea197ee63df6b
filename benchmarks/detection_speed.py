"""How fast texts are scored for detection, beside what the same work costs without it and elsewhere, in one run.

    python -m benchmarks.detection_speed [--model smollm2-135m] [--texts 12] [--documents 4000]

First the pass that keeps mean, variance and rank beside `score()` (goal: at most 1.2 times its processor time), then the
word model beside scikit-learn's HashingVectorizer and SGDClassifier on the same texts and runs of words (goal: 2,000
documents a second and core). The text is made by a seed (benchmarks/made_up.py); processor time, one thread.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from benchmarks.made_up import documents as made_documents

from uncollapse.detection.word_model import LONGEST_RUN, WORDS, WordModel
from uncollapse.language_models import load


def processor(work: Callable[[], object], rounds: int = 3) -> float:
    """The least processor time of some rounds, in seconds."""
    found = []
    for _ in range(rounds):
        begin = time.process_time()
        work()
        found.append(time.process_time() - begin)
    return min(found)


def texts(count: int) -> list[str]:
    """So many texts of 200 words."""
    words = " ".join(made_documents(text_bytes=count * WORDS * 8)).split()
    return [" ".join(words[at * WORDS : (at + 1) * WORDS]) for at in range(min(count, len(words) // WORDS))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--texts", type=int, default=12)
    parser.add_argument("--documents", type=int, default=4000)
    given = parser.parse_args()
    documents = texts(given.documents)
    model = load(given.model, threads=1)
    tokens = model.vocabulary.encode(documents[: given.texts])
    model.score(tokens)
    plain, kept = [], []
    for _ in range(3):
        # In turn, so that other work on the machine meets both.
        plain.append(processor(lambda: model.score(tokens), rounds=1))
        kept.append(processor(lambda: model.moments(tokens), rounds=1))
    ratio = float(np.median(np.array(kept) / np.array(plain)))
    print(
        f"{len(tokens.ids)} tokens, {model.card.dtype}: score() {min(plain):.2f} s, with mean, variance and rank {min(kept):.2f} s"
    )
    print(f"ratio {ratio:.3f} (goal: at most 1.2)\n")
    machine = np.arange(len(documents)) % 2 == 1
    ours = WordModel.fit(documents[:1000], machine[:1000])
    own = processor(lambda: ours.log_odds(documents))
    print("| who | documents/s and core | times |\n|---|---|---|")
    other = peer(documents, machine)
    print(f"| word model, ours | {len(documents) / own:,.0f} | {other / own:.1f} |")
    print(f"| HashingVectorizer, TfidfTransformer, SGDClassifier | {len(documents) / other:,.0f} | 1.0 |")


def peer(documents: list[str], machine: np.ndarray) -> float:
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline

    made = make_pipeline(
        HashingVectorizer(
            ngram_range=(1, LONGEST_RUN),
            n_features=2**20,
            alternate_sign=False,
            norm=None,
            token_pattern=r"\w+|[^\w\s]",
        ),
        TfidfTransformer(sublinear_tf=True),
        SGDClassifier(loss="log_loss", random_state=0),
    ).fit(documents[:1000], machine[:1000])
    return processor(lambda: made.decision_function(documents))


if __name__ == "__main__":
    main()
