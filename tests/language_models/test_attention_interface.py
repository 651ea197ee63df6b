import pytest
import torch

from uncollapse.language_models.attention import UnsupportedAttentionError, attend_documents
from uncollapse.language_models.attention_interface import attend
from uncollapse.language_models.kernels import Documents


def heads(rows, dtype, count=6, kept=2, width=8):
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(n, rows, width, generator=generator).to(dtype) for n in (count, kept, kept))


class Module(torch.nn.Module):
    is_causal = True


@pytest.mark.parametrize("asked", [{"softcap": 2.0}, {"s_aux": torch.zeros(1)}, {"is_causal": False}])
def test_attention_of_another_kind_is_not_guessed(asked):
    query, key, value = (part[None] for part in heads(4, torch.float32))
    with pytest.raises(UnsupportedAttentionError):
        attend(Module(), query, key, value, None, documents=Documents((0, 4)), **asked)
    with pytest.raises(UnsupportedAttentionError):
        attend(Module(), query, key, value, torch.zeros(1, 1, 4, 4), documents=Documents((0, 4)))


def test_without_bounds_all_rows_are_one_document():
    query, key, value = heads(9, torch.float32)
    seen, weights = attend(Module(), query[None], key[None], value[None], None)
    assert weights is None
    torch.testing.assert_close(seen[0], attend_documents((query, key, value), bounds=(0, 9)))
