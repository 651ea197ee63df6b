"""What `status` says: the state of an output as a person reads it, or as JSON."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from uncollapse.cli.account import rows_table
from uncollapse.cli.failures import visible
from uncollapse.cli.progress import tokens_read
from uncollapse.cli.status_elsewhere import Made, made_otherwise
from uncollapse.corpora.objects import is_object_store
from uncollapse.execution.status import State, Status, read_status

NOT_FINISHED, SOME_FAILED = 1, 3
NAMED = 8
QUIET = 60.0  # seconds without a word of a driver that are worth telling


def perform(out: str, *, as_json: bool = False) -> int:
    """The exit code: 0 finished, 1 not finished, 3 finished and rows failed."""
    other = None if is_object_store(out) else made_otherwise(Path(out).expanduser())
    if other is not None:
        return _of_other(other, as_json=as_json)
    found = read_status(out)
    if as_json:
        sys.stdout.write(json.dumps(as_record(found), indent=2, ensure_ascii=False) + "\n")
    else:
        _tell(found, Console())
    if found.state is not State.FINISHED:
        return NOT_FINISHED
    return SOME_FAILED if any(found.account.failed.values()) else 0


def _of_other(found: Made, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps(found.as_record(), indent=2, ensure_ascii=False) + "\n")
    else:
        for line in found.lines():
            Console().print(Text(visible(line)), soft_wrap=True)
    return 0 if found.state is State.FINISHED else NOT_FINISHED


def as_record(found: Status) -> Mapping[str, Any]:
    """The status as JSON; what is not known is null."""
    left = found.seconds_left
    return {
        "state": str(found.state),
        "shards": {
            "all": found.shards,
            "done": found.shards_done,
            "under way": list(found.under_way),
            "workers lost": {str(shard): count for shard, count in found.lost.items()},
        },
        "rows": {"all": found.rows, **found.account.as_json()},
        "tokens per second": _tokens_per_second(found),
        "seconds left": None if left is None else round(left),
        "seconds since the driver's last word": None if found.silent is None else round(found.silent, 1),
        "ended": found.ended,
    }


def _tokens_per_second(found: Status) -> float | None:
    tokens = tokens_read(found.tally)
    return round(tokens / found.seconds, 1) if tokens and found.seconds else None


def _tell(found: Status, console: Console) -> None:
    said = "" if found.ended is None else f": {visible(found.ended)}"
    console.print(Text(f"{found.state}{said}"), soft_wrap=True)
    done = f"{found.shards_done:,} of {found.shards:,} shards, {found.account.rows_in:,} of {found.rows:,} rows"
    console.print(Text(f"done: {done}"), soft_wrap=True)
    if found.under_way:
        more = f" and {len(found.under_way) - NAMED} more" if len(found.under_way) > NAMED else ""
        console.print(Text(f"running: shard {', '.join(map(str, found.under_way[:NAMED]))}{more}"), soft_wrap=True)
    if found.lost:
        each = ", ".join(f"shard {shard} ({count})" for shard, count in list(found.lost.items())[:NAMED])
        console.print(Text(f"workers lost over: {each}"), soft_wrap=True)
    speed = _tokens_per_second(found)
    if speed is not None:
        console.print(f"speed: {speed:,.0f} tokens/s")
    if found.seconds_left is not None:
        console.print(f"left: about {_time(found.seconds_left)}")
    if found.state is State.RUNNING and (found.silent or 0.0) > QUIET:
        console.print(f"the driver's last word came {_time(found.silent or 0.0)} ago")
    console.print(rows_table(found.account.as_json()))
    if found.state is State.STOPPED:
        console.print("the command that began it goes on from there")


def _time(seconds: float) -> str:
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{round(seconds / 60)} min" if seconds >= 120 else f"{round(seconds)} s"
