"""Ray clusters of several nodes on this machine, for tests and benchmarks of what runs there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")

import ray
from ray.cluster_utils import Cluster as Machines

from uncollapse.execution import Cluster

OBJECTS = 80 << 20  # bytes that a node may hold


class Nodes:
    """The nodes of one cluster; each has room for as many workers as it has CPUs."""

    def __init__(self, machines: Machines, *, cpus: float) -> None:
        self._machines = machines
        self._cpus = cpus
        self._nodes = {node.node_id: node for node in machines.list_all_nodes()}

    @property
    def cluster(self) -> Cluster:
        """The cluster as a run is told of it."""
        return Cluster(address=self._machines.address)

    @property
    def names(self) -> list[str]:
        """The ids of the nodes that are there."""
        return list(self._nodes)

    def add(self) -> str:
        """The id of one more node; Ray gives a start half a minute, which a machine that others use may not keep."""
        for left in range(4, -1, -1):
            try:
                node = self._machines.add_node(num_cpus=self._cpus, object_store_memory=OBJECTS)
                break
            except Exception as error:  # Ray raises nothing narrower
                if not left or "time" not in str(error):
                    raise
        self._nodes[node.node_id] = node
        return node.node_id

    def add_room(self, what: str, amount: float) -> str:
        """The id of one more node, which has so much of something besides."""
        node = self._machines.add_node(
            num_cpus=self._cpus, object_store_memory=OBJECTS, **{f"num_{what.lower()}s": amount}
        )
        self._nodes[node.node_id] = node
        return node.node_id

    def kill(self, name: str) -> None:
        """Nothing; a node and all that ran on it has gone, as by a power cut."""
        self._machines.remove_node(self._nodes.pop(name), allow_graceful=False)


@contextmanager
def joined(count: int) -> Iterator[Nodes]:
    """So many nodes, to which this process is connected, as that takes a while each time."""
    with started(count) as running:
        ray.init(address=running.cluster.address, log_to_driver=False, logging_level="ERROR")
        yield running


@contextmanager
def started(count: int, *, cpus: float = 1) -> Iterator[Nodes]:
    """So many nodes, which are stopped in the end."""
    head = {"num_cpus": cpus, "object_store_memory": OBJECTS, "include_dashboard": False}
    machines = Machines(initialize_head=True, head_node_args=head)
    try:
        nodes = Nodes(machines, cpus=cpus)
        for _ in range(count - 1):
            nodes.add()
        machines.wait_for_nodes()
        yield nodes
    finally:
        ray.shutdown()
        machines.shutdown()
