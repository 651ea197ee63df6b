"""How many different things a cloud of rows holds: the Vendi score, an effective number from 1 to the number of rows.

It is the Hill number of order q of the eigenvalues of K / n, where K holds the similarities (1 on the diagonal).
For cosines of rows the eigenvalues are also those of the small matrix of all pairs of dimensions, so the large one is
never made. It grows with the number of rows, up to tens of thousands (25.9 for 10,000 rows, 21.0 for 200 of them):
compare at equal numbers of rows. Copies move it little, and far rubbish raises it.
"""

import numpy as np
from jaxtyping import Float, Float64
from numpy import ndarray

from uncollapse.errors import UsageError

_ROWS = 2048  # rows of which a 64-bit copy is made at once
_CLOSE = 1e-8  # how far a similarity may be from what it has to be


def vendi_score(rows: Float[ndarray, "n d"], *, q: float = 1.0) -> float:
    """The Vendi score of order q for the cosine of the rows, from 1 to min(n, d).

    Small q counts what is rare, q = infinity only the largest heap. Time grows with n d^2, memory with d^2.

    Raises:
        UsageError: no rows, a row of length 0 or one that is not finite, or a q that is not above 0.

    Source: Friedman and Dieng, TMLR 2023, definition 3.1 and section 3.2; for q, Pasarkar and Dieng, AISTATS 2024.
    """
    return hill_number(cosine_spectrum(rows), q=q)


def renyi_kernel_entropy(rows: Float[ndarray, "n d"]) -> float:
    """RKE, the number of modes: the Vendi score of order 2 for the cosine, without eigenvalues.

    Source: Jalali, Li and Farnia, NeurIPS 2023, equation 4.
    """
    return float(1 / (_moments(rows) ** 2).sum())


def vendi_of_similarities(similarities: Float[ndarray, "n n"], *, q: float = 1.0) -> float:
    """The Vendi score of order q for given similarities, positive semi-definite with 1 on the diagonal.

    Raises:
        UsageError: they are not symmetric, not 1 on the diagonal, or have an eigenvalue below 0.
    """
    matrix = similarities.astype(np.float64)
    count = len(matrix)
    if not count or np.abs(matrix.diagonal() - 1).max() > _CLOSE or not np.allclose(matrix, matrix.T, atol=_CLOSE):
        raise UsageError(
            "similarities that are not symmetric with 1 on the diagonal", hint="Divide by the roots of the diagonal."
        )
    spectrum = np.linalg.eigvalsh(matrix / count)
    if spectrum[0] < -_CLOSE:
        raise UsageError(
            f"similarities with the eigenvalue {spectrum[0]:.3g}", hint="A positive semi-definite kernel is needed."
        )
    return hill_number(_cleaned(spectrum), q=q)


def cosine_spectrum(rows: Float[ndarray, "n d"]) -> Float64[ndarray, "e"]:
    """The eigenvalues of the cosines / n in ascending order, with sum 1; those lost in rounding are 0."""
    return _cleaned(np.linalg.eigvalsh(_moments(rows)))


def hill_number(shares: Float64[ndarray, "e"], *, q: float) -> float:
    """The effective number of order q in (0, infinity] of shares that add up to 1; q = 1 is the limit exp(entropy).

    Source: Hill, Ecology 1973, equation 5.
    """
    if not q > 0:
        raise UsageError(f"q = {q}", hint="The order of a Vendi score is above 0; infinity is one.")
    held = shares[shares > 0]
    if np.isinf(q):
        return float(1 / held.max())
    if q == 1:
        return float(np.exp(-(held * np.log(held)).sum()))
    # As sum p^q = 1 + sum p (p^(q-1) - 1), which keeps its digits where q is near 1.
    return float(np.exp(np.log1p((held * np.expm1((q - 1) * np.log(held))).sum()) / (1 - q)))


def _moments(rows: Float[ndarray, "n d"]) -> Float64[ndarray, "e e"]:
    """The mean product of the unit rows' dimensions or, where this is smaller, of the unit rows themselves / n."""
    count, dimensions = rows.shape
    if not count or not dimensions:
        raise UsageError(f"{count} rows of {dimensions} numbers", hint="The Vendi score needs one row or more.")
    if count < dimensions:
        unit = _unit(rows)
        return unit @ unit.T / count
    total = np.zeros((dimensions, dimensions))
    for at in range(0, count, _ROWS):
        unit = _unit(rows[at : at + _ROWS])
        total += unit.T @ unit
    return total / count


def _unit(rows: Float[ndarray, "n d"]) -> Float64[ndarray, "n d"]:
    block = rows.astype(np.float64)
    largest = np.abs(block).max(axis=1, keepdims=True)
    if not (np.isfinite(largest) & (largest > 0)).all():
        raise UsageError("a row of length 0, or one that is not finite", hint="Leave out rows without a direction.")
    block /= largest
    return block / np.linalg.norm(block, axis=1, keepdims=True)


def _cleaned(spectrum: Float64[ndarray, "e"]) -> Float64[ndarray, "e"]:
    lost = len(spectrum) * np.finfo(np.float64).eps * spectrum[-1]
    held = np.where(spectrum > lost, spectrum, 0.0)
    return held / held.sum()
