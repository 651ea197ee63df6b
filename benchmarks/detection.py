"""How well text by machines is told from text by people: domains held out, intervals, lengths, shares of a corpus.

    python -m benchmarks.detection --data PATH [--cache FOLDER] [--pairs 150] [--more NAME=DOMAIN:PATH]

`--data` is a folder of text laid out as docs/detection.md says; what is not there is left out, and said. `--more` adds a
file of pairs ({"original": [...], "sampled": [...]}), `--human NAME=PATH` texts (JSON lists or lines with `text` or
`document`) of which the false alarms are counted. `--cache` keeps the model's readings, so that a second run takes a minute.
"""

import argparse
import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from benchmarks.detection_data import Kept, Labelled, dolly_and_alpaca_beyond, sets, without_prefix
from numpy import ndarray

from uncollapse.detection.accuracy import Interval, auroc, true_positive_interval, true_positives
from uncollapse.detection.calibration import LEAST_TOKENS
from uncollapse.detection.detector import Fusion
from uncollapse.detection.logistic import platt
from uncollapse.detection.normal import length_matched, without_common_prefix
from uncollapse.detection.overlap import runs_of, sharing
from uncollapse.detection.prevalence import Stratum, mixture
from uncollapse.detection.scores import SCORES, Reading
from uncollapse.detection.word_model import WordModel

FALSE_ALARMS = 0.05
LENGTHS = (8, 16, 32, 64, 128, 512)
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
FOLDS = 3
DRAWS = 50


class Side(NamedTuple):
    """One half of a set: texts less what a pair shares, and the readings of the whole and of that rest."""

    texts: list[str]
    whole: list[Reading]
    rest: list[Reading]


class Set(NamedTuple):
    """A set that was read."""

    of: Labelled
    human: Side
    machine: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.human, self.machine


def read(labelled: Labelled, kept: Kept) -> Set:
    """A set with what the model says of it; unpaired sides are cut to equal lengths by tokens."""
    human, machine = labelled.human, labelled.machine
    whole = [kept.readings(each) for each in (human, machine)]
    if not labelled.paired:
        cut = [[" ".join(text.split()) for text in side] for side in length_matched(human, machine)]
        rest = [_as_long(*each) for each in zip(cut, (human, machine), whole, strict=True)]
        return Set(labelled, *(Side(*each) for each in zip(cut, whole, rest, strict=True)))
    pairs = [without_common_prefix(a, b) for a, b in zip(human, machine, strict=True)]
    rest = [
        [without_prefix(each, text, other, kept=kept) for each, text, other in zip(own, texts, others, strict=True)]
        for own, texts, others in ((whole[0], human, machine), (whole[1], machine, human))
    ]
    texts = [[a for a, _ in pairs], [b for _, b in pairs]]
    return Set(labelled, *(Side(*each) for each in zip(texts, whole, rest, strict=True)))


def _as_long(cut: list[str], texts: list[str], readings: list[Reading]) -> list[Reading]:
    """The readings up to the share of each text's words that is left of it."""
    shares = [len(a.split()) / max(len(b.split()), 1) for a, b in zip(cut, texts, strict=True)]
    return [first(each, int(np.ceil(share * len(each.logprob)))) for each, share in zip(readings, shares, strict=True)]


def first(reading: Reading, tokens: int) -> Reading:
    return Reading(*(None if each is None else each[:tokens] for each in reading))


def values(readings: Sequence[Reading], score: str) -> ndarray:
    """A score of each reading, higher for a machine's."""
    kind = SCORES[score]
    return np.array([kind.upwards(kind.take(each).value) for each in readings])


def long_enough(side: Side) -> ndarray:
    return np.array([len(each.logprob) >= LEAST_TOKENS for each in side.rest])


class HeldOut:
    """For each domain a word model and a fusion that learned from the tuned sets of all other domains."""

    def __init__(self, every: Sequence[Set], beyond: tuple[list[str], list[str]]) -> None:
        self.models: dict[str, tuple[WordModel, Fusion]] = {}
        self.counts: dict[str, tuple[int, int, int]] = {}
        for domain in dict.fromkeys(_family(each) for each in every):
            self.models[domain] = self._learn(domain, every, beyond)

    def _learn(
        self, domain: str, every: Sequence[Set], beyond: tuple[list[str], list[str]]
    ) -> tuple[WordModel, Fusion]:
        others = [each for each in every if _family(each) != domain and each.of.kind == "tuned"]
        tested = [text for each in every if _family(each) == domain for side in each.sides for text in side.texts]
        extra = ([], []) if domain == "instructions" else beyond
        sides = [[text for each in others for text in each.sides[k].texts] for k in (0, 1)]
        count = [len(side) for side in sides]
        texts = [*sides[0], *extra[0], *sides[1], *extra[1]]
        machine = np.repeat([False, True], [count[0] + len(extra[0]), count[1] + len(extra[1])])
        reading = np.full(len(texts), np.nan)
        reading[: count[0]] = np.concatenate([values(each.human.rest, "likelihood") for each in others])
        at = count[0] + len(extra[0])
        reading[at : at + count[1]] = np.concatenate([values(each.machine.rest, "likelihood") for each in others])
        free = ~sharing(texts, runs_of(tested)) & np.array([len(text.split()) >= 20 for text in texts])
        free &= ~_again(texts)
        texts = [text for text, own in zip(texts, free, strict=True) if own]
        machine, reading = machine[free], reading[free]
        fold = np.random.default_rng(0).integers(0, FOLDS, len(texts))
        words = np.zeros(len(texts))
        for number in range(FOLDS):
            own = fold == number
            model = WordModel.fit([t for t, o in zip(texts, own, strict=True) if not o], machine[~own])
            words[own] = model.log_odds([t for t, o in zip(texts, own, strict=True) if o])
        scored = np.isfinite(reading)
        self.counts[domain] = (int((~machine).sum()), int(machine.sum()), int((~free).sum()))
        return WordModel.fit(texts, machine), Fusion.fit(reading[scored], words[scored], machine[scored])

    def words(self, each: Set) -> list[ndarray]:
        return [self.models[_family(each)][0].log_odds(side.texts) for side in each.sides]

    def fused(self, each: Set) -> list[ndarray]:
        words = self.words(each)
        own = [values(side.rest, "likelihood") for side in each.sides]
        return [self.models[_family(each)][1].log_odds(a, b) for a, b in zip(own, words, strict=True)]


def _again(texts: Sequence[str]) -> ndarray:
    found = np.ones(len(texts), bool)
    found[np.unique(np.array(texts, object), return_index=True)[1]] = False
    return found


def _family(each: Set) -> str:
    """What is held out together: both kinds of answers to instructions are one domain."""
    return "instructions" if each.of.domain in ("answers", "tasks") else each.of.domain


def shown(found: Interval, digits: int = 3) -> str:
    return f"{found.value:.{digits}f} ({found.low:.{digits}f}-{found.high:.{digits}f})"


def pair_of(human: ndarray, machine: ndarray) -> tuple[Interval, Interval]:
    human, machine = human[np.isfinite(human)], machine[np.isfinite(machine)]
    generator = np.random.default_rng(1)
    return auroc(human, machine), true_positive_interval(human, machine, false_alarms=FALSE_ALARMS, generator=generator)


def print_sets(every: Sequence[Set], held: HeldOut) -> dict[str, list[tuple[str, float, float]]]:
    """Table 1 and 2; what is found by score: kind, AUROC, TPR."""
    found: dict[str, list[tuple[str, float, float]]] = {}
    print("\n### Whole texts, prefix and all: AUROC (95 % interval)\n")
    print("| set | n human/machine | likelihood | log_rank | lrr | curvature |\n|---|---|---|---|---|---|")
    for each in every:
        row = [
            shown(pair_of(*(values(side.whole, name) for side in each.sides))[0])
            for name in ("likelihood", "log_rank", "lrr", "curvature")
        ]
        print(f"| {each.of.name} | {len(each.human.texts)}/{len(each.machine.texts)} | {' | '.join(row)} |")
    print(
        "\n### Shared prefix taken off, equal lengths, domain held out: AUROC (interval); TPR at 5 % false alarms (interval)\n"
    )
    print("| set | likelihood | | curvature | | words | | fused | |\n|---|---|---|---|---|---|---|---|---|")
    for each in every:
        cells = []
        ways: dict[str, list[ndarray]] = {
            "likelihood": [values(side.rest, "likelihood") for side in each.sides],
            "curvature": [values(side.rest, "curvature") for side in each.sides],
            "words": held.words(each),
            "fused": held.fused(each),
        }
        for name, sides in ways.items():
            area, rate = pair_of(*sides)
            cells += [shown(area), shown(rate, 2)]
            found.setdefault(name, []).append((each.of.kind, area.value, rate.value))
        print(f"| {each.of.name} | {' | '.join(cells)} |")
    return found


def print_means(found: dict[str, list[tuple[str, float, float]]]) -> None:
    print("\n### Means over sets, with the interval of a bootstrap over sets; goals in brackets\n")
    print("| text by | sets | score | AUROC | TPR at 5 % | goal |\n|---|---|---|---|---|---|")
    generator = np.random.default_rng(2)
    for kind, goal in (("tuned", "AUROC .95, TPR .80"), ("davinci", "-"), ("base", "AUROC .80 by curvature")):
        for name, rows in found.items():
            own = np.array([row[1:] for row in rows if row[0] == kind])
            if len(own):
                draws = own[generator.integers(0, len(own), (2000, len(own)))].mean(axis=1)
                low, high = np.quantile(draws, [0.025, 0.975], axis=0)
                means = own.mean(axis=0)
                cells = [f"{means[k]:.3f} ({low[k]:.3f}-{high[k]:.3f})" for k in (0, 1)]
                print(f"| {kind} | {len(own)} | {name} | {' | '.join(cells)} | {goal} |")


def print_transfer(every: Sequence[Set], score: Callable[[Set], list[ndarray]], name: str) -> None:
    print(f"\n### A threshold from other domains ({name}; 5 % false alarms there)\n")
    print("| domain | false alarms here | found here | found at this domain's own 5 % |\n|---|---|---|---|")
    tuned = [each for each in every if each.of.kind == "tuned"]
    for domain in dict.fromkeys(_family(each) for each in tuned):
        elsewhere = np.concatenate([score(each)[0] for each in tuned if _family(each) != domain])
        threshold = np.quantile(elsewhere, 1 - FALSE_ALARMS)
        human = np.concatenate([score(each)[0] for each in tuned if _family(each) == domain])
        machine = np.concatenate([score(each)[1] for each in tuned if _family(each) == domain])
        own = true_positives(human, machine, false_alarms=FALSE_ALARMS)
        print(f"| {domain} | {(human > threshold).mean():.3f} | {(machine > threshold).mean():.3f} | {own:.3f} |")


def print_lengths(every: Sequence[Set]) -> None:
    print("\n### By length: the first tokens after the prefix, tuned sets; below 64 nothing is said of a text\n")
    print("| tokens | sets | likelihood AUROC | TPR at 5 % | curvature AUROC | TPR at 5 % |\n|---|---|---|---|---|---|")
    tuned = [each for each in every if each.of.kind == "tuned"]
    for tokens in LENGTHS:
        rows = []
        for each in tuned:
            sides = [[first(r, tokens) for r in side.rest if len(r.logprob) >= min(tokens, 64)] for side in each.sides]
            if min(map(len, sides)) >= 30:
                row = []
                for name in ("likelihood", "curvature"):
                    human, machine = (values(side, name) for side in sides)
                    row += [auroc(human, machine).value, true_positives(human, machine, false_alarms=FALSE_ALARMS)]
                rows.append(row)
        if rows:
            cells = [f"{value:.3f}" for value in np.mean(rows, axis=0)]
            print(f"| {'all' if tokens == 512 else tokens} | {len(rows)} | {' | '.join(cells)} |")


def print_prevalence(every: Sequence[Set], score: Callable[[Set], list[ndarray]], name: str) -> None:
    print(
        f"\n### The share of a corpus ({name}): half of a domain's texts calibrates, the other half is mixed; {DRAWS} draws\n"
    )
    print(
        "| domain | calibration human/machine | mixed | "
        + " | ".join(f"{100 * s:.0f} %" for s in SHARES)
        + " | largest bias | 95 % interval holds |"
    )
    print("|---|---|---|" + "---|" * (len(SHARES) + 2))
    tuned = [each for each in every if each.of.kind == "tuned"]
    for domain in dict.fromkeys(_family(each) for each in tuned):
        human, machine = (
            np.concatenate([score(each)[k][long_enough(each.sides[k])] for each in tuned if _family(each) == domain])
            for k in (0, 1)
        )
        if min(len(human), len(machine)) < 80:
            print(f"| {domain} | {len(human)}/{len(machine)} texts of {LEAST_TOKENS} tokens: too few |")
            continue
        means, holds = [], []
        size = min(len(human), len(machine)) // 2
        for share in SHARES:
            found, held = _mixes(human, machine, share=share, size=size)
            means.append(found)
            holds.append(held)
        bias = max((m - s for m, s in zip(means, SHARES, strict=True)), key=abs)
        cells = " | ".join(f"{100 * mean:.1f} %" for mean in means)
        print(
            f"| {domain} | {len(human) // 2}/{len(machine) // 2} | {size} | {cells} | {bias:+.3f} | {np.mean(holds):.2f} |"
        )


def _mixes(human: ndarray, machine: ndarray, *, share: float, size: int) -> tuple[float, float]:
    generator = np.random.default_rng(3)
    found, held = [], 0
    for _ in range(DRAWS):
        sides = [each[generator.permutation(len(each))] for each in (human, machine)]
        known = [each[: len(each) // 2] for each in sides]
        made = round(share * size)
        corpus = np.concatenate([sides[0][len(known[0]) :][: size - made], sides[1][len(known[1]) :][:made]])
        fitted = platt(*known)
        said = mixture([Stratum(*(fitted.probability(part, prevalence=0.5) for part in (corpus, *known)))])
        found.append(said.value)
        held += said.low <= made / size <= said.high
    return float(np.nanmean(found)), held / DRAWS


def print_humans(entries: Sequence[str], every: Sequence[Set], kept: Kept) -> None:
    """False alarms on further human text, at thresholds out of each domain here."""
    for entry in entries:
        name, _, path = entry.partition("=")
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        texts = [row if isinstance(row, str) else row.get("document") or row["text"] for row in content]
        own = values(kept.readings(texts), "likelihood")
        human = np.concatenate([values(each.human.whole, "likelihood") for each in every if each.of.kind == "tuned"])
        rate = (own > np.quantile(human, 1 - FALSE_ALARMS)).mean()
        print(f"\n{name}: {len(texts)} human texts, false alarms {rate:.3f} at the 5 % threshold of all domains above")


def _is_asked(each: Labelled, base: str) -> bool:
    return each.kind != "base" or not base or each.name.split()[-1] in base.split(",")


def _as_asked(each: Labelled, given: argparse.Namespace) -> Labelled:
    """The set at the size that was asked for."""
    most = given.base_pairs if each.kind == "base" else given.pairs if each.paired else given.answers
    return each._replace(human=each.human[:most], machine=each.machine[:most])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--pairs", type=int, default=150)
    parser.add_argument("--answers", type=int, default=300, help="texts of each side of an unpaired set")
    parser.add_argument("--base-pairs", type=int, default=100)
    parser.add_argument("--base", default="", help="which base models, comma-separated; all unless said")
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--more", action="append", default=[])
    parser.add_argument("--human", action="append", default=[])
    given = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    kept = Kept(given.cache, model=given.model)
    labelled = sets(given.data, most=given.pairs, more=given.more)
    cut = [_as_asked(each, given) for each in labelled if _is_asked(each, given.base)]
    every = [read(each, kept) for each in cut]
    if not every:
        raise SystemExit(f"no labelled text in {given.data}")
    held = HeldOut(every, dolly_and_alpaca_beyond(given.data, most=given.pairs))
    card = kept.reader.model.card
    print(f"model {card.address}, {card.dtype}; first {kept.reader.most_tokens} tokens; seed 0")
    for domain, (human, machine, out) in held.counts.items():
        print(f"held out {domain}: learned from {human} human and {machine} machine's texts, {out} left out")
    print_means(print_sets(every, held))
    likelihood = lambda each: [values(side.rest, "likelihood") for side in each.sides]  # noqa: E731
    for name, score in (("likelihood", likelihood), ("fused", held.fused)):
        print_transfer(every, score, name)
    print_lengths(every)
    for name, score in (("likelihood", likelihood), ("fused", held.fused)):
        print_prevalence(every, score, name)
    print_humans(given.human, every, kept)


if __name__ == "__main__":
    main()
