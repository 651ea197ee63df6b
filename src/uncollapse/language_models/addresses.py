"""From an address to a model: what can be named, what is on this machine, what to try when nothing answers.

    smollm2-135m                 the embedded default, fetched once from the package index
    hf:owner/name@revision       a repository of the Hugging Face hub, at a branch, tag or commit
    path/to/model.gguf           one GGUF file
    path/to/folder               config, tokenizer and safetensors; or a counted model
    http://host:port/v1#name     an engine that speaks the OpenAI protocol; it writes, and reads for nobody
    vllm:ADDRESS                 any of the neural models above, read and written with by vLLM

`resolve` tells what a result would depend on without loading the model; `load` gives the model. `writer_card` and
`open_writer` do the same for whoever is to write texts, which an endpoint can do, too.
"""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from uncollapse.errors import BrokenModel, UnknownModel, UsageError
from uncollapse.fingerprint import Json, file_digest
from uncollapse.language_models import (
    checkpoint,
    counted,
    embedded,
    endpoint_address,
    gguf_file,
    hub,
    precision,
    vllm_address,
)
from uncollapse.language_models.calling import Calling
from uncollapse.language_models.model import LanguageModel, ModelCard, Vocabulary
from uncollapse.language_models.texts import ByTokens, TextWriter
from uncollapse.language_models.windows import overlap_of

EMBEDDED = {model.name: model for model in (embedded.SMOLLM2_135M,)}
DEFAULT = embedded.SMOLLM2_135M.name
WINDOW = 2048
# A window must leave room for tokens of its own behind those that it repeats.
LEAST_WINDOW = 8
GIVEN_KINDS = "a folder with safetensors, a .gguf file, or hf:owner/name@revision"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One line of what can be had."""

    address: str
    what: str
    parameters: int
    bytes: int
    licence: str
    source: str
    here: bool


class Found(NamedTuple):
    """A model's folder and its identity."""

    folder: Path
    revision: str


def catalogue() -> list[ModelEntry]:
    """The models that can be had by name."""
    return [
        ModelEntry(
            address=model.name,
            what=model.what,
            parameters=model.parameters,
            bytes=model.wheel_bytes,
            licence=model.licence,
            source=f"the wheel {model.requirement}",
            here=embedded.is_cached(model),
        )
        for model in EMBEDDED.values()
    ]


def resolve(address: str, *, dtype: str = "auto", window: int = WINDOW) -> ModelCard:
    """The card of the model behind an address.

    Raises:
        UnknownModel: nothing answers to the address.
        BrokenModel: something does, but it is no model, or not the one that it should be.
        UsageError: no such number format, a window of next to nothing, an endpoint, which cannot read, or a counted
            model for vLLM.
        MissingExtra: vLLM is asked for and not installed.
    """
    if vllm_address.is_vllm(address):
        inner = vllm_address.parted(address).address
        return vllm_address.read_by_vllm(resolve(inner, dtype=dtype, window=window))
    if endpoint_address.is_endpoint(address):
        raise endpoint_address.refuse_to_read(address)
    if window < LEAST_WINDOW:
        raise UsageError(f"a window of {window} tokens", hint=f"at least {LEAST_WINDOW}; {WINDOW} unless said")
    if (model := EMBEDDED.get(address)) is not None:
        # Its identity and context are known before it is fetched.
        return _card(address, revision=model.revision, dtype=dtype, window=min(window, model.context))
    folder, revision = _find(address)
    if (folder / counted.FILE).is_file():
        return counted.counted_card(address, revision=revision)
    context = checkpoint.context_of(checkpoint.config_of(folder))
    return _card(address, revision=revision, dtype=dtype, window=min(window, context or window))


def last_part(address: str) -> str:
    """The address as it is recorded: of a model on this disk the last part of its path, others as they are."""
    address = vllm_address.parted(address).address
    known = address in EMBEDDED or address.startswith(hub.PREFIX) or "://" in address
    return address if known else Path(address).expanduser().resolve().name


def recorded(card: ModelCard) -> dict[str, Json]:
    """The card as a recipe has it: of a model on this disk the last part of its path, and what it says it learned from.

    What is written depends on the weights, which the revision names, and not on where they lie; and whoever reads a
    manifest need not know the folders of the machine that wrote it.
    """
    if card.address in EMBEDDED or card.address.startswith(hub.PREFIX):
        return card.as_json()
    folder = Path(card.address).expanduser().resolve()
    descent = checkpoint.descent_of(folder) if folder.is_dir() else {}
    return {**card._replace(address=folder.name).as_json(), **descent}


def load(address: str, *, dtype: str = "auto", window: int = WINDOW, threads: int | None = None) -> LanguageModel:
    """The model behind an address, ready to score; `threads` is how many of the processor's it may use."""
    card = resolve(address, dtype=dtype, window=window)
    prefix, address = vllm_address.parted(address)
    model = EMBEDDED.get(address)
    folder = _find(address).folder if model is None else embedded.folder_of(model)
    if (folder / counted.FILE).is_file():
        return counted.CountedModel.load(folder, address=address)
    if prefix:
        from uncollapse.language_models.by_vllm import VllmModel  # noqa: PLC0415  (slow import)

        return VllmModel.of(folder, card=card, threads=threads)
    from uncollapse.language_models.neural import NeuralModel  # noqa: PLC0415  (slow import)

    return NeuralModel.of(folder, card=card, threads=threads)


def vocabulary_of(address: str) -> Vocabulary:
    """How the model behind an address cuts text; its weights are read only where its configuration has no vocab_size.

    Raises:
        UnknownModel: nothing answers to the address.
        BrokenModel: something does, but it is no model.
    """
    address = vllm_address.parted(address).address
    model = EMBEDDED.get(address)
    folder = _find(address).folder if model is None else embedded.folder_of(model)
    if (folder / counted.FILE).is_file():
        return counted.CountedModel.load(folder, address=address).vocabulary
    size = checkpoint.vocabulary_size(checkpoint.config_of(folder))
    if size is None:
        return load(address).vocabulary
    from uncollapse.language_models.vocabulary import PieceVocabulary  # noqa: PLC0415  (slow import)

    return PieceVocabulary.load(folder, size=size)


def writer_card(address: str, *, dtype: str = "auto", window: int = WINDOW) -> dict[str, Json]:
    """The card of whoever writes texts behind an address, as it stands in recipes; raises what `resolve` raises."""
    if endpoint_address.is_endpoint(address):
        return endpoint_address.endpoint_card(address).as_json()
    return recorded(resolve(address, dtype=dtype, window=window))


def open_writer(
    address: str, *, dtype: str = "auto", window: int = WINDOW, calling: Calling | None = None
) -> TextWriter:
    """Whoever writes texts behind an address; `calling` says how an endpoint is called."""
    if endpoint_address.is_endpoint(address):
        from uncollapse.language_models.endpoint import Endpoint  # noqa: PLC0415  (slow import)

        return Endpoint(address, calling or Calling())
    return ByTokens(load(address, dtype=dtype, window=window))


def folder_of(address: str) -> Found:
    """The folder of a neural model, fetched where it is not here, for whoever wants it as transformers has it.

    Raises:
        UnknownModel: nothing answers to the address.
        BrokenModel: something does, but it is no neural model.
        UsageError: the address asks for vLLM.
    """
    if vllm_address.is_vllm(address):
        raise UsageError(
            f"{address} asks for vLLM, which reads and writes and does nothing else", hint="leave out the prefix vllm:"
        )
    if (model := EMBEDDED.get(address)) is not None:
        return Found(embedded.folder_of(model), model.revision)
    found = _find(address)
    if (found.folder / counted.FILE).is_file():
        raise BrokenModel(f"{address} is a counted model, which has no weights", hint=f"a model is {GIVEN_KINDS}")
    return found


def _card(address: str, *, revision: str, dtype: str, window: int) -> ModelCard:
    return ModelCard(
        address=address,
        revision=revision,
        backend="transformers",
        backend_version=precision.backend_version(),
        dtype=precision.resolve_dtype(dtype),
        window=window,
        overlap=overlap_of(window),
    )


def _find(address: str) -> Found:
    """The folder and identity behind an address that is no name of ours."""
    if address.startswith(hub.PREFIX):
        return Found(*hub.fetch(address))
    path = Path(address).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        gguf_file.check(path)
        return Found(gguf_file.unpacked(path), file_digest(path))
    if not path.is_dir():
        raise _unknown(address)
    if (path / counted.FILE).is_file():
        return Found(path, file_digest(path / counted.FILE))
    if not checkpoint.is_checkpoint(path):
        names = sorted(entry.name for entry in path.iterdir())[:5]
        raise BrokenModel(
            f"the folder {path} is no model: it holds {', '.join(names) or 'nothing'}, and no {checkpoint.CONFIG}",
            hint=f"a model is {GIVEN_KINDS}",
        )
    return Found(path, checkpoint.revision_of(path))


def _unknown(address: str) -> UnknownModel:
    near = difflib.get_close_matches(address.lower(), EMBEDDED, n=1, cutoff=0.5)
    known = ", ".join(EMBEDDED)
    if address.count("/") == 1 and not address.startswith((".", "~", "/")):
        hint = f"a repository of the hub is named hf:{address}"
    elif near:
        hint = f"did you mean {near[0]}?"
    else:
        hint = f"known by name: {known}; else {GIVEN_KINDS}"
    return UnknownModel(f"no model answers to {address!r} (known by name: {known}; or {GIVEN_KINDS})", hint=hint)
