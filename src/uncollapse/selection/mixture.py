"""A mixture: human text that is kept, and as much synthetic text as it carries, as a corpus like any other.

    mixture = uc.mix(human="essays.jsonl", synthetic="made/", human_share=0.6)
    uc.write(mixture, "mixed/")

Making it reads every row once (draws, sizes, what is known); writing it reads them once more. Mixing makes no new
generation: rows keep id, origin, generation, parents, recipe, edits and what the ledger says of them.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from uncollapse.corpora.addresses import Found, find, local_folders
from uncollapse.corpora.corpus import Corpus
from uncollapse.corpora.plan import Layout, Notice
from uncollapse.corpora.planning import make_plan
from uncollapse.document import Origin
from uncollapse.errors import InputError, PolicyRefused, UsageError
from uncollapse.provenance import Breach, Holdings, Policy, joined, model_table, sidecar_rows
from uncollapse.provenance.holdings import Reserved
from uncollapse.selection.account import as_told
from uncollapse.selection.aside import counted
from uncollapse.selection.drawing import Drawn, draw, size_of
from uncollapse.selection.proportions import Asked, golden_share
from uncollapse.selection.settings import checked
from uncollapse.selection.shuffled import Shuffled, planned
from uncollapse.selection.survey import ORIGIN_CODES, ROW, Inputs, Role, Watcher, survey


def _several(value: Any) -> Any:
    """One address or several, as a tuple of texts."""
    one = [value] if isinstance(value, str | os.PathLike) else value
    return tuple(os.fspath(each) for each in one) if isinstance(one, list | tuple) else value


Addresses = Annotated[tuple[str, ...], BeforeValidator(_several)]
Share = Annotated[float, Field(ge=0, le=1)] | Literal["auto", "golden"]

DECLARED = {Role.EARLIER: Origin.UNKNOWN, Role.HUMAN: Origin.HUMAN, Role.SYNTHETIC: Origin.SYNTHETIC}
"""What is said of texts that say nothing of themselves, by what their files were given as."""


class Mixing(BaseModel):
    """What is to be mixed, and how.

    `human_share` is that of human text in `by`: words, documents or bytes; "auto" keeps all human text and takes
    synthetic text up to the policy's floor; "golden" is the weight of human text that estimates best from as much of
    each as there is, made by repeating it. `total` is the size of the result in the same unit, as large as can be
    unless said. What is in `accumulate` is kept whole. A human text is repeated until it stands `repeat_cap` times in
    the result, at most.
    `weights` names a column by which synthetic rows are drawn more or less often, or what `detect --weights` wrote.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    human: Addresses = ()
    synthetic: Addresses = ()
    accumulate: Addresses = ()
    human_share: Share = "auto"
    by: Literal["words", "documents", "bytes"] = "words"
    total: Annotated[int, Field(ge=1)] | None = None
    repeat_cap: Annotated[int, Field(ge=1)] = 1
    weights: str | None = None
    seed: int = 0
    text_column: str = "text"
    rename: Mapping[str, str] = {}
    max_rejects: Annotated[int, Field(ge=0)] = 0

    def asked(self, policy: Policy | None, rows: np.ndarray) -> Asked:
        """The share that is asked for, of the rows that there are.

        Raises:
            UsageError: it is to follow from a policy that does not say it.
        """
        if self.human_share == "golden":
            own = rows["origin"] == ORIGIN_CODES[Origin.HUMAN]
            sizes = size_of(rows, self.by)
            share = golden_share(int(sizes[own].sum()), int(sizes[~own].sum()))
            return Asked(share, self.total, unit=self.by)
        if self.human_share != "auto":
            # As it was written: 0.6 is three fifths and not the number nearest to it in binary.
            return Asked(Fraction(str(self.human_share)), self.total, unit=self.by)
        floor = None if policy is None else policy.min_human_token_share
        if floor is None or self.by != "words":
            raise UsageError(
                "no share of human text was asked for"
                if floor is None
                else f"the policy's floor counts words, and the mixture is by {self.by}",
                hint="--human-share 0.6, or a policy with min_human_token_share, which is a share of words",
            )
        if self.repeat_cap > 1:
            raise UsageError(
                "auto takes every human text once, so --repeat-cap has no meaning with it",
                hint="Say the share, --human-share 0.6, or leave out --repeat-cap.",
            )
        return Asked(Fraction(str(floor)), self.total, keep=True, unit=self.by)

    def repeats(self, asked: Asked, rows: np.ndarray) -> int:
        """How often a human text may stand in the result.

        For the golden share as often as it takes, so that no synthetic text has to be left out: a weight that is made
        by throwing text away is worse than no weight.
        """
        if self.human_share != "golden" or asked.share == 1:
            return self.repeat_cap
        own = rows["origin"] == ORIGIN_CODES[Origin.HUMAN]
        sizes = size_of(rows, self.by)
        wanted = asked.share / (1 - asked.share) * int(sizes[~own].sum())
        return max(self.repeat_cap, ceil(wanted / max(int(sizes[own].sum()), 1)))


class Rooted(NamedTuple):
    """The roots that a manifest gives, and those of its files that are mixed."""

    roots: Mapping[str, str]
    sources: list[str]


@dataclass(frozen=True)
class Mixture(Shuffled):
    """A mixture of several corpora."""


def mix(
    *,
    policy: Policy | None = None,
    reserve: Reserved | None = None,
    on_progress: Watcher | None = None,
    **fields: Any,
) -> Mixture:
    """The mixture that the fields of `Mixing` describe; every row has been read when it returns, nothing is written.

    `reserve` knows the texts of the human reserve, where the policy has a rule on its share.

    Raises:
        UsageError: the share or the total cannot be met (says what can), or a field is wrong.
        InputError: an input is not there, cannot be read, or was given as human and is not.
        PolicyRefused: the mixture would break a rule of the policy.
    """
    mixing = checked(Mixing, fields)
    if mixing.human_share == "auto":
        mixing.asked(policy, np.zeros(0, ROW))  # what cannot be is said before all is read
    inputs, ledgers = _inputs(mixing)
    found = survey(inputs, seed=mixing.seed, weights=mixing.weights, on_progress=on_progress)
    asked = mixing.asked(policy, found.rows)
    drawn = draw(found.rows, asked, repeat_cap=mixing.repeats(asked, found.rows))
    read = inputs.corpus.plan
    sources = {entry.source: at for at, entry in enumerate(read.inputs)}
    told = as_told(mixing.model_dump(mode="json"), asked, inputs=inputs, rows=found.rows, drawn=drawn)
    if policy is not None:
        breaches = _breaches(inputs, drawn, policy, reserve=reserve, ledgers=ledgers)
        if breaches:
            raise _refused(breaches)
        told["policy"] = {**policy.model_dump(mode="json", exclude_defaults=True), "verdict": "kept"}
    told["roots"] = {where: dict(rooted.roots) for where, rooted in ledgers.items()}
    counts = counted(drawn, sources, found.broken, found.rows)
    plan = planned(read, counts, text=found.rows["bytes"][drawn.row], drawn=drawn)
    return Mixture(
        replace(plan, mixture=told), max_rejects=mixing.max_rejects, inputs=inputs, drawn=drawn, on_progress=on_progress
    )


def _inputs(mixing: Mixing) -> tuple[Inputs, dict[str, Rooted]]:
    """All inputs as one corpus in an order that no command line changes, and the roots of those that have a ledger."""
    given = {Role.EARLIER: mixing.accumulate, Role.HUMAN: mixing.human, Role.SYNTHETIC: mixing.synthetic}
    files: list[Found] = []
    roles: list[Role] = []
    notices: list[Notice] = []
    for role, addresses in given.items():
        if not addresses:
            continue
        found, told = find(addresses)
        files += sorted(found, key=lambda file: file.source)
        roles += [role] * len(found)
        notices += told
    if not files:
        raise UsageError(
            "there is nothing to mix", hint="uncollapse mix --human essays.jsonl --synthetic made/ -o mixed/"
        )
    _refuse_twice(files, roles)
    layout = Layout(text_column=mixing.text_column, rename=dict(mixing.rename))
    plan = make_plan(files, layout=layout, max_rejects=mixing.max_rejects, notices=notices)
    entries = [replace(entry, declared=DECLARED[role]) for entry, role in zip(plan.inputs, roles, strict=True)]
    columns = sorted(plan.columns, key=lambda column: column.name)
    folders = local_folders([*mixing.accumulate, *mixing.human, *mixing.synthetic])
    plan = replace(plan, inputs=tuple(entries), columns=pa.schema(columns), folders=folders)
    ledgers: dict[str, Rooted] = {}
    for file in files:
        if file.ledger is not None:
            own = ledgers.setdefault(file.ledger.where, Rooted(dict(file.ledger.roots), []))
            own.sources.append(file.source)
    return Inputs(Corpus(plan, max_rejects=mixing.max_rejects), tuple(roles)), ledgers


def _refuse_twice(files: Sequence[Found], roles: Sequence[Role]) -> None:
    seen: dict[str, Role] = {}
    for file, role in zip(files, roles, strict=True):
        other = seen.setdefault(file.address, role)
        if other != role:
            raise InputError(
                f"{file.source} was given twice, as {_called(other)} and as {_called(role)}",
                hint="Name every input once, as what it is.",
            )


def _called(role: Role) -> str:
    return "--accumulate" if role is Role.EARLIER else f"--{role.name.lower()}"


def _breaches(
    inputs: Inputs, drawn: Drawn, policy: Policy, *, reserve: Reserved | None, ledgers: Mapping[str, Rooted]
) -> tuple[Breach, ...]:
    """The rules that the mixture would break; it is read for this, and nothing is written."""
    recipes = inputs.corpus.recipes
    counts = np.bincount(drawn.row, minlength=len(drawn.fate))
    files: dict[str, Holdings] = {}
    first = 0
    for part in inputs.parts():
        own = counts[first : first + len(part.places)]
        first += len(own)
        assert part.history is not None
        known = joined(part.batch, sidecar_rows(part.batch, part.history, recipes))
        rows: dict[str, list[int]] = {}
        for row in np.repeat(np.arange(len(own)), own).tolist():
            rows.setdefault(part.places[row].source, []).append(row)
        for source, chosen in rows.items():
            files.setdefault(source, Holdings(reserve=reserve)).update(known.take(pa.array(chosen)))
    whole = Holdings(reserve=reserve)
    for holdings in files.values():
        whole.merge(holdings)
    by_file = {source: holdings.result() for source, holdings in files.items()}
    models = model_table(recipes)
    found = list(policy.breaches(whole.result(), shards=by_file, models=models))
    for rooted in ledgers.values():
        # A model that was trained on one of the inputs and wrote in it.
        own_files = Holdings(reserve=reserve)
        for source in rooted.sources:
            own_files.merge(files.get(source, Holdings(reserve=reserve)))
        told = policy.breaches(own_files.result(), models=models, root=rooted.roots.get("contents"))
        found += [breach for breach in told if breach.rule == "forbid_self_consumption"]
    return tuple(found)


def _refused(breaches: Sequence[Breach]) -> PolicyRefused:
    said = "; ".join(str(breach) for breach in breaches)
    return PolicyRefused(
        f"the mixture would break the policy, and nothing is written: {said}",
        hint="Ask for another share, leave out what breaks the rule, or change the policy.",
    )
