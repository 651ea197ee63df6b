"""Finite precision: numbers as float32, bfloat16 or float16 would keep them."""

from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

Precision: TypeAlias = Literal["float64", "float32", "bfloat16", "float16"]


def rounded(values: Float64[ndarray, "*shape"], precision: Precision) -> Float64[ndarray, "*shape"]:
    """The values as the nearest numbers of this precision (ties to even); what is too large becomes infinite."""
    if precision == "float64":
        return values
    with np.errstate(over="ignore"):
        if precision == "float16":
            return values.astype(np.float16).astype(np.float64)
        single = values.astype(np.float32)
    if precision == "float32":
        return single.astype(np.float64)
    # bfloat16 is float32 without its last 16 bits: half of the last kept bit less one, and the kept bit, are added.
    bits = single.view(np.uint32)
    kept = (bits + (np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))) & np.uint32(0xFFFF0000)
    kept = np.where(np.isfinite(single), kept, bits)
    return kept.view(np.float32).astype(np.float64)
