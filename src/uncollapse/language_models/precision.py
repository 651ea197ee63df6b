"""Which number format a model is read in, and on which device: decided by the machine alone, the same each time."""

from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Literal, TypeAlias

from uncollapse.errors import UsageError

Device: TypeAlias = Literal["cpu", "cuda"]
DTYPES = ("float32", "bfloat16", "float16")
SHORT = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
# Processors with one of these multiply bfloat16 in hardware; others emulate it, slower than fp32.
INFORMATION = Path("/proc/cpuinfo")
NATIVE = {"avx512_bf16", "amx_bf16", "bf16"}


@cache
def device() -> Device:
    """Where models are read: on a CUDA device where there is one, else on the processor."""
    if version("torch").endswith("+cpu"):
        return "cpu"
    import torch  # noqa: PLC0415  (slow import, needed here alone)

    return "cuda" if torch.cuda.is_available() else "cpu"


def device_memory() -> int:
    """Bytes of memory of the CUDA device, all of it, whoever has it at the moment."""
    import torch  # noqa: PLC0415  (slow import)

    return int(torch.cuda.mem_get_info()[1])


def resolve_dtype(asked: str) -> str:
    """The number format that `asked` means on this machine; "auto" is bfloat16 where the hardware multiplies it.

    Raises:
        UsageError: no such format.
    """
    if asked == "auto":
        return "bfloat16" if device() == "cuda" or multiplies_bfloat16() else "float32"
    name = SHORT.get(asked, asked)
    if name not in DTYPES:
        raise UsageError(f"no number format {asked!r}", hint=f"one of: auto, {', '.join(DTYPES)}")
    return name


def backend_version() -> str:
    """The versions and the device that decide the last bits of a score."""
    return f"transformers {version('transformers')}, torch {version('torch')}, {device()}"


@cache
def multiplies_bfloat16() -> bool:
    """Whether the processor says that it does; silence means no."""
    if not INFORMATION.is_file():
        return False
    for line in INFORMATION.read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() in {"flags", "Features"}:
            return not NATIVE.isdisjoint(value.split())
    return False
