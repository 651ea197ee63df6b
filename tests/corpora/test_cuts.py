from hypothesis import given
from hypothesis import strategies as st

from uncollapse.corpora import cuts
from uncollapse.corpora.cuts import LARGEST, ROW_CHARGE, SHARDS, SMALLEST, Cuts

sizes = st.lists(st.lists(st.integers(0, 5000), max_size=60), min_size=1, max_size=5)


def cut(files, **options):
    result = Cuts(**options)
    for file, rows in enumerate(files):
        at = 0
        for number, size in enumerate(rows, start=1):
            result.row(file=file, start=at, stop=at + size + 10, number=number, text_bytes=size)
            at += size + 10
    return result.shards()


@given(sizes, st.sampled_from([None, 1, 3000]))
def test_every_row_is_in_one_shard_in_order(files, shard_bytes):
    pieces = [piece for shard in cut(files, shard_bytes=shard_bytes) for piece in shard.pieces]
    for file, rows in enumerate(files):
        own = [piece for piece in pieces if piece.input == file]
        assert sum(piece.rows for piece in own) == len(rows)
        ends = [0, *(piece.stop for piece in own)]
        assert [piece.start for piece in own] == ends[:-1]
        assert ends[-1] == sum(rows) + 10 * len(rows)
        firsts = [1]
        for piece in own:
            firsts.append(firsts[-1] + piece.rows)
        assert [piece.row for piece in own] == firsts[:-1]
    assert [piece.input for piece in pieces] == sorted(piece.input for piece in pieces)


def test_shards_are_about_as_large_as_they_should_be():
    for size, count in ((1000, 200), (40_000, 1000), (1 << 20, 6000)):
        shards = cut([[size] * count])
        weights = [shard.text_bytes + ROW_CHARGE * shard.rows for shard in shards]
        total = sum(weights)
        target = min(max(total // SHARDS, SMALLEST), LARGEST)
        assert all(target <= weight <= 1.3 * target + size for weight in weights[:-1])


def test_cuts_stay_few(monkeypatch):
    monkeypatch.setattr(cuts, "_MOST_STRETCHES", 64)
    result = Cuts()
    for number in range(20_000):
        result.row(file=0, start=number, stop=number + 1, number=number + 1, text_bytes=3000)
        assert len(result._stretches) <= 64
    assert sum(shard.rows for shard in result.shards()) == 20_000
