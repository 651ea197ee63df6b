"""A Ray cluster: which one, what of it a worker takes, how much room there is, and being connected to it."""

import math
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from uncollapse.errors import MissingExtra, UsageError
from uncollapse.execution.local import threads_each

_LOCAL = "local"
KINDS = 4
"""Kinds of machines that are told apart when there is no room."""
_OBJECTS = 128 << 20  # bytes for what the driver hands out, in a Ray of our own


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Which Ray cluster, and what of it each worker takes.

    `address` is that of a running cluster, or "auto" for the one that runs on this machine; without it the environment
    variable RAY_ADDRESS is asked, and where that is not set, a Ray is started here and lives as long as the run.
    `on_wait` is told once what the cluster has, where no worker finds room for a while.
    """

    address: str | None = None
    gpus_per_worker: int | float = 0
    cpus_per_worker: int | float = 1
    on_wait: Callable[[str], object] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.address is not None and self.address.startswith("ray://"):
            raise UsageError(
                f"{self.address} is an address for Ray's client, which the driver of a run cannot be",
                hint="Start the command on a machine of the cluster with --address auto, or use `ray job submit`.",
            )
        if self.gpus_per_worker < 0 or not self.cpus_per_worker > 0:
            raise UsageError("a worker takes no less than no GPU, and some part of a CPU", hint="--gpus-per-worker 1")

    @property
    def resources(self) -> dict[str, int | float]:
        """What a worker takes, by Ray's names."""
        return {"CPU": self.cpus_per_worker, **({"GPU": self.gpus_per_worker} if self.gpus_per_worker else {})}


def room_for(resources: Mapping[str, int | float], nodes: Iterable[Mapping[str, Any]]) -> int:
    """How many workers of such a size there is room for on the machines that are there, as Ray lists them."""
    return sum(
        min(math.floor(node["Resources"].get(name, 0.0) / amount + 1e-9) for name, amount in resources.items())
        for node in nodes
        if node["Alive"]
    )


def what_is_there(resources: Mapping[str, int | float], nodes: Sequence[Mapping[str, Any]]) -> str:
    """What a worker would take and what the machines have, for whoever waits for one to begin."""
    alive = [node for node in nodes if node["Alive"]]
    machines = Counter(
        " and ".join(f"{node['Resources'].get(name, 0.0):g} {name}" for name in ("CPU", "GPU")) for node in alive
    )
    has = "; ".join(f"{count} with {own}" for own, count in machines.most_common(KINDS)) or "none"
    wanted = " and ".join(f"{amount:g} {name}" for name, amount in resources.items())
    why = "others have all of it" if room_for(resources, nodes) else "none has so much"
    return f"waiting for room: a worker takes {wanted}, and {why}; machines of the cluster: {has}"


@contextmanager
def connected(cluster: Cluster, workers: int | None) -> Iterator[Any]:
    """Ray, connected; what this process had connected before is used and left as it is."""
    ray = _ray()
    if ray.is_initialized():
        yield ray
        return
    address = cluster.address or os.environ.get("RAY_ADDRESS") or _LOCAL
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "address": address}
    if address == _LOCAL:
        cpus = math.ceil((workers or 0) * cluster.cpus_per_worker)
        options |= {"num_cpus": max(cpus, threads_each(1)), "include_dashboard": False, "object_store_memory": _OBJECTS}
    try:
        _knock(address)
        ray.init(**options)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"no Ray cluster answers at {address}: {last_line(error)}",
            hint="`ray start --head` starts one; without --address one is started here for the run.",
        ) from error
    try:
        if address == _LOCAL and not room_for(cluster.resources, ray.nodes()):
            wanted = " and ".join(f"{amount:g} {name}" for name, amount in cluster.resources.items())
            raise UsageError(f"a worker would take {wanted}, and this machine has not as much", hint="--address auto")
        yield ray
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Nothing; raises where nobody listens. Ray itself would ask for ten minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


def _ray() -> Any:
    # Nothing of what runs here is told to anybody; a cluster that others have started keeps its own setting.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray warns of a change to come in how it hides GPUs from workers that ask for none; they are hidden.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")
    try:
        import ray  # noqa: PLC0415  (an extra, and seconds to load)
    except ImportError as error:
        raise MissingExtra("--engine ray needs Ray", hint="pip install 'uncollapse[ray]'") from error
    return ray


def last_line(error: Exception) -> str:
    """What an error of Ray comes to; the lines before tell how it came there."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[-1] if lines else type(error).__name__
    return said.partition(" Some common causes")[0]
