"""Laws that hold for every statistic: a new one is one line in STATISTICS.

One pass, several parts in any order and any parting into batches give the same numbers, to the last bit.
"""

import dataclasses
import pickle
import subprocess
import sys
from functools import reduce

import numpy as np
import pyarrow as pa
import pytest

from uncollapse.auditing.intake import Intake
from uncollapse.auditing.pool import Pool
from uncollapse.duplicates import ExactDuplicates, NearDuplicates, Sameness, SampledTemplates
from uncollapse.errors import UsageError
from uncollapse.measures import BucketConcentration, SampledLexical, SampledRepetition, Tails
from uncollapse.ngrams import BucketTable, Case, Cutting, EqualTokens, Frequent, Marks, Sieve, Spelling, TypeCounts
from uncollapse.step import Statistic

RANDOM = np.random.default_rng(17)
HOSTILE = [
    "",
    None,
    "The",
    "\r\n\tThe cat sat\u00a0on the mat.\u2028And the dog\x00sat.",
    "Le cafe\u0301 \U0001f469\u200d\U0001f680 sat. \u202ethe dog\u202c",
    "他说你好。猫坐在垫子上。ภาษาไทย",
    "x" * 3000,
    "the cat sat " * 40,
]
PROSE = [" ".join(f"w{n}" for n in RANDOM.zipf(1.3, size).clip(max=400)) for size in RANDOM.integers(1, 120, 60)]
TEXTS = [*HOSTILE, *PROSE, *PROSE[:7], *PROSE[:3], *(f"{text} and so on" for text in PROSE[10:20])]
SPOKEN = Cutting(case=Case.KEEP, marks=Marks.SKIP)


def batch_of(texts):
    return pa.record_batch({"text": pa.array(texts, pa.large_string())})


def done(statistic, texts):
    statistic.update(batch_of(texts))
    return statistic.result()


KNOWN = done(Intake(tokens=500), TEXTS[::4]).known
BOUNDS = done(Sieve(orders=(1, 2), buckets=256), TEXTS)
STATISTICS = {
    "types": TypeCounts,
    "types, sampled": lambda: TypeCounts(order=2, limit=50, cutting=SPOKEN),
    "buckets": lambda: BucketTable(buckets=97),
    "sieve": lambda: Sieve(orders=(1, 3), buckets=64),
    "frequent": lambda: Frequent(BOUNDS, at_least=3),
    "frequent, kept": lambda: Frequent(BOUNDS, keep=20),
    "spelling": lambda: Spelling(done(TypeCounts(order=2), TEXTS[3:20]).keys[::3], order=2),
    "tails": Tails,
    "tails, sampled": lambda: Tails(limit=100),
    "concentration": BucketConcentration,
    "sample": lambda: EqualTokens(tokens=300),
    "sample of all": EqualTokens,
    "repetition": lambda: SampledRepetition(tokens=400),
    "lexical": lambda: SampledLexical(tokens=800),
    "exact": ExactDuplicates,
    "exact by words": lambda: ExactDuplicates(sameness=Sameness.WORDS, most=3),
    "templates": lambda: SampledTemplates(tokens=900),
    "near": NearDuplicates,
    "near, strict": lambda: NearDuplicates(threshold=1.0, shingle=2, most=2),
    "pool": lambda: Pool(tokens=300),
    "pool of all": lambda: Pool(tokens=10**6),
    "intake": lambda: Intake(tokens=300),
    "intake, looking for copies": lambda: Intake(tokens=300, known=KNOWN),
}


@pytest.fixture(params=STATISTICS)
def make(request):
    return STATISTICS[request.param]


def plain(value):
    """A result as something that can be compared, arrays and NaN included."""
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return repr(value)


def taken(make, batches):
    statistic = make()
    for batch in batches:
        statistic.update(batch)
    return statistic


def parted(texts, size):
    return [batch_of(texts[at : at + size]) for at in range(0, len(texts), size)]


@pytest.fixture
def whole(make):
    return plain(taken(make, [batch_of(TEXTS)]).result())


def test_a_statistic_is_a_statistic(make):
    assert isinstance(make(), Statistic)


def test_its_result_is_frozen(make):
    result = make().result()
    if dataclasses.is_dataclass(result):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(result, dataclasses.fields(result)[0].name, 0)


@pytest.mark.parametrize("size", [1, 5, 33])
def test_batches_do_not_show(make, whole, size):
    assert plain(taken(make, parted(TEXTS, size)).result()) == whole


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_the_documents_does_not_show(make, whole, seed):
    texts = [TEXTS[place] for place in np.random.default_rng(seed).permutation(len(TEXTS))]
    assert plain(taken(make, parted(texts, 7)).result()) == whole


@pytest.mark.parametrize("seed", [4, 5])
def test_parts_in_any_order_are_one_pass(make, whole, seed):
    random = np.random.default_rng(seed)
    parts = [taken(make, [batch]) for batch in parted(TEXTS, 9)]
    while len(parts) > 1:
        # Any two neighbours are merged next: every way to set the brackets comes up.
        at = int(random.integers(len(parts) - 1))
        left, right = parts[at], parts.pop(at + 1)
        if random.random() < 0.5:
            left, right = right, left
        left.merge(right)
        parts[at] = left
    assert plain(parts[0].result()) == whole


def test_merging_is_associative(make):
    def three():
        return [taken(make, [batch_of(TEXTS[at::3])]) for at in range(3)]

    def joined(left, right):
        left.merge(right)
        return left

    a, b, c = three()
    left = joined(joined(a, b), c)
    a, b, c = three()
    right = joined(a, joined(b, c))
    assert plain(left.result()) == plain(right.result()) == plain(reduce(joined, three()).result())


def test_an_empty_part_changes_nothing(make, whole):
    statistic = taken(make, [batch_of(TEXTS)])
    statistic.merge(make())
    empty = make()
    empty.merge(statistic)
    empty.update(batch_of([]))
    assert plain(statistic.result()) == plain(empty.result()) == whole


def test_asking_does_not_change_the_answer(make, whole):
    statistic = make()
    for batch in parted(TEXTS, 30):
        statistic.update(batch)
        statistic.result()
    assert plain(statistic.result()) == plain(statistic.result()) == whole


def test_merging_leaves_the_other_as_it_was(make):
    one, other = taken(make, parted(TEXTS[:40], 8)), taken(make, parted(TEXTS[40:], 8))
    before = plain(other.result())
    one.merge(other)
    one.update(batch_of(TEXTS))
    assert plain(other.result()) == before


def test_a_statistic_travels_between_processes(make, whole):
    first = taken(make, [batch_of(TEXTS[:50])])
    second = pickle.loads(pickle.dumps(first))
    second.update(batch_of(TEXTS[50:]))
    assert plain(second.result()) == whole


WORKER = """
import pickle, sys
import pyarrow as pa
texts, statistics = pickle.load(sys.stdin.buffer)
for at in range(0, len(texts), 11):
    batch = pa.record_batch({"text": pa.array(texts[at : at + 11], pa.large_string())})
    for statistic in statistics.values():
        statistic.update(batch)
pickle.dump(statistics, sys.stdout.buffer)
"""


@pytest.fixture(scope="module")
def halves():
    """Every statistic over each half of the texts, counted in two processes at the same time."""
    workers = []
    for texts in (TEXTS[::2], TEXTS[1::2]):
        empty = {name: make() for name, make in STATISTICS.items()}
        worker = subprocess.Popen([sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        worker.stdin.write(pickle.dumps((texts, empty)))
        worker.stdin.close()
        workers.append(worker)
    counted = [worker.stdout.read() for worker in workers]
    assert [worker.wait() for worker in workers] == [0, 0]
    for worker in workers:
        worker.stdout.close()
    return counted


@pytest.mark.parametrize("name", STATISTICS)
def test_two_processes_are_one_pass(halves, name):
    one, other = (pickle.loads(counted)[name] for counted in halves)
    other.merge(one)
    assert plain(other.result()) == plain(taken(STATISTICS[name], [batch_of(TEXTS)]).result())


def test_another_kind_is_refused(make):
    with pytest.raises(UsageError, match="same thing"):
        make().merge(BucketTable(buckets=3))
