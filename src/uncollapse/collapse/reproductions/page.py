"""The page of a reproduction: every published number beside ours."""

import json
from math import floor, log10
from pathlib import Path
from typing import Any

from markupsafe import Markup

from uncollapse.collapse.reproductions.claims import Claim, Measured, Study
from uncollapse.corpora.storage import refusals, write_whole
from uncollapse.report import NONE, Assets, Figure, Page, Section, Table, page
from uncollapse.report.rendering import asset
from uncollapse.version import __version__


def told(study: Study) -> dict[str, Any]:
    """What `summary.json` holds."""
    return {
        "name": study.name,
        "paper": study.paper,
        "protocol": study.protocol,
        "missing": study.missing,
        "claims": [
            {
                "what": claim.what,
                "source": claim.source,
                "published": claim.published,
                **{f"ours_{name}": float(value) for name, value in claim.ours._asdict().items()},
                "inside": claim.inside,
                "note": claim.note,
            }
            for claim in study.claims
        ],
    }


def write(study: Study, folder: Path) -> None:
    """Nothing; the folder holds summary.json and index.html.

    Raises:
        OutputRefused: the folder cannot be written to.
    """
    with refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "summary.json", (json.dumps(told(study), indent=2, ensure_ascii=False) + "\n").encode())
        write_whole(folder / "index.html", study_page(study).encode())


def study_page(study: Study) -> str:
    """The page as HTML."""
    outside = [claim for claim in study.claims if not claim.inside]
    return page(
        Page(
            verb=f"collapse reproduce {study.name}",
            title=study.paper,
            answer=f"{study.met} of {len(study.claims)} published numbers and relations are met.",
            figures=[
                Figure(str(study.met), "inside our interval", "99 of 100 such intervals hold what is true"),
                Figure(str(len(outside)), "outside", "each says why" if outside else ""),
            ],
            sections=[
                *([_section("outside", "Where we differ", _outside(outside), outside)] if outside else []),
                _section("claims", "Every claim", study.protocol, list(study.claims)),
                Section("missing", "What is not here", study.missing or "Nothing is left out.", Markup()),
            ],
            assets=Assets(style=asset("uncollapse.collapse", "tables.css")),
            provenance={"Paper": {"source": study.paper}, "Made by": {"uncollapse": __version__}},
        )
    )


def _outside(claims: list[Claim]) -> str:
    number = len(claims)
    return (
        f"{number} claim{'s lie' if number > 1 else ' lies'} outside our interval; the notes say what we think of it."
    )


def _section(name: str, heading: str, sentence: str, claims: list[Claim]) -> Section:
    """A table of claims; sources are numbered and follow it, since many claims share one."""
    sources = list(dict.fromkeys(claim.source for claim in claims))
    rows = [
        (
            claim.what,
            claim.published,
            *digits(claim.ours),
            "inside" if claim.inside else "outside",
            str(1 + sources.index(claim.source)),
            claim.note or NONE,
        )
        for claim in claims
    ]
    columns = ("what", "published", "ours", "99 % interval", "verdict", "source", "note")
    table = Table(caption=heading, columns=columns, rows=rows).markup()
    cited = Markup("").join(Markup("<li>{}</li>").format(source) for source in sources)
    return Section(name, heading, sentence, table + Markup('<ol class="sources">{}</ol>').format(cited))


def digits(ours: Measured) -> tuple[str, str]:
    """A number and its interval, with two digits of half the interval's width."""
    half = (ours.high - ours.low) / 2
    if not half:
        return f"{ours.value:.4g}", "exact"
    places = max(0, 1 - floor(log10(half)))
    low, high = (f"{bound:.{places}f}" for bound in (ours.low, ours.high))
    return f"{ours.value:.{places}f}", f"{low} to {high}"
