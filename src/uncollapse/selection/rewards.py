"""A reward model: a classifier with one output, read by transformers, that says how good a text is."""

from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from socket import gethostname
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float64
from numpy import ndarray

from uncollapse.errors import BrokenModel, UnknownModel, UsageError
from uncollapse.fingerprint import file_digest, fingerprint
from uncollapse.selection.scorers import NoScore, Unscored

TOGETHER = 16
"""Texts that are read at once; each is padded to the longest of them."""
LONGEST = 4096
"""Tokens of a text with its prompt; what is longer is not cut in silence but refused."""


class Reward:
    """What the model at an address (a folder, or `hf:owner/name@revision`) gives to a text, after its prompt if any.

    With a chat template the prompt is the user's turn and the text the answer; without one they are a pair of texts.
    """

    def __init__(self, address: str, *, prompt: str | None = None) -> None:
        self.address, self.prompt = address, prompt
        # What a worker is told of the weights and versions of whoever sent it, as its own must be the same.
        self.known: str | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"address": self.address, "prompt": self.prompt, "known": self.known or _known(_folder(self.address))}

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer  # noqa: PLC0415 - slow import

        folder = _folder(self.address)
        if self.known is not None and (own := _known(folder)) != self.known:
            raise UsageError(
                f"{self.address} is another model on {gethostname()}: {own} and not {self.known}",
                hint="All machines must have the same weights and versions.",
            )
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder)
            model = AutoModelForSequenceClassification.from_pretrained(folder, use_safetensors=True).float().eval()
        except (OSError, ValueError, KeyError) as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise BrokenModel(f"{self.address} is no reward model: {said}", hint=_HINT) from error
        if model.config.num_labels != 1:
            raise BrokenModel(f"{self.address} has {model.config.num_labels} outputs, a reward model one", hint=_HINT)
        return tokenizer, model

    def score(self, batch: pa.RecordBatch) -> Float64[ndarray, "rows"]:
        """The rewards."""
        import torch  # noqa: PLC0415  (slow import)

        tokenizer, model = self._loaded
        lines = self._lines(batch, tokenizer)
        values = np.empty(len(lines))
        # Texts of about one length lie together, so that little is padding; a text's score does not depend on it.
        order = sorted(range(len(lines)), key=lambda row: (len(lines[row]), row))
        for at in range(0, len(order), TOGETHER):
            rows = order[at : at + TOGETHER]
            padded = _padded([lines[row] for row in rows])
            with torch.inference_mode():
                given = {name: torch.from_numpy(array) for name, array in padded.items()}
                values[rows] = model(**given).logits.squeeze(-1).numpy()
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            raise NoScore(Unscored(int(wrong[0]), f"{self.address} gives {values[wrong[0]]}"))
        return values

    def _lines(self, batch: pa.RecordBatch, tokenizer: Any) -> list[list[int]]:
        texts = batch.column("text").to_pylist()
        prompts = [None] * len(texts) if self.prompt is None else batch.column(self.prompt).to_pylist()
        lines = []
        for row, (prompt, text) in enumerate(zip(prompts, texts, strict=True)):
            if self.prompt is not None and not isinstance(prompt, str):
                raise NoScore(Unscored(row, f"{self.prompt} holds {prompt!r} and no prompt"))
            ids = _read(tokenizer, prompt, text)
            if not 0 < len(ids) <= LONGEST:
                raise NoScore(Unscored(row, f"{len(ids):,} tokens, where 1 to {LONGEST:,} are read"))
            lines.append(ids)
        return lines


def _read(tokenizer: Any, prompt: str | None, text: str) -> list[int]:
    if prompt is not None and getattr(tokenizer, "chat_template", None):
        turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": text}]
        return list(tokenizer.apply_chat_template(turns, tokenize=True, return_dict=True)["input_ids"])
    pair = (text,) if prompt is None else (prompt, text)
    return list(tokenizer(*pair)["input_ids"])


def _padded(lines: list[list[int]]) -> dict[str, ndarray]:
    width = max(len(line) for line in lines)
    ids, mask = (np.zeros((len(lines), width), np.int64) for _ in range(2))
    for row, line in enumerate(lines):
        ids[row, : len(line)] = line
        mask[row, : len(line)] = 1
    return {"input_ids": ids, "attention_mask": mask}


def _known(folder: Path) -> str:
    """What the numbers of a model depend on: its files, and the versions that read them."""
    digest = fingerprint({path.name: file_digest(path) for path in sorted(folder.iterdir()) if path.is_file()})
    return f"{digest} (transformers {version('transformers')}, torch {version('torch')})"


def _folder(address: str) -> Path:
    from uncollapse.language_models import hub  # noqa: PLC0415  (imports what it fetches with)

    if address.startswith(hub.PREFIX):
        return hub.fetch(address).folder
    folder = Path(address).expanduser()
    if not (folder / "config.json").is_file():
        raise UnknownModel(f"no reward model answers to {address!r}", hint=_HINT)
    return folder


_HINT = "a folder with config, tokenizer and safetensors of a classifier with one output, or hf:owner/name"
