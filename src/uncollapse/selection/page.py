"""The page of a selection: what was chosen, its tail beside that of chance, its strata before and after."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from uncollapse.report import (
    NONE,
    Account,
    Axes,
    Bar,
    Chart,
    Entry,
    Figure,
    Page,
    Section,
    Table,
    bars,
    count,
    page,
    share,
)
from uncollapse.version import __version__

MEASURES = {
    "rare_coverage": ("rare words known", "share of the judge's words seen once or twice that the sample has"),
    "rare_mass": ("rare mass known", "share of the judge's rare tokens whose words the sample has"),
    "tail_mass": ("own tail mass", "share of the sample's tokens that are rare in the judge, or not there"),
    "distinct_1": ("different words", "different words among all"),
    "distinct_2": ("different pairs", "different pairs of words among all, within documents"),
}
ARMS = ("pool", "chosen", "random")
BARS = 12


def selection_page(told: Mapping[str, Any], *, rows: Mapping[str, Any]) -> str:
    """The page as HTML, out of what the manifest says of a selection and of its rows."""
    own, asked = told["chosen"], told["asked"]
    return page(
        Page(
            verb="select",
            title="What was chosen",
            answer=f"{asked['method']} took {count(own['chosen']['rows'])} of {count(own['pool']['rows'])} documents, "
            f"{count(own['chosen']['words'])} words. {_loss(told)}",
            figures=_figures(told),
            sections=(
                _tail(told),
                *(_strata(name, strata) for name, strata in told["strata"].items()),
                _way(told),
                _rows(told, rows),
            ),
            provenance=_provenance(told),
        )
    )


def _loss(told: Mapping[str, Any]) -> str:
    lost = told["tails"]["loss"]
    if not lost["share"]:
        return "Of the rare words that chance keeps at as many words, nothing is lost."
    forced = " It was forced." if lost["share"] > told["tails"]["most"] else ""
    return f"Of the {lost['of']} that chance keeps at as many words, {share(lost['share'])} is lost.{forced}"


def _figures(told: Mapping[str, Any]) -> list[Figure]:
    found, own = told["tails"], told["chosen"]
    chance = _mean(found["random"], "rare_coverage")
    rare = found["chosen"]["rare_coverage"]
    lost = [f"{len(strata['lost'])} {name}" for name, strata in told["strata"].items() if strata["lost"]]
    return [
        Figure(
            share(own["chosen"]["words"], own["pool"]["words"]),
            "of the pool's words",
            f"{count(own['chosen']['words'])} words",
        ),
        Figure(_number(rare), "of the judge's rare words", f"at random {_number(chance)}"),
        Figure(f"{told['mean words']['chosen']:,.0f}", "words a document", f"pool {told['mean words']['pool']:,.0f}"),
        Figure(", ".join(lost) or "none", "strata lost", "that chance would have kept"),
    ]


def _tail(told: Mapping[str, Any]) -> Section:
    found = told["tails"]
    table = Table(
        caption=f"Samples of {count(found['chosen']['tokens'])} words each",
        columns=("measure", "chosen", "random, mean", "random, least to most", "what it is"),
        rows=[
            (
                name,
                _number(found["chosen"][key]),
                _number(_mean(found["random"], key)),
                _range([each[key] for each in found["random"]]),
                what,
            )
            for key, (name, what) in MEASURES.items()
        ],
    )
    judge = "text that no selector has seen" if found["judge"] != "the pool" else "the pool itself"
    return Section(
        "tail",
        "The tail, beside chance",
        f"Judged by {found['judge']}, {count(found['judge words'])} words: {judge}. {_loss(told)}",
        table.markup(),
    )


def _mean(found: Sequence[Mapping[str, Any]], key: str) -> float | None:
    known = [each[key] for each in found if each[key] is not None]
    return sum(known) / len(known) if known else None


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def _range(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{min(known):.3f} to {max(known):.3f}" if known else NONE


def _strata(name: str, strata: Mapping[str, Any]) -> Section:
    listed = strata["listed"]
    table = Table(
        caption=f"Shares of words by {name}",
        columns=(name, *ARMS, "documents in the pool", "chosen"),
        rows=[
            (
                each["value"],
                *(share(each["share"][arm]) for arm in ARMS),
                count(each["rows"]["pool"]),
                count(each["rows"]["chosen"]),
            )
            for each in listed
        ],
    )
    values = "One value. " if strata["values"] == 1 else f"{count(strata['values'])} values. "
    sentence = values if len(listed) == strata["values"] else f"{values}The largest {count(len(listed))} are listed. "
    if strata["lost"]:
        sentence += (
            f"Without a document now, though chance would have kept three and more: {', '.join(strata['lost'])}."
        )
    elif strata["without a document"]:
        sentence += f"{count(strata['without a document'])} are without a document now, as chance may leave them."
    else:
        sentence += "All are still there."
    body = (
        Markup("{}{}").format(_documents(name, listed).markup(), table.markup()) if len(listed) > 1 else table.markup()
    )
    return Section(f"strata-{name}", f"By {name}, before and after", sentence, body)


def _documents(name: str, listed: Sequence[Mapping[str, Any]]) -> Chart:
    most = max(listed[:BARS], key=lambda each: each["share"]["chosen"] - each["share"]["pool"])
    return bars(
        [Bar(each["value"], each["rows"]["chosen"]) for each in listed[:BARS]],
        axes=Axes(
            name=f"{name}-documents",
            title=f"Documents that were chosen, by {name}",
            reading=f"By words {most['value']} gained most: {share(most['share']['pool'])} of the pool, "
            f"{share(most['share']['chosen'])} of what was chosen.",
            x="documents chosen",
            y=name,
        ),
    )


def _way(told: Mapping[str, Any]) -> Section:
    rows = [(name, _value(value)) for name, value in told["account"].items()]
    if not rows:
        return Section("way", "On the way", "Chance measures nothing on its way.", Markup())
    table = Table(caption=f"What {told['asked']['method']} measured", columns=("what", "value"), rows=rows)
    return Section("way", "On the way", "What the method measured while it chose.", table.markup())


def _rows(told: Mapping[str, Any], rows: Mapping[str, Any]) -> Section:
    failed = sum(rows["failed"].values())
    entries = [
        Entry("written", rows["out"]),
        *(Entry(reason, number) for reason, number in told["left out"].items()),
        *([Entry("failed", failed)] if failed else []),
    ]
    account = Account(whole=Entry("rows read", rows["in"]), parts=entries)
    return Section(
        "rows",
        "Every row",
        "Every row that was read is in one line; rejects.jsonl says of each that was left out which and why.",
        account.markup(),
    )


def _provenance(told: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    groups = {
        "Asked": told["asked"],
        f"Selector: {told['selector']['selector']}": {
            name: value for name, value in told["selector"].items() if name != "selector"
        },
    }
    for name, part in told["reference"].items():
        files = ", ".join(each["source"] for each in part["files"])
        groups[f"Reference: {name}"] = {"files": files, "share of its documents": part["share"]}
    return {
        **{group: {name: _value(value) for name, value in values.items()} for group, values in groups.items()},
        "Made by": {"uncollapse": __version__},
    }


def _value(value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, float):
        return f"{value:,.5g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return count(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
