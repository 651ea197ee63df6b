"""Long runs of words that many documents share: found, laid to their charge, and taken out of what is compared.

A stock paragraph makes every other number look like collapse. So what is boilerplate is said once, by its own verdict,
and the other verdicts look at the words that are left.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from uncollapse.auditing.pool import Documents
from uncollapse.measures.repetition import runs

LENGTH = 8  # words of a run
SHARE = 0.01  # of the documents that must have it
FEWEST = 5


class Boilerplate(NamedTuple):
    """For each document whether it has any; the documents without it; for each word whether it is part of it."""

    has: Bool[ndarray, "d"]
    rest: Documents
    words: Bool[ndarray, "n"]


def boilerplate(sample: Documents) -> Boilerplate:
    """The runs of 8 words that stand in a hundredth of the documents and in five at least."""
    marked = _marked(sample)
    document = np.repeat(np.arange(len(sample)), np.diff(sample.offsets))
    has = np.zeros(len(sample), dtype=bool)
    has[document[marked]] = True
    left = np.bincount(document[~marked], minlength=len(sample))
    offsets = np.concatenate([[0], np.cumsum(left)]).astype(np.int64)
    rest = Documents(sample.rows, sample.texts, sample.words[~marked], offsets, sample.copies)
    return Boilerplate(has, rest, marked)


def _marked(sample: Documents) -> Bool[ndarray, "n"]:
    document = np.repeat(np.arange(len(sample)), np.diff(sample.offsets))
    ends = sample.offsets[1:][document] if len(sample) else np.zeros(0, dtype=np.int64)
    begins = np.flatnonzero(np.arange(len(sample.words)) + LENGTH <= ends)
    keys = runs(sample.words, LENGTH)[begins]
    _, place = np.unique(keys, return_inverse=True)
    order = np.lexsort((document[begins], place))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (place[order][1:] != place[order][:-1]) | (document[begins][order][1:] != document[begins][order][:-1])
    spread = np.bincount(place[order[new]])
    often = spread >= max(FEWEST, int(np.ceil(SHARE * len(sample))))
    steps = np.zeros(len(sample.words) + 1, dtype=np.int64)
    at = begins[often[place]] if len(place) else begins
    np.add.at(steps, at, 1)
    np.add.at(steps, at + LENGTH, -1)
    return np.cumsum(steps[:-1]) > 0
