"""What writing counted: tokens, texts by how they ended, entropy along the texts, and what an endpoint cost."""

from collections.abc import Sequence
from functools import reduce
from itertools import chain

import numpy as np

from uncollapse.generation.drafts import Made, micronats
from uncollapse.language_models.texts import WrittenText
from uncollapse.step import Tally, add_tallies

# What is summed up, and the field of a written text that holds it.
SUMS = {"model": "entropy", "drawn": "drawn_entropy", "surprise": "logprob"}


def tally(written: Sequence[Made], *, made: int, empty: int, not_kept: int) -> Tally:
    """The counters of all that was written; integers, so that shards add up exactly.

    `made` rows came of it; of `empty` documents nothing did; `not_kept` texts were written and passed over.
    Entropies are in millionths of a nat, summed over the tokens: `model` is that of the model's own distribution at
    each token, `drawn` that of the distribution which the decoding left, `surprise` minus the model's log-probability.
    Where an endpoint wrote, `model` and `drawn` are of the tokens that it lists, and `measured` says over how many
    tokens each sum is.
    """
    stretches = list(chain.from_iterable(text.stretches for text in written))
    whole = [stretch for stretch in stretches if stretch.fault is None]
    ended = sum(stretch.ended for stretch in whole)
    counted: Tally = {
        "tokens": {
            "prompt": sum(stretch.prompt_tokens for stretch in stretches),
            "written": sum(stretch.tokens for stretch in stretches),
        },
        "micronats": {name: _sum(whole, field) for name, field in SUMS.items()},
        "documents": {"made": made, "empty": empty, "not_kept": not_kept},
        "stretches": {"ended": ended, "at_the_limit": len(whole) - ended},
        "characters": {"broken": sum(text.broken for text in written)},
    }
    accounts = [stretch.account for stretch in stretches if stretch.account]
    if accounts:
        measured = {name: sum(len(array) for array in _arrays(whole, field)) for name, field in SUMS.items()}
        counted = reduce(add_tallies, accounts, {**counted, "measured": measured})
    return counted


def _arrays(stretches: Sequence[WrittenText], field: str) -> list[np.ndarray]:
    return [array for stretch in stretches if (array := getattr(stretch, field)) is not None]


def _sum(stretches: Sequence[WrittenText], field: str) -> int:
    values = np.concatenate([np.empty(0, np.float32), *_arrays(stretches, field)])
    return micronats(-values if field == "logprob" else values)
