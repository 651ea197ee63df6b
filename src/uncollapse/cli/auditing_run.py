"""What `audit` does once it is known what is asked: read, compare, judge, write."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from uncollapse import corpora
from uncollapse.auditing import Audit, Auditor, Failing, Hands, Options, Status, rank
from uncollapse.auditing.evidence import SCHEMA as OFFENDERS
from uncollapse.cli.failures import on_a_terminal, visible
from uncollapse.cli.outputs import is_table, made_folder
from uncollapse.cli.settings import AuditJob
from uncollapse.corpora import Corpus
from uncollapse.corpora.storage import refusals, write_whole
from uncollapse.errors import InputError, UsageError
from uncollapse.execution.gathering import Gathering
from uncollapse.language_models.lent import Lent
from uncollapse.step import Gather, Spread

FAILED, INCOMPLETE = 1, 3
LINE_EVERY = 30.0  # seconds
_COLOURS = {Status.PASS: "green", Status.WARN: "yellow", Status.FAIL: "red", Status.UNKNOWN: "bright_black"}


def perform(job: AuditJob, *, as_json: bool = False) -> int:
    """The exit code: 0 healthy, 1 a verdict fails, 3 a part of the report is missing."""
    options = _options(job)
    watched = _watched(job.fail_on)
    earlier = None if job.baseline is None else _earlier(Path(job.baseline))
    inputs = [_read(job, [address], origin="unknown") for address in job.inputs]
    reference = _read(job, job.reference, origin="human") if job.reference else None
    read = options.model is not None and job.read_here(options.model)
    with job.there(reads=read), Shown() as shown, _reading(job, options) as reading:
        output = None if job.output is None else _folder(Path(job.output))
        hands = Hands(_spread(job, reading) if job.spreads else None, reading)
        auditor = Auditor.of(reference, options=options, on_progress=shown, hands=hands)
        audits, groups = _audits(auditor, job, inputs)
    report = _report(audits, groups)
    offenders = pa.concat_tables([one.offenders for one in (*audits, *groups)])
    if output is not None:
        _write(output, report, offenders, earlier=earlier)
    if as_json:
        sys.stdout.write(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    else:
        _print(audits, groups, output)
    if any(set(one.failed) & watched for one in audits):
        return FAILED
    return INCOMPLETE if any(one.report["missing"] for one in (*audits, *groups)) else 0


def _reading(job: AuditJob, options: Options) -> AbstractContextManager[Gathering[Any, Any] | None]:
    """Those who read with the model, which is looked for now; None where there is no model."""
    if options.model is None:
        return nullcontext()
    return job.gathering(Lent.of(options.model, dtype=options.dtype))


def _spread(job: AuditJob, reading: Gathering[Any, Any] | None) -> Spread:
    """Who takes a corpus in: workers that find the places free of those who read with the model."""

    def spread(work: Callable[[Any], Any]) -> AbstractContextManager[Gather]:
        if reading is not None:
            reading.rest()
        return job.gathering(work, reads=False)

    return spread


def _folder(path: Path) -> Path:
    return made_folder(path, mark="offenders.parquet", what="an audit", ours=is_table("corpus", *OFFENDERS.names))


def _options(job: AuditJob) -> Options:
    return Options.checked({name: getattr(job, name) for name in Options.model_fields})


def _watched(fail_on: Sequence[str] | None) -> set[str]:
    names = {failing.value for failing in Failing}
    if fail_on is None:
        return names
    asked = set(fail_on)
    if asked - names:
        raise UsageError(
            f"--fail-on {', '.join(sorted(asked - names))}: no such verdict",
            hint=f"one or several of: {', '.join(sorted(names))}",
        )
    return asked


def _read(job: AuditJob, addresses: Sequence[str], *, origin: str) -> Corpus:
    return corpora.read(*addresses, origin=origin, text_column=job.text_column)


def _audits(auditor: Auditor, job: AuditJob, inputs: list[Corpus]) -> tuple[list[Audit], list[Audit]]:
    if job.by is None:
        return [auditor.audit(corpus, name=name) for corpus, name in zip(inputs, job.inputs, strict=True)], []
    if len(inputs) > 1:
        raise UsageError("--by takes one corpus apart", hint="give one corpus, or leave --by out")
    whole, groups = auditor.audit_groups(inputs[0], column=job.by, name=job.inputs[0])
    return [whole], rank(groups)


def _report(audits: list[Audit], groups: list[Audit]) -> dict[str, Any]:
    """What `report.json` holds: the first corpus, and the others and the groups beside it."""
    report = dict(audits[0].report)
    report["corpora"] = [one.report for one in audits[1:]]
    report["groups"] = [one.report for one in groups]
    return report


def _write(folder: Path, report: dict[str, Any], offenders: pa.Table, *, earlier: dict[str, Any] | None) -> None:
    from uncollapse.auditing.page import audit_page

    page = audit_page([report, *report["corpora"]], offenders=offenders, groups=report["groups"], baseline=earlier)
    table = pa.BufferOutputStream()
    pq.write_table(offenders, table)
    with refusals(folder):
        write_whole(folder / "offenders.parquet", table.getvalue().to_pybytes())
        write_whole(folder / "report.html", page.encode())
        write_whole(folder / "report.json", (json.dumps(report, indent=2, ensure_ascii=False) + "\n").encode())


def _earlier(path: Path) -> dict[str, Any]:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"--baseline {path} is not there", hint="give the report.json of an earlier audit") from error
    except (OSError, ValueError) as error:
        raise InputError(f"--baseline {path} cannot be read: {error}", hint="give a report.json of an audit") from error
    if not _is_audit(report):
        raise InputError(f"--baseline {path} is no audit", hint="give the report.json of an earlier audit")
    return report


def _is_audit(report: object) -> bool:
    """Whether there are verdicts and statistics in a report, each with what the page shows of it."""
    if not isinstance(report, dict):
        return False
    verdicts, statistics = report.get("verdicts"), report.get("statistics")
    if not isinstance(verdicts, list) or not isinstance(statistics, list):
        return False
    if not all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in (*verdicts, *statistics)):
        return False
    known = [status.value for status in Status]
    return all(one.get("status") in known for one in verdicts) and all(
        one.get("corpus") is None or isinstance(one["corpus"], int | float) for one in statistics
    )


def _print(audits: list[Audit], groups: list[Audit], output: Path | None) -> None:
    console = Console()
    for audit in audits:
        console.print(_verdicts(audit, named=len(audits) > 1))
        _say_unknown(audit, console)
        for note in (*audit.report["notes"], *(f"missing: {part}" for part in audit.report["missing"])):
            console.print(Text(f"· {on_a_terminal(note)}", style="bright_black"))
        _say_next(audit, console)
    if groups:
        console.print(_groups(groups))
    if output is not None:
        for name in ("report.html", "report.json", "offenders.parquet"):
            console.print(Text(f"{name.partition('.')[0]}: {output / name}"), soft_wrap=True)


def _verdicts(audit: Audit, *, named: bool) -> Table:
    table = Table(
        box=None, pad_edge=False, title=Text(visible(audit.report["name"])) if named else None, title_justify="left"
    )
    for column in ("verdict", "", "reason"):
        table.add_column(column, style="bold" if column == "verdict" else None, overflow="fold")
    for verdict in audit.verdicts:
        status = Status(verdict.status)
        table.add_row(verdict.name, Text(status.value, style=_COLOURS[status]), Text(on_a_terminal(verdict.reason)))
    return table


def _say_next(audit: Audit, console: Console) -> None:
    for verdict in audit.verdicts:
        if verdict.status == Status.FAIL and verdict.next:
            console.print(Text.assemble(("next: ", "bold"), f"{verdict.name}: {verdict.next}"))


def _say_unknown(audit: Audit, console: Console) -> None:
    """How many verdicts could not be given, and why: an exit code of 0 says nothing of these."""
    unknown = [verdict for verdict in audit.verdicts if verdict.status == Status.UNKNOWN]
    if not unknown:
        return
    reasons = list(dict.fromkeys(on_a_terminal(verdict.reason) for verdict in unknown))
    steps = list(dict.fromkeys(on_a_terminal(verdict.next) for verdict in unknown if verdict.next))
    more = f"; and {len(reasons) - 2} more reasons" if len(reasons) > 2 else ""
    said = f"{len(unknown)} of {len(audit.verdicts)} verdicts unknown: {'; '.join(reasons[:2])}{more}"
    console.print(Text(said, style="bold yellow"), soft_wrap=True)
    for step in steps[:2]:
        console.print(Text.assemble(("to know them: ", "bold"), step), soft_wrap=True)


def _groups(groups: list[Audit]) -> Table:
    table = Table(box=None, pad_edge=False, title="the worst first", title_justify="left")
    for column in ("group", "documents", "fails", "warns", "unknown"):
        table.add_column(column, overflow="fold")
    for group in groups:
        by_status = {status: [one.name for one in group.verdicts if one.status == status] for status in Status}
        table.add_row(
            Text(visible(group.report["name"])),
            f"{group.report['corpus']['rows']:,}",
            ", ".join(by_status[Status.FAIL]) or "-",
            ", ".join(by_status[Status.WARN]) or "-",
            ", ".join(by_status[Status.UNKNOWN]) or "-",
        )
    return table


@runtime_checkable
class Far(Protocol):
    """How far a verb is: what is being done, how much of it, and out of how much, where that is known."""

    @property
    def doing(self) -> str:
        """What is being done."""
        ...

    @property
    def done(self) -> int:
        """How much of it is done."""
        ...

    @property
    def of(self) -> int | None:
        """Out of how much, None where that is not known."""
        ...


class Shown:
    """How far a verb is: a bar on a terminal, else a line every half minute; on stderr."""

    def __init__(self, verb: str = "audit") -> None:
        self._verb = verb
        self._console = Console(stderr=True)
        self._bar: Progress | None = None
        self._tasks: dict[str, Any] = {}
        self._due = time.monotonic() + LINE_EVERY

    def __enter__(self) -> "Shown":
        if self._console.is_terminal:
            columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[detail]}"))
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, stage: Far) -> None:
        """Show that it has come this far."""
        detail = f"{stage.done:,} of {stage.of:,}" if stage.of else f"{stage.done:,}"
        if self._bar is not None:
            if stage.doing not in self._tasks:
                self._tasks[stage.doing] = self._bar.add_task(visible(stage.doing), total=stage.of, detail="")
            self._bar.update(self._tasks[stage.doing], completed=stage.done, detail=detail)
        elif time.monotonic() >= self._due:
            self._due = time.monotonic() + LINE_EVERY
            sys.stderr.write(f"{self._verb}: {visible(stage.doing)}, {detail}\n")
