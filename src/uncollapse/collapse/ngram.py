"""The n-gram laboratory: real text, counted, written again, and counted again.

With order 1 the rows are words, and the original law is how often the text has each. With a higher order the rows are
streams of words, the original is the text itself, and a first fit on all of it sees each stream once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from blake3 import blake3
from jaxtyping import Float64, Int64
from numpy import ndarray
from numpy.random import Generator
from pydantic import Field, model_validator

from uncollapse.collapse.laboratory import Laboratory
from uncollapse.collapse.materials import Rows
from uncollapse.collapse.ngram_measures import LABELS, MEASURES, Original, measured
from uncollapse.collapse.ngram_model import Counts, count
from uncollapse.collapse.ngram_text import CodedText, Parted, built_in, parted, read_coded
from uncollapse.collapse.ngram_writing import Decoding, Smoothing, write
from uncollapse.collapse.regimes import Fresh, Preserve, Regime
from uncollapse.collapse.theory import Curve
from uncollapse.collapse.theory import text as forms

ALL = 0
# Copies of a generation's words that are held while it is counted and written.
COPIES = 8


@dataclass(frozen=True, eq=False)
class Models:
    """The counted model of each seed."""

    counts: tuple[Counts, ...]


class NGram(Laboratory):
    """Counted n-gram models of a text, without smoothing unless interpolated: what was lost cannot come back."""

    name: ClassVar[str] = "ngram"
    regimes: ClassVar[tuple[str, ...]] = ("replace", "accumulate", "subsample", "preserve", "fresh", "edit", "mixed")
    reasons: ClassVar[Mapping[str, str]] = {
        "verify": "a stream of words is never all right; the discrete laboratory with --counts verifies single words",
        "weighted": "its counts are of whole words, and a weight would split them",
    }
    measures: ClassVar[Mapping[str, str]] = MEASURES
    risk: ClassVar[str] = "cross_entropy"
    spread: ClassVar[str] = "effective_types"
    tail: ClassVar[str] = "tail_mass"
    together: ClassVar[Mapping[str, Mapping[str, str]]] = {"Words kept, by how often the original has them": LABELS}
    usual: ClassVar[Mapping[str, int]] = {"generations": 10, "seeds": 20}

    corpus: Annotated[Path | None, Field(exclude=True)] = None
    content: str = ""
    order: Annotated[int, Field(ge=1)] = 1
    length: Annotated[int, Field(ge=1)] = 500
    samples: Annotated[int, Field(ge=ALL)] = ALL
    temperature: Annotated[float, Field(ge=0)] = 1.0
    top_k: Annotated[int | None, Field(ge=1)] = None
    top_p: Annotated[float | None, Field(gt=0, le=1)] = None
    smoothing: Smoothing = Smoothing.BACK_OFF

    @model_validator(mode="after")
    def _resolved(self) -> Self:
        if self.smoothing is Smoothing.INTERPOLATED and not self.decoding.plain:
            raise ValueError("temperature, top_k and top_p go with smoothing back-off, not interpolated")
        if self.order > 1 and self.length < self.order:
            raise ValueError(f"streams of {self.length} words hold no n-gram of order {self.order}")
        if not len(self.streams):
            raise ValueError(f"the text has fewer than {self.length} words to learn from, the length of one stream")
        # What the numbers depend on is the text, wherever it lies, and how many rows it has.
        found = _content(self.text)
        if self.content not in {"", found}:
            raise ValueError(f"content is what the text has ({found}), and nothing to be set")
        object.__setattr__(self, "content", found)
        object.__setattr__(self, "samples", self.samples or len(self.streams))
        return self

    @cached_property
    def text(self) -> CodedText:
        """The whole text."""
        return built_in() if self.corpus is None else read_coded(self.corpus)

    @cached_property
    def parts(self) -> Parted:
        """The text in blocks, learned from or held out."""
        return parted(self.text, order=self.order)

    @cached_property
    def streams(self) -> Int64[ndarray, "s l"]:
        """All rows of the text that is learned from."""
        return self.parts.streams(1 if self.order == 1 else self.length)

    @cached_property
    def reference(self) -> Original:
        """The text that is learned from as a counted model, and what is held out."""
        return Original(count(self.streams, types=self.parts.types, order=self.order), self.parts.held_out)

    @property
    def decoding(self) -> Decoding:
        """How words are drawn from a model."""
        return Decoding(temperature=self.temperature, top_k=self.top_k, top_p=self.top_p)

    def original(self, seeds: int) -> Models:
        """The counts of the text itself."""
        return Models((self.reference.counts,) * seeds)

    def real(self, count: int, *, seeds: int, rng: Generator) -> Rows:
        """Words drawn with replacement; or streams of the text, each as often as any other, or once more."""
        many = len(self.streams)
        if self.order == 1:
            chosen = rng.integers(many, size=(seeds, count))
        else:
            rounds = -(-count // many)
            orders = [np.concatenate([rng.permutation(many) for _ in range(rounds + 1)]) for _ in range(seeds)]
            chosen = np.stack(orders)[:, :count]
        return Rows(self.streams[chosen])

    def drawn(self, model: Models, count: int, *, like: object, rng: Generator) -> Rows:
        """What each model writes."""
        shape = (count, self.streams.shape[1])
        written = [
            write(each, shape=shape, generator=rng, decoding=self.decoding, smoothing=self.smoothing)
            for each in model.counts
        ]
        return Rows(np.stack(written))

    def fitted(self, material: Rows, *, before: object, rng: Generator) -> Models:
        """The counts of each seed's rows."""
        return Models(tuple(count(rows, types=self.parts.types, order=self.order) for rows in material.values))

    def measured(self, model: Models) -> dict[str, Float64[ndarray, "seed"]]:
        """The measures by name."""
        known: dict[int, dict[str, float]] = {}
        for each in model.counts:
            if id(each) not in known:
                known[id(each)] = measured(each, self.reference)
        rows = [known[id(each)] for each in model.counts]
        return {name: np.array([row[name] for row in rows]) for name in self.measures}

    def theory(self, regime: Regime, *, generations: int) -> Sequence[Curve]:
        """How many words are kept, in all and by rarity, where rows are words, many, and drawn as they are."""
        # With fewer rows than types the forms, which are those of Poisson counts, are off by a third of a word or more.
        if self.order > 1 or not self.decoding.plain or self.samples < self._types:
            return []
        exponents = _exponents(regime, np.arange(1, generations + 1))
        if exponents is None:
            return []
        form, rates = exponents
        expected = self.reference.share * self.samples
        curves = [Curve("types", form, _from_original(forms.kept(expected, rates).sum(axis=1), self._types))]
        for name, group in self.reference.groups.items():
            kept = forms.kept(expected[group], rates).mean(axis=1)
            # Where not one word should be lost there is nothing to hold a simulation against.
            if (1 - kept[-1]) * group.sum() >= 1:
                curves.append(Curve(name, form, _from_original(kept, 1.0)))
        return curves

    def footprint(self, regime: Regime, *, generations: int) -> int:
        """Bytes of one seed's words, with the copies that counting and writing take."""
        pool = generations if regime.name in {"accumulate", "subsample"} else 1
        return 8 * self.samples * self.streams.shape[1] * (COPIES + 4 * pool)

    @property
    def _types(self) -> float:
        return float((self.reference.counts.words > 0).sum())


def _exponents(regime: Regime, fits: Int64[ndarray, "k"]) -> tuple[Any, Float64[ndarray, "k"]] | None:
    """The form that holds for a regime, and its exponent at each fit."""
    if regime.name == "replace":
        return forms.replaced, forms.replaced(fits)
    if regime.name == "accumulate":
        return forms.accumulated, forms.accumulated(fits)
    if isinstance(regime, Fresh):
        return forms.refreshed, forms.refreshed(fits, share=regime.share)
    if isinstance(regime, Preserve):
        return forms.preserved, forms.preserved(fits, share=regime.share)
    return None


def _from_original(values: Float64[ndarray, "k"], start: float) -> Float64[ndarray, "generation"]:
    return np.concatenate([[start], values])


def _content(text: CodedText) -> str:
    digest = blake3(text.ids.astype("<i8").tobytes()).hexdigest(length=8)
    return f"{len(text.ids)} words, {text.types} types, blake3 {digest}"
