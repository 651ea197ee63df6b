"""From human and machine's texts to a detector, without learning what only tells the two files apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt64
from numpy import ndarray

from uncollapse.detection.accuracy import auroc
from uncollapse.detection.detector import Detector, Fusion
from uncollapse.detection.normal import length_matched, without_common_prefix
from uncollapse.detection.overlap import RUN, runs_of, sharing, text_keys
from uncollapse.detection.reading import Reader
from uncollapse.detection.scores import likelihood
from uncollapse.detection.word_model import WordModel
from uncollapse.errors import InputError, UsageError
from uncollapse.fingerprint import fingerprint
from uncollapse.version import __version__

FOLDS = 5
FEWEST_TEXTS = 50
FEWEST_WORDS = 20


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What is learned from: text i of both sides begins alike where `paired`; no run of ten words of `against`.

    `kin` says for each machine's text to which human one it belongs, -1 for none: such texts share a fold.
    """

    human: Sequence[str]
    machine: Sequence[str]
    paired: bool = False
    against: Sequence[str] = ()
    names: dict[str, list[str]] | None = None
    kin: Int64[ndarray, "m"] | None = None


@dataclass(frozen=True, eq=False)
class _Prepared:
    texts: list[str]
    machine: Bool[ndarray, "n"]
    fold: Int64[ndarray, "n"]
    keys: UInt64[ndarray, "n"]
    left_out: dict[str, int]


def train(
    lesson: Lesson,
    *,
    reader: Reader | None,
    model_texts: int = 300,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Detector:
    """The detector; with a reader, the likelihood of up to `model_texts` texts of each side is fused into it.

    The fusion, and the accuracy on the card, are those of folds: no text is judged by a model that learned from it.

    Raises:
        UsageError: pairs of which one side has more texts than the other.
        InputError: fewer than 50 texts of a side are left.
    """
    told = on_progress or (lambda *_: None)
    made = _prepare(lesson)
    words = _cross_fitted(made, told)
    card: dict[str, Any] = {
        "uncollapse": __version__,
        "trained_on": {"inputs": lesson.names, **_fingerprints(made)},
        "left_out": made.left_out,
        "features": "hashed runs of 1 to 3 words, 2^20 buckets, 1 + log(times), inverse document frequency",
        "accuracy": {"words": _accuracy(words, made.machine)},
        "note": "accuracy by folds of the training texts: on another domain it is lower, see docs/detection.md",
    }
    fusion = None
    if reader is not None:
        chosen = _chosen(made, model_texts)
        texts = [made.texts[number] for number in chosen]
        read = reader.read(texts, on_progress=lambda done: told("likelihoods", done, len(texts)))
        own = np.array([likelihood(each).value for each in read])
        held = chosen[~np.isnan(own)]
        own = own[~np.isnan(own)]
        fusion = Fusion.fit(own, words[held], made.machine[held])
        card["model"] = reader.model.card.as_json()
        card["accuracy"]["likelihood"] = _accuracy(own, made.machine[held])
        card["accuracy"]["fused"] = _accuracy(fusion.log_odds(own, words[held]), made.machine[held])
    return Detector(WordModel.fit(made.texts, made.machine), fusion, np.unique(made.keys), card)


def _prepare(lesson: Lesson) -> _Prepared:
    human, machine = list(lesson.human), list(lesson.machine)
    if lesson.paired:
        if len(human) != len(machine):
            raise UsageError(
                f"{len(human):,} human and {len(machine):,} machine's texts are no pairs",
                hint="row i of both sides must begin alike; leave --pairs out where they do not",
            )
        pairs = [without_common_prefix(a, b) for a, b in zip(human, machine, strict=True)]
        human, machine = [a for a, _ in pairs], [b for _, b in pairs]
    texts = [*human, *machine]
    of_machine = np.repeat([False, True], [len(human), len(machine)])
    keys = text_keys([*lesson.human, *lesson.machine])
    reasons = _reasons(lesson, texts, of_machine=of_machine, keys=keys)
    left_out: dict[str, int] = {}
    out = np.zeros(len(texts), dtype=bool)
    for reason, which in reasons.items():
        left_out[reason] = int((which & ~out).sum())
        out |= which
    kept = np.flatnonzero(~out)
    _refuse_few(of_machine[kept])
    # Texts of one pair are about one thing: they share a fold.
    pair = np.concatenate([np.arange(len(human)), np.arange(len(machine))])
    fold = (pair if lesson.paired else (keys >> np.uint64(8)).astype(np.int64)) % FOLDS
    if lesson.kin is not None:
        has = np.flatnonzero(lesson.kin >= 0)
        fold[len(human) + has] = fold[lesson.kin[has]]
    sides = length_matched(*([texts[at] for at in kept if of_machine[at] == side] for side in (False, True)))
    return _Prepared([*sides[0], *sides[1]], of_machine[kept], fold[kept], keys[kept], left_out)


def _reasons(
    lesson: Lesson, texts: Sequence[str], *, of_machine: Bool[ndarray, "n"], keys: UInt64[ndarray, "n"]
) -> dict[str, Bool[ndarray, "n"]]:
    """Why texts are left out; the first reason that holds for one is the one that counts."""
    again = np.ones(len(texts), dtype=bool)
    again[np.unique(keys, return_index=True)[1]] = False
    whole = [*lesson.human, *lesson.machine]
    tested = sharing(whole, runs_of(lesson.against)) if lesson.against else np.zeros(len(texts), bool)
    return {
        f"fewer than {FEWEST_WORDS} words": np.array([len(text.split()) < FEWEST_WORDS for text in texts], dtype=bool),
        "on both sides": np.isin(keys, np.intersect1d(keys[of_machine], keys[~of_machine])),
        f"a run of {RUN} words of the texts to be kept apart": tested,
        "the same text again": again,
    }


def _refuse_few(machine: Bool[ndarray, "n"]) -> None:
    for name, count in (("human", int((~machine).sum())), ("machine's", int(machine.sum()))):
        if count < FEWEST_TEXTS:
            raise InputError(
                f"{count} {name} texts are left to learn from, and it takes {FEWEST_TEXTS}",
                hint=f"texts of fewer than {FEWEST_WORDS} words, copies and texts of --against are left out",
            )


def _cross_fitted(made: _Prepared, told: Callable[[str, int, int], None]) -> Float64[ndarray, "n"]:
    """The word log-odds of each text by a model that learned from the other folds."""
    found = np.zeros(len(made.texts))
    for fold in range(FOLDS):
        own = np.flatnonzero(made.fold == fold)
        others = np.flatnonzero(made.fold != fold)
        if len(own) and 0 < made.machine[others].sum() < len(others):
            model = WordModel.fit([made.texts[at] for at in others], made.machine[others])
            found[own] = model.log_odds([made.texts[at] for at in own])
        told("folds", fold + 1, FOLDS)
    return found


def _chosen(made: _Prepared, most: int) -> Int64[ndarray, "k"]:
    """Up to so many texts of each side, those with the smallest keys: as good as drawn, and the same each time."""
    order = np.argsort(made.keys, kind="stable")
    return np.sort(np.concatenate([order[made.machine[order] == side][:most] for side in (False, True)]))


def _accuracy(scores: Float64[ndarray, "n"], machine: Bool[ndarray, "n"]) -> dict[str, float]:
    found = auroc(scores[~machine], scores[machine])
    return {"auroc": round(found.value, 4), "low": round(found.low, 4), "high": round(found.high, 4)}


def _fingerprints(made: _Prepared) -> dict[str, Any]:
    keys = {name: sorted(f"{key:016x}" for key in made.keys[made.machine == side]) for name, side in _SIDES}
    return {name: {"texts": len(held), "fingerprint": fingerprint(held)} for name, held in keys.items()}


_SIDES = (("human", False), ("machine", True))
