"""`--backend`: a plain way to say which library reads the models; it comes to a prefix before their addresses."""

from collections.abc import Mapping
from typing import Any

from uncollapse.errors import UsageError

NAMES = ("transformers", "vllm")


def with_backend(values: Mapping[str, Any], *, default: str | None = None) -> dict[str, Any]:
    """The options without `backend`, and with its prefix before `model` and `models`.

    `default` is the model that is taken where none is named.

    Raises:
        UsageError: no such backend, a model behind an endpoint, one that asks for another backend, or no model at all.
    """
    asked = dict(values)
    backend = checked_backend(asked.pop("backend", None))
    if backend is None:
        return asked
    if default is not None:
        asked.setdefault("model", default)
    for name in {"model", "models"} & set(asked):
        asked[name] = _behind(asked[name], backend)
    return asked


def checked_backend(name: Any) -> Any:
    """The name of a backend, or None where none was asked for.

    Raises:
        UsageError: there is none of this name.
    """
    if name is not None and name not in NAMES:
        raise UsageError(
            f"no backend {name!r}",
            hint=f"one of {', '.join(NAMES)}; an endpoint is an address: http://host:port/v1#name",
        )
    return name


def _behind(addresses: Any, backend: Any) -> Any:
    from uncollapse.language_models.vllm_address import behind

    if isinstance(addresses, list | tuple):
        return tuple(behind(str(address), backend) for address in addresses)
    return behind(str(addresses), backend)


def model_from(base: Any, address: str) -> str:
    """A model's address as it is seen from a recipe's folder: names and repositories as they are, paths from there.

    A name has no slash, and the address of a folder that an earlier verb makes has one.
    """
    from uncollapse.cli.settings import seen_from
    from uncollapse.language_models.vllm_address import parted

    prefix, inner = parted(address)
    return f"{prefix}{seen_from(base, inner)}" if "/" in inner and not inner.startswith("hf:") else address
