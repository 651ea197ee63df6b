import numpy as np
import pytest
import torch

from uncollapse.language_models.transfer import Coming, behind, to_device


@pytest.mark.parametrize("distance", [0, 1, 2, 5])
def test_items_come_in_order_so_many_behind(distance):
    made = []

    def items():
        for number in range(4):
            made.append(number)
            yield number

    found = [(item, len(made)) for item in behind(items(), distance)]
    assert found == [(number, min(4, number + 1 + distance)) for number in range(4)]


def test_on_a_processor_nothing_is_copied():
    array = np.arange(5)
    tensor = to_device(array, "cpu")
    array[2] = 9
    assert tensor.tolist() == [0, 1, 9, 3, 4]
    assert Coming(tensor).numpy().tolist() == [0, 1, 9, 3, 4]
    assert Coming(torch.ones(2, 3)).numpy().shape == (2, 3)
