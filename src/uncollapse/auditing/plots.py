"""The numbers behind the page's charts, as they stand in `report.json`."""

from typing import Any

import numpy as np

from uncollapse.auditing.encoded import Part
from uncollapse.auditing.evidence import phrases, topic_shares
from uncollapse.auditing.examine import Examined

# How often a word occurs in the reference: the classes of the coverage curve.
RARITY = ((1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, 64), (65, None))
_RANKS = 24
_BUCKET_POINTS = 21
_BINS = 20
_DOTS = 400
_PHRASES = 50


def plots(examined: Examined) -> dict[str, Any]:
    """Everything that is plotted, by the name of its chart."""
    found = {
        "coverage": _coverage(examined),
        "ranks": _ranks(examined),
        "buckets": _buckets(examined),
        "topics": [topic._asdict() for topic in topic_shares(examined)],
        "map": _map(examined),
        "phrases": [phrase._asdict() for phrase in phrases(examined, most=_PHRASES)],
        "templates": [
            {"frame": one.frame, "texts": one.texts, "more": one.more} for one in examined.corpus.frames.templates
        ],
    }
    if examined.corpus.probabilities is not None and examined.reference.probabilities is not None:
        found["probabilities"] = _probabilities(examined.corpus.probabilities, examined.reference.probabilities)
        found["surprise"] = _surprise(examined)
    return found


def _coverage(examined: Examined) -> dict[str, Any]:
    """For words by how often the reference has them, the share that occurs; mean and spread over the splits."""
    rows: list[tuple[list[float], list[float]]] = []
    for way in examined.splits:
        there = way.reference.counts(1)
        sides = [way.corpus.counts(1), way.control.counts(1)]
        classes = [(there >= least) & (there <= (most or np.inf)) for least, most in RARITY]
        rows.append(tuple([_mean(side[held] > 0) for held in classes] for side in sides))  # type: ignore[arg-type]
        for part in way:
            part.forget()
    values = np.array(rows)
    return {
        "labels": [f"{a}" if a == b else f"{a}-{b}" if b else f"{a}+" for a, b in RARITY],
        "corpus": _numbers(values[:, 0].mean(axis=0)),
        "control": _numbers(values[:, 1].mean(axis=0)),
        "corpus_sd": _numbers(values[:, 0].std(axis=0, ddof=1)),
        "control_sd": _numbers(values[:, 1].std(axis=0, ddof=1)),
    }


def _ranks(examined: Examined) -> dict[str, Any]:
    """Share of tokens by rank of the word, at ranks that are evenly spaced in the logarithm."""
    way = examined.splits[0]
    ordered = [np.sort(part.counts(1))[::-1] for part in way]
    longest = min(int((counts > 0).sum()) for counts in ordered)
    ranks = np.unique(np.geomspace(1, max(longest, 1), _RANKS).round().astype(np.int64))
    names = ("corpus", "control", "reference")
    shares = {name: _numbers(counts[ranks - 1] / counts.sum()) for name, counts in zip(names, ordered, strict=True)}
    return {"ranks": ranks.tolist(), **shares}


def _buckets(examined: Examined) -> dict[str, Any]:
    """The Lorenz curve of words and pairs over the paper's 10,000 buckets."""
    points = np.linspace(0, 1, _BUCKET_POINTS)

    def curve(part: Part) -> list[float | None]:
        counts = np.sort(part.buckets((1, 2)))
        sums = np.concatenate([[0], np.cumsum(counts)]) / max(counts.sum(), 1)
        return _numbers(sums[(points * len(counts)).round().astype(int)])

    way = examined.splits[0]
    return {
        "buckets": points.tolist(),
        "corpus": curve(way.corpus),
        "control": curve(way.control),
        "reference": curve(way.reference),
    }


def _map(examined: Examined) -> dict[str, Any] | None:
    """Up to 400 documents of each side along the two directions in which all of them differ most."""
    topics = examined.topics
    if topics is None:
        return None
    both = np.concatenate([topics.corpus_vectors, topics.reference_vectors])
    centred = both - both.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    flat = centred @ axes[:2].T
    here, there = flat[: len(topics.corpus_vectors)], flat[len(topics.corpus_vectors) :]
    return {"corpus": here[:_DOTS].round(4).tolist(), "reference": there[:_DOTS].round(4).tolist()}


def _probabilities(corpus: np.ndarray, reference: np.ndarray) -> dict[str, Any]:
    edges = np.linspace(0, 1, _BINS + 1)
    return {
        "edges": edges.round(4).tolist(),
        "corpus": np.histogram(corpus, edges)[0].tolist(),
        "reference": np.histogram(reference, edges)[0].tolist(),
    }


def _surprise(examined: Examined) -> dict[str, Any]:
    own, human = (side.values["surprise"] for side in examined.sides)
    own, human = own[~np.isnan(own)], human[~np.isnan(human)]
    edges = np.linspace(0, max(float(own.max()), float(human.max())), _BINS + 1)
    return {
        "edges": edges.tolist(),
        "corpus": np.histogram(own, edges)[0].tolist(),
        "reference": np.histogram(human, edges)[0].tolist(),
        "quartiles": _numbers(np.quantile(human, (0.25, 0.5, 0.75))),
        "corpus_below_quartiles": [float((own <= limit).mean()) for limit in np.quantile(human, (0.25, 0.5, 0.75))],
    }


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _numbers(values: np.ndarray) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
