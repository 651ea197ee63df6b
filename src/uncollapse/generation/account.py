"""What writing counted: tokens, texts by how they ended, and entropy along the texts."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy import ndarray

from uncollapse.generation.drafts import Made, micronats
from uncollapse.step import Tally


def tally(kept: Sequence[Made], *, texts: int, written: Sequence[Made], prompts: Sequence[ndarray]) -> Tally:
    """The counters of all that was written, and of the texts that are kept; integers, so that shards add up exactly.

    `texts` is how many could have been kept, one for each document that was written for.
    Entropies are in millionths of a nat, summed over the tokens: `model` is that of the model's own distribution at
    each token, `drawn` that of the distribution which the decoding left, `surprise` minus the model's log-probability.
    """
    stretches = list(chain.from_iterable(text.stretches for text in written))
    ended = sum(stretch.ended for stretch in stretches)
    columns = {
        "model": [stretch.entropy for stretch in stretches],
        "drawn": [stretch.drawn_entropy for stretch in stretches],
        "surprise": [-stretch.logprob for stretch in stretches],
    }
    empty = np.empty(0, np.float32)
    return {
        "tokens": {
            "prompt": sum(map(len, prompts)),
            "written": sum(len(stretch.ids) for stretch in stretches),
        },
        "micronats": {name: micronats(np.concatenate([empty, *column])) for name, column in columns.items()},
        "documents": {
            "made": len(kept),
            "empty": texts - len(kept),
            "not_kept": len(written) - texts,
        },
        "stretches": {"ended": ended, "at_the_limit": len(stretches) - ended},
        "characters": {"broken": sum(text.broken for text in written)},
    }
