"""A document's tokens as a passage to read: markup for a page, and the words for what became of them."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from markupsafe import Markup

from uncollapse.editing.trace import EXCERPT, DocumentTrace, TokenTrace, Verdict
from uncollapse.report import count, probability, share, spelled, visible

CONTEXT = 12  # tokens that stay around a change when only changes are shown
SHADES = 10

FATES = {
    Verdict.KEPT: "kept: drawn again as itself, or nothing else could be",
    Verdict.CHANGED: "changed: another token was drawn",
    Verdict.PROTECTED: "protected: inside a span that is left alone",
    Verdict.TAKEN_BACK: "taken back: what follows became too unlikely",
    Verdict.OVER_BUDGET: "over budget: no edits left, or one too near",
}


def passage(tokens: Sequence[TokenTrace]) -> Iterator[Markup]:
    """The tokens as markup, in stretches; those far from any change are wrapped, so that they can be folded away."""
    changes = [place for place, token in enumerate(tokens) if token.verdict is Verdict.CHANGED]
    near = {place + offset for place in changes for offset in range(-CONTEXT, CONTEXT + 1)}
    first_stop = next((place for place, token in enumerate(tokens) if token.flagged), None)
    for is_near, places in groupby(range(len(tokens)), key=near.__contains__):
        stretch = Markup("").join(_token(tokens[place], stop=place == first_stop) for place in places)
        yield stretch if is_near else _FAR.format(stretch)


_FAR = Markup('<span class="gap" aria-label="text left out"> ⋯ </span><span class="far">{}</span>')
_PLAIN = Markup('<span class="t{}"{}>{}</span>')
_FLAGGED = Markup('<span class="t{} {}" role="mark" tabindex="{}"{} data-v="{}" data-a="{}">{}</span>')
_SWAP = Markup('{}<span class="swap"><del>{}</del><span class="arrow" aria-hidden="true">→</span><ins>{}</ins></span>')
_PROBABILITY = Markup(' data-p="{}"')


def _token(token: TokenTrace, *, stop: bool) -> Markup:
    shade, number = "", Markup("")
    if token.probability is not None:
        shade = f" a{min(int(token.probability * SHADES), SHADES - 1)}"
        number = _PROBABILITY.format(probability(token.probability))
    if not token.flagged:
        return _PLAIN.format(shade, number, visible(token.before))
    alternatives = [(spelled(text), probability(chance), text == token.after) for text, chance in token.alternatives]
    return _FLAGGED.format(
        shade,
        style_of(token.verdict),
        0 if stop else -1,
        number,
        token.verdict,
        json.dumps(alternatives, ensure_ascii=False),
        visible(token.before) if token.after is None else _swap(token.before, token.after),
    )


def _swap(before: str, after: str) -> Markup:
    lead, before, after = swapped(before, after)
    return _SWAP.format(lead, visible(before), visible(after) or Markup("<i>nothing</i>"))


def style_of(verdict: Verdict) -> str:
    """The class that marks the verdict in a style sheet."""
    return str(verdict).replace(" ", "-")


def summary(trace: DocumentTrace) -> str:
    """One line on what is shown of a document: how many of its tokens were changed, and what became of the picked."""
    shown = trace.tokens[:EXCERPT]
    fates = Counter(token.verdict for token in shown if token.flagged)
    line = f"{count(fates[Verdict.CHANGED])} of {count(len(shown))} tokens changed"
    line += f" ({share(fates[Verdict.CHANGED], len(shown))})" if shown else ""
    parts = ", ".join(f"{count(fates[verdict])} {verdict}" for verdict in FATES if fates[verdict])
    return f"{line}; {count(sum(fates.values()))} picked: {parts}" if parts else line


def swapped(before: str, after: str) -> tuple[str, str, str]:
    """The blanks that both texts of a change begin with, and the two texts without them."""
    lead = min(_blanks(before), _blanks(after))
    return lead, before[len(lead) :], after[len(lead) :]


def _blanks(text: str) -> str:
    return text[: len(text) - len(text.lstrip(" "))]
