"""The models that have a name here, as a list for people and as records for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.text import Text

from uncollapse.language_models import ModelEntry
from uncollapse.language_models.vllm_address import parted

MEGA = 1_000_000


def as_list(entries: Sequence[ModelEntry]) -> Text:
    """For each model its name, what it is, what it takes, where it comes from, and whether it is here."""
    text = Text()
    for entry in entries:
        here = "yes" if entry.here else f"no; uncollapse models --fetch {entry.address}"
        text.append(entry.address, style="bold")
        text.append(
            f"  {entry.what}\n"
            f"  takes            {entry.parameters / MEGA:,.0f} M parameters, {entry.bytes / MEGA:,.0f} MB to fetch\n"
            f"  comes from       {entry.source}, {entry.licence}\n"
            f"  on this machine  {here}\n"
        )
    text.append("\nBesides these: a folder with safetensors, a .gguf file, or hf:owner/name@revision.")
    text.append("\nWith vllm: before any of them vLLM reads it, where that is installed.")
    text.append("\nTo write texts and for nothing else: an endpoint, http://host:port/v1#name.")
    return text


def as_records(entries: Sequence[ModelEntry]) -> list[dict[str, Any]]:
    """The same as plain values."""
    return [asdict(entry) for entry in entries]


def announcement(address: str, entries: Sequence[ModelEntry]) -> str:
    """What a person is told before a model that has a name here is fetched; nothing where it is here, or has none."""
    _, inner = parted(address)
    for entry in entries:
        if entry.address == inner and not entry.here:
            size = f"{entry.bytes / MEGA:,.0f} MB"
            return f"{inner} is not on this machine yet: it is fetched ({size}) and unpacked, once; about a minute\n"
    return ""
