"""What the `bold` preset does to a text, beside a sketch, random edits and the published rules, under a judge.

    python -m benchmarks.bold_preset --documents pages.jsonl --judge ADDRESS --lexicon books.txt --count 40

The judge is a language model that had no part in the edits; with none named it is a trigram model counted on the
documents that are not edited, and with no documents named they are the topics of Python's own manual. Arms are compared twice: as they come, and with as many
edits in each document as the arm with the fewest made there. Intervals are 95 % bootstrap intervals over documents.
"""

import argparse
import itertools
import json
import pydoc_data.topics
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy import ndarray

from uncollapse.corpora import read
from uncollapse.document import Document, Edit, to_batch, to_documents
from uncollapse.editing import PRESETS, ToEdit, preset
from uncollapse.editing.recheck import Limits, survivors
from uncollapse.editing.respelling import Replacement, compose, respell
from uncollapse.editing.words import pieces
from uncollapse.language_models import CountedModel, load
from uncollapse.language_models.model import LanguageModel, Tokens

WORD = re.compile(r"[^\W\d_]+")
RESAMPLES = 2000


@dataclass(frozen=True)
class Arm:
    """The edits of one way of editing, for each document."""

    name: str
    edits: list[tuple[Edit, ...]]


def sketch(model: LanguageModel, texts: Sequence[str], *, seed: int) -> list[tuple[Edit, ...]]:
    """Positions p >= 0.3 at least 6 tokens apart, candidates p >= 0.05 other than the original, drawn by probability;
    edits are taken back when the next six tokens lose more than one nat.
    """
    table = pieces(model.vocabulary.surfaces)
    tokens = model.vocabulary.encode(texts)
    first = np.zeros(len(tokens.ids), dtype=bool)
    first[tokens.starts] = True
    before, found = model.score_and_choose(
        tokens, chooser=lambda rows, logprob, _: (np.exp(logprob) >= 0.3) & ~first[rows], k=24
    )
    able = (found.logprob >= np.log(0.05)) & (found.ids != tokens.ids[found.rows, None]) & table.is_text[found.ids]
    document = tokens.document_of()
    keep = np.flatnonzero(able.any(axis=1))
    keep = keep[apart(found.rows[keep], document[found.rows[keep]], spacing=6)]
    weight = np.where(able[keep], np.exp(found.logprob[keep].astype(float)), 0.0).cumsum(axis=1)
    number = np.random.default_rng(seed).random(len(keep)) * weight[:, -1]
    column = (weight <= number[:, None]).sum(axis=1)
    rows, new = found.rows[keep], found.ids[keep, column]
    ids = tokens.ids.copy()
    ids[rows] = new
    after = model.score(Tokens(ids=ids, starts=tokens.starts, offsets=tokens.offsets, spans=tokens.spans))
    stay = survivors(
        before.logprob, after.logprob, rows, tokens=tokens, limits=Limits(ahead=6, following=1.0, total=None)
    )
    made: list[list[Replacement]] = [[] for _ in texts]
    for row, token in zip(rows[stay].tolist(), new[stay].tolist(), strict=True):
        start, end = tokens.spans[row].tolist()
        made[document[row]].append(Replacement(start, end, table.surfaces[token], float(np.exp(before.logprob[row]))))
    return [compose(text.encode(), (), new) for text, new in zip(texts, made, strict=True)]


def apart(rows: ndarray, documents: ndarray, *, spacing: int) -> ndarray:
    """Which rows stay, from the left, when two in one document must be so many tokens apart."""
    keep = np.zeros(len(rows), dtype=bool)
    last = (-1, 0)
    for index, (row, document) in enumerate(zip(rows.tolist(), documents.tolist(), strict=True)):
        if document != last[0] or row - last[1] >= spacing:
            keep[index] = True
            last = (document, row)
    return keep


def by_step(step: ToEdit, texts: Sequence[str]) -> list[tuple[Edit, ...]]:
    batch = to_batch([Document(text=text) for text in texts])
    return [row.edits for row in to_documents(step.apply(batch).batch)]


def put_in(text: str, edits: Sequence[Edit]) -> str:
    """The text with some of its edits."""
    encoded = text.encode()
    new = [Replacement(e.position, e.position + len(e.before.encode()), e.after.encode(), 0.0) for e in edits]
    return respell(encoded, new).decode()


def thinned(arms: Sequence[Arm], *, seed: int) -> list[Arm]:
    """The arms with equally many edits in each document, chosen at random among those that each made."""
    generator = np.random.default_rng(seed)
    least = [min(len(arm.edits[number]) for arm in arms) for number in range(len(arms[0].edits))]
    return [
        Arm(
            arm.name,
            [
                tuple(edits[i] for i in sorted(generator.choice(len(edits), count, replace=False))) if count else ()
                for edits, count in zip(arm.edits, least, strict=True)
            ],
        )
        for arm in arms
    ]


def losses(judge: LanguageModel, texts: Sequence[str]) -> tuple[ndarray, ndarray]:
    """For each text its loss under the judge in nats, and its tokens."""
    tokens = judge.vocabulary.encode(texts)
    logprob = judge.score(tokens).logprob
    sums = np.add.reduceat(np.nan_to_num(logprob.astype(float)), tokens.offsets[:-1])
    return -sums, np.diff(tokens.offsets)


def interval(value: Callable[[ndarray], float], count: int) -> str:
    """A value with its 95 % bootstrap interval over documents."""
    generator = np.random.default_rng(0)
    draws = [value(generator.integers(0, count, count)) for _ in range(RESAMPLES)]
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return f"{value(np.arange(count)):.4f} [{low:.4f}, {high:.4f}]"


def is_word(edit: Edit, text: str, lexicon: set[str]) -> bool:
    """Whether the letters around the edit, read in the edited text, are words that people wrote."""
    encoded = text.encode()
    end = edit.position + len(edit.before.encode())
    left = encoded[max(0, edit.position - 40) : edit.position].decode(errors="ignore")
    right = encoded[end : end + 40].decode(errors="ignore")
    before = re.search(r"[^\W\d_]*\Z", left)[0]
    after = re.match(r"[^\W\d_]*", right)[0]
    return all(word.lower() in lexicon for word in WORD.findall(before + edit.after + after))


def grams(texts: Sequence[str]) -> Counter[tuple[str, ...]]:
    counts: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        words = [word.lower() for word in WORD.findall(text)]
        counts.update((word,) for word in words)
        counts.update(itertools.pairwise(words))
    return counts


def divergence(left: Counter[tuple[str, ...]], right: Counter[tuple[str, ...]]) -> float:
    """Jensen-Shannon divergence of two count tables in bits."""
    names = list(left | right)
    p = np.array([left[name] for name in names], float)
    q = np.array([right[name] for name in names], float)
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(sum(np.nansum(np.where(side > 0, side * np.log2(side / middle), 0)) for side in (p, q)) / 2)


@dataclass(frozen=True)
class Bench:
    """The texts with what the judge and the lexicon say of them unedited."""

    texts: list[str]
    held_out: list[str]
    tokens: int
    lexicon: set[str]
    judge: LanguageModel
    base: ndarray
    sizes: ndarray

    def row(self, arm: Arm) -> tuple[str, ndarray]:
        """One line of the table, and the loss added to each document."""
        edited = [put_in(text, edits) for text, edits in zip(self.texts, arm.edits, strict=True)]
        added = losses(self.judge, edited)[0] - self.base
        counts = np.array([len(edits) for edits in arm.edits])
        real = np.array(
            [sum(not is_word(e, t, self.lexicon) for e in es) for t, es in zip(self.texts, arm.edits, strict=True)]
        )
        n = len(self.texts)
        ratio = interval(lambda at: float(np.exp(added[at].sum() / self.sizes[at].sum())), n)
        cost = interval(lambda at: float(added[at].sum() / max(counts[at].sum(), 1)), n)
        odd = interval(lambda at: float(real[at].sum() / max(counts[at].sum(), 1)), n)
        far = divergence(grams(edited), grams(self.held_out)) - divergence(grams(self.texts), grams(self.held_out))
        share = counts.sum() / self.tokens
        return f"| {arm.name} | {counts.sum()} | {share:.2%} | {ratio} | {cost} | {odd} | {far:+.5f} |", added

    def table(self, arms: Sequence[Arm]) -> dict[str, ndarray]:
        print(
            "| arm | edits | changed share | perplexity, edited / original | nats an edit | non-words | JSD shift, bits |"
        )
        print("|---|---|---|---|---|---|---|")
        added = {}
        for arm in arms:
            line, added[arm.name] = self.row(arm)
            print(line, flush=True)
        return added


def compare(bench: Bench, arms: Sequence[Arm], published: Sequence[Arm], *, seed: int) -> None:
    """Both tables, and the differences between bold and the others at equally many edits."""
    print("\nAs they come\n")
    bench.table([*arms, *published])
    print("\nWith equally many edits in each document\n")
    added = bench.table(thinned(arms, seed=seed))
    for other in ("sketch", "random words"):
        gap = interval(
            lambda at, other=other: float((added["bold"] - added[other])[at].sum() / bench.sizes[at].sum()),
            len(bench.texts),
        )
        print(f"\nlog perplexity, bold minus {other}: {gap} nats a token")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", help="human text, a file or folder that `uncollapse edit` reads")
    parser.add_argument("--judge", help="address of a language model that has no part in the edits")
    parser.add_argument("--model", default="smollm2-135m", help="address of the prior")
    parser.add_argument(
        "--lexicon", nargs="*", type=Path, default=[], help="more files of human text; words in it are words"
    )
    parser.add_argument("--skip", type=int, default=0, help="leave out so many documents first (those used to choose)")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--characters", type=int, default=1500, help="of each document, its beginning")
    parser.add_argument("--override", default="{}", help="fields of the bold preset to set otherwise, as JSON")
    parser.add_argument("--alone", action="store_true", help="only the bold arm as it comes, to compare overrides")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=0, help="print so many edits of the bold arm")
    a = parser.parse_args()

    pages = [row.text for row in read(a.documents)] if a.documents else list(pydoc_data.topics.topics.values())
    pages = [page[: a.characters] for page in pages if len(page) > a.characters // 2]
    texts, held_out = pages[a.skip : a.skip + a.count], pages[a.skip + a.count : a.skip + 2 * a.count]
    model = load(a.model)
    step = preset("bold", model=a.model, seed=a.seed, **json.loads(a.override))
    arms = [Arm("bold", by_step(step, texts))]
    if not a.alone:
        share = {"model": a.model, "seed": a.seed}
        at_random = ToEdit(**share, positions="random", rate=0.06, unit="word", exclude_original=True)
        arms += [Arm("sketch", sketch(model, texts, seed=a.seed)), Arm("random words", by_step(at_random, texts))]
    judge = load(a.judge) if a.judge else CountedModel.fit(pages[a.skip + a.count :] + pages[: a.skip], order=3)
    known = [*pages, *(path.read_text(errors="replace") for path in a.lexicon)]
    lexicon = {word.lower() for text in known for word in WORD.findall(text)}
    base, sizes = losses(judge, texts)
    size = len(model.vocabulary.encode(texts).ids)
    bench = Bench(texts, held_out, size, lexicon, judge, base, sizes)
    print(f"{len(texts)} documents, {size} tokens of the prior; judge {judge.card.address}")
    print("bold is", json.dumps({**PRESETS["bold"], **json.loads(a.override)}))
    if a.alone:
        bench.table(arms)
    else:
        compare(
            bench,
            arms,
            [Arm(name, by_step(preset(name, **share), texts)) for name in ("paper", "released")],
            seed=a.seed,
        )
    for text, edits in list(zip(texts, arms[0].edits, strict=True))[: a.show]:
        for edit in edits:
            encoded = text.encode()
            end = edit.position + len(edit.before.encode())
            left, right = encoded[max(0, edit.position - 40) : edit.position], encoded[end : end + 30]
            print(
                repr(
                    f"{left.decode(errors='replace')} [{edit.before} -> {edit.after} ] {right.decode(errors='replace')}"
                )
            )


if __name__ == "__main__":
    main()
