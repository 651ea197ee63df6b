"""The page of an edit run: what was counted, and documents with each token's probability, fate and alternatives."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from uncollapse.editing.account import MILLION, NEAR
from uncollapse.editing.passage import FATES, SHADES, passage, style_of, summary
from uncollapse.editing.trace import EXCERPT, DocumentTrace, Verdict
from uncollapse.report import (
    NONE,
    Account,
    Assets,
    Axes,
    Bar,
    Chart,
    Entry,
    Figure,
    Mark,
    Page,
    Section,
    bars,
    count,
    histogram,
    page,
    share,
    template,
)
from uncollapse.version import __version__


def edits_page(traces: Sequence[DocumentTrace], *, report: Mapping[str, Any]) -> str:
    """The page as HTML: the account of `report` (what `report.json` holds) and the documents in `traces`.

    Of each document no more than `EXCERPT` tokens are shown; the page says so, and how many documents there are.
    """
    # A run without a single document has counted nothing, so its counters are absent: they are zero.
    report = {**report, "tokens": Counter(report["tokens"]), "documents": Counter(report["documents"])}
    tokens = report["tokens"]
    return page(
        Page(
            verb="edit",
            title="What was edited",
            answer=f"{count(tokens['changed'])} of {count(tokens['read'])} tokens were changed "
            f"({share(tokens['changed'], tokens['read'])}).",
            figures=_figures(report),
            sections=(_account(report), _certainty(report), _documents(traces, report)),
            provenance=_provenance(report),
            assets=Assets.of("uncollapse.editing", "edits"),
        )
    )


def _figures(report: Mapping[str, Any]) -> list[Figure]:
    tokens, documents, speed = report["tokens"], report["documents"], report["speed"]
    expected = tokens["expected_changed_millionths"] / MILLION
    every = documents["changed"] + documents["unchanged"]
    rate = speed["tokens_per_second"]
    return [
        Figure(
            share(tokens["flagged"], tokens["read"]),
            "of tokens picked by the rule",
            f"{count(tokens['flagged'])} tokens",
        ),
        Figure(
            share(tokens["changed"], tokens["flagged"]),
            "of those changed",
            f"{expected:,.1f} expected before budget and recheck",
        ),
        Figure(share(documents["changed"], every), "of documents changed", f"{count(documents['changed'])} documents"),
        Figure(NONE if rate is None else f"{rate:,.0f}", "tokens per second", f"in {speed['seconds']:,.1f} seconds"),
    ]


def _account(report: Mapping[str, Any]) -> Section:
    rows, tokens = report["rows"], report["tokens"]
    fates = [Entry(label, tokens[verdict.name.lower()]) for verdict, label in FATES.items()]
    accounts = [
        Account(
            whole=Entry("rows read", rows["in"]),
            parts=[
                Entry("written", rows["out"]),
                Entry("dropped", sum(rows["dropped"].values()), _reasons(rows["dropped"])),
                Entry("failed", sum(rows["failed"].values()), _reasons(rows["failed"])),
            ],
        ),
        Account(
            whole=Entry("tokens read", tokens["read"]),
            parts=[
                Entry("picked by the rule", tokens["flagged"]),
                Entry("not picked", tokens["scored"] - tokens["flagged"]),
                Entry("not scored", tokens["read"] - tokens["scored"], "nothing stands before them"),
            ],
        ),
        Account(whole=Entry("tokens picked by the rule", tokens["flagged"]), parts=fates),
    ]
    return Section(
        name="account",
        heading="The account",
        sentence="Every row and every token that was read is in exactly one line below.",
        body=Markup('<div class="accounts">{}{}</div>').format(
            Markup("").join(account.markup() for account in accounts), _fates(tokens).markup()
        ),
    )


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count(number)} {reason}" for reason, number in counts.items())


def _fates(tokens: Mapping[str, int]) -> Chart:
    return bars(
        [
            Bar(label.partition(":")[0], tokens[verdict.name.lower()], style_of(verdict))
            for verdict, label in FATES.items()
        ],
        axes=Axes(
            name="fates",
            title="What became of the tokens that the rule picked",
            reading=_fates_reading(tokens),
            x="tokens",
            y="fate",
        ),
    )


def _fates_reading(tokens: Mapping[str, int]) -> str:
    if not tokens["flagged"]:
        return "The rule picked no token, so nothing was drawn."
    verdict = max(FATES, key=lambda verdict: tokens[verdict.name.lower()])
    number = tokens[verdict.name.lower()]
    return f"The largest part, {share(number, tokens['flagged'])}, was {FATES[verdict].replace(':', ',')}."


def _certainty(report: Mapping[str, Any]) -> Section:
    edges, counts = report["histogram"]["edges"], report["histogram"]["counts"]
    total = sum(counts)
    if not total:
        return Section("certainty", "How sure the model was", "The model gave no token a probability.", Markup())
    low = sum(number for number, right in zip(counts, edges[1:], strict=True) if right <= 0.1 + 1e-9)
    high = sum(number for number, left in zip(counts, edges[:-1], strict=True) if left >= 0.9 - 1e-9)
    mark, sentence = _threshold(report)
    chart = histogram(
        counts,
        edges=edges,
        mark=mark,
        axes=Axes(
            name="certainty-chart",
            title="How probable each token was",
            reading=f"{share(low, total)} of the tokens were given a probability under 0.1 and "
            f"{share(high, total)} one of 0.9 or more; the rest lie between.",
            x="probability that the model gave to the token",
            y="share of all scored tokens, for each hundredth",
        ),
    )
    return Section("certainty", "How sure the model was", sentence, chart.markup())


def _threshold(report: Mapping[str, Any]) -> tuple[Mark | None, str]:
    recipe, near = report["recipe"], report["tokens"]["near_threshold"]
    if recipe["positions"] == "random":
        return None, f"Tokens were picked at random, at a rate of {share(recipe['rate'])}, whatever their probability."
    threshold = recipe["threshold"]
    easy = recipe["positions"] == "easy"
    selects = (threshold, 1.0) if easy else (0.0, threshold)
    side = "above" if easy else "below"
    sentence = (
        f"The rule looks at tokens {'at or ' if not recipe['strict'] else ''}{side} a probability of {threshold:g}. "
        f"{count(near)} tokens lie within {NEAR:g} of it: the ones that the precision of the arithmetic decides."
    )
    label = f"{threshold:g} · {count(near)} within {NEAR:g}"
    return Mark(threshold, label, selects), sentence


def _documents(traces: Sequence[DocumentTrace], report: Mapping[str, Any]) -> Section:
    every = report["documents"]["changed"] + report["documents"]["unchanged"]
    shown = [trace.tokens[:EXCERPT] for trace in traces]
    cut = sum(len(trace.tokens) > EXCERPT for trace in traces)
    tokens = sum(map(len, shown))
    changed = sum(token.verdict is Verdict.CHANGED for part in shown for token in part)
    sentence = f"A sample: {count(len(traces))} of {count(every)} documents are shown"
    sentence += f", {count(cut)} of them cut after {count(EXCERPT)} tokens. " if cut else ". "
    if tokens:
        sentence += (
            f"In what is shown {share(changed, tokens)} of the tokens were changed, "
            f"in everything {share(report['tokens']['changed'], report['tokens']['read'])}."
        )
    body = template(
        "uncollapse.editing",
        "edits.html.jinja",
        documents=[_document(trace) for trace in traces],
        fates=FATES,
        style=style_of,
        shades=SHADES,
    )
    return Section("documents", "The documents", sentence, body)


def _document(trace: DocumentTrace) -> dict[str, Any]:
    shown = trace.tokens[:EXCERPT]
    return {
        "id": trace.id,
        "source": trace.source,
        "summary": summary(trace),
        "changed": any(token.verdict is Verdict.CHANGED for token in shown),
        "left": len(trace.tokens) - len(shown),
        "text": Markup("").join(passage(shown)),
    }


def _provenance(report: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    recipe = {name: value for name, value in report["recipe"].items() if name not in ("step", "resolved")}
    return {
        f"Recipe: {report['recipe']['step']}": {name: _value(value) for name, value in recipe.items()},
        "Model": {name: _value(value) for name, value in report["model"].items()},
        "Made by": {"uncollapse": __version__},
    }


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
