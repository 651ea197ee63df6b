"""Where inputs may be cut, noted while they are read for the first time; shards are made of the stretches between."""

from collections.abc import Sequence
from dataclasses import dataclass

from uncollapse.corpora.plan import Piece, Shard

SHARDS = 64
"""How many shards a run has, about: enough to lose little when one is lost."""

SMALLEST = 128 << 10
LARGEST = 64 << 20
"""Bytes of text in a shard, at least and at most."""

ROW_CHARGE = 256
"""What a row weighs beside its text, in bytes, so that a million empty rows are not one shard."""

_MOST_STRETCHES = 1024
_COARSEST = LARGEST // 4


@dataclass(slots=True)
class _Stretch:
    piece: Piece
    text_bytes: int
    weight: int


class Cuts:
    """Stretches of all inputs: about a thousand of them, until they are as long as a large shard allows."""

    def __init__(self, *, shard_bytes: int | None = None) -> None:
        self._target = shard_bytes
        self._grain = (32 << 10) if shard_bytes is None else max(1, shard_bytes // 4)
        self._stretches: list[_Stretch] = []
        self._open: _Stretch | None = None

    def row(self, *, file: int, start: int, stop: int, number: int, text_bytes: int) -> None:
        """Note one row, which lies in its file from `start` to `stop`."""
        last = self._open
        weight = text_bytes + ROW_CHARGE
        if last is None or last.piece.input != file or last.weight >= self._grain:
            self._close()
            self._open = _Stretch(Piece(file, start, stop, number, 1), text_bytes, weight)
            return
        last.piece = last.piece._replace(stop=stop, rows=last.piece.rows + 1)
        last.text_bytes += text_bytes
        last.weight += weight

    def _close(self) -> None:
        if self._open is not None:
            self._stretches.append(self._open)
            self._open = None
        # Stretches of different files cannot be joined, so the number of files sets a limit of its own.
        files = self._stretches[-1].piece.input + 1 if self._stretches else 0
        while len(self._stretches) > max(_MOST_STRETCHES, 2 * files) and self._grain < _COARSEST:
            self._grain *= 2
            self._stretches = _joined(self._stretches, grain=self._grain)

    def shards(self) -> tuple[Shard, ...]:
        """The shards, in the order of the inputs."""
        self._close()
        total = sum(stretch.weight for stretch in self._stretches)
        target = self._target or min(max(total // SHARDS, SMALLEST), LARGEST)
        groups: list[list[_Stretch]] = []
        weight = target
        for stretch in self._stretches:
            if weight >= target:
                groups.append([])
                weight = 0
            groups[-1].append(stretch)
            weight += stretch.weight
        return tuple(_shard(index, group) for index, group in enumerate(groups))


def _shard(index: int, group: Sequence[_Stretch]) -> Shard:
    joined = _joined(group, grain=None)
    return Shard(index, tuple(stretch.piece for stretch in joined), sum(stretch.text_bytes for stretch in group))


def _joined(stretches: Sequence[_Stretch], *, grain: int | None) -> list[_Stretch]:
    """The stretches with neighbours in one file joined, up to the grain where one is given."""
    result: list[_Stretch] = []
    for stretch in stretches:
        last = result[-1] if result else None
        if (
            last is not None
            and last.piece.input == stretch.piece.input
            and (grain is None or last.weight + stretch.weight <= grain)
        ):
            last.piece = last.piece._replace(stop=stretch.piece.stop, rows=last.piece.rows + stretch.piece.rows)
            last.text_bytes += stretch.text_bytes
            last.weight += stretch.weight
        else:
            result.append(_Stretch(stretch.piece, stretch.text_bytes, stretch.weight))
    return result
