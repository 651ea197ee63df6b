"""64-bit names for words and for runs of words, the same in every process and on every machine.

Two different n-grams share a name with a chance of 2^-64: among 10^9 different ones, about 0.03 pairs are expected.
The names are not secret: whoever wants two words of one name can make them.
"""

import numpy as np
from blake3 import blake3
from jaxtyping import Int64, UInt8, UInt64
from numpy import ndarray

# Source: Steele et al., OOPSLA 2014 (SplitMix64), the variant 13 of Stafford's mixers and the golden ratio in 64 bits.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
# A longer word is named through BLAKE3, one by one: nobody writes such words, and a file that is one long line of
# base64 must not cost a pass over everything for each eight bytes of it.
LONGEST = 128
# Zero bytes that must stand behind the last word, as words are read eight bytes at a time.
PADDING = 16


def mix(value: UInt64[ndarray, "..."]) -> UInt64[ndarray, "..."]:
    """A bijection of 64-bit numbers in which each bit of the result depends on every bit of the argument."""
    value = value ^ (value >> np.uint64(30))
    value *= _MIX[0]
    value ^= value >> np.uint64(27)
    value *= _MIX[1]
    value ^= value >> np.uint64(31)
    return value


def word_hashes(
    data: UInt8[ndarray, "b"], start: Int64[ndarray, "n"], length: Int64[ndarray, "n"]
) -> UInt64[ndarray, "n"]:
    """A number for each word out of its bytes alone; `data` holds PADDING zero bytes and more at its end.

    Up to eight bytes the map is one to one.
    """
    lanes = data[: len(data) // 8 * 8].view("<u8")
    result = mix(_lane(lanes, start, length) + length.astype(np.uint64) * _GOLDEN)
    done = 8
    more = np.flatnonzero((length > done) & (length <= LONGEST))
    while len(more):
        lane = _lane(lanes, start[more] + done, length[more] - done)
        result[more] = mix((result[more] + _GOLDEN) ^ lane)
        done += 8
        more = more[length[more] > done]
    for word in np.flatnonzero(length > LONGEST).tolist():
        piece = data[start[word] : start[word] + length[word]]
        result[word] = int.from_bytes(blake3(piece.tobytes()).digest(length=8), "little")
    return result


def _lane(lanes: UInt64[ndarray, "l"], start: Int64[ndarray, "n"], left: Int64[ndarray, "n"]) -> UInt64[ndarray, "n"]:
    """The eight bytes from each start on as one number, those beyond the word's end as zero."""
    where = start >> 3
    shift = ((start & 7) << 3).astype(np.uint64)
    # A shift by 64 is undefined; by 1 and by 63 it is not.
    value = (lanes[where] >> shift) | ((lanes[where + 1] << np.uint64(1)) << (np.uint64(63) - shift))
    unused = ((8 - np.minimum(left, 8)) << 3).astype(np.uint64)
    return (value << unused) >> unused


def extend(shorter: UInt64[ndarray, "m"], word: UInt64[ndarray, "n"], *, order: int) -> UInt64[ndarray, "k"]:
    """The number of every run of `order` words, from those of the runs that are one word shorter."""
    count = max(len(word) - order + 1, 0)
    return mix((shorter[:count] + _GOLDEN) ^ word[order - 1 : order - 1 + count])
