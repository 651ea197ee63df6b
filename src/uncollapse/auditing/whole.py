"""What is counted over all documents and not in a sample: copies, near copies, and copies of the reference."""

import numpy as np
from scipy.stats import binomtest

from uncollapse.auditing.compared import CONFIDENCE, FARTHEST, Statistic
from uncollapse.auditing.intake import Copied, Read


def whole_statistics(corpus: Read, reference: Read | None) -> list[Statistic]:
    """Shares of documents, with intervals that take documents as independent (Wilson).

    The control is the reference's own share; without a reference there is none.
    """
    found = [
        _share("copies", "duplicates", _copies(corpus), _copies(reference) if reference else None),
        _share("near_copies", "duplicates", _near(corpus), _near(reference) if reference else None),
    ]
    if reference is not None:
        # Among human documents as many are copies of another half as have a near copy at all, at most.
        found.append(_share("copied", "memorised", (len(unexplained(corpus)), corpus.rows), _near(reference)))
    return found


def unexplained(corpus: Read) -> tuple[Copied, ...]:
    """Copies of the reference that the ledger does not account for.

    A document that names its source in the reference is lineage. So is an unchanged one of known human origin in a
    corpus that was made from the reference.
    """
    return tuple(copy for copy in corpus.copied if not (copy.declared and corpus.lineage))


def _copies(read: Read) -> tuple[int, int]:
    """Documents with words that repeat another, and all with words: an empty one is no copy of another empty one."""
    rows = read.rows - read.empty
    return (rows - (read.same.different - (read.empty > 0)), rows)


def _near(read: Read) -> tuple[int, int]:
    return (read.near.documents - read.near.groups, read.near.documents)


def _share(name: str, group: str, here: tuple[int, int], there: tuple[int, int] | None) -> Statistic:
    if not here[1]:
        return Statistic(name, group, None, None, None, None, None, None)
    interval = binomtest(*here).proportion_ci(CONFIDENCE, method="wilson")
    control = there[0] / there[1] if there and there[1] else None
    z = _two_shares(here, there) if there and there[1] else None
    return Statistic(name, group, here[0] / here[1], control, control, float(interval.low), float(interval.high), z)


def _two_shares(here: tuple[int, int], there: tuple[int, int]) -> float:
    """The z of the difference of two shares, pooled. Source: the two-proportion z test."""
    pooled = (here[0] + there[0]) / (here[1] + there[1])
    error = np.sqrt(pooled * (1 - pooled) * (1 / here[1] + 1 / there[1]))
    difference = here[0] / here[1] - there[0] / there[1]
    return 0.0 if error == 0 else float(np.clip(difference / error, -FARTHEST, FARTHEST))
