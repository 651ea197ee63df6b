import random

from blake3 import blake3

from uncollapse.corpora import merkle
from uncollapse.corpora.merkle import Digests, root, roots


def by_definition(leaves):
    """The recursive definition of RFC 6962, section 2.1."""
    if not leaves:
        return blake3(b"").digest()
    if len(leaves) == 1:
        return blake3(b"\x00" + leaves[0]).digest()
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    return blake3(b"\x01" + by_definition(leaves[:split]) + by_definition(leaves[split:])).digest()


def test_the_root_is_that_of_the_definition():
    for count in range(34):
        leaves = [bytes([number]) * 16 for number in range(count)]
        assert root(leaves) == by_definition(leaves).hex()


def test_roots_do_not_depend_on_how_rows_lie_in_files_or_in_memory(tmp_path, monkeypatch):
    chance = random.Random(1)
    rows = [(chance.randbytes(16), chance.randbytes(16)) for _ in range(500)]
    rows += rows[:7]
    expected = {
        "contents": by_definition(sorted(content for content, _ in rows)).hex(),
        "records": by_definition(sorted(record for _, record in rows)).hex(),
    }
    for at_once in (1 << 20, 50, 1):
        monkeypatch.setattr(merkle, "_AT_ONCE", at_once)
        chance.shuffle(rows)
        files = []
        for number, part in enumerate([rows[:100], [], rows[100:]]):
            digests = Digests()
            digests.add(contents=[content for content, _ in part], records=[record for _, record in part])
            files.append(tmp_path / str(number))
            files[-1].write_bytes(digests.to_bytes())
        assert roots(files) == expected
