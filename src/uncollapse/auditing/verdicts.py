"""From numbers to verdicts: for each way of failing pass, warn, fail or unknown, with the reason and what to do."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from uncollapse.auditing.compared import Statistic
from uncollapse.auditing.thresholds import RULES, Limit, Rule
from uncollapse.report import share


class Status(StrEnum):
    """What a verdict says."""

    PASS = "pass"  # noqa: S105 (no password)
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Failing(StrEnum):
    """The ways in which a corpus fails."""

    TAILS = "tails"
    CONTRACTION = "contraction"
    CONCENTRATION = "concentration"
    DUPLICATES = "duplicates"
    TEMPLATES = "templates"
    TOPICS = "topics"
    DOMAIN = "domain"
    MEMORISED = "memorised"


QUESTIONS = {
    Failing.TAILS: "Are the rare words of human text still there?",
    Failing.CONTRACTION: "Is the text as varied as human text, or has it drawn together?",
    Failing.CONCENTRATION: "Does the corpus pile up on few words and phrases?",
    Failing.DUPLICATES: "How much of it is the same, or nearly?",
    Failing.TEMPLATES: "How many documents are cut from one mould?",
    Failing.TOPICS: "Is anything missing that human text is about?",
    Failing.DOMAIN: "Is this the same kind of text as the reference?",
    Failing.MEMORISED: "Has the corpus copied the reference?",
}
NEXT = {
    Failing.TAILS: "Keep human text in every generation, or edit it token by token in place of writing new text; "
    "sample without top-k and top-p at temperature 1.",
    Failing.CONTRACTION: "Raise temperature and top-p, use several models and prompts, and mix human text back in.",
    Failing.CONCENTRATION: "Look at the phrases in offenders.parquet; change the prompts that bring them forth, or "
    "drop the documents that have most of them.",
    Failing.DUPLICATES: "Drop the copies that offenders.parquet lists, all but one of each; ask for different things "
    "rather than for more.",
    Failing.TEMPLATES: "Vary prompts and formats; cut the listed openings out, or drop documents until a frame stands "
    "in few.",
    Failing.TOPICS: "Write or add text of the topics that are named, or weight the sources so that they come back.",
    Failing.DOMAIN: "Compare with a reference of the same kind of text: against this one, the others say little.",
    Failing.MEMORISED: "Drop the listed documents, or take a reference that nothing was fitted to: against copied "
    "text a corpus looks healthy.",
}
NO_REFERENCE = "there is no reference to compare with"
LITTLE = "too little text for this question"
WITHOUT_REFERENCE = "Give human text with --reference."
WITH_LITTLE = "Give more text: it is too little to say how much documents vary."


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the answer. `evidence` has the statistics by name; `next` says what to do."""

    name: str
    status: str
    reason: str
    evidence: dict[str, Any] = field(default_factory=dict)
    next: str = ""

    def as_json(self) -> dict[str, Any]:
        """The verdict as it stands in `report.json`."""
        return asdict(self)


def judge(statistics: Sequence[Statistic], *, unknown: str | None) -> list[Verdict]:
    """A verdict for each way of failing, in the order of `Failing`; where `unknown` says why, unknown."""
    known = {statistic.name: statistic for statistic in statistics}
    return [_verdict(failing, known, unknown) for failing in Failing]


def _verdict(failing: Failing, known: dict[str, Statistic], unknown: str | None) -> Verdict:
    rule = RULES[failing.value]
    used = {limit.statistic: known[limit.statistic] for limit in rule.limits if limit.statistic in known}
    judged = {name: one for name, one in used.items() if one.corpus is not None}
    if rule.needs_control:
        judged = {name: one for name, one in judged.items() if one.control is not None}
    if len(judged) < rule.needed:
        more = WITHOUT_REFERENCE if unknown == NO_REFERENCE else WITH_LITTLE
        return Verdict(failing.value, Status.UNKNOWN, unknown or LITTLE, _evidence(used), more)
    for status, strength in ((Status.FAIL, 1.0), (Status.WARN, rule.warn)):
        met = [limit for limit in rule.limits if _met(limit, judged.get(limit.statistic), strength)]
        if _suffices(rule, {limit.statistic for limit in met}):
            reason = "; ".join(_said(limit, judged[limit.statistic]) for limit in met)
            return Verdict(failing.value, status, reason, _evidence(used), NEXT[failing])
    return Verdict(failing.value, Status.PASS, _calm(rule, judged), _evidence(used))


def _suffices(rule: Rule, met: set[str]) -> bool:
    if met & set(rule.alone):
        return True
    return len(met) >= rule.needed and (not rule.required or bool(met & set(rule.required)))


def _met(limit: Limit, found: Statistic | None, strength: float) -> bool:
    """Whether a statistic is beyond `strength` times the limit, in the direction that is worse, beyond doubt."""
    if found is None:
        return False
    if found.control is None:
        return _beyond_nothing(limit, found, strength)
    moved = found.difference if limit.absolute else found.effect
    if moved is None or found.z is None:
        return False
    return moved * limit.direction >= limit.effect * strength and found.z * limit.direction >= limit.z


def _beyond_nothing(limit: Limit, found: Statistic, strength: float) -> bool:
    """Whether a share's whole interval is beyond the limit, where there is no human text to compare with."""
    return limit.absolute and found.low is not None and found.low >= limit.effect * strength


def _said(limit: Limit, found: Statistic) -> str:
    assert found.corpus is not None
    here = f"{limit.words} {_value(found.corpus, limit)}"
    return here if found.control is None else f"{here} against {_value(found.control, limit)} in human text"


def _calm(rule: Rule, judged: dict[str, Statistic]) -> str:
    limit = next(limit for limit in rule.limits if limit.statistic in judged)
    return _said(limit, judged[limit.statistic])


def _value(value: float, limit: Limit) -> str:
    return share(value) if limit.is_share else f"{value:.3g}"


def _evidence(used: dict[str, Statistic]) -> dict[str, Any]:
    return {
        name: {"corpus": one.corpus, "control": one.control, "z": one.z, "effect": one.effect}
        for name, one in used.items()
    }
