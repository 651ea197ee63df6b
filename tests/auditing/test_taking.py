"""A corpus taken in by shards is the corpus taken in at once, to the last bit."""

import json
import pickle
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from itertools import chain, repeat

import numpy as np
import pytest

from made_text import made
from uncollapse.auditing.taking import MOST_GROUPS, Asked, Taken, added_up, take_in
from uncollapse.corpora import read
from uncollapse.errors import BrokenRow, InputError, UsageError

TEXTS = made(120, seed=1, length=120)


@contextmanager
def elsewhere(work):
    """Work done as if by other processes: it, its pieces and what comes of them are pickled."""
    there = pickle.dumps(work)
    yield partial(map, lambda piece: pickle.loads(pickle.dumps(pickle.loads(there)(pickle.loads(pickle.dumps(piece))))))


@pytest.fixture
def corpus(tmp_path):
    def rows(texts, name):
        path = tmp_path / f"{name}.jsonl"
        with path.open("w") as file:
            file.writelines(json.dumps({"text": text, "kind": "abc"[n % 3]}) + "\n" for n, text in enumerate(texts))
        return read(path, shard_bytes=4000)

    return rows


def flat(value):
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: flat(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [flat(each) for each in value]
    return value


def test_by_shards_it_is_what_it_is_at_once(corpus):
    human = corpus(TEXTS, "human")
    assert len(human.plan.shards) > 10
    known = take_in(human, Asked(2000)).whole.result().known
    web = corpus([*TEXTS[:9], *made(90, seed=2, length=120), *TEXTS[4:20]], "web")
    heard = []
    for asked in (Asked(2000), Asked(2000, known, "kind")):
        at_once = take_in(web, asked)
        by_shards = take_in(web, asked, spread=elsewhere, on_rows=heard.append)
        assert flat(by_shards.whole.result()) == flat(at_once.whole.result())
        assert sorted(by_shards.groups) == sorted(at_once.groups) == ([] if asked.column is None else ["a", "b", "c"])
        for value, group in at_once.groups.items():
            assert flat(by_shards.groups[value].result()) == flat(group.result())
    assert len(by_shards.whole.result().copied) == 25
    assert heard[-1] == web.rows


def test_what_comes_back_does_not_bring_the_reference_with_it(corpus):
    known = take_in(corpus(made(1500, seed=3), "human"), Asked(500)).whole.result().known
    web = corpus(TEXTS[:5], "web")
    taken = take_in(web, Asked(500, known))
    assert len(pickle.dumps(taken)) < len(pickle.dumps(known)) / 4
    back = pickle.loads(pickle.dumps(taken))
    with pytest.raises(AssertionError, match="without its reference"):
        back.whole.update(next(iter(web.batches())))


def test_parts_are_added_up_as_a_tree_in_their_order():
    class Sum(Taken):
        def __init__(self, held):
            self.held, self.merges = held, 0

        def merge(self, other):
            self.held += other.held
            self.merges = 1 + max(self.merges, other.merges)

    for count in (0, 1, 5, 64):
        whole = added_up((Sum([n]) for n in range(count)), Sum([]))
        found = [*chain(whole.held)]
        assert sorted(found) == list(range(count))
    assert found == list(range(64))
    assert whole.merges == 6 + 1


def test_too_many_groups_are_refused_wherever_they_are_found(corpus, tmp_path):
    path = tmp_path / "many.jsonl"
    with path.open("w") as file:
        file.writelines(json.dumps({"text": TEXTS[0], "kind": n}) + "\n" for n in range(MOST_GROUPS + 1))
    many = read(path, shard_bytes=20_000)
    for spread in (None, elsewhere):
        with pytest.raises(UsageError, match="more than 100 values"):
            take_in(many, Asked(500, column="kind"), spread=spread)
        with pytest.raises(UsageError, match="no column 'sort'"):
            take_in(many, Asked(500, column="sort"), spread=spread)


def test_a_file_that_changes_is_named(corpus, tmp_path):
    web = corpus(TEXTS[:5], "web")
    (tmp_path / "web.jsonl").write_text("{}\n")
    with pytest.raises((InputError, BrokenRow), match=r"web\.jsonl was changed"):
        take_in(web, Asked(500), spread=elsewhere)


def test_nothing_is_taken_in_of_nothing():
    assert added_up(repeat(None, 0), Taken(Asked(500))).whole.result().rows == 0
