"""A folder with a model in it: which of its files count, whether they are whole, one hash over them.

Weights are safetensors. Pickled weights are refused, since reading one can run anything; so is code of the model's own.
"""

import json
import struct
from pathlib import Path
from typing import Any

from blake3 import blake3

from uncollapse.errors import BrokenModel

CONFIG = "config.json"
TRAINING = "training.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
TOKENIZER = ("tokenizer.json", "tokenizer_config.json")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder says that it holds a model."""
    return (folder / CONFIG).is_file()


def config_of(folder: Path) -> dict[str, Any]:
    """What the model's config says.

    Raises:
        BrokenModel: it is no JSON object, or it asks for code of its own.
    """
    path = folder / CONFIG
    try:
        config = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BrokenModel(f"{path} cannot be read: {error}", hint="fetch the model again") from error
    if not isinstance(config, dict):
        raise BrokenModel(f"{path} holds no object", hint="fetch the model again")
    if "auto_map" in config:
        raise BrokenModel(
            f"{folder} wants to run code of its own (auto_map in {CONFIG})",
            hint="take a model of an architecture that transformers knows; code out of a model is not run",
        )
    return config


def descent_of(folder: Path) -> dict[str, Any]:
    """What a model that was trained here says of the text it learned from: `model_depth` and `trained_on`, if it does.

    Raises:
        BrokenModel: what stands there is no JSON object.
    """
    path = folder / TRAINING
    if not path.is_file():
        return {}
    try:
        account = json.loads(path.read_bytes())
        return {name: account[name] for name in ("model_depth", "trained_on") if name in account}
    except (OSError, ValueError, TypeError) as error:
        raise BrokenModel(
            f"{path} cannot be read: {error}", hint="train the model again, or remove the file"
        ) from error


def context_of(config: dict[str, Any]) -> int | None:
    """The most tokens that the model can read at once, where its config says so."""
    inner = config.get("text_config") or config
    for name in ("max_position_embeddings", "n_positions", "seq_length", "max_seq_len"):
        if isinstance(inner.get(name), int):
            return int(inner[name])
    return None


def vocabulary_size(config: dict[str, Any]) -> int | None:
    """How many tokens the model tells apart, where its configuration says so."""
    inner = config.get("text_config")
    size = config.get("vocab_size", inner.get("vocab_size") if isinstance(inner, dict) else None)
    return int(size) if isinstance(size, int) else None


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model, each checked to be whole.

    Raises:
        BrokenModel: there are none, one is missing, or one is cut short.
    """
    if (folder / WEIGHTS).is_file():
        files = [folder / WEIGHTS]
    elif (folder / INDEX).is_file():
        files = _indexed(folder)
    else:
        pickled = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
        if pickled:
            raise BrokenModel(
                f"{folder} holds its weights as pickles ({', '.join(pickled)}), which can run code when they are read",
                hint="take a revision with safetensors, or convert it where you trust it: "
                "AutoModelForCausalLM.from_pretrained(...).save_pretrained(...)",
            )
        raise BrokenModel(f"{folder} holds no weights ({WEIGHTS})", hint="fetch the model again")
    for path in files:
        _check_whole(path)
    return files


def revision_of(folder: Path) -> str:
    """The BLAKE3 digest over names and contents of weights, config and tokenizer, in hexadecimal digits."""
    names = [CONFIG, *TOKENIZER]
    files = [*weight_files(folder), *(folder / name for name in names if (folder / name).is_file())]
    whole = blake3()
    for path in sorted(files, key=lambda path: path.name):
        digest = blake3(max_threads=blake3.AUTO).update_mmap(path).hexdigest()
        whole.update(f"{path.name}\0{digest}\n".encode())
    return whole.hexdigest()


def _indexed(folder: Path) -> list[Path]:
    path = folder / INDEX
    try:
        names = sorted(set(json.loads(path.read_bytes())["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrokenModel(f"{path} is no index of weights: {error}", hint="fetch the model again") from error
    outside = [name for name in names if Path(name).name != name]
    missing = [name for name in names if not (folder / name).is_file()]
    if outside or missing:
        raise BrokenModel(
            f"{path} names files that are not there: {', '.join(outside or missing)}", hint="fetch the model again"
        )
    return [folder / name for name in names]


def _check_whole(path: Path) -> None:
    """Nothing when the file is as long as its header says.

    Source: the safetensors format: 8 bytes with the header's length, the header as JSON, the tensors.
    """
    try:
        with path.open("rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            size = path.stat().st_size
            header = json.loads(file.read(min(length, size)))
        end = max((entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"), default=0)
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrokenModel(f"{path} is no safetensors file: {error}", hint="fetch the model again") from error
    if 8 + length + end != size:
        raise BrokenModel(
            f"{path} has {size} bytes where its header says {8 + length + end}", hint="fetch the model again"
        )
