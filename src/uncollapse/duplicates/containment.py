"""In which documents of an index the runs of words of another document stand: its human parent, if that is there.

The containment of a in b is the share of a's different runs that b has too: |A and B| / |A|. It is exact where b kept
all its runs; else it is estimated from those of a that are below b's bound, and has an interval.

A run that stands in many documents says little about which one is meant, and following it to all of them would cost
the time of everybody. So candidates are found by rarer runs, and all runs then count in the containment of a candidate.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8
from numpy import ndarray

from uncollapse.duplicates.foremost import Pairs, counted, foremost, intervals, rank
from uncollapse.duplicates.postings import Segment
from uncollapse.duplicates.sketch import Sketches

FREQUENT = 256  # a run in more documents than this finds no candidates by itself
RAREST = 8  # unless it is among the rarest of a query that has no rarer ones; then it finds the first FREQUENT
CANDIDATES = 32  # documents whose containment is worked out, for each query
FEWEST = 4  # shared runs of a match: one that a short text has in common with another says nothing
_AT_ONCE = 1 << 22  # pairs of query and document that are held at once


@dataclass(frozen=True, eq=False)
class Matches:
    """Candidates for some queries, in the order of the queries and for each the best first; ties go by id.

    `query` is the query's number, `document` the candidate's, `id` its id, `shared` the runs they share of the
    query's `of` below the candidate's bound, so containment = shared / of; `low` and `high` bound it at 95 %, and equal
    it where it is exact.
    The best is the one with the highest `low`: one run out of one that a long document kept is no match for 90 of 100.
    `runs` are all that the query has. `frequent` counts the different runs of the queries that stand in too many
    documents to find candidates, `spared` the documents that were not looked at for that.
    """

    query: Int64[ndarray, "m"]
    document: Int64[ndarray, "m"]
    id: UInt8[ndarray, "m 16"]
    shared: Int64[ndarray, "m"]
    of: Int64[ndarray, "m"]
    runs: Int64[ndarray, "m"]
    low: Float64[ndarray, "m"]
    high: Float64[ndarray, "m"]
    frequent: int
    spared: int

    @property
    def containment(self) -> Float64[ndarray, "m"]:
        """The share of the query's runs that the candidate has."""
        return self.shared / self.of

    def accepted(self, threshold: float) -> Bool[ndarray, "m"]:
        """Which reach a containment by runs enough: FEWEST, or all that the query has."""
        return (self.containment >= threshold) & (self.shared >= np.minimum(self.runs, FEWEST))


@dataclass(frozen=True, eq=False)
class Index:
    """Documents in segments, among which those that contain others are found."""

    segments: Sequence[Segment]
    frequent: int = FREQUENT

    @cached_property
    def first(self) -> Int64[ndarray, "s"]:
        """The number of the first document of each segment, and that of all documents."""
        return np.cumsum([0, *(segment.documents for segment in self.segments)])

    @property
    def documents(self) -> int:
        """How many documents there are."""
        return int(self.first[-1])

    def by_id(self, wanted: ndarray) -> Int64[ndarray, "w"]:
        """For each id the number of its document, -1 for none."""
        return self._named([segment.by_id.find(wanted) for segment in self.segments], len(wanted))

    def by_normal(self, wanted: ndarray) -> Int64[ndarray, "w"]:
        """For each digest of a normal text the number of a document that has it, -1 for none."""
        return self._named([segment.by_normal.find(wanted) for segment in self.segments], len(wanted))

    def ids(self, documents: Int64[ndarray, "m"]) -> UInt8[ndarray, "m 16"]:
        """The ids of documents by their numbers."""
        found = np.zeros((len(documents), 16), dtype=np.uint8)
        for segment, here, own in self._parted(documents):
            found[here] = segment.ids[own]
        return found

    def best(self, queries: Sketches, *, most: int) -> Matches:
        """The `most` best candidates of each query, of all that share a run with it; `queries` are not cut."""
        lookup = _Lookup.of(self, queries)
        parts = [self._best(part, queries, most=most) for part in lookup.parts()]
        frequent = lookup.total > self.frequent
        spared = int((lookup.total[frequent] - self.frequent).sum())
        joined = [np.concatenate([np.zeros(0, np.int64), *(part[at] for part in parts)]) for at in range(4)]
        query, document, shared, of = joined
        low, high = intervals(shared, of, shifts=self.shifts[document])
        ids, runs = self.ids(document), queries.runs[query]
        return Matches(query, document, ids, shared, of, runs, low, high, int(frequent.sum()), spared)

    def _best(self, part: "_Part", queries: Sketches, *, most: int) -> tuple[Int64[ndarray, "m"], ...]:
        few = foremost(part.candidates(), shifts=self.shifts, kept=queries.kept, most=max(CANDIDATES, 2 * most))
        query, document, shared = few.query, few.document, part.complete(few)
        shifts = self.shifts[document]
        of = queries.kept[query, shifts]
        ids = self.ids(document)
        order = np.lexsort((*_halves(ids), -intervals(shared, of, shifts=shifts)[0], query))
        query, document, shared, of, ids = (values[order] for values in (query, document, shared, of, ids))
        own = np.ones(len(query), dtype=bool)
        own[1:] = (query[1:] != query[:-1]) | (ids[1:] != ids[:-1]).any(axis=1)
        query, document, shared, of = query[own], document[own], shared[own], of[own]
        held = rank(query) < most
        return query[held], document[held], shared[held], of[held]

    @cached_property
    def shifts(self) -> UInt8[ndarray, "d"]:
        """The scale of each document as a power of two."""
        return np.concatenate([np.zeros(0, np.uint8), *(segment.shifts for segment in self.segments)])

    def _parted(
        self, documents: Int64[ndarray, "m"]
    ) -> Iterator[tuple[Segment, Int64[ndarray, "p"], Int64[ndarray, "p"]]]:
        """For each segment the places of its documents, and their numbers in it."""
        where = np.searchsorted(self.first, documents, side="right") - 1
        for number, segment in enumerate(self.segments):
            here = np.flatnonzero(where == number)
            if len(here):
                yield segment, here, documents[here] - self.first[number]

    def _named(self, found: Sequence[ndarray], count: int) -> Int64[ndarray, "w"]:
        result = np.full(count, -1, dtype=np.int64)
        for own, begin in zip(found, self.first[:-1], strict=True):
            new = (own >= 0) & (result < 0)
            result[new] = own[new] + begin
        return result


@dataclass(frozen=True, eq=False)
class _Lookup:
    """Where the runs of some queries stand in each segment: `low` to `high`, by the places of their numbers."""

    index: Index
    document: Int64[ndarray, "n"]
    run: Int64[ndarray, "n"]
    low: list[Int64[ndarray, "_"]]
    high: list[Int64[ndarray, "_"]]
    total: Int64[ndarray, "u"]

    @classmethod
    def of(cls, index: Index, queries: Sketches) -> "_Lookup":
        """The runs of the queries, looked up."""
        new = np.ones(len(queries.hashes), dtype=bool)
        new[1:] = queries.hashes[1:] != queries.hashes[:-1]
        unique = queries.hashes[new]
        low = [np.searchsorted(segment.hashes, unique, side="left") for segment in index.segments]
        high = [np.searchsorted(segment.hashes, unique, side="right") for segment in index.segments]
        total = sum((b - a for a, b in zip(low, high, strict=True)), start=np.zeros(len(unique), dtype=np.int64))
        run = np.cumsum(new) - 1
        held = np.flatnonzero(total[run] > 0)
        order = held[np.argsort(queries.document[held], kind="stable")]
        return cls(index, queries.document[order], run[order], low, high, total)

    def parts(self) -> Iterator["_Part"]:
        """The queries, so many at once that what they lead to can be held."""
        follow = self._followed()
        weight = np.where(follow, np.minimum(self.total[self.run], self.index.frequent), CANDIDATES)
        ends = np.cumsum(weight)
        begins = np.flatnonzero(rank(self.document) == 0)
        start = 0
        while start < len(ends):
            reach = np.searchsorted(ends, (ends[start - 1] if start else 0) + _AT_ONCE, side="right")
            later = begins[np.searchsorted(begins, start, side="right") :]
            within = later[later <= reach]
            stop = int(within[-1]) if len(within) else int(later[0]) if len(later) else len(ends)
            if reach >= len(ends):
                stop = len(ends)
            yield _Part(self, slice(start, stop), follow[start:stop])
            start = stop

    def _followed(self) -> Bool[ndarray, "n"]:
        """Which runs find candidates: the rarer ones, and the rarest of a query in any case."""
        total = self.total[self.run]
        order = np.lexsort((total, self.document))
        followed = total <= self.index.frequent
        followed[order[rank(self.document[order]) < RAREST]] = True
        return followed


@dataclass(frozen=True, eq=False)
class _Part:
    """Some queries of a lookup: their runs that stand in the index, and which of those find candidates."""

    lookup: _Lookup
    own: slice
    follow: Bool[ndarray, "n"]
    _capped: list[Bool[ndarray, "_"]] = field(default_factory=list)

    def candidates(self) -> Pairs:
        """Pairs of query and document, each once, and how many of the followed runs they share."""
        query, run = self.lookup.document[self.own][self.follow], self.lookup.run[self.own][self.follow]
        left = np.full(len(run), self.lookup.index.frequent)
        keys = [np.zeros(0, dtype=np.int64)]
        for number, segment in enumerate(self.lookup.index.segments):
            low = self.lookup.low[number][run]
            take = np.minimum(self.lookup.high[number][run] - low, left)
            left = left - take
            place = np.repeat(low - (np.cumsum(take) - take), take) + np.arange(int(take.sum()))
            document = segment.postings[place].astype(np.int64) + self.lookup.index.first[number]
            keys.append((np.repeat(query, take) << 32) | document)
        return counted(np.concatenate(keys))

    def complete(self, pairs: Pairs) -> Int64[ndarray, "c"]:
        """How many runs each pair shares, those included that were not followed to every document."""
        total = self.lookup.total[self.lookup.run[self.own]]
        open_ = ~self.follow | (total > self.lookup.index.frequent)
        capped = self.follow & open_
        shared = pairs.hits.copy()
        for counts, which in ((1, np.flatnonzero(open_)), (-1, np.flatnonzero(capped))):
            shared += counts * self._held(pairs, which, capped=counts < 0)
        return shared

    def _held(self, pairs: Pairs, which: Int64[ndarray, "w"], *, capped: bool) -> Int64[ndarray, "c"]:
        """How many of these runs of its query each pair's document has; `capped`, among the documents looked at."""
        runs_of, runs = self.lookup.document[self.own][which], self.lookup.run[self.own][which]
        query, document = pairs.query, pairs.document
        begin, end = np.searchsorted(runs_of, query, "left"), np.searchsorted(runs_of, query, "right")
        counts = end - begin
        pair = np.repeat(np.arange(len(query)), counts)
        run = runs[np.repeat(begin - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))]
        left = np.full(len(run), self.lookup.index.frequent)
        held = np.zeros(len(run), dtype=bool)
        index = self.lookup.index
        for number, segment in enumerate(index.segments):
            low, high = self.lookup.low[number][run], self.lookup.high[number][run]
            if capped:
                high = np.minimum(high, low + left)
                left = left - (high - low)
            held |= _among(segment.postings, low, high, document[pair] - index.first[number])
        return np.bincount(pair[held], minlength=len(query))


def _among(
    values: ndarray, low: Int64[ndarray, "n"], high: Int64[ndarray, "n"], wanted: Int64[ndarray, "n"]
) -> Bool[ndarray, "n"]:
    """Whether each wanted value is among the ascending values from low to high."""
    end = high
    low, high = low.copy(), high.copy()
    while True:
        undecided = np.flatnonzero(low < high)
        if not len(undecided):
            break
        middle = (low[undecided] + high[undecided]) >> 1
        below = values[middle] < wanted[undecided]
        low[undecided[below]] = middle[below] + 1
        high[undecided[~below]] = middle[~below]
    found = low < end
    found[found] = values[low[found]] == wanted[found]
    return found


def _halves(ids: UInt8[ndarray, "m 16"]) -> tuple[ndarray, ndarray]:
    """The low and high halves of ids, as sorting wants them."""
    words = np.ascontiguousarray(ids).view(">u8").reshape(-1, 2)
    return words[:, 1], words[:, 0]
