"""What `collapse plan` and `collapse reproduce` print."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from uncollapse.cli.pace import Steps
from uncollapse.errors import UsageError

# An option of plan has a meaning only with these workflows.
MEANT_FOR: Mapping[str, tuple[str, ...]] = {
    "share": ("keep", "fresh"),
    "rate": ("edit", "edit-decaying"),
    "decay": ("edit-decaying",),
}


def plan(given: Mapping[str, Any], *, as_json: bool) -> None:
    """Nothing; the theory's answer is printed.

    Raises:
        UsageError: a value that cannot be, or an option that would be ignored.
    """
    from uncollapse.collapse import planning

    for option, workflows in MEANT_FOR.items():
        if option in given and given["workflow"] not in workflows:
            raise UsageError(
                f"--{option} has no meaning with {given['workflow']}", hint=f"it is for {' and '.join(workflows)}"
            )
    question = planning.asked(**given)
    answer = planning.plan(question)
    if as_json:
        limit = answer.limit if answer.bounded else None
        told = {**question.model_dump(), "bounded": answer.bounded, **answer._asdict(), "limit": limit}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    console = Console()
    unit = "times the error of one fit to human data"
    bound = (
        f"bounded: never more than {answer.limit:.3g} {unit}" if answer.bounded else "not bounded: it grows for ever"
    )
    for line in (
        f"after {question.generations} rounds: {answer.error:.3g} {unit}",
        bound,
        f"to stay under {question.multiple:g}: {answer.remedy}",
        f"from {answer.form}",
        "This is the theory of linear regression, to leading order; for text it is a guide, not a proof.",
    ):
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def reproduce(name: str, *, output: Path | None, as_json: bool) -> None:
    """Nothing; the study is run, printed, and written where an output is named."""
    from uncollapse.collapse.reproductions import page, reproduce

    with Steps(f"reproducing {name}") as reached:
        study = reproduce(name, reached=reached)
    if output is not None:
        page.write(study, output)
    if as_json:
        sys.stdout.write(json.dumps(page.told(study), indent=2, ensure_ascii=False) + "\n")
        return
    console = Console()
    table = Table(title=study.paper, title_justify="left", box=None, pad_edge=False)
    for column in ("what", "published", "ours", "99 % interval", ""):
        table.add_column(column, justify="left" if column in ("what", "") else "right")
    for claim in study.claims:
        verdict = "inside" if claim.inside else "OUTSIDE"
        table.add_row(claim.what, claim.published, *page.digits(claim.ours), verdict)
    console.print(table)
    console.print(f"{study.met} of {len(study.claims)} are met", markup=False)
    for claim in study.claims:
        if not claim.inside:
            console.print(f"outside: {claim.what}: {claim.note or claim.source}", soft_wrap=True, markup=False)
    if study.missing:
        console.print(f"not here: {study.missing}", soft_wrap=True, markup=False)
    if output is not None:
        console.print(f"page: {output / 'index.html'}", soft_wrap=True, markup=False)
