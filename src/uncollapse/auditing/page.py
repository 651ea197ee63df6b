"""The page of an audit: verdicts first, then a section for each question with a chart and the numbers under it."""

from collections.abc import Sequence

import pyarrow as pa
from markupsafe import Markup

from uncollapse.auditing.sections import SIGNS, Report, chapter, shown
from uncollapse.auditing.verdicts import Status
from uncollapse.report import (
    Assets,
    Figure,
    Page,
    Section,
    Table,
    count,
    page,
)


def audit_page(
    reports: Sequence[Report],
    *,
    offenders: pa.Table,
    groups: Sequence[Report] = (),
    baseline: Report | None = None,
) -> str:
    """The page as HTML: of one corpus, or of several side by side with a chapter for each."""
    first = reports[0]
    sections: list[Section] = []
    if len(reports) > 1:
        sections.append(_matrix(reports, name="compared", heading="Side by side"))
    if groups:
        sections.append(_matrix(groups, name="groups", heading="Group by group, the worst first"))
    if baseline is not None:
        sections.append(_since(first, baseline))
    for number, report in enumerate(reports):
        sections += chapter(report, offenders, suffix=f"-{number}" if number else "", titled=len(reports) > 1)
    return page(
        Page(
            verb="audit",
            title="Is this corpus healthy?",
            answer=" ".join(answer(report, named=len(reports) > 1) for report in reports),
            figures=_figures(first),
            sections=sections,
            provenance=_provenance(first),
            assets=Assets.of("uncollapse.auditing", "audit"),
        )
    )


def answer(report: Report, *, named: bool = False) -> str:
    """The verdicts in one sentence."""
    by_status = {
        status: [verdict["name"] for verdict in report["verdicts"] if verdict["status"] == status] for status in Status
    }
    who = report["name"] if named else "This corpus"
    if by_status[Status.FAIL]:
        said = f"{who} fails on {_listed(by_status[Status.FAIL])}"
    elif by_status[Status.WARN]:
        said = f"{who} passes with a warning on {_listed(by_status[Status.WARN])}"
    elif by_status[Status.PASS]:
        said = f"{who} passes"
    else:
        said = f"{who} cannot be judged"
    if by_status[Status.UNKNOWN] and by_status[Status.PASS]:
        said += f"; {_listed(by_status[Status.UNKNOWN])} cannot be judged"
    return f"{said}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _figures(report: Report) -> list[Figure]:
    corpus, reference = report["corpus"], report["reference"]
    failed = sum(verdict["status"] == Status.FAIL for verdict in report["verdicts"])
    figures = [
        Figure(f"{failed} of {len(report['verdicts'])}", "verdicts fail"),
        Figure(count(corpus["rows"]), "documents read", f"{count(corpus['tokens'])} words, {corpus['empty']} empty"),
        Figure(count(report["tokens_compared"]), "words compared on each side", f"in {report['splits']} random splits"),
    ]
    if reference is not None:
        figures.append(
            Figure(count(reference["rows"]), "documents of human reference", f"{count(reference['tokens'])} words")
        )
    return figures


def _matrix(reports: Sequence[Report], *, name: str, heading: str) -> Section:
    verdicts = Table(
        caption="The verdicts",
        columns=("question", *(report["name"] for report in reports)),
        rows=[
            (verdict["name"], *(_status(report, verdict["name"]) for report in reports))
            for verdict in reports[0]["verdicts"]
        ],
    )
    names = [one["name"] for one in reports[0]["statistics"]]
    values = [{one["name"]: one["corpus"] for one in report["statistics"]} for report in reports]
    numbers = Table(
        caption="The statistics, each at the size at which that corpus was compared",
        columns=("statistic", *(report["name"] for report in reports)),
        rows=[(each, *(shown(value.get(each)) for value in values)) for each in names],
    )
    worst = answer(reports[0], named=True)
    return Section(name, heading, worst, Markup("").join([verdicts.markup(), numbers.markup()]))


def _status(report: Report, name: str) -> str:
    status = next(verdict["status"] for verdict in report["verdicts"] if verdict["name"] == name)
    return f"{SIGNS[status]} {status}"


def _since(report: Report, baseline: Report) -> Section:
    before = {one["name"]: one for one in baseline["statistics"]}
    rows = []
    for one in report["statistics"]:
        earlier = before.get(one["name"])
        if earlier is None or one["corpus"] is None or earlier["corpus"] is None:
            continue
        change = one["corpus"] - earlier["corpus"]
        rows.append((one["name"], shown(earlier["corpus"]), shown(one["corpus"]), f"{change:+.4g}"))
    statistics = Table(
        caption="The statistics, then and now", columns=("statistic", "then", "now", "change"), rows=rows
    )
    changed = [
        (verdict["name"], _status(baseline, verdict["name"]), _status(report, verdict["name"]))
        for verdict in report["verdicts"]
        if verdict["name"] in {one["name"] for one in baseline["verdicts"]}
    ]
    verdicts = Table(caption="The verdicts, then and now", columns=("question", "then", "now"), rows=changed)
    moved = [name for name, then, now in changed if then != now]
    sentence = f"Since then the verdict on {_listed(moved)} has changed." if moved else "No verdict has changed."
    return Section(
        "since", "Since the earlier audit", sentence, Markup("").join([verdicts.markup(), statistics.markup()])
    )


def _provenance(report: Report) -> dict[str, dict[str, str]]:
    return {
        "Options": {name: str(value) for name, value in report["options"].items()},
        **({"Model": {name: str(value) for name, value in report["model"].items()}} if report["model"] else {}),
        "Made by": {"uncollapse": report["uncollapse"]},
    }
