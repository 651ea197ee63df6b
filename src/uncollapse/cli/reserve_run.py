"""What `reserve` does once it is known what is asked."""

import json
import sys
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from uncollapse import corpora
from uncollapse.cli.failures import visible
from uncollapse.cli.progress import Stages, waiting
from uncollapse.cli.reserve_settings import ReserveAddJob, ReserveCheckJob
from uncollapse.cli.settings import refused
from uncollapse.ledger.admissions import Admission, Ground
from uncollapse.ledger.admitting import Admitted, Exclusion, admit
from uncollapse.ledger.against import contained
from uncollapse.ledger.inspecting import Inspection, inspect
from uncollapse.ledger.reserve import Reserve

MEGABYTE = 1_000_000
UNSOUND = 1
NAMED = 20


def add(job: ReserveAddJob, *, as_json: bool = False) -> int:
    """The exit code 0; the new texts are in the reserve."""
    ground = _ground(job)
    exclude = [Exclusion.of(rule) for rule in job.exclude]
    with waiting("the input is looked through"):
        corpus = corpora.read(*job.inputs, origin="human", text_column=job.text_column)
    with Stages("reserve add") as shown:
        done = admit(Path(job.reserve).expanduser(), corpus, ground=ground, exclude=exclude, on_progress=shown)
    if as_json:
        _print_json(_as_json(done))
    else:
        _print(done)
    return 0


def _ground(job: ReserveAddJob) -> Ground:
    try:
        ground = Ground(**{name: getattr(job, name) for name in Ground.model_fields})
    except ValidationError as error:
        raise refused(error, verb="reserve add") from error
    ground.check()
    return ground


def _as_json(done: Admitted) -> dict[str, Any]:
    return {
        "read": done.read,
        "admitted": done.admission.rows if done.admission else 0,
        "present": done.present,
        "excluded": done.excluded,
        "without_a_score": done.unscored,
        "near": done.near,
        "near_copies": [copy._asdict() for copy in done.near_copies],
        "admission": done.admission.as_json() if done.admission else None,
        "texts": done.reserve.rows if done.reserve else 0,
        "head": done.reserve.charter.head if done.reserve else "",
    }


def _print(done: Admitted) -> None:
    console = Console()
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    number = f" as number {done.admission.number}" if done.admission else ""
    rows = {f"admitted{number}": done.admission.rows if done.admission else 0, "there already": done.present}
    rows |= {f"left out, {visible(rule)}": count for rule, count in done.excluded.items()}
    rows |= {f"admitted without a score, {visible(rule)}": count for rule, count in done.unscored.items() if count}
    rows |= {"near copies of texts that were there": done.near}
    for name, value in (*rows.items(), ("texts in the reserve", done.reserve.rows if done.reserve else 0)):
        table.add_row(name, f"{value:,}")
    console.print(table)
    for copy in done.near_copies:
        where = visible(f"{copy.source}, row {copy.row}")
        console.print(Text(f"· {where}: {copy.containment:.0%} of it is in {copy.of}", style="bright_black"))
    if done.near > len(done.near_copies):
        console.print(f"· and {done.near - len(done.near_copies):,} more near copies")
    if done.reserve:
        console.print(Text(f"head: {done.reserve.charter.head}   (note it: reserve check --head)"), soft_wrap=True)


def check(job: ReserveCheckJob, *, as_json: bool = False) -> int:
    """The exit code: 0 if the reserve is sound, 1 if anything was found."""
    folder = Path(job.reserve).expanduser()
    generated = corpora.read(*job.against, origin="unknown") if job.against else None
    with Stages("reserve check") as shown:
        inspection = inspect(folder, head=job.head and job.head.lower(), on_progress=shown)
        findings = list(inspection.findings)
        notices = list(inspection.notices)
        if generated is not None and inspection.sound:
            findings += contained(folder, generated, threshold=job.threshold, on_progress=shown)
        elif generated is not None:
            notices.append("not held against generated text: the reserve itself has to be sound first")
    whole = Inspection(inspection.rows, inspection.admissions, inspection.head, findings, notices)
    if as_json:
        _print_json(
            {
                "sound": whole.sound,
                "texts": whole.rows,
                "admissions": whole.admissions,
                "head": whole.head,
                "findings": [finding._asdict() for finding in whole.findings],
                "notices": list(whole.notices),
            }
        )
    else:
        _tell(whole)
    return 0 if whole.sound else UNSOUND


def _tell(inspection: Inspection) -> None:
    console = Console()
    for finding in inspection.findings[:NAMED]:
        console.print(Text(visible(f"{finding.where}: {finding.what}"), style="red"), soft_wrap=True)
        console.print(Text(f"   {finding.remedy}"), soft_wrap=True)
    if len(inspection.findings) > NAMED:
        console.print(f"and {len(inspection.findings) - NAMED:,} more; --json names them all")
    for notice in inspection.notices:
        console.print(Text(f"· {visible(notice)}", style="bright_black"), soft_wrap=True)
    said = "sound" if inspection.sound else f"NOT SOUND, findings: {len(inspection.findings):,}"
    console.print(
        Text(f"{said}: {inspection.rows:,} texts in {inspection.admissions:,} admissions, head {inspection.head}"),
        soft_wrap=True,
    )


def show(folder: str, *, as_json: bool = False) -> None:
    """Nothing; the admissions are printed."""
    reserve = Reserve.open(folder)
    charter = reserve.charter
    if as_json:
        listed = [admission.as_json() for admission in charter.admissions]
        _print_json({"texts": charter.rows, "admissions": listed, "roots": dict(charter.roots), "head": charter.head})
        return
    table = Table(box=None, pad_edge=False)
    for column in ("number", "texts", "MB"):
        table.add_column(column, justify="right")
    for column in ("basis", "ground", "domain", "from"):
        table.add_column(column, overflow="fold")
    for admission in charter.admissions:
        table.add_row(*_cells(admission))
    console = Console()
    console.print(table)
    console.print(Text(f"{charter.rows:,} texts, head {charter.head}"), soft_wrap=True)


def _cells(admission: Admission) -> list[Text]:
    ground: Mapping[str, Any] = admission.ground
    rests = ", ".join(str(ground[name]) for name in ("date", "publisher", "by") if name in ground)
    sources = ", ".join(islice(admission.sources, 3)) + (" ..." if len(admission.sources) > 3 else "")
    cells = [f"{admission.number}", f"{admission.rows:,}", f"{admission.text_bytes / MEGABYTE:,.1f}"]
    return [
        Text(visible(cell))
        for cell in (*cells, str(ground.get("basis")), rests, str(ground.get("domain", "-")), sources)
    ]


def _print_json(content: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
