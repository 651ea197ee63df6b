"""The labelled texts that a corpus is held against: read, scored, and cleared of what would flatter the answer."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, UInt64
from numpy import ndarray

from uncollapse.corpora import Corpus
from uncollapse.detection.asked import Given, Hearer, Options, Stage, domains_of
from uncollapse.detection.calibration import Calibration, Known, fewest_texts
from uncollapse.detection.overlap import text_keys
from uncollapse.detection.scoring import Scorer
from uncollapse.errors import InputError

# Labelled texts of each side that are read at most: more make a rate no surer than its domain deserves.
MOST = 2_000


class Sides(NamedTuple):
    """The calibration, the scored texts behind it (None where none were given), and how many were left out, and why."""

    calibration: Calibration | None = None
    human: Known | None = None
    machine: Known | None = None
    left_out: Mapping[str, int] = MappingProxyType({})


class _Texts(NamedTuple):
    texts: list[str]
    domains: list[str]
    keys: UInt64[ndarray, "n"]


def labelled_sides(
    given: Given, scorer: Scorer, *, options: Options, keys: UInt64[ndarray, "k"], told: Hearer
) -> Sides:
    """The sides, less texts that the corpus has too (by `keys`), that stand on both sides, or that were learned.

    Raises:
        InputError: the human texts allow no threshold at this false-alarm rate in any domain.
        MissingColumn: the column of domains is not there.
    """
    if given.human is None:
        return Sides()
    human = _texts(given.human, options)
    machine = None if given.machine is None else _texts(given.machine, options)
    left_out: dict[str, int] = {}
    known: list[Known] = []
    for name, side, other in (("human", human, machine), ("machine", machine, human)):
        if side is not None:
            reasons = _reasons(side, other, corpus=keys, learned=_learned(scorer))
            out = np.zeros(len(side.keys), dtype=bool)
            for reason, which in reasons.items():
                left_out[f"{name}: {reason}"] = int((which & ~out).sum())
                out |= which
            known.append(_scored(side, ~out, scorer, name=name, told=told))
    made = Sides(
        Calibration.of(known[0], known[1] if len(known) > 1 else None, false_alarms=options.false_alarms),
        known[0],
        known[1] if len(known) > 1 else None,
        left_out,
    )
    _refuse_few(made, options.false_alarms)
    return made


def _texts(corpus: Corpus, options: Options) -> _Texts:
    """The texts of a side, at most MOST of them, drawn by the seed."""
    chosen = np.zeros(corpus.rows, dtype=bool)
    chosen[np.random.default_rng(options.seed).permutation(corpus.rows)[:MOST]] = True
    texts: list[str] = []
    domains: list[str] = []
    at = 0
    for batch in corpus.batches():
        own = np.flatnonzero(chosen[at : at + len(batch)]).tolist()
        at += len(batch)
        held, named = batch.column("text"), domains_of(batch, options.by)
        texts += [held[number].as_py() for number in own]
        domains += [named[number] for number in own]
    return _Texts(texts, domains, text_keys(texts))


def _learned(scorer: Scorer) -> UInt64[ndarray, "s"]:
    return np.empty(0, np.uint64) if scorer.detector is None else scorer.detector.seen


def _reasons(
    side: _Texts, other: _Texts | None, *, corpus: UInt64[ndarray, "k"], learned: UInt64[ndarray, "s"]
) -> dict[str, Bool[ndarray, "n"]]:
    again = np.ones(len(side.keys), dtype=bool)
    again[np.unique(side.keys, return_index=True)[1]] = False
    return {
        "in the corpus too": np.isin(side.keys, corpus),
        "learned by the detector": np.isin(side.keys, learned),
        "on both sides": np.zeros(len(side.keys), bool) if other is None else np.isin(side.keys, other.keys),
        "the same text again": again,
    }


def _scored(side: _Texts, kept: Bool[ndarray, "n"], scorer: Scorer, *, name: str, told: Hearer) -> Known:
    texts = [text for text, own in zip(side.texts, kept.tolist(), strict=True) if own]
    domains = [domain for domain, own in zip(side.domains, kept.tolist(), strict=True) if own]
    scored = scorer.score(texts, on_progress=lambda done: told(Stage(f"scoring {name} texts", done, len(texts))))
    return Known(scorer.upwards(scored), scored.tokens, domains)


def _gone(sides: Sides) -> str:
    """Why labelled texts were left out, where any were."""
    gone = [f"{number:,} {reason.removeprefix('human: ')}" for reason, number in sides.left_out.items() if number]
    return f" ({', '.join(gone)} were left out)" if gone else ""


def _refuse_few(sides: Sides, false_alarms: float) -> None:
    assert sides.calibration is not None
    assert sides.human is not None
    if not sides.calibration.groups:
        raise InputError(
            f"{len(sides.human.domains):,} human texts to calibrate with{_gone(sides)}: no domain has enough of 64 "
            f"tokens and more for {false_alarms:g} false alarms",
            hint=f"it takes {fewest_texts(false_alarms)} in a domain, and some 500 for a rate that is known to a "
            "hundredth; or allow more with --false-alarms",
        )
