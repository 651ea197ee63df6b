"""What stands behind the verdicts: documents, phrases, words and topics, for a person to look at and a step to drop."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from uncollapse.auditing.encoded import Part
from uncollapse.auditing.examine import Examined, Prepared
from uncollapse.auditing.intake import Read
from uncollapse.auditing.lexicon import Lexicon
from uncollapse.auditing.neighbours import Lonely
from uncollapse.auditing.panel import excess_phrases
from uncollapse.auditing.topics import Topics, shares
from uncollapse.auditing.whole import unexplained
from uncollapse.document import Document, to_batch
from uncollapse.duplicates import Sameness, document_keys
from uncollapse.measures.concentration import log_odds

MOST = 200  # of each kind
EXCERPT = 160  # characters
SURE = 3.0  # standard errors from which lonely documents are listed
MOSTLY = 0.5  # of a topic's human documents: where so many are lonely, it is lost
PRIOR = 1000.0  # pseudo-counts of the log-odds


class Offender(NamedTuple):
    """One thing behind a verdict. `id` and `source` are empty for what is no document; `score` says how much of it."""

    verdict: str
    kind: str
    id: str
    source: str
    text: str
    score: float
    detail: str


SCHEMA = pa.schema(
    [
        ("verdict", pa.string()),
        ("kind", pa.string()),
        ("id", pa.string()),
        ("source", pa.string()),
        ("text", pa.large_string()),
        ("score", pa.float64()),
        ("detail", pa.string()),
    ]
)


class Phrase(NamedTuple):
    """An n-gram that the corpus has more of: counts in parts of equal size, log-odds in nats and its z."""

    text: str
    order: int
    corpus: int
    control: int
    log_odds: float
    z: float


def offenders(corpus: Read, examined: Examined | None) -> list[Offender]:
    """Everything that is listed, verdict by verdict, the worst first."""
    found = [*_copies(corpus), *_memorised(corpus)]
    if examined is not None:
        found += [*_moulds(examined), *_lost_words(examined), *_excess(examined), *_topics(examined)]
    return found


def as_table(found: list[Offender], *, corpus: str) -> pa.Table:
    """The list as a table, each line with the name of its corpus."""
    columns: dict[str, list[Any]] = {name: [getattr(one, name) for one in found] for name in SCHEMA.names}
    table = pa.table(columns, schema=SCHEMA)
    return table.add_column(0, "corpus", pa.array([corpus] * len(found), pa.string()))


def _copies(corpus: Read) -> Iterator[Offender]:
    documents = corpus.documents
    places = np.argsort(-documents.copies, kind="stable")[:MOST]
    for place in places.tolist():
        if documents.copies[place] > 1:
            row = documents.rows[place]
            times = int(documents.copies[place])
            yield Offender(
                "duplicates", "document", row.id, row.source, _excerpt(documents.texts[place]), times, f"{times} times"
            )
    by_words = {key: place for place, key in enumerate(_word_keys(corpus))}
    for cluster in corpus.near.clusters[:MOST]:
        held = [by_words[key] for key in cluster.keys if key in by_words]
        for place in held[1:]:
            row, first = documents.rows[place], documents.rows[held[0]]
            detail = f"in a group of {cluster.documents}, like {first.id}"
            text = _excerpt(documents.texts[place])
            yield Offender("duplicates", "document", row.id, row.source, text, cluster.similarity, detail)


def _word_keys(corpus: Read) -> list[int]:
    batch = to_batch([Document(text=text) for text in corpus.documents.texts])
    keys: list[int] = document_keys(batch, sameness=Sameness.WORDS).tolist()
    return keys


def _memorised(corpus: Read) -> Iterator[Offender]:
    texts = {row.id: text for row, text in zip(corpus.documents.rows, corpus.documents.texts, strict=True)}
    listed = sorted(unexplained(corpus), key=lambda copy: (-copy.share, copy.id))[:MOST]
    for copy in listed:
        detail = f"{copy.share:.0%} of its runs of 8 words are in the reference"
        text = _excerpt(texts.get(copy.id, ""))
        yield Offender("memorised", "document", copy.id, copy.source, text, copy.share, detail)


def _moulds(examined: Examined) -> Iterator[Offender]:
    corpus = examined.corpus
    for template in corpus.frames.templates:
        detail = f"in {template.texts} documents"
        yield Offender("templates", "frame", "", "", template.frame, template.texts, detail)
    for place in np.flatnonzero(corpus.boilerplate)[:MOST].tolist():
        row = corpus.documents.rows[place]
        text = _excerpt(corpus.documents.texts[place])
        yield Offender("templates", "document", row.id, row.source, text, 1.0, "has a run of 8 words that many share")


def _summed(examined: Examined, order: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The counts of corpus, control and reference over all splits, divided by their number."""

    def mean(parts: list[Part]) -> np.ndarray:
        total = np.zeros(examined.encoded[0].sizes[order])
        for part in parts:
            total += part.counts(order)
            part.forget()
        return total / len(parts)

    ways = examined.splits
    return (
        mean([way.corpus for way in ways]),
        mean([way.control for way in ways]),
        mean([way.reference for way in ways]),
    )


def _lost_words(examined: Examined) -> Iterator[Offender]:
    """The words that human text uses most and the corpus never."""
    corpus, control, reference = _summed(examined, 1)
    human = control + reference
    lost = np.flatnonzero((corpus == 0) & (human >= 2))
    lost = lost[np.argsort(-human[lost], kind="stable")][:MOST]
    lexicon = Lexicon(examined.reference.rest)
    words = lexicon.ngrams(lost.tolist(), sample=examined.encoded[1], documents=examined.reference.rest, order=1)
    for name, word in zip(lost.tolist(), words, strict=True):
        times = float(human[name])
        yield Offender("tails", "word", "", "", word, times, f"{times:.0f} times in human text of twice the size")


def phrases(examined: Examined, *, most: int = MOST) -> list[Phrase]:
    """The n-grams of one to five words that the corpus has more of than the control, the surest first.

    Source: Monroe, Colaresi and Quinn 2008, equations 15 to 22 (log-odds with an informative Dirichlet prior).
    """
    found: list[Phrase] = []
    lexicon = Lexicon(examined.corpus.rest)
    for order in examined.encoded[0].sizes:
        here, there, _ = _summed(examined, order)
        used = np.flatnonzero(here >= 3)
        totals = (round(float(here.sum())), round(float(there.sum())))
        if not len(used) or not all(totals):
            continue
        prior = PRIOR * (here + there)[used] / sum(totals)
        ratio, z = log_odds(corpus=here[used], reference=there[used], totals=totals, prior=prior, weight=PRIOR)
        best = np.argsort(-z, kind="stable")[: most // 2]
        best = best[z[best] > 0]
        names = used[best].tolist()
        texts = lexicon.ngrams(names, sample=examined.encoded[0], documents=examined.corpus.rest, order=order)
        for at, name, text in zip(best.tolist(), names, texts, strict=True):
            found.append(
                Phrase(text, order, round(float(here[name])), round(float(there[name])), float(ratio[at]), float(z[at]))
            )
    return sorted(found, key=lambda phrase: (-phrase.z, phrase.text))[:most]


def _excess(examined: Examined) -> Iterator[Offender]:
    for phrase in phrases(examined):
        detail = f"{phrase.corpus} times against {phrase.control}, z {phrase.z:.1f}"
        yield Offender("concentration", "phrase", "", "", phrase.text, phrase.log_odds, detail)
    first = examined.splits[0]
    names = np.flatnonzero(excess_phrases(first.corpus, first.reference, order=3))
    counts, spread = first.corpus.counts(3), first.corpus.spread(3)
    names = names[np.argsort(-counts[names], kind="stable")][:MOST]
    texts = Lexicon(examined.corpus.rest).ngrams(
        names.tolist(), sample=examined.encoded[0], documents=examined.corpus.rest, order=3
    )
    for name, text in zip(names.tolist(), texts, strict=True):
        detail = f"{counts[name]} times, in {spread[name]} documents"
        yield Offender("concentration", "excess", "", "", text, float(counts[name]), detail)


def _topics(examined: Examined) -> Iterator[Offender]:
    for topic in topic_shares(examined):
        if topic.lost:
            detail = f"{topic.corpus:.1%} of the documents against {topic.human:.1%} in human text"
            yield Offender("topics", "topic", "", "", topic.words, topic.human - topic.corpus, detail)
    if examined.near is not None:
        lost, strange = examined.near
        yield from _lonely("topics", "human document", lost, examined.reference, "hardly any of the corpus is near it")
        yield from _lonely("domain", "document", strange, examined.corpus, "hardly any human text is near it")


def _lonely(verdict: str, kind: str, side: Lonely, sample: Prepared, detail: str) -> Iterator[Offender]:
    """The documents of a side that have too few of the other near them, where there are more than chance has."""
    if side.z < SURE:
        return
    for place in side.asked[side.lonely][:MOST].tolist():
        row = sample.documents.rows[place]
        yield Offender(verdict, kind, row.id, row.source, _excerpt(sample.documents.texts[place]), 1.0, detail)


class TopicShare(NamedTuple):
    """A topic by its words, its share of the documents on both sides, and whether it is lost."""

    words: str
    corpus: float
    human: float
    lost: bool


def topic_shares(examined: Examined) -> list[TopicShare]:
    """The topics with their shares of all documents, the largest of human text first."""
    topics = examined.topics
    if topics is None:
        return []
    here, there = shares(topics.corpus, topics.count), shares(topics.reference, topics.count)
    lost = _lost(topics, examined)
    lexicon = Lexicon(examined.corpus.rest, examined.reference.rest)
    found = []
    for number, names in enumerate(topics.words):
        words = [_word(examined, name, lexicon) for name in names]
        found.append(TopicShare(", ".join(words), float(here[number]), float(there[number]), number in lost))
    return sorted(found, key=lambda topic: (-topic.human, topic.words))


def _lost(topics: Topics, examined: Examined) -> list[int]:
    """The topics in which most of the human documents that were asked have lost what was near them."""
    if examined.near is None:
        return []
    lost = examined.near.lost
    asked = topics.reference[lost.asked]
    lonely = np.bincount(asked[lost.lonely], minlength=topics.count)
    found: list[int] = np.flatnonzero(lonely > MOSTLY * np.bincount(asked, minlength=topics.count)).tolist()
    return found


def _word(examined: Examined, name: int, lexicon: Lexicon) -> str:
    for sample, documents in zip(examined.encoded, (examined.corpus.rest, examined.reference.rest), strict=True):
        if (sample.names[1] == name).any():
            return lexicon.ngrams([name], sample=sample, documents=documents, order=1)[0]
    raise AssertionError("a topic's word is in neither sample")


def _excerpt(text: str) -> str:
    return text if len(text) <= EXCERPT else text[:EXCERPT] + "..."
