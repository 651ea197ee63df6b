"""Between text and the pieces of a neural model's tokenizer: exact bytes in, exact bytes out.

Each piece has a surface, the bytes that it adds to a text: byte-level pieces are spelled back through GPT-2's table of
bytes, SentencePiece's through its mark for a space and its pieces for single bytes. Special tokens have none, and their
names in a text are read as plain text. Where the surfaces of a text's pieces, joined, are the text, as they are for
every tokenizer that loses nothing, they give the spans; elsewhere the tokenizer's own offsets do.
"""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from jaxtyping import Int32, Int64
from numpy import ndarray
from tokenizers import Tokenizer

from uncollapse.errors import BrokenModel
from uncollapse.language_models.asking import frame_of
from uncollapse.language_models.model import Tokens

FILE = "tokenizer.json"
SPACE = "\u2581"
# Tokens that stand between documents in training, by the names that model families give them.
BETWEEN_DOCUMENTS = ("<|endoftext|>", "<|end_of_text|>", "<|begin_of_text|>", "<bos>", "<s>", "</s>", "<eos>")

# Tokens that end a text or an answer.
ENDS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>")


class PieceVocabulary:
    """A tokenizer file as a vocabulary."""

    def __init__(
        self,
        content: str,
        *,
        size: int | None = None,
        chat: str = "",
        ends: Sequence[str | None] = (),
    ) -> None:
        self._tokenizer = tokenizer = Tokenizer.from_str(content)
        self._content: dict[str, Any] = json.loads(content)
        # Names of special tokens that stand in a text are text.
        tokenizer.encode_special_tokens = True
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.size = max(tokenizer.get_vocab_size(with_added_tokens=True), size or 0)
        self.start = self._start(chat=chat, ends=ends)
        self.ends = self._ends(ends)
        self._chat = chat
        self._names = {name: value or "" for name, value in zip(("bos_token", "eos_token"), ends, strict=False)}

    @classmethod
    def load(cls, folder: Path, *, size: int | None = None) -> Self:
        """The vocabulary of a model's folder.

        Raises:
            BrokenModel: no tokenizer, or one whose pieces cannot be spelled back to bytes.
        """
        path = folder / FILE
        if not path.is_file():
            raise BrokenModel(
                f"{folder} has no {FILE}",
                hint="save the tokenizer with AutoTokenizer.from_pretrained(...).save_pretrained",
            )
        settings = _settings(folder)
        chat = _chat_template(folder, settings)
        ends = [_name(settings.get(name)) for name in ("bos_token", "eos_token")]
        try:
            return cls(path.read_text("utf-8"), size=size, chat=chat, ends=ends)
        except Exception as error:  # the library raises bare Exception
            raise BrokenModel(f"{path} is no tokenizer: {error}", hint="fetch the model again") from error

    def __len__(self) -> int:
        return self.size

    @cached_property
    def surfaces(self) -> Sequence[bytes | None]:
        """What each token adds to a text, as bytes; None for special tokens and ids without a piece."""
        spell = _spelling(self._content)
        surfaces: list[bytes | None] = [None] * self.size
        for piece, index in self._tokenizer.get_vocab(with_added_tokens=False).items():
            surfaces[index] = spell(piece)
        for index, token in self._tokenizer.get_added_tokens_decoder().items():
            surfaces[index] = None if token.special else token.content.encode()
        return surfaces

    def encode(self, texts: Sequence[str], *, prompts: Sequence[str] | None = None) -> Tokens:
        """The texts as tokens, each after its prompt where there are prompts."""
        own = self._ids(texts)
        before = self._ids(prompts) if prompts is not None else [np.empty(0, np.int64)] * len(texts)
        spans = [np.empty((0, 2), np.int64)]
        for text, prompt, ids in zip(texts, before, own, strict=True):
            spans += [np.zeros((len(prompt), 2), np.int64), self._spans(text, ids)]
        lines = [part for pair in zip(before, own, strict=True) for part in pair]
        sizes = np.array([len(prompt) + len(ids) for prompt, ids in zip(before, own, strict=True)], np.int64)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        return Tokens(
            ids=np.concatenate([np.empty(0, np.int64), *lines]).astype(np.int32),
            offsets=offsets,
            starts=offsets[:-1] + np.array([len(prompt) for prompt in before], np.int64),
            spans=np.concatenate(spans),
        )

    def ask(self, questions: Sequence[str]) -> list[Int32[ndarray, "_"]]:
        """Each question as a chat model reads it, up to where its answer begins.

        Raises:
            UsageError: the model has no chat template.
        """
        frame = frame_of(self._chat, self._names)
        self._tokenizer.encode_special_tokens = False
        before, after = self._ids(frame)
        self._tokenizer.encode_special_tokens = True
        return [np.concatenate([before, own, after]).astype(np.int32) for own in self._ids(questions)]

    def _ids(self, texts: Sequence[str]) -> list[Int64[ndarray, "_"]]:
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(encoding.ids, np.int64) for encoding in encodings]

    @cached_property
    def _lengths(self) -> Int64[ndarray, "v"]:
        return np.array([len(surface or b"") for surface in self.surfaces], np.int64)

    def _spans(self, text: str, ids: Int64[ndarray, "n"]) -> Int64[ndarray, "n 2"]:
        raw = text.encode()
        joined = b"".join(self.surfaces[index] or b"" for index in ids.tolist())
        # SentencePiece may set a space before the text that is not there.
        extra = len(joined) - len(raw)
        if joined == raw or (extra == 1 and joined[:1] == b" " and joined[1:] == raw):
            ends = np.maximum(np.cumsum(self._lengths[ids]) - extra, 0)
        else:
            ends = self._offsets(text)
        return np.stack([np.concatenate([np.zeros(min(1, len(ends)), np.int64), ends[:-1]]), ends], axis=1)

    def _offsets(self, text: str) -> Int64[ndarray, "n"]:
        """Where each piece of a text ends, in bytes, by the tokenizer's own account, made to tile."""
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        widths = np.array([len(character.encode()) for character in text], np.int64)
        byte_of = np.concatenate([np.zeros(1, np.int64), np.cumsum(widths)])
        ends = np.maximum.accumulate(byte_of[np.array([end for _, end in offsets], np.int64)])
        if len(ends):
            ends[-1] = byte_of[-1]
        return ends

    def _start(self, *, chat: str, ends: Sequence[str | None]) -> int | None:
        """The token that is read before a text: see `docs/decisions/0003`.

        The one that the tokenizer itself puts first; else one that is known to stand between documents; else the
        beginning-of-text or the end-of-text token, unless the chat template uses it; else none.
        """
        plain = self._tokenizer.encode("a", add_special_tokens=False).ids
        own = self._tokenizer.encode("a", add_special_tokens=True).ids
        if len(own) > len(plain) and own[0] != plain[0]:
            return int(own[0])
        special = {
            token.content: index for index, token in self._tokenizer.get_added_tokens_decoder().items() if token.special
        }
        for name in (*BETWEEN_DOCUMENTS, *ends):
            if name in special and name not in chat:
                return int(special[name])
        return None

    def _ends(self, ends: Sequence[str | None]) -> tuple[int, ...]:
        """The special tokens after which a text or an answer is over: the model's own, and those known by name."""
        names = {*ENDS, *ends[1:]}
        return tuple(
            sorted(
                index
                for index, token in self._tokenizer.get_added_tokens_decoder().items()
                if token.special and token.content in names
            )
        )


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / "tokenizer_config.json"
    try:
        settings: dict[str, Any] = json.loads(path.read_bytes()) if path.is_file() else {}
    except ValueError as error:
        raise BrokenModel(f"{path} is not JSON: {error}", hint="fetch the model again") from error
    return settings


def _chat_template(folder: Path, settings: dict[str, Any]) -> str:
    """The model's template of a conversation; of several by name the default."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text("utf-8")
    given = settings.get("chat_template") or ""
    if isinstance(given, list):
        given = next((entry.get("template", "") for entry in given if entry.get("name") == "default"), "")
    return given if isinstance(given, str) else ""


def _name(token: Any) -> str | None:
    return token.get("content") if isinstance(token, dict) else token


def _spelling(content: dict[str, Any]) -> Any:
    """The function from a piece to its bytes, by the kind of decoder that the tokenizer declares."""
    kinds = _kinds(content.get("decoder")) | _kinds(content.get("pre_tokenizer"))
    if "ByteLevel" in kinds:
        table = {character: value for value, character in _byte_characters().items()}
        return lambda piece: bytes(table[c] for c in piece) if all(c in table for c in piece) else piece.encode()
    if kinds & {"Metaspace", "ByteFallback", "Replace"}:
        return _spell_sentencepiece
    raise BrokenModel(
        f"a tokenizer with the decoder {sorted(kinds)} loses what its pieces looked like in the text",
        hint="byte-level and SentencePiece tokenizers can be used",
    )


def _spell_sentencepiece(piece: str) -> bytes:
    if len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">"):
        return bytes([int(piece[3:5], 16)])
    return piece.replace(SPACE, " ").encode()


def _kinds(part: Any) -> set[str]:
    if not isinstance(part, dict):
        return set()
    inner = [*part.get("decoders", []), *part.get("pretokenizers", [])]
    return {part["type"]}.union(*map(_kinds, inner))


def _byte_characters() -> dict[int, str]:
    """The printable character that stands for each byte in byte-level pieces.

    Source: Radford et al. 2019 (GPT-2), encoder.py: printable bytes stand for themselves, the others from U+0100 on.
    """
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("\u00a1"), ord("\u00ac") + 1), *range(ord("\u00ae"), 256)}
    others = [value for value in range(256) if value not in printable]
    return {value: chr(value) for value in printable} | {value: chr(256 + at) for at, value in enumerate(others)}
