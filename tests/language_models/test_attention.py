import math
from itertools import pairwise

import pytest
import torch

from uncollapse.language_models.attention import attend_documents


def heads(rows, dtype, count=6, kept=2, width=8):
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(n, rows, width, generator=generator).to(dtype) for n in (count, kept, kept))


def by_definition(query, key, value, bounds, span):
    """softmax(q k / sqrt(w)) v over the rows that may be seen, row by row in fp64."""
    query, key, value = (part.double() for part in (query, key, value))
    out = torch.empty(query.shape[1], query.shape[0], value.shape[2], dtype=torch.float64)
    for begin, end in pairwise(bounds):
        for row in range(begin, end):
            first = begin if span is None else max(begin, row - span + 1)
            for head in range(len(query)):
                group = head * len(key) // len(query)
                weights = torch.softmax(key[group, first : row + 1] @ query[head, row] / math.sqrt(8), dim=0)
                out[row, head] = weights @ value[group, first : row + 1]
    return out


@pytest.mark.parametrize("span", [None, 5, 100])
@pytest.mark.parametrize("bounds", [(0, 300), (0, 1, 3, 130, 300)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-6), (torch.bfloat16, 0.03)])
def test_each_row_sees_its_own_document_up_to_itself(span, bounds, dtype, tolerance):
    given = heads(300, dtype)
    found = attend_documents(given, bounds=bounds, span=span)
    torch.testing.assert_close(found.double(), by_definition(*given, bounds, span), rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_document_is_the_same_to_the_bit_wherever_it_lies(dtype):
    query, key, value = heads(300, dtype)
    alone = attend_documents(tuple(part[:, 40:171] for part in (query, key, value)), bounds=(0, 131))
    packed = attend_documents((query, key, value), bounds=(0, 40, 171, 300))
    torch.testing.assert_close(packed[40:171], alone, rtol=0, atol=0)
