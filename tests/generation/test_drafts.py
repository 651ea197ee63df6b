import numpy as np
import pytest

from uncollapse.generation.drafts import Draft, made
from uncollapse.language_models.model import Written


def written(*ids, ended=False):
    number = np.zeros(len(ids), np.float32)
    return Written(np.array(ids, np.int32), number, number, number, ended)


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
    draft = Draft(0, (np.empty(0, np.int32),), opening=b"The")
    found = made(draft, [written(*range(len(pieces)))], surfaces=pieces)
    assert (found.text, found.broken, found.fresh) == (text, broken, True)


@pytest.mark.parametrize("pieces", [[], [b" ", b"\n"], [b"\xc3"]])
def test_blanks_alone_are_nothing_new(pieces):
    draft = Draft(0, (np.empty(0, np.int32),), opening=b"The")
    assert not made(draft, [written(*range(len(pieces)))], surfaces=pieces).fresh


def test_an_answer_is_stripped():
    draft = Draft(0, (np.empty(0, np.int32),), strip=True)
    assert made(draft, [written(0, 1)], surfaces=[b"\n ", b"cat\n"]).text == "cat"


def test_strangeness_is_the_gap_of_surprise_and_entropy_a_token():
    sample = Written(
        *(
            np.array(v, t)
            for v, t in (
                ([0, 0], np.int32),
                ([-3.0, -1.0], np.float32),
                ([1.0, 2.0], np.float32),
                ([1.0, 2.0], np.float32),
            )
        ),
        False,
    )
    found = made(Draft(0, (np.empty(0, np.int32),)), [sample], surfaces=[b"a"])
    assert found.strangeness == 0.5  # (3 + 1 - 1 - 2) / 2
    assert made(Draft(0, ()), [], surfaces=[]).strangeness == np.inf
