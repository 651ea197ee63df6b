"""How a whole distribution over tokens lies around the one that stands there: mean and variance of log p, and the rank.

Logits come in slices of the vocabulary. Each slice is summed from its own largest logit, and the slices are joined from
the largest of all, so that nothing overflows and a nearly sure token leaves a variance of nearly nothing, not noise.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

# Below the largest logit of its slice by more than this a token adds nothing, and its exponential would be denormal.
LEAST_SHIFT = -80.0


class RowMoments(NamedTuple):
    """For s rows, in fp32: the same, mean and variance of log p(v) with v drawn from p itself, and the target's rank.

    The rank is 1 and the number of tokens with a strictly larger logit.
    """

    target: Tensor
    largest: Tensor
    logsumexp: Tensor
    mean: Tensor
    variance: Tensor
    rank: Tensor


def spread(slices: Sequence[tuple[int, Tensor]], targets: Tensor) -> RowMoments:
    """The moments out of the logits of all slices of the vocabulary, which are spent."""
    own = torch.empty(len(targets), device=targets.device)
    for first, logits in slices:
        here = ((targets >= first) & (targets < first + logits.shape[1])).nonzero()[:, 0]
        own[here] = logits[here, targets[here] - first]
    above, powers = torch.zeros_like(own), []
    for first, logits in slices:
        spare = torch.empty_like(logits)
        above += above_target(logits, own, targets - first, spare=spare)
        powers.append(powers_of(logits, spare=spare))
    top, *rest = (torch.stack(column, dim=1) for column in zip(*powers, strict=True))
    largest = top.amax(dim=1)
    sums = summed(top - largest[:, None], rest)
    return as_moments(own, largest, largest, sums=sums, rank=above + 1)


def spread_whole(logits: Tensor, targets: Tensor) -> RowMoments:
    """The same out of logits over the whole vocabulary in one piece, which are spent."""
    own = logits.gather(1, targets[:, None])[:, 0]
    above = (logits > own[:, None]).sum(dim=1)
    largest, *sums = powers_of(logits, spare=torch.empty_like(logits))
    return as_moments(own, largest, largest, sums=sums, rank=above + 1)


def above_target(logits: Tensor, own: Tensor, columns: Tensor, *, spare: Tensor) -> Tensor:
    """How many logits of each row are larger than its target's, the target itself left out wherever it stands."""
    count = torch.gt(logits, own[:, None], out=spare).sum(dim=1)
    here = ((columns >= 0) & (columns < logits.shape[1])).nonzero()[:, 0]
    count[here] -= (logits[here, columns[here]] > own[here]).float()
    return count


def powers_of(logits: Tensor, *, spare: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """For each row the largest logit t, and the sums of exp(l - t) (l - t)^k for k = 0, 1, 2; spends both arguments."""
    top = logits.amax(dim=1)
    shift = logits.sub_(top[:, None]).clamp_(min=LEAST_SHIFT)
    weight = torch.exp(shift, out=spare)
    zeroth = weight.sum(dim=1)
    first = weight.mul_(shift).sum(dim=1)
    return top, zeroth, first, weight.mul_(shift).sum(dim=1)


def summed(behind: Tensor, powers: Sequence[Tensor]) -> list[Tensor]:
    """The sums of powers over all slices, counted from the largest logit of all; `behind` is how far each lies off."""
    zeroth, first, second = powers
    scale = behind.exp()
    return [
        (scale * zeroth).sum(dim=1),
        (scale * (first + behind * zeroth)).sum(dim=1),
        (scale * (second + 2 * behind * first + behind**2 * zeroth)).sum(dim=1),
    ]


def as_moments(own: Tensor, sharp: Tensor, largest: Tensor, *, sums: Sequence[Tensor], rank: Tensor) -> RowMoments:
    """The moments out of sums counted from `largest`; `sharp` is the largest logit as it is known best."""
    total, first, second = sums
    mean, log_total = first / total, total.log()
    variance = (second / total - mean**2).clamp_(min=0.0)
    return RowMoments(own, sharp, largest + log_total, mean - log_total, variance, rank.to(torch.int32))
