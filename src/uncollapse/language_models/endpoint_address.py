"""Addresses of engines that speak the OpenAI protocol, and what a recipe says of them.

    http://localhost:8000/v1#name          the model `name` behind that base address
    endpoint:https://host/v1#owner/name    the same, spelled out

What is behind the address is not ours to hash: the card names model and place, and says that the draws are the
engine's own.
"""

from importlib.metadata import version
from typing import NamedTuple
from urllib.parse import urlsplit

from uncollapse.errors import UsageError
from uncollapse.language_models.model import ModelCard

PREFIX = "endpoint:"
SCHEMES = ("http://", "https://")
BACKEND = "openai-endpoint"
UNKNOWN = "the engine's own"
SHAPE = "http://host:port/v1#model-name"
WHO_ASKS = "uncollapse"


class Where(NamedTuple):
    """The base address of an endpoint, without a slash at its end, and the name of a model there."""

    base: str
    model: str


def is_endpoint(address: str) -> bool:
    """Whether an address names an endpoint."""
    return address.startswith((PREFIX, *SCHEMES))


def where(address: str) -> Where:
    """The base address and the model's name.

    Raises:
        UsageError: there is no model's name, no host, or something secret in the address.
    """
    base, mark, model = address.removeprefix(PREFIX).partition("#")
    try:
        parts = urlsplit(base)
        named = parts.hostname
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"{base} is no address: {error}", hint=SHAPE) from error
    if parts.scheme not in ("http", "https") or not named:
        raise UsageError(f"{address} names no host", hint=SHAPE)
    if parts.username or parts.password or parts.query:
        raise UsageError(
            "an endpoint's address is written down in recipes, and this one holds a name, a password or a query",
            hint="give the key by the name of an environment variable: --api-key-env NAME",
        )
    if not mark or not model:
        raise UsageError(f"{address} names no model", hint=f"the model's name behind a #: {base.rstrip('/')}#NAME")
    return Where(base.rstrip("/"), model)


def endpoint_card(address: str) -> ModelCard:
    """The card of a model behind an endpoint; its revision is its name there, as nobody here can see its weights."""
    place = where(address)
    return ModelCard(
        address=address,
        revision=f"{place.model} at {place.base}",
        backend=BACKEND,
        backend_version=f"httpx2 {version('httpx2')}",
        dtype=UNKNOWN,
    )


def refuse_to_read(address: str) -> UsageError:
    """The error for whoever wants to read text by tokens behind an endpoint."""
    return UsageError(
        f"{address} is an endpoint: it writes, but it takes no token ids and gives no probabilities of a given text",
        hint="take a model whose weights are here: smollm2-135m, a folder, a .gguf file, or hf:owner/name@revision",
    )
