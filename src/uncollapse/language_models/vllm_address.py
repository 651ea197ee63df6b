"""Addresses of models that vLLM reads and writes with, and what a recipe says of the engine.

    vllm:smollm2-135m            any address of a neural model behind the prefix
    vllm:hf:owner/name@revision

The card has the inner address, since the weights are the same; engine and versions stand in `backend`.
"""

from typing import Literal, NamedTuple, TypeAlias

from uncollapse.errors import MissingExtra, UsageError
from uncollapse.language_models import endpoint_address, precision
from uncollapse.language_models.model import ModelCard

PREFIX = "vllm:"
BACKEND = "vllm"
Backend: TypeAlias = Literal["transformers", "vllm"]


class Parted(NamedTuple):
    """The prefix of an address, which may be empty, and what stands behind it."""

    prefix: str
    address: str


def parted(address: str) -> Parted:
    """The address in two parts."""
    inner = address.removeprefix(PREFIX)
    return Parted(address[: len(address) - len(inner)], inner)


def is_vllm(address: str) -> bool:
    """Whether an address asks for vLLM."""
    return address.startswith(PREFIX)


def behind(address: str, backend: Backend | None) -> str:
    """The address as it is with a backend; without one, as it stands.

    Raises:
        UsageError: the model is behind an endpoint, or the address asks for another backend.
    """
    if backend is None:
        return address
    if endpoint_address.is_endpoint(address):
        raise UsageError(
            f"--backend {backend} has no meaning for {address}, where an engine runs by itself",
            hint="leave out --backend, or name a model whose weights are here",
        )
    prefix, inner = parted(address)
    if prefix and backend != BACKEND:
        raise UsageError(f"{address} asks for vLLM, and --backend for {backend}", hint="leave one of them out")
    return f"{PREFIX}{inner}" if backend == BACKEND else inner


def read_by_vllm(card: ModelCard) -> ModelCard:
    """The card of a model, with vLLM as its backend.

    Raises:
        UsageError: the model is none that it reads.
        MissingExtra: vLLM is not installed.
    """
    if card.backend != "transformers":
        raise UsageError(
            f"vLLM reads neural models, and {card.address} is {card.backend}", hint=f"leave out the prefix {PREFIX}"
        )
    return card._replace(backend=BACKEND, backend_version=backend_version())


def backend_version() -> str:
    """The versions and the device that decide the last bits of a score.

    Raises:
        MissingExtra: vLLM is not installed.
    """
    machine = precision.reads()
    if machine.vllm is None:
        raise MissingExtra(
            "vLLM is not installed",
            hint="pip install 'uncollapse[vllm]' on a machine with a GPU; docs/backends.md says how on a processor",
        )
    return f"vllm {machine.vllm}, torch {machine.torch}, {machine.device}"
