"""What verification finds: one finding for each broken rule at one place, counted all, kept up to a bound."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

KEPT = 20
"""Findings of one rule that are kept in full; the others are counted."""

REMEDIES = {
    "no ledger": "declare it: uc.write(uc.read(CORPUS, origin='human'), OUT), or --origin where a verb reads it",
    "manifest": "restore manifest.json as it was written, or make the corpus again",
    "seal": "restore manifest.json as it was written; what it says is no longer what was sealed",
    "run": "restore manifest.json: plan, recipes and version do not give the name of this run",
    "recipes": "restore manifest.json: a recipe is no longer what its fingerprint was taken of",
    "models": "restore manifest.json: the table of models does not follow from the recipes",
    "account": "restore manifest.json; rows that are not accounted for were added or taken away",
    "rejects": "restore rejects.jsonl, which lists the rows that stayed behind",
    "shard": "restore the file from where it was written, or make the corpus again",
    "schema": "restore the file: its columns are not those that the manifest gives",
    "row": "restore the file: a row of it cannot be read",
    "id": "restore the row: its text is not the one that it was named after",
    "origin": "restore the row: what it says of its origin cannot be true",
    "parents": "restore the row: what it names as its parent is no text's id",
    "recipe": "restore the row or the manifest: nobody can say what made this text",
    "edits": "restore the row: with its edits undone the text is not its parent's",
    "ledger": "restore ledger.parquet, or make the corpus again",
    "roots": "restore the files: their rows together are not those that were written",
    "root": "this is not the corpus whose root was noted down",
    "signature": "ask whoever signed it; do not trust manifest or rows",
    "source": "restore the row, or name the corpus that it was really made from",
    "policy": "leave out what breaks the rule, or change the policy",
}
"""For each rule what to do where it is broken; these are all the rules there are."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule: where (row from 1, None for the file as a whole), what was found, expected, and what to do."""

    rule: str
    file: str
    row: int | None
    found: str
    expected: str

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return REMEDIES[self.rule]

    def as_json(self) -> dict[str, Any]:
        """The finding as plain values."""
        return {**asdict(self), "remedy": self.remedy}


@dataclass
class Findings:
    """Collects findings and how often each rule was checked."""

    kept: list[Finding] = field(default_factory=list)
    broken: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)

    def add(self, rule: str, file: str, *, found: object, expected: object, row: int | None = None) -> None:
        """Take one broken rule."""
        self.broken[rule] += 1
        if self.broken[rule] <= KEPT:
            self.kept.append(Finding(rule, file, row, _short(found), _short(expected)))

    def hold(self, rule: str, file: str, *, found: object, expected: object, row: int | None = None) -> bool:
        """Whether the two are equal, which is a check of the rule; a finding where they are not."""
        self.checked[rule] += 1
        same = found == expected
        if not same:
            self.add(rule, file, found=found, expected=expected, row=row)
        return same

    def table(self) -> Mapping[str, tuple[int, int]]:
        """For each rule that was checked or broken how often it was checked and how often broken."""
        names = [rule for rule in REMEDIES if self.checked[rule] or self.broken[rule]]
        return {rule: (max(self.checked[rule], self.broken[rule]), self.broken[rule]) for rule in names}


def _short(value: object, most: int = 200) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= most else f"{text[:most]} ..."
