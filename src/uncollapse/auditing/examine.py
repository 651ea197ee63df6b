"""Two readings held against each other: the panel in every split, and what stands behind the numbers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray
from numpy.random import Generator

from uncollapse.auditing.boilerplate import boilerplate
from uncollapse.auditing.compared import Statistic, summarise
from uncollapse.auditing.controls import Split, half, splits
from uncollapse.auditing.encoded import Encoded, Part, encode
from uncollapse.auditing.intake import NEARLY
from uncollapse.auditing.neighbours import Cloud, Neighbours, neighbours
from uncollapse.auditing.panel import Group, Side, Values, measure_against, measure_own
from uncollapse.auditing.pool import Documents
from uncollapse.auditing.topics import Topics, topics_of
from uncollapse.auditing.values import frames_of, own_values
from uncollapse.document import Document, to_batch
from uncollapse.duplicates import NearDuplicates
from uncollapse.duplicates.exact import word_keys
from uncollapse.duplicates.templates import Templates
from uncollapse.ngrams import cut


class Prepared(NamedTuple):
    """A sample that is ready to be compared: near copies left out, boilerplate marked, numbers of each document."""

    documents: Documents
    rest: Documents
    boilerplate: ndarray
    frames: Templates
    values: dict[str, Float64[ndarray, "d"]]
    near_copies: int
    probabilities: Float32[ndarray, "t"] | None = None
    embeddings: Float64[ndarray, "d v"] | None = None


@dataclass(frozen=True, eq=False)
class Examined:
    """What was found in all splits, and what it was found in."""

    statistics: list[Statistic]
    tokens: int
    corpus: Prepared
    reference: Prepared
    encoded: tuple[Encoded, Encoded]
    topics: Topics | None
    near: Neighbours | None
    splits: list[Split]
    sides: tuple[Side, Side]
    kin: Int64[ndarray, "c"]


def prepare(documents: Documents) -> Prepared:
    """A sample without near copies, with its boilerplate marked."""
    different = _without_near_copies(documents)
    found = boilerplate(different)
    frames = frames_of(different)
    # Copies that differ in marks alone are one text to the frames.
    return Prepared(
        different,
        found.rest,
        found.has,
        frames,
        {**own_values(found.rest), "boilerplate": found.has.astype(np.float64), "framed": frames.framed.astype(float)},
        len(documents) - len(different),
    )


def examine(
    corpus: Prepared,
    reference: Prepared,
    *,
    random: Generator,
    count: int,
    on_split: Callable[[int], None] = lambda _: None,
) -> Examined:
    """The panel of a corpus beside that of fresh human text, over `count` splits."""
    encoded = encode(corpus.rest, reference.rest)
    kin = kinship(corpus.documents, reference.documents)
    topics = topics_of(*encoded, random=random)
    sides = _sides(corpus, reference, topics)
    ways = splits(*encoded, kin=kin, random=random, count=count)
    ours, theirs, own = [], [], []
    for number, way in enumerate(ways):
        held: dict[str, Any] = {"against": way.reference, "human": sides[1], "topics": topics}
        ours.append(measure_own(way.corpus, sides[0]) | measure_against(way.corpus, sides[0], **held))
        theirs.append(measure_own(way.control, sides[1]) | measure_against(way.control, sides[1], **held))
        own.append(measure_own(way.reference, sides[1]))
        for part in way:
            part.forget()
        on_split(number + 1)
    statistics = summarise(ours, theirs, own)
    near = None
    if topics is not None:
        clouds = [
            Cloud(vectors, _documents(side.rest))
            for vectors, side in ((topics.corpus_vectors, corpus), (topics.reference_vectors, reference))
        ]
        near = neighbours(clouds[0], clouds[1], random=random)
        if near is not None:
            statistics += _near(near, clouds[1], ways, random)
    pair = (encoded[0], encoded[1])
    return Examined(statistics, ways[0].corpus.tokens, corpus, reference, pair, topics, near, ways, sides, kin)


def examine_alone(corpus: Prepared, *, random: Generator, count: int) -> list[Statistic]:
    """The statistics that need no reference, over halves of the corpus."""
    (encoded,) = encode(corpus.rest)
    side = Side(corpus.values, corpus.rest.texts)
    halves = [half(encoded, random=random) for _ in range(count)]
    tokens = min(int(encoded.lengths[documents].sum()) for documents in halves)
    values = [measure_own(Part.of(encoded, documents, tokens=tokens), side) for documents in halves]
    nothing: list[Values] = [{} for _ in values]
    return summarise(values, nothing, nothing)


def _sides(corpus: Prepared, reference: Prepared, topics: Topics | None) -> tuple[Side, Side]:
    found: list[Side] = []
    for prepared, name in ((corpus, "corpus"), (reference, "reference")):
        vectors = None if topics is None else getattr(topics, f"{name}_vectors")
        own = None if topics is None else getattr(topics, name)
        found.append(Side(prepared.values, prepared.rest.texts, prepared.embeddings, vectors, own))
    return found[0], found[1]


def _documents(documents: Documents) -> Int64[ndarray, "d"]:
    """For each document its number, which passages of one document share."""
    return np.unique([row.id for row in documents.rows], return_inverse=True)[1].astype(np.int64)


def _near(near: Neighbours, human: Cloud, ways: list[Split], random: Generator) -> Iterator[Statistic]:
    """The lines for what has hardly any of the other side near it, beside the means over the controls of all splits."""
    dealt = [
        neighbours(human.take(way.control.documents), human.take(way.reference.documents), random=random, shuffles=0)
        for way in ways
    ]
    controls = [found for found in dealt if found is not None]
    for name, group, side in (("topics_lost", Group.TOPICS, "lost"), ("strange", Group.SHIFT, "strange")):
        found = getattr(near, side)
        control = float(np.mean([getattr(one, side).share for one in controls])) if controls else None
        yield Statistic(name, group.value, found.share, control, None, None, None, found.z)


def kinship(corpus: Documents, reference: Documents) -> Int64[ndarray, "c"]:
    """For each document of the corpus the document of the reference that it was made from or is, or -1."""
    places = {(row.id, row.passage): place for place, row in enumerate(reference.rows)}
    # A copy with other white space has another id, and the same words.
    same = {words: place for place, words in enumerate(_words(reference)) if words}
    found = [
        places.get((row.root, row.passage), places.get((row.id, row.passage), same.get(words, -1)))
        for row, words in zip(corpus.rows, _words(corpus), strict=True)
    ]
    return np.array(found, dtype=np.int64)


def _words(documents: Documents) -> Iterator[bytes]:
    """The words of each document, as something that can be looked up."""
    for begin, end in pairwise(documents.offsets.tolist()):
        yield documents.words[begin:end].tobytes()


def equal(*samples: Documents) -> list[Documents]:
    """The first documents of each that have as many words as the smallest has."""
    tokens = min(sample.tokens for sample in samples)
    return [_first(sample, tokens) for sample in samples]


def _first(documents: Documents, tokens: int) -> Documents:
    needed = int(np.searchsorted(documents.offsets, tokens))
    return documents.take(np.arange(min(needed, len(documents))))


def _without_near_copies(documents: Documents) -> Documents:
    batch = to_batch([Document(text=text) for text in documents.texts])
    near = NearDuplicates(threshold=NEARLY, most=max(len(documents), 1))
    keys = []
    for tokens in cut(batch):
        near.take(tokens)
        keys += word_keys(tokens).tolist()
    spare = {key for cluster in near.result().clusters for key in cluster.keys[1:]}
    seen: set[int] = set()
    kept = []
    for place, key in enumerate(keys):
        if key not in spare and key not in seen:
            seen.add(key)
            kept.append(place)
    return documents.take(np.array(kept, dtype=np.int64))
