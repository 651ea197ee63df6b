"""A trained detector: the word model, how it is fused with a language model's likelihood, and where it came from.

A folder holds `detector.safetensors` (numbers alone: nothing in it can run) and `detector.json`, the card: what it was
trained on by fingerprint and count, what was left out and why, how well it did on texts that took no part, and under
which model the likelihood was taken.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Float64, UInt64
from numpy import ndarray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from uncollapse.detection.logistic import fit
from uncollapse.detection.word_model import WordModel
from uncollapse.errors import BrokenModel, MissingInput

NUMBERS, CARD = "detector.safetensors", "detector.json"
FORMAT = 1
# Source: shared practice for two standardised features; the ridge hardly matters at hundreds of texts.
INVERSE_RIDGE = 1.0


class Fusion(NamedTuple):
    """Log-odds = bias + sum of weights times the standardised mean log-probability and word log-odds, in that order."""

    centre: tuple[float, float]
    spread: tuple[float, float]
    weights: tuple[float, float]
    bias: float

    @classmethod
    def fit(cls, likelihood: Float64[ndarray, "n"], words: Float64[ndarray, "n"], machine: Bool[ndarray, "n"]) -> Self:
        """The fusion of two scores of texts of which it is known who wrote them."""
        table = np.column_stack([likelihood, words])
        centre, spread = table.mean(axis=0), np.maximum(table.std(axis=0), np.finfo(float).tiny)
        found = fit((table - centre) / spread, machine, inverse_ridge=INVERSE_RIDGE)
        return cls(_two(centre), _two(spread), _two(found.weights), found.bias)

    def log_odds(self, likelihood: Float64[ndarray, "n"], words: Float64[ndarray, "n"]) -> Float64[ndarray, "n"]:
        """The log-odds of a machine's text at even prevalence, natural logarithm."""
        table = (np.column_stack([likelihood, words]) - np.array(self.centre)) / np.array(self.spread)
        return table @ np.array(self.weights) + self.bias


def _two(values: Float64[ndarray, "2"]) -> tuple[float, float]:
    return float(values[0]), float(values[1])


@dataclass(frozen=True, eq=False)
class Detector:
    """The model, the fusion where there is one, the keys of the texts that it learned from, and the card."""

    words: WordModel
    fusion: Fusion | None
    seen: UInt64[ndarray, "s"]
    card: dict[str, Any]

    @property
    def model(self) -> str | None:
        """The address of the model whose likelihood is fused."""
        return None if self.fusion is None else self.card["model"]["address"]

    @property
    def revision(self) -> str | None:
        """The weights of that model."""
        return None if self.fusion is None else self.card["model"]["revision"]

    def contents(self) -> dict[str, bytes]:
        """The files of the detector's folder, by name; their bytes depend on what was learned alone."""
        card = {**self.card, "format": FORMAT, "fusion": None if self.fusion is None else self.fusion._asdict()}
        return {
            NUMBERS: save({**self.words.tensors(), "seen": self.seen}),
            CARD: (json.dumps(card, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode(),
        }

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The detector of a folder.

        Raises:
            MissingInput: there is none.
            BrokenModel: the files are not what `contents` gave.
        """
        path = Path(folder)
        if not (path / CARD).is_file():
            raise MissingInput(
                f"{folder} holds no detector: there is no {CARD}",
                hint="train one: uncollapse detector --human H --machine M -o DETECTOR",
            )
        try:
            card = json.loads((path / CARD).read_text(encoding="utf-8"))
            if card.pop("format") != FORMAT:
                raise ValueError(f"it has another format than {FORMAT}")
            tensors = load_file(path / NUMBERS)
            given = card.pop("fusion")
            fusion = None
            if given is not None:
                centre, spread, weights = (_two(np.array(given[name], float)) for name in Fusion._fields[:3])
                fusion = Fusion(centre, spread, weights, float(given["bias"]))
            found = cls(WordModel.of_tensors(tensors), fusion, tensors["seen"], card)
            assert fusion is None or (found.model and found.revision)
        except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, SafetensorError) as error:
            raise BrokenModel(f"{folder} is no detector: {error}", hint="train it again with this version") from error
        return found


def is_card(path: Path) -> bool:
    """Whether a file is the card of a detector, of this version or another."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(card, dict) and {"format", "fusion", "trained_on"} <= set(card)
