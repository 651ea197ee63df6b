"""Numbers on their way to a device and back, without the program waiting for them.

On a CUDA device work is put into a queue. What goes there lies in pinned memory, from where the device fetches it in
turn; what comes back is waited for when it is looked at. `behind` leaves the device a piece of work to do meanwhile. On
a processor all of it is what it looks like: nothing is copied, and nothing waits.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

import torch
from numpy import ndarray
from torch import Tensor

Item = TypeVar("Item")


def to_device(array: ndarray, device: torch.device | str) -> Tensor:
    """The array as a tensor on the device."""
    tensor = torch.from_numpy(array)
    if torch.device(device).type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


class Coming:
    """A tensor on its way back; it may be changed on the device from now on."""

    def __init__(self, tensor: Tensor) -> None:
        self._event: torch.cuda.Event | None = None
        if tensor.device.type != "cuda":
            self._host = tensor
            return
        self._host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        self._host.copy_(tensor, non_blocking=True)
        self._event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._event.record()

    def numpy(self) -> ndarray:
        """The numbers, once they are there."""
        if self._event is not None:
            self._event.synchronize()
        return self._host.numpy()


def behind(items: Iterable[Item], distance: int) -> Iterator[Item]:
    """The items in their order, each given out when so many more of them have been made."""
    held: deque[Item] = deque()
    for item in items:
        held.append(item)
        if len(held) > distance:
            yield held.popleft()
    yield from held
