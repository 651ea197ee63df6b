"""A selection: what a selector takes of a pool, held against chance, as a corpus like any other.

    kept = uc.select("pool/", method="coverage", reference="essays.jsonl", budget=200_000, by="words")
    uc.write(kept, "kept/")

Making it reads the pool some times and writes nothing; writing it reads the pool once more. Selecting makes no new
generation: rows keep id, origin, generation, parents, recipe, edits and what the ledger says of them.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int64
from numpy import ndarray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from uncollapse.corpora.addresses import find, local_folders
from uncollapse.corpora.corpus import Corpus, as_origin
from uncollapse.corpora.plan import Layout, Plan
from uncollapse.corpora.planning import make_plan
from uncollapse.errors import PolicyRefused, UsageError
from uncollapse.selection import methods
from uncollapse.selection.aside import counted
from uncollapse.selection.choosing import Budget, Choice, Selector, Unit
from uncollapse.selection.drawing import Drawn, nothing_more, placed
from uncollapse.selection.held_out import Part, Reference
from uncollapse.selection.mixture import Addresses
from uncollapse.selection.seen import CONTROLS, Batches, Seen, look
from uncollapse.selection.settings import checked
from uncollapse.selection.shuffled import Shuffled, planned
from uncollapse.selection.survey import Inputs, Watcher
from uncollapse.selection.tails import counted as words_of
from uncollapse.selection.tails import loss, sample_of, samples, shares, tails, with_recall
from uncollapse.step import Spread, here

NOT_CHOSEN = "not chosen"
DIGITS = 9
"""Of measured numbers in the manifest: what is beyond them may differ between machines."""


def _names(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class Selecting(BaseModel):
    """What is to be chosen from, how, and what it must hold to.

    `budget` counts documents, words or bytes (`by`); `duplicates` can do without. Of the `reference` the share
    `hold_out` is seen by no selector and judges the result, unless other text is `held_out` for it. `strata` are
    columns whose values are counted before and after, beside source and origin. A choice that loses more than
    `max_tail_loss` of the rare words that chance keeps is refused, but with `force`. `options` are further fields of
    the selector.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: Addresses = ()
    method: str = "random"
    budget: Annotated[int, Field(ge=1)] | None = None
    by: Unit = "documents"
    reference: Addresses = ()
    held_out: Addresses = ()
    hold_out: Annotated[float, Field(ge=0, lt=1)] = 0.2
    strata: Annotated[tuple[str, ...], BeforeValidator(_names)] = ()
    max_tail_loss: Annotated[float, Field(ge=0, le=1)] = 0.2
    force: bool = False
    seed: int = 0
    caps: Mapping[str, float] = {}
    options: Mapping[str, Any] = {}
    text_column: str = "text"
    rename: Mapping[str, str] = {}
    origin: str = "unknown"
    max_rejects: Annotated[int, Field(ge=0)] = 0

    def selector(self) -> Selector:
        """The selector.

        Raises:
            UsageError: there is no such method, or it has no such field.
        """
        return methods.of(self.method, seed=self.seed, caps=dict(self.caps), **self.options)


@dataclass(frozen=True)
class Selection(Shuffled):
    """What was taken of a pool; `report` says what was measured, as it stands in the manifest."""

    report: Mapping[str, Any] = field(default_factory=dict, repr=False)


def select(
    *addresses: str | os.PathLike[str], on_progress: Watcher | None = None, spread: Spread = here, **fields: Any
) -> Selection:
    """What the fields of `Selecting` and of the method's selector choose of some files, folders or addresses.

    What a model has to read for it is read where `spread` has work done.

    Raises:
        UsageError: the budget cannot be met (says what can), or a field is wrong.
        InputError: an input is not there, cannot be read, or lacks a column that is asked for.
        PolicyRefused: the choice loses too much of the tail, and was not forced.
    """
    asked = _checked({"inputs": addresses, **fields} if addresses else fields)
    selector = asked.selector().worked_by(spread)
    inputs = _inputs(asked)
    reference = Reference.of(asked.reference, asked.held_out, share=asked.hold_out, text_column=asked.text_column)
    columns = tuple(dict.fromkeys(("source", "origin", *asked.strata)))
    seen = look(inputs, seed=asked.seed + (asked.method == "random"), columns=columns, on_progress=on_progress)
    pool = Batches(inputs.corpus, on_progress)
    budget = _budget(asked, seen)
    choice = selector.choose(pool, budget=budget, reference=reference.target)
    told: dict[str, Any] = {
        "asked": {"method": asked.method, "budget": budget.amount, "by": budget.unit, "seed": asked.seed},
        "selector": dict(selector.recipe()),
        "reference": reference.as_json(),
        "chosen": _chosen(seen, choice),
        "account": dict(choice.account),
        **_held_against_chance(asked, seen, choice, pool=pool, judge=reference.judge),
    }
    told = rounded(told)
    _refuse_loss(told, asked)
    drawn = _drawn(seen, choice)
    plan = _planned(inputs, seen, drawn, told=told)
    report = plan.selection
    return Selection(
        plan, max_rejects=asked.max_rejects, inputs=inputs, drawn=drawn, on_progress=on_progress, report=report
    )


def _checked(fields: Mapping[str, Any]) -> Selecting:
    """The settings, with what they do not know as fields of the selector."""
    known = {name: value for name, value in fields.items() if name in Selecting.model_fields}
    more = {name: value for name, value in fields.items() if name not in known}
    return checked(Selecting, {**known, "options": {**dict(known.get("options", {})), **more}})


def _inputs(asked: Selecting) -> Inputs:
    """The pool as one corpus, in an order that no command line changes."""
    if not asked.inputs:
        raise UsageError(
            "there is nothing to choose from", hint="uncollapse select pool/ --method random --budget 1000 -o kept/"
        )
    files, notices = find(asked.inputs)
    layout = Layout(origin=as_origin(asked.origin), text_column=asked.text_column, rename=dict(asked.rename))
    plan = make_plan(
        sorted(files, key=lambda file: file.source), layout=layout, max_rejects=asked.max_rejects, notices=notices
    )
    columns = pa.schema(sorted(plan.columns, key=lambda column: column.name))
    plan = replace(plan, columns=columns, folders=local_folders(asked.inputs))
    return Inputs(Corpus(plan, max_rejects=asked.max_rejects), ())


def _budget(asked: Selecting, seen: Seen) -> Budget:
    if asked.budget is not None:
        return Budget(asked.budget, asked.by)
    if asked.method != "duplicates":
        raise UsageError(f"{asked.method} needs a budget", hint="--budget 1000, or --budget 200000 --by words")
    return Budget(len(seen.rows), "documents")


def _chosen(seen: Seen, choice: Choice) -> dict[str, dict[str, int]]:
    counts = choice.counts
    return {
        name: {
            "rows": int(own.sum()),
            "documents": int((own > 0).sum()),
            "words": int((own * seen.rows.words).sum()),
            "bytes": int((own * seen.text).sum()),
        }
        for name, own in (("pool", np.ones(len(counts), np.int64)), ("chosen", counts))
    }


def _held_against_chance(
    asked: Selecting, seen: Seen, choice: Choice, *, pool: Batches, judge: Part | None
) -> dict[str, Any]:
    """The tails of the choice, of choices at random of as many words, and of the pool; and the strata of all."""
    words = int((choice.counts * seen.rows.words).sum())
    controls = [seen.at_random(words, control=control) for control in range(CONTROLS)]
    types = words_of(pool if judge is None else judge)
    if not types.total:
        judge, types = None, words_of(pool)
    drawn = samples(pool, [choice.counts, *controls])
    found = with_recall(tails(drawn, judge=types), drawn, judge=sample_of(pool if judge is None else judge))
    lost = loss(found[0], found[1:])
    arms = {"chosen": choice.counts, "random": controls[0]}
    return {
        "tails": {
            "judge": "the pool" if judge is None else "held-out reference",
            "judge words": types.total,
            "chosen": found[0]._asdict(),
            "random": [each._asdict() for each in found[1:]],
            "loss": lost._asdict(),
            "most": asked.max_tail_loss,
            "forced": asked.force,
        },
        "mean words": {
            name: float((own * seen.rows.words).sum() / max(own.sum(), 1))
            for name, own in (("pool", np.ones(len(choice.counts), np.int64)), *arms.items())
        },
        "strata": {name: shares(column, seen.rows.words, arms) for name, column in seen.columns.items()},
    }


def _refuse_loss(told: Mapping[str, Any], asked: Selecting) -> None:
    found = told["tails"]
    if found["loss"]["share"] <= asked.max_tail_loss or asked.force:
        return
    chance = np.mean([each["rare_coverage"] for each in found["random"]])
    raise TailLost(
        f"{asked.method} would lose {100 * found['loss']['share']:.1f} % of the {found['loss']['of']} that chance keeps"
        f" at as many words (rare coverage {found['chosen']['rare_coverage']:.3f}, at random {chance:.3f}, judged by "
        f"{found['judge']}), more than the {100 * asked.max_tail_loss:g} % allowed; nothing is written",
        hint="Take a larger budget, another method, a reference that has the tail; or say --max-tail-loss, or --force.",
        report=told,
    )


class TailLost(PolicyRefused):
    """A choice would lose more of the tail than is allowed; `report` says what was measured."""

    def __init__(self, message: str, *, hint: str = "", report: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, hint=hint)
        self.report = report or {}


def rounded(value: Any) -> Any:
    """The value with its numbers rounded, and those that are none as null."""
    if isinstance(value, Mapping):
        return {str(name): rounded(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
    return value


def _planned(inputs: Inputs, seen: Seen, drawn: Drawn, *, told: dict[str, Any]) -> Plan:
    """The plan of what was chosen, with what there is to tell of it."""
    read = inputs.corpus.plan
    rows = np.zeros(len(seen.input), [("input", np.int32)])
    rows["input"] = seen.input
    sources = {entry.source: at for at, entry in enumerate(read.inputs)}
    counts = counted(drawn, sources, seen.broken, rows)
    left = np.bincount(drawn.fate[drawn.fate >= 0], minlength=len(drawn.reasons)).tolist()
    told["left out"] = {reason: count for reason, count in zip(drawn.reasons, left, strict=True) if count}
    return replace(planned(read, counts, text=seen.text[drawn.row], drawn=drawn), selection=told)


def _drawn(seen: Seen, choice: Choice) -> Drawn:
    """The rows of the choice in the order of their draws, and why the others stay behind."""
    counts = choice.counts
    names: Sequence[str] = (NOT_CHOSEN,)
    fate: Int64[ndarray, n] = np.where(counts > 0, -1, 0)
    detail: Callable[[int], str] = nothing_more
    if choice.reasons is not None:
        own = choice.reasons
        names = (NOT_CHOSEN, *own.names)
        fate = np.where(counts > 0, -1, own.of + 1)
        detail = own.detail
    drawn = placed(seen.rows.draw, counts, fate, number=np.zeros(len(counts), np.int64), text=seen.text)
    return replace(drawn, reasons=tuple(names), detail=detail)
