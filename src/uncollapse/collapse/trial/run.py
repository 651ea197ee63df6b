"""The order of a trial: text parted, edits made, base models, arms; each stage is kept and goes on where it stopped."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from blake3 import blake3

from uncollapse.collapse import study
from uncollapse.collapse.trial import text
from uncollapse.collapse.trial.arms import HALF, NONE, Arm
from uncollapse.collapse.trial.edits import Edited, Editing
from uncollapse.collapse.trial.pieces import RESULTS, Base, Learner
from uncollapse.collapse.trial.settings import BASE, OBJECTIVES, Objective, Settings
from uncollapse.collapse.trial.text import LeftOut, Row, Sides
from uncollapse.errors import UsageError
from uncollapse.language_models import resolve
from uncollapse.training.settings import SCRATCH
from uncollapse.version import __version__

PLAIN, PAIRS = "plain", "pairs"
HELD_OUT_FILE, BASE_FILE = "held-out.parquet", "base.parquet"
Reached = Callable[[str], object]


class Given(NamedTuple):
    """The rows that a trial was given, of each kind: human ones, model-written ones; and text for the base model."""

    human: Mapping[str, Iterable[Row]]
    synthetic: Mapping[str, Iterable[Row]]
    base: Iterable[Row] | None


@dataclass
class Kind:
    """One kind of text, parted: what is learned from, held out, and written by models."""

    name: str
    sides: Sides
    synthetic: list[Row] = field(default_factory=list)
    half: tuple[int, int] | None = None  # rows of human and of model-written text in the positive control
    left_out: dict[str, LeftOut] = field(default_factory=dict)


class Outcome(NamedTuple):
    """The table of all results, and for each kind of text what its edits came to."""

    table: pa.Table
    edits: Mapping[str, Mapping[str, Edited]]


def kind_of(objective: str) -> str:
    """The kind of text that an objective learns from."""
    return PAIRS if objective == "instruct" else PLAIN


@dataclass
class Trial:
    """A trial on some text: arms and seeds may be added later, but no other text and no other settings."""

    settings: Settings
    objectives: Sequence[Objective]
    arms: Sequence[Arm]
    seeds: Sequence[int]
    start: str | None = None
    tasks: tuple[tuple[str, str], ...] = ()
    kinds: dict[str, Kind] = field(default_factory=dict)
    base: list[Row] = field(default_factory=list)
    base_left_out: LeftOut | None = None

    @property
    def names(self) -> list[str]:
        """The names of the arms."""
        return [arm.name for arm in self.arms]

    @property
    def needs_base(self) -> bool:
        """Whether the trial trains the model that objectives begin with."""
        return self.start is None and any(objective != "scratch" for objective in self.objectives)

    def take(self, given: Given) -> None:
        """Nothing; the text is parted, and what is too near to held-out text is gone from all other sides.

        Raises:
            UsageError: an objective has no text.
            InputError: there is too little of it.
        """
        for name in dict.fromkeys(map(kind_of, self.objectives)):
            words = self.settings.answer_words if name == PAIRS else self.settings.words
            what = "the instruction file" if name == PAIRS else "the corpus"
            human = list(given.human[name])
            sides = text.parted(human, words=words, what=what)
            kind = Kind(name, sides, left_out={"human": sides.left_out})
            if name in given.synthetic:
                chosen = text.beside(given.synthetic[name], sides.held_out, human=human)
                halves = text.half_and_half(sides.training, chosen.rows, what="the model-written text")
                kind.half = len(halves[0]), len(halves[1])
                kind.synthetic = [*halves[0], *halves[1]]
                spare = len(chosen.rows) - len(halves[1])
                kind.left_out["text written by models"] = chosen.left_out._replace(spare=spare)
            self.kinds[name] = kind
        if self.needs_base:
            if given.base is None:
                raise UsageError("there is no model to go on from, and no text to make one", hint="--base TEXT")
            held_out = [row for kind in self.kinds.values() for row in kind.sides.held_out]
            chosen = text.beside(given.base, held_out)
            self.base = chosen.rows
            self.base_left_out = chosen.left_out

    def claim(self, kind: Kind) -> dict[str, Any]:
        """What the numbers on a kind of text depend on."""
        return {
            "training": text.digest(kind.sides.training),
            "held out": text.digest(self._measured(kind)),
            **({"half synthetic": text.digest(kind.synthetic)} if kind.synthetic else {}),
        }

    def _measured(self, kind: Kind) -> list[Row]:
        return kind.sides.held_out[: self.settings.held_out]

    def run(self, folder: Path, *, workers: int, reached: Reached) -> Outcome:
        """All results, after each stage that the folder does not hold yet.

        Raises:
            OutputRefused, RecipeDiffers, OutputBusy: the folder holds something else, or another trial writes there.
        """
        claim = {
            "uncollapse": __version__,
            "settings": self.settings.claim(),
            "text": {name: self.claim(kind) for name, kind in self.kinds.items()},
            "base": resolve(self.start).revision if self.start else text.digest(self.base),
            "prior": resolve(self.settings.prior).revision,
            "tasks": {name: blake3(Path(path).read_bytes()).hexdigest() for name, path in self.tasks},
            "learning": {name: list(plan) for name, plan in OBJECTIVES.items()} | {"base": list(BASE)},
        }
        study.claimed(folder, claim)
        edits = {}
        for kind in self.kinds.values():
            edits[kind.name] = self._edited(kind, folder, workers=workers, reached=reached)
        if self.needs_base:
            self._bases(folder, claim, workers=workers, reached=reached)
        tables = study.studied(
            self.learners(folder), folder, claim=claim, workers=workers, reached=lambda far: reached(f"training: {far}")
        )
        return Outcome(pa.concat_tables(tables.values()).cast(RESULTS), edits)

    def _place(self, folder: Path, kind: str) -> Path:
        return folder / "text" / kind

    def _edited(self, kind: Kind, folder: Path, *, workers: int, reached: Reached) -> dict[str, Edited]:
        place = self._place(folder, kind.name)
        editing = Editing(
            folder=place,
            prior=self.settings.prior,
            seed=self.settings.seed,
            conditioned=kind.name == PAIRS,
            workers=workers,
        )
        text.write(self._measured(kind), place / HELD_OUT_FILE)
        if kind.synthetic:
            text.write(kind.synthetic, editing.place(HALF))
        return editing.make(self.names, kind.sides.training, reached=lambda far: reached(f"{kind.name}, {far}"))

    def _bases(self, folder: Path, claim: Mapping[str, Any], *, workers: int, reached: Reached) -> None:
        path = folder / "text" / BASE_FILE
        text.write(self.base, path)
        bases = [
            Base(
                index=index,
                seed=seed,
                texts=str(path),
                model=str(self._base_model(folder, seed)),
                size=self.settings.size,
                context=self.settings.context,
                batch_tokens=self.settings.batch_tokens,
                rate=BASE.rate,
                epochs=BASE.epochs,
                tokens=self.settings.base_tokens,
            )
            for index, seed in enumerate(self.seeds)
        ]
        study.studied(
            bases, folder / "base", claim=claim, workers=workers, reached=lambda far: reached(f"base models: {far}")
        )

    def _base_model(self, folder: Path, seed: int) -> Path:
        return folder / "base" / f"model-{seed}"

    def learners(self, folder: Path) -> list[Learner]:
        """The trainings, arms of one objective and seed side by side."""
        found: list[Learner] = []
        for objective in self.objectives:
            place = self._place(folder, kind_of(objective))
            for seed in self.seeds:
                start = SCRATCH if objective == "scratch" else self.start or str(self._base_model(folder, seed))
                for arm in self.names:
                    found.append(
                        Learner(
                            index=len(found),
                            objective=objective,
                            arm=arm,
                            seed=seed,
                            texts=str(place / (f"{arm}.parquet" if arm in (NONE, HALF) else arm)),
                            unedited=str(place / f"{NONE}.parquet"),
                            held_out=str(place / HELD_OUT_FILE),
                            start=start,
                            size=self.settings.size,
                            context=self.settings.context,
                            batch_tokens=self.settings.batch_tokens,
                            tokens=self.settings.tokens,
                            tasks=self.tasks,
                        )
                    )
        return found
