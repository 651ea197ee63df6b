"""Models of the Hugging Face hub: `hf:owner/name@revision`, fetched by the hub's own library into its own cache.

Only safetensors, configs and tokenizers are fetched. Files that the hub stores by their sha256 are checked against it.
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from uncollapse.errors import BrokenModel, ModelError, UnknownModel

PREFIX = "hf:"
WANTED = ("*.safetensors", "*.safetensors.index.json", "config.json", "tokenizer.json", "tokenizer_config.json")
ADDRESS = re.compile(r"hf:(?P<repository>[\w.-]+(/[\w.-]+)?)(@(?P<revision>[\w./-]+))?")
SHA256 = re.compile(r"[0-9a-f]{64}")


class Snapshot(NamedTuple):
    """A folder with one commit of a repository, and that commit."""

    folder: Path
    revision: str


def fetch(address: str) -> Snapshot:
    """The repository behind an address, fetched where it is not here yet.

    Raises:
        UnknownModel: no such repository or revision, or not for this user.
        ModelError: the hub cannot be reached and the model is not in its cache.
        BrokenModel: a fetched file is not what the hub's own hash promises.
    """
    match = ADDRESS.fullmatch(address)
    if match is None:
        raise UnknownModel(f"{address!r} is no address on the hub", hint="hf:owner/name or hf:owner/name@revision")
    import huggingface_hub  # noqa: PLC0415  (slow import)
    from huggingface_hub import errors  # noqa: PLC0415

    try:
        folder = Path(
            huggingface_hub.snapshot_download(
                match["repository"], revision=match["revision"], allow_patterns=list(WANTED)
            )
        )
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.GatedRepoError) as error:
        raise UnknownModel(
            f"the hub does not give {address!r}: {_first_line(error)}",
            hint="check owner, name and revision; for a private or gated model log in with `hf auth login`",
        ) from error
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, OSError, ValueError) as error:
        raise ModelError(
            f"{address!r} cannot be fetched: {_first_line(error)}",
            hint="is there a network? A copy of the model in a folder can be named instead",
        ) from error
    for path in sorted(folder.rglob("*")):
        _check(path)
    # The hub keeps each commit in a folder of its name.
    return Snapshot(folder, folder.name)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _check(path: Path) -> None:
    """Nothing when the file is what its name in the hub's store promises; small files have other names there."""
    promised = path.resolve().name
    if not path.is_file() or not SHA256.fullmatch(promised):
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != promised:
        raise BrokenModel(
            f"{path.name} has the sha256 {found}, not {promised}",
            hint=f"the download is damaged; remove {path.resolve()} and fetch it again",
        )
