"""Traces and reports for tests: documents of real English with drawn probabilities, and an account that fits them."""

import pydoc_data.topics
import re
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

from uncollapse.editing.trace import Alternative, DocumentTrace, TokenTrace, Verdict
from uncollapse.fingerprint import content_id

FATES = [Verdict.KEPT] * 6 + [Verdict.CHANGED] * 5 + [Verdict.PROTECTED, Verdict.TAKEN_BACK, Verdict.OVER_BUDGET]
RECIPE = {
    "step": "ToEdit",
    "model": "counted",
    "threshold": 0.3,
    "strict": False,
    "positions": "easy",
    "rate": 0.01,
    "seed": 7,
    "protect": ["numbers", "urls"],
}
CARD = {"address": "counted", "revision": "ab12", "backend": "counted", "backend_version": "1", "dtype": "float64"}


def english(documents: int, *, tokens: int, seed: int = 0) -> list[DocumentTrace]:
    """Documents of so many tokens each, out of the documentation that comes with Python."""
    random = Random(seed)
    text = "\n\n".join(pydoc_data.topics.topics[name] for name in sorted(pydoc_data.topics.topics))
    words = re.findall(r"\s?\w+|\s+|[^\w\s]", text)
    random_words = [word for word in words if re.fullmatch(r" [a-z]{3,}", word)]
    traces = []
    for number in range(documents):
        start = (number * 7919) % (len(words) - tokens)
        pieces = words[start : start + tokens]
        made = [_token(piece, random, random_words, first=not place) for place, piece in enumerate(pieces)]
        traces.append(document(made, source=f"essays/part-{number:03}.jsonl"))
    return traces


def _token(piece: str, random: Random, words: Sequence[str], *, first: bool) -> TokenTrace:
    if first:
        return TokenTrace(before=piece, probability=None, flagged=False, verdict=Verdict.KEPT)
    probability = random.betavariate(0.25, 0.35)
    if probability < RECIPE["threshold"] or not re.fullmatch(r" [a-z]{3,}", piece) or random.random() < 0.7:
        return TokenTrace(before=piece, probability=probability, flagged=False, verdict=Verdict.KEPT)
    others = random.sample(words, 4)
    left = 1 - probability
    alternatives = [Alternative(piece, probability)]
    for other in others:
        left /= 2
        alternatives.append(Alternative(other, left))
    verdict = random.choice(FATES)
    after = others[0] if verdict is Verdict.CHANGED else None
    return TokenTrace(
        before=piece,
        probability=probability,
        flagged=True,
        verdict=verdict,
        after=after,
        alternatives=tuple(alternatives),
    )


def document(tokens: Sequence[TokenTrace], *, source: str | None = "hostile.jsonl") -> DocumentTrace:
    """A document of these tokens."""
    text = "".join(token.before for token in tokens)
    return DocumentTrace(id=content_id(text.encode(errors="replace").decode()), source=source, tokens=tuple(tokens))


def report(traces: Sequence[DocumentTrace], *, recipe: dict[str, Any] | None = None) -> dict[str, Any]:
    """What report.json would hold, had these documents been the whole corpus."""
    tokens = [token for trace in traces for token in trace.tokens]
    fates = Counter(token.verdict.name.lower() for token in tokens if token.flagged)
    known = [token.probability for token in tokens if token.probability is not None]
    counts = [0] * 100
    for probability in known:
        counts[min(int(probability * 100), 99)] += 1
    changed = sum(any(token.verdict is Verdict.CHANGED for token in trace.tokens) for trace in traces)
    names = [verdict.name.lower() for verdict in Verdict]
    return {
        "rows": {"in": len(traces) + 3, "out": len(traces), "dropped": {"empty text": 2}, "failed": {"broken JSON": 1}},
        "tokens": {
            "read": len(tokens),
            "scored": len(known),
            "flagged": sum(fates.values()),
            **{name: fates[name] for name in names},
            "near_threshold": sum(abs(probability - RECIPE["threshold"]) <= 0.002 for probability in known),
            "expected_changed_millionths": 1_000_000 * fates["changed"] + 400_000,
        },
        "histogram": {"edges": [edge / 100 for edge in range(101)], "counts": counts},
        "documents": {"changed": changed, "unchanged": len(traces) - changed},
        "speed": {"seconds": 12.5, "tokens": len(tokens), "tokens_per_second": len(tokens) / 12.5, "bytes": 999},
        "recipe": recipe or RECIPE,
        "model": CARD,
    }


def token(before: str, verdict: Verdict = Verdict.KEPT, *, flagged: bool = True, **fields: object) -> TokenTrace:
    """A token of probability 0.5 that the rule picked, unless said otherwise."""
    values = {"before": before, "probability": 0.5, "flagged": flagged, "verdict": verdict} | fields
    return TokenTrace(**values)  # type: ignore[arg-type]


def small() -> list[DocumentTrace]:
    """Two documents; in the first, token 20 of 60 is changed, and others were picked; the second is as it was."""
    plain = [token(f" w{place}", flagged=False, probability=place / 60) for place in range(60)]
    plain[0] = token("First", flagged=False, probability=None)
    plain[20] = token(
        " movie",
        Verdict.CHANGED,
        probability=0.625,
        after=" film",
        alternatives=(Alternative(" movie", 0.625), Alternative(" film", 0.25), Alternative(" picture", 0.125)),
    )
    plain[22] = token(" 1984", Verdict.PROTECTED, probability=0.9)
    plain[40] = token(" kept", probability=0.7, alternatives=(Alternative(" kept", 0.7),))
    plain[41] = token(" back", Verdict.TAKEN_BACK, probability=0.8, alternatives=(Alternative(" front", 0.1),))
    plain[43] = token(" over", Verdict.OVER_BUDGET, probability=0.85, alternatives=(Alternative(" under", 0.1),))
    return [document(plain, source="a.jsonl"), document([token("Same", flagged=False)], source=None)]
