"""Numbers out of how often each type was seen, exact formulas over arrays of counts. All logarithms are natural."""

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray
from scipy.special import gammaln


def entropy(counts: Int64[ndarray, "t"]) -> float:
    """The entropy of the observed shares in nats; biased low. 0 for no counts.

    Source: -sum p ln p, the plug-in estimate.
    """
    seen = counts[counts > 0]
    if not len(seen):
        return 0.0
    share = seen / seen.sum()
    return float(-(share * np.log(share)).sum()) + 0.0


def miller_madow(counts: Int64[ndarray, "t"]) -> float:
    """The entropy in nats with the first-order correction (m - 1) / 2N added, m types seen in N draws.

    Source: Miller 1955; Paninski, Neural Computation 2003, for its derivation.
    """
    seen = counts[counts > 0]
    return entropy(seen) + (len(seen) - 1) / (2 * int(seen.sum())) if len(seen) else 0.0


def repeat_chance(counts: Int64[ndarray, "t"]) -> float:
    """The chance that two draws, with replacement, are of one type: sum p^2. NaN for no counts.

    Source: Simpson, Nature 1949. 1 minus this is Simpson's diversity, 1 over it Hill's number of order 2.
    """
    total = counts.sum()
    return float(((counts / total) ** 2).sum()) if total else float("nan")


def unseen_mass(counts: Int64[ndarray, "t"]) -> float:
    """The estimated share of the next tokens that will be of a type not seen so far: f1 / N. NaN for no counts.

    Source: Good, Biometrika 1953.
    """
    total = counts.sum()
    return float((counts == 1).sum() / total) if total else float("nan")


def yule_k(counts: Int64[ndarray, "t"]) -> float:
    """Yule's characteristic K = 10^4 (sum i^2 V_i - N) / N^2; does not grow with the text. NaN for no counts.

    Source: Yule, The Statistical Study of Literary Vocabulary, 1944.
    """
    total = int(counts.sum())
    return 1e4 * (float((counts.astype(np.float64) ** 2).sum()) - total) / total**2 if total else float("nan")


def expected_types(counts: Int64[ndarray, "t"], sizes: Int64[ndarray, "s"], *, total: int) -> Float64[ndarray, "s"]:
    """How many types are expected among `sizes` tokens drawn without replacement from all `total`.

    `counts` may be a sample of the types; the result is then that sample's part.

    Source: Hurlbert, Ecology 1971: sum over types of 1 - C(N - f, n) / C(N, n).
    """
    frequency, multiplicity = np.unique(counts[counts > 0], return_counts=True)
    rest = (total - frequency)[:, None].astype(np.float64)
    drawn = sizes[None, :].astype(np.float64)
    possible = rest >= drawn
    log_missed = (
        gammaln(rest + 1)
        - gammaln(np.where(possible, rest - drawn, 0) + 1)
        - gammaln(total + 1)
        + gammaln(total - drawn + 1)
    )
    missed = np.where(possible, np.exp(np.minimum(log_missed, 0)), 0.0)
    return (multiplicity[:, None] * (1 - missed)).sum(axis=0)


def heaps_exponent(counts: Int64[ndarray, "t"], *, total: int, points: int = 50) -> float:
    """How fast the vocabulary grows: the slope of ln V(n) on ln n, least squares over the last nine tenths of the text.

    V(n) is the expected number of types in n tokens drawn from all, so the order of the documents does not matter,
    other than in a curve that is read off a text. NaN for fewer than 20 tokens. Grows or falls with the amount of
    text: compare at equal numbers of tokens.

    Source: Heaps, Information Retrieval, 1978, section 7.5, on the curve of Hurlbert 1971.
    """
    if total < 20:
        return float("nan")
    sizes = np.unique(np.geomspace(total / 10, total, points).round().astype(np.int64))
    types = expected_types(counts, sizes, total=total)
    return float(np.polyfit(np.log(sizes), np.log(types), 1)[0])


def zipf_slope(counts: Int64[ndarray, "t"]) -> float:
    """Minus the slope of ln frequency on ln rank, least squares over all ranks. NaN for fewer than two types.

    Source: Zipf, Human Behavior and the Principle of Least Effort, 1949. For a fit that can be trusted see `powerlaw`.
    """
    ordered = np.sort(counts[counts > 0])[::-1]
    if len(ordered) < 2:
        return float("nan")
    return float(-np.polyfit(np.log(np.arange(1, len(ordered) + 1)), np.log(ordered), 1)[0])


def hill_index(counts: Int64[ndarray, "t"], *, k: int) -> float:
    """Hill's tail index out of the k largest counts: 1 / mean of ln(x_i / x_(k+1)). NaN for fewer than k + 1 types.

    Changes with k: report several.

    Source: Hill, Annals of Statistics 1975.
    """
    if len(counts) <= k or k < 1:
        return float("nan")
    largest = np.sort(np.partition(counts, len(counts) - k - 1)[-k - 1 :]).astype(np.float64)
    if largest[0] <= 0:
        return float("nan")
    excess = float(np.log(largest[1:] / largest[0]).mean())
    return 1 / excess if excess > 0 else float("inf")
