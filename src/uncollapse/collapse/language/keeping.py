"""What a study leaves behind beside its pieces: results.parquet, histograms.parquet, summary.json and index.html."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from uncollapse.collapse.language.page import language_page, published_rows
from uncollapse.collapse.language.published import DIFFERS
from uncollapse.collapse.language.run import Plan, Played
from uncollapse.collapse.language.summary import answer, told_of, values_of
from uncollapse.collapse.output import PAGE_FILE, RESULTS_FILE, SUMMARY_FILE, write_table
from uncollapse.corpora.storage import refusals, write_whole

HISTOGRAMS_FILE = "histograms.parquet"
SECONDS, PROCESSOR = "seconds", "processor seconds"


class Clock:
    """How long a study has taken, on the wall and on processors, the runs before in the same folder included."""

    def __init__(self) -> None:
        self._wall, self._processor = time.monotonic(), _used()

    def told(self, *, before: Path) -> dict[str, float]:
        """Seconds until now, with those that the folder's summary has."""
        path = before / SUMMARY_FILE
        earlier = json.loads(path.read_bytes())["run"] if path.is_file() else {}
        now = {SECONDS: time.monotonic() - self._wall, PROCESSOR: _used() - self._processor}
        return {name: round(value + earlier.get(name, 0.0), 1) for name, value in now.items()}


def _used() -> float:
    """Seconds that this process and those that it waited for have had of processors."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def account(plan: Plan, found: Played, *, corpus: Sequence[str], run: Mapping[str, Any]) -> dict[str, Any]:
    """What `summary.json` holds; every model of every arm has read as many tokens."""
    values = values_of(found.results)
    (tokens,) = {int(each) for arm in plan.arms for each in values[arm, "tokens"].flat}
    text = {name.replace("_", " "): value for name, value in plan.text.account._asdict().items()}
    learning = plan.settings.rate_of_learning
    return {
        "answer": answer(values, plan.arms),
        "text": {
            "corpus": " ".join(Path(each).name or each for each in corpus),
            **text,
            "blocks": len(plan.text.learned),
            "held-out blocks": len(plan.text.held.ids),
            "digest": plan.text.digest,
        },
        "settings": {**plan.settings.model_dump(mode="json"), "learning_rate": learning},
        "seeds": list(plan.seeds),
        "run": dict(run),
        "fresh human text": found.fresh.as_json(),
        "regimes": {arm: {"tokens": tokens, **told_of(values, arm, found.fresh)} for arm in plan.arms},
        "published": [
            dict(zip(("what", "published", "here"), row, strict=True)) for row in published_rows(values, plan.arms)
        ],
        "what differs": list(DIFFERS),
    }


def write(told: Mapping[str, Any], found: Played, folder: Path) -> None:
    """Nothing; the folder holds the four files, each whole."""
    page = language_page(told, found.results, found.histograms)
    with refusals(folder):
        write_table(found.results, folder / RESULTS_FILE)
        write_table(found.histograms, folder / HISTOGRAMS_FILE)
        write_whole(folder / SUMMARY_FILE, (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode())
        write_whole(folder / PAGE_FILE, page.encode())
