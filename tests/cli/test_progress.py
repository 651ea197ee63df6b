import io
import re

import pytest
from rich.console import Console

from uncollapse.cli import progress
from uncollapse.execution import Progress


def reached(*, rows_done: int, text_bytes_done: int, session_text_bytes: int, seconds: float, tokens: int) -> Progress:
    return Progress(
        shards=4,
        shards_done=1,
        rows=1000,
        rows_done=rows_done,
        text_bytes=8000,
        text_bytes_done=text_bytes_done,
        session_rows=rows_done,
        session_text_bytes=session_text_bytes,
        tally={"tokens": {"read": tokens}},
        seconds=seconds,
    )


def test_a_line_by_hand():
    # 1,500 of 8,000 bytes in this session took 30 s, 2,000 are done: 6,000 are left, 120 s at this pace.
    half = reached(rows_done=250, text_bytes_done=2000, session_text_bytes=1500, seconds=30.0, tokens=3600)
    assert progress.line(half, what="edit") == "edit: 250 of 1,000 documents, 120 tokens/s, about 2 min left"
    soon = reached(rows_done=999, text_bytes_done=7500, session_text_bytes=7500, seconds=60.0, tokens=60)
    assert progress.line(soon, what="edit") == "edit: 999 of 1,000 documents, 1 tokens/s, about 4 s left"


def test_without_tokens_or_time_nothing_is_made_up():
    start = reached(rows_done=0, text_bytes_done=0, session_text_bytes=0, seconds=0.0, tokens=0)
    assert progress.line(start, what="revert") == "revert: 0 of 1,000 documents"


def test_without_a_terminal_a_line_every_half_minute(monkeypatch, capsys):
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    display = progress.Display(what="edit", console=Console(file=io.StringIO()))
    with display:
        for now in (110.0, 129.0, 131.0, 140.0, 162.0):
            display(reached(rows_done=int(now), text_bytes_done=1, session_text_bytes=1, seconds=1.0, tokens=0))
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in said] == ["131", "162"]


def test_on_a_terminal_a_bar():
    out = io.StringIO()
    with progress.Display(what="edit", console=Console(file=out, force_terminal=True, width=100)) as display:
        display(reached(rows_done=250, text_bytes_done=2000, session_text_bytes=1500, seconds=30.0, tokens=3600))
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    assert " 250/1000 documents 120 tokens/s, about 2 min left" in said


def test_on_a_terminal_nobody_waits_before_an_empty_screen():
    out = io.StringIO()
    with progress.Display(what="edit", console=Console(file=out, force_terminal=True, width=100)):
        pass
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    assert "0/? documents at the first ones" in said


def test_waiting_is_shown_on_a_terminal_alone(capsys, monkeypatch):
    with progress.waiting("the input is looked through"):
        pass
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress.waiting("the input is looked through"):
        pass
    said = capsys.readouterr()
    assert "the input is looked through" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("far", "parts", "said"),
    [
        (None, 0, "stopped before the first document: nothing was kept, as the first part was not finished"),
        (120, 0, "stopped after 120 of 1,000 documents: nothing was kept, as the first part was not finished"),
        (120, 1, "stopped after 120 of 1,000 documents: what is committed stays, and the same command goes on"),
        (None, 1, "stopped before the first document: what is committed stays, and the same command goes on"),
    ],
)
def test_who_interrupts_is_told_what_is_kept(capsys, far, parts, said):
    display = progress.Display(what="edit")
    if far is not None:
        display.reached = reached(rows_done=far, text_bytes_done=1, session_text_bytes=1, seconds=1.0, tokens=1)
    display.say_interrupted(kept=parts > 0)
    assert capsys.readouterr().err.startswith(said)
