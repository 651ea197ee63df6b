"""Labelled text for the detector's tables: files by path, read by shape, and the readings of a model kept on disk."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from uncollapse.detection.reading import Reader
from uncollapse.detection.scores import Reading
from uncollapse.fingerprint import content_id

PAIRS = "pairs/fast-detect-gpt"
INSTRUCT = ("davinci", "gpt-3.5-turbo", "gpt-4")
BASE = ("gpt2-xl", "opt-2.7b", "gpt-neo-2.7B", "gpt-j-6B", "gpt-neox-20b")
# Words that a free-standing answer must have to be taken: below about 64 tokens nothing is said of a text.
FEWEST_WORDS = 55


class Labelled(NamedTuple):
    """One set: a domain, whether a tuned or a base model wrote the machine's half, and the texts of both halves.

    In a `paired` set text i of both halves begins alike.
    """

    name: str
    domain: str
    kind: str
    human: list[str]
    machine: list[str]
    paired: bool


def sets(data: Path, *, most: int, more: Sequence[str] = ()) -> list[Labelled]:
    """The sets that lie in a folder of shared text, and further ones as NAME=DOMAIN:PATH (pairs JSON)."""
    found = []
    for domain in ("xsum", "pubmed"):
        for model in INSTRUCT:
            path = data / PAIRS / "exp_gpt3to4" / f"{domain}_{model}.raw_data.json"
            found.append(_pairs(path, f"{domain} {model}", domain, "tuned" if model != "davinci" else "davinci", most))
    found += _instructions(data, most)
    for model in BASE:
        path = data / PAIRS / "exp_main" / f"xsum_{model}.raw_data.json"
        found.append(_pairs(path, f"xsum {model}", "xsum", "base", most))
    for entry in more:
        name, _, rest = entry.partition("=")
        domain, _, path = rest.partition(":")
        found.append(_pairs(Path(path), name, domain, "tuned", most))
    return [each for each in found if each is not None]


def _pairs(path: Path, name: str, domain: str, kind: str, most: int) -> Labelled | None:
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    return Labelled(name, domain, kind, content["original"][:most], content["sampled"][:most], True)


def _instructions(data: Path, most: int) -> Iterable[Labelled | None]:
    """Answers to instructions: people's (dolly, self-instruct's own) and models' (alpaca's two, two davincis)."""
    dolly = _answers(data / "dolly" / "dolly_3k.json", lambda row: row["output"])
    for name, file in (("davinci-003", "random_9k"), ("gpt-4 class", "llamafactory_alpaca_en_demo")):
        machine = _answers(data / "alpaca" / f"{file}.json", lambda row: row["output"])
        # Different people in each set: the human halves share no text.
        part = slice(0, 2 * most) if name == "davinci-003" else slice(2 * most, 4 * most)
        if dolly and machine:
            yield Labelled(f"answers {name}", "answers", "tuned", dolly[part], machine[: 2 * most], False)
    human = _answers(
        data / "self_instruct" / "user_oriented_instructions.jsonl", lambda row: row["instances"][0]["output"]
    )
    for name, file in (("davinci-003", "text-davinci-003"), ("davinci, tuned on itself", "davinci-self-instruct")):
        machine = _answers(data / "self_instruct" / f"{file}_predictions.jsonl", lambda row: row["response"])
        if human and machine:
            yield Labelled(f"tasks {name}", "tasks", "tuned", human, machine, False)


def dolly_and_alpaca_beyond(data: Path, *, most: int) -> tuple[list[str], list[str]]:
    """Answers by people and by a model that stand in no set: more to learn words from."""
    human = _answers(data / "dolly" / "dolly_3k.json", lambda row: row["output"])[4 * most :]
    machine = _answers(data / "alpaca" / "random_9k.json", lambda row: row["output"])[2 * most :]
    return human, machine[: 2 * len(human)]


def _answers(path: Path, take: Callable[[Any], str]) -> list[str]:
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    rows = json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines() if line]
    texts = dict.fromkeys(take(row).strip() for row in rows)
    return [each for each in texts if len(each.split()) >= FEWEST_WORDS]


class Kept:
    """The readings of one model, kept in a folder by content, so that a table can be made again in seconds."""

    def __init__(self, folder: Path | None, *, model: str, threads: int = 1) -> None:
        import torch

        torch.set_num_threads(threads)
        self.reader = Reader.of(model)
        card = self.reader.model.card
        name = content_id(f"{card.revision} {card.dtype} {card.backend_version} {self.reader.most_tokens}")
        self._folder = None if folder is None else folder / name
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        self._held: dict[str, Reading] = {}

    def readings(self, texts: Sequence[str]) -> list[Reading]:
        """One reading for each text."""
        new = [text for text in dict.fromkeys(texts) if not self._known(content_id(text))]
        for at in range(0, len(new), 16):
            for text, reading in zip(new[at : at + 16], self.reader.read(new[at : at + 16]), strict=True):
                self._keep(content_id(text), reading)
        return [self._held[content_id(text)] for text in texts]

    def _known(self, name: str) -> bool:
        if name not in self._held and self._folder is not None and (self._folder / f"{name}.npz").is_file():
            with np.load(self._folder / f"{name}.npz") as file:
                self._held[name] = Reading(*(file[field] for field in Reading._fields[:4]))
        return name in self._held

    def _keep(self, name: str, reading: Reading) -> None:
        self._held[name] = reading
        if self._folder is not None:
            np.savez(self._folder / f"{name}.npz", **dict(zip(Reading._fields[:4], reading[:4], strict=True)))


def without_prefix(reading: Reading, text: str, other: str, *, kept: Kept) -> Reading:
    """The reading of a text less the tokens that it shares with the beginning of another."""
    tokens = kept.reader.model.vocabulary.encode([text])
    shared = 0
    for a, b in zip(text.encode(), other.encode(), strict=False):
        if a != b:
            break
        shared += 1
    own = (tokens.spans[:, 0] >= shared)[: len(reading.logprob)]
    return Reading(*(None if each is None else each[own] for each in reading))
