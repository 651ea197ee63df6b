"""What `card` does once it is known what is asked: count, write, or read."""

import datetime
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict
from rich.console import Console
from rich.text import Text

from uncollapse.cli.failures import visible
from uncollapse.cli.progress import waiting
from uncollapse.cli.settings import checked, normal, refuse_unknown, seen_from
from uncollapse.corpora.storage import refusals, write_whole
from uncollapse.errors import OutputRefused, UsageError
from uncollapse.ledger.card import cards
from uncollapse.ledger.croissant import About
from uncollapse.ledger.declared import declared_in
from uncollapse.ledger.reserve import is_reserve
from uncollapse.provenance import Policy

PAPERS = {"croissant": "croissant.json", "readme": "README.md", "table": "synthetic.md"}
# By what a paper of an earlier start is known, which may be written anew.
OURS = {"croissant": "urn:uncollapse:run:", "readme": "Counted by `uncollapse card`", "table": "| origin | documents |"}


def _iso(text: str) -> str:
    if text:
        datetime.date.fromisoformat(text)
    return text


class CardJob(BaseModel):
    """The papers of a corpus as they were asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    corpus: str | None = None
    output: str | None = None
    read: Path | None = None
    name: str | None = None
    description: str = ""
    licence: str = ""
    url: str = ""
    creator: str = ""
    version: str = "1.0.0"
    date: Annotated[str, AfterValidator(_iso)] = ""
    language: tuple[str, ...] = ()
    policy: str | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """What must be there, or made by an earlier verb, before it begins."""
        return () if self.corpus is None else (self.corpus,)

    @property
    def about(self) -> About:
        """What the ledger cannot know."""
        own = {name: getattr(self, name) for name in About.__dataclass_fields__}
        return About(**{**own, "name": self.name or Path(self.corpus or "").resolve().name})


def card_job(given: Mapping[str, Any], *, base: Path | None = None) -> CardJob:
    """The papers that these options describe."""
    values = normal(given)
    if values.get("date") is not None:
        values["date"] = str(values["date"])  # YAML makes a date of it
    if isinstance(values.get("language"), str):
        values["language"] = (values["language"],)
    if base is not None:
        for name in {"corpus", "read"} & set(values):
            values[name] = seen_from(base, values[name])
    refuse_unknown(values, known=CardJob.model_fields, where="card")
    return checked(CardJob, values, verb="card")


def perform(job: CardJob, *, as_json: bool = False) -> int:
    """The exit code of a card, which is 0."""
    if (job.read is None) == (job.corpus is None):
        raise UsageError(
            "name a corpus to write the papers of, or papers to read",
            hint="uncollapse card mixed/ -o card/, or uncollapse card --read croissant.json",
        )
    return _read(job.read, as_json=as_json) if job.read is not None else _write(job, as_json=as_json)


def _write(job: CardJob, *, as_json: bool) -> int:
    assert job.corpus is not None
    if job.output is None:
        raise UsageError("no output was named", hint="-o card/ for a folder")
    folder = Path(job.output)
    _refuse_foreign(folder)
    policy = None if job.policy is None else Policy.from_toml(Path(job.policy))
    with waiting("the corpus is counted"):
        found = cards(job.corpus, job.about, beside=folder, policy=policy)
    texts = {
        "croissant": json.dumps(found.croissant, indent=2, ensure_ascii=False) + "\n",
        "readme": found.readme,
        "table": found.table,
    }
    with refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_whole(folder / PAPERS[name], text.encode())
    if as_json:
        told = {"papers": [str(folder / name) for name in PAPERS.values()], "holdings": found.totals.as_json()}
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        return 0
    console = Console()
    console.print(Text(found.table), soft_wrap=True)
    for name in PAPERS.values():
        console.print(Text(visible(str(folder / name))), soft_wrap=True)
    if not job.licence:
        console.print(Text("no licence was named: the papers leave it out (--licence cc-by-4.0)"), soft_wrap=True)
    return 0


def _refuse_foreign(folder: Path) -> None:
    """Nothing; raises where papers cannot lie, or somebody else's of one of the names would be lost."""
    if folder.exists() and not folder.is_dir():
        raise OutputRefused(f"{folder} is a file", hint="-o takes a folder: -o card/")
    if is_reserve(folder):
        raise OutputRefused(
            f"{folder} is a reserve, to which nothing but texts is added", hint="name another folder: -o card/"
        )
    for name, mark in OURS.items():
        path = folder / PAPERS[name]
        if path.exists() and mark not in path.read_text(encoding="utf-8", errors="replace"):
            raise OutputRefused(
                f"{path} is there already and is not a paper of this program",
                hint="Choose another folder: -o card/, or move that file away.",
            )


def _read(path: Path, *, as_json: bool) -> int:
    found = declared_in(path)
    if as_json:
        told = {"origin": found.origin, "basis": "publisher_declared", "said": found.said, "by record": found.by_record}
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        return 0
    console = Console()
    for line in found.said or ("nothing of the origin of the texts",):
        console.print(Text(f"says  {visible(line)}"), soft_wrap=True)
    if found.by_record is not None:
        console.print(Text(f"declares it text by text: rows that carry our columns keep {found.by_record} when read"))
    console.print(Text(f"to declare it: --origin {found.origin}"))
    return 0
