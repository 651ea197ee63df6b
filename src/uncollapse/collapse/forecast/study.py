"""The study itself: text parted, proxies timed and planned, trained and read; kept as they are finished."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from blake3 import blake3

from uncollapse.collapse.forecast import planning, proxies, timing
from uncollapse.collapse.forecast.planning import Plan
from uncollapse.collapse.forecast.proxies import Proxy
from uncollapse.collapse.forecast.settings import Forecast
from uncollapse.collapse.forecast.text import Given, Parted, digest_of, parted
from uncollapse.collapse.forecast.tokens import Counted, counted, digest_of_file, write_counted
from uncollapse.collapse.study import PIECES, Reached, check_folder, check_same, studied
from uncollapse.corpora.storage import locked, refusals, write_whole
from uncollapse.errors import UncollapseError
from uncollapse.evaluation.questions import Question
from uncollapse.execution.local import cores
from uncollapse.version import __version__

PLAN, TIMED = "plan.json", "timing"
NOT_IN_CLAIM = {"tolerance"}
Tasks = Mapping[str, Sequence[Question]]


class Way(NamedTuple):
    """How it is done, which changes no number but the tokens that a budget allows.

    `planned` hears the plan before the first proxy learns, `reached` how far it is; unless said, all cores work.
    """

    planned: Callable[[Plan], object]
    reached: Reached
    workers: int | None = None

    @property
    def hands(self) -> int:
        """How many proxies are worked at once."""
        return self.workers or cores()


class Studied(NamedTuple):
    """Everything that came of a study: its text, its plan, a table for each proxy, and the seconds of this start."""

    settings: Forecast
    parts: Parted
    text: Counted
    plan: Plan
    tables: Mapping[str, pa.Table]
    seconds: float


def forecast(given: Given, settings: Forecast, folder: Path, *, tasks: Tasks, way: Way) -> Studied:
    """What came of the study; what the folder holds of it is not done again, and its plan stays.

    Raises:
        InputError: the text is not there, not what it was given as, or too little.
        UsageError: the budget is too small for anything useful.
        RecipeDiffers: the folder holds another study.
        OutputBusy: another study is writing there.
    """
    began = time.monotonic()
    check_folder(folder)
    way.reached("text is read")
    parts = parted(given, held_out=settings.held_out)
    asked = claim_of(parts, settings, tasks)
    text = counted(parts, settings.sizes)
    plan, digest = _ready(
        folder,
        asked,
        put=lambda: _put(text, tasks, folder / PIECES),
        plan=lambda: _plan(text, settings, folder, way=way, began=began),
    )
    way.planned(plan)
    runs = runs_of(settings, plan, text=digest)
    claim = {**asked, "tokens of a run": plan.tokens}
    tables = studied(runs, folder, claim=claim, workers=way.hands, reached=way.reached)
    return Studied(settings, parts, text, plan, tables, time.monotonic() - began)


def claim_of(parts: Parted, settings: Forecast, tasks: Tasks) -> dict[str, Any]:
    """What the numbers depend on, besides the tokens that are chosen."""
    told = {
        "uncollapse": __version__,
        "text": digest_of(parts),
        **settings.model_dump(mode="json", exclude=NOT_IN_CLAIM),
        "questions": {name: blake3(proxies.write_tasks({name: asked})).hexdigest() for name, asked in tasks.items()},
    }
    return dict(json.loads(json.dumps(told)))


def runs_of(settings: Forecast, plan: Plan, *, text: str | None = None) -> list[Proxy]:
    """The proxies, those that take longest first, so that all cores are busy to the end; `text` is its digest."""
    order = settings.sizes if plan.speeds is None else sorted(settings.sizes, key=_slowness(plan), reverse=True)
    cells = [
        (size, share, settings.seed + at) for size in order for at in range(settings.seeds) for share in settings.shares
    ]
    return [Proxy(index, *cell, plan.tokens, settings.pace, text) for index, cell in enumerate(cells)]


def _slowness(plan: Plan) -> Callable[[str], float]:
    assert plan.speeds is not None
    speeds = plan.speeds
    return lambda size: speeds[size].seconds(plan.tokens)


class _Ready(NamedTuple):
    """The plan, and the digest of the text as it lies in the folder."""

    plan: Plan
    text: str


def _ready(folder: Path, asked: Mapping[str, Any], *, put: Callable[[], str], plan: Callable[[], Plan]) -> _Ready:
    """The plan of the folder, made after the folder is claimed and the text is put there, unless it was before."""
    place = folder / PIECES
    with refusals(folder):
        place.mkdir(parents=True, exist_ok=True)
    with locked(place, what=folder):
        kept = _kept(place / PLAN, asked)
        if kept is not None:
            return kept
        _keep(place / PLAN, {"asked": asked})
        try:
            ready = _Ready(text=put(), plan=plan())
        except UncollapseError:
            (place / PLAN).unlink(missing_ok=True)  # a budget that is refused claims nothing
            raise
        _keep(place / PLAN, {"asked": asked, "plan": ready.plan.as_json(), "text": ready.text})
        return ready


def _keep(path: Path, told: Mapping[str, Any]) -> None:
    with refusals(path):
        write_whole(path, (json.dumps(told, indent=2) + "\n").encode())


def _kept(path: Path, asked: Mapping[str, Any]) -> _Ready | None:
    """The plan of an earlier start with the same claim, if it came that far."""
    if not path.is_file():
        return None
    told = json.loads(path.read_bytes())
    check_same(told["asked"], asked, path.parent.parent)
    return _Ready(Plan.from_json(told["plan"]), told["text"]) if "plan" in told else None


def _put(text: Counted, tasks: Tasks, folder: Path) -> str:
    """The digest of the text, which lies in the folder with the questions, where proxies read them."""
    with refusals(folder):
        write_counted(text, folder)
        write_whole(folder / proxies.TASKS, proxies.write_tasks(tasks))
    return digest_of_file(folder)


def _plan(text: Counted, settings: Forecast, folder: Path, *, way: Way, began: float) -> Plan:
    there = planning.available(text, settings)
    if settings.budget is None:
        return planning.without_budget(there, settings, workers=way.hands)
    tried = timing.probes(settings.sizes, workers=way.hands, pace=settings.pace)
    tables = studied(
        tried,
        folder / PIECES / TIMED,
        claim={"uncollapse": __version__, "pace": settings.pace, "text": digest_of_file(folder / PIECES)},
        workers=way.hands,
        reached=lambda step: way.reached(f"timing, {step}"),
    )
    speeds = timing.speeds(tables, settings.sizes)
    return planning.within_budget(there, settings, speeds, workers=way.hands, spent=time.monotonic() - began)
