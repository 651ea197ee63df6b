import numpy as np
import pytest

from uncollapse.generation.drafts import Draft, asks, made
from uncollapse.language_models.texts import Fault, Prompt, WrittenText
from uncollapse.randomness import Stream


def written(data=b"", *, ended=False, fault=None):
    return WrittenText(data=data, ended=ended, tokens=len(data), fault=fault)


@pytest.mark.parametrize(
    ("pieces", "text", "broken"),
    [
        ([b" cat", b" sat"], "The cat sat", 0),
        ([b" caf\xc3", b"\xa9"], "The café", 0),
        ([b" caf\xc3"], "The caf", 0),  # begun, not finished
        ([b" \xe6\x97", b"\xa5", b"\xe6\x97"], "The 日", 0),
        ([b" \xff", b"x"], "The \ufffdx", 1),
        ([" \ufffd".encode(), b"\xff."], "The \ufffd\ufffd.", 1),  # one was written as such
    ],
)
def test_bytes_become_text(pieces, text, broken):
    found = made(Draft(0, (), opening=b"The"), [written(piece) for piece in pieces])
    assert (found.text, found.broken, found.fresh) == (text, broken, True)


@pytest.mark.parametrize("piece", [b"", b" \n", b"\xc3"])
def test_blanks_alone_are_nothing_new(piece):
    assert not made(Draft(0, (), opening=b"The"), [written(piece)]).fresh


def test_an_answer_is_stripped():
    assert made(Draft(0, (), strip=True), [written(b"\n cat\n")]).text == "cat"


def test_the_first_fault_of_a_stretch_is_that_of_the_text():
    fault = Fault("the endpoint did not answer", "3 tries", passing=True)
    assert made(Draft(0, ()), [written(b"a"), written(fault=fault)]).fault is fault
    assert made(Draft(0, ()), [written(b"a"), written(b"b", ended=True)]).fault is None


def test_random_numbers_and_seeds_of_stretches():
    """Stretch i of sample d has the numbers of positions i * tokens on, draw d; its seed is the first of them."""
    stream = Stream.of(3, "step", "document")
    first, second = asks(Draft(0, (Prompt("a"), Prompt("b"))), stream=stream, draw=2, tokens=5, keys=None)
    whole = stream.uniform(np.arange(10), draw=2)
    assert (first.uniform() == whole[:5]).all()
    assert (second.uniform() == whole[5:]).all()
    assert second.seed() == int(whole[5] * 2**31)
