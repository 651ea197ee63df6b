"""Where the workers of a cluster read: what a recipe says of a model is what they will read, and not this machine.

A driver need not be a machine like its workers: the head of a cluster seldom has a GPU, and Ray hides those that there
are from workers that ask for none. So one worker is asked what it reads with, and models are resolved here as they will
be there; each worker sees for itself that it is of that kind (`ShardWork`, `Lent`).
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from uncollapse.corpora.corpus import Corpus
from uncollapse.errors import UsageError, WorkerLost
from uncollapse.execution import on_ray
from uncollapse.execution.cluster import Cluster, connected, last_line, what_is_there
from uncollapse.language_models import precision, resolve
from uncollapse.step import Configured, Step
from uncollapse.version import __version__

BY_MACHINES = ("transformers", "vllm")
"""The backends whose numbers hang on the machine; counts are the same everywhere, and an endpoint's are its own."""


@contextmanager
def there(cluster: Cluster | None, workers: int | None = None) -> Iterator[None]:
    """While this is open the cluster is connected, and models are resolved as its workers read them.

    Raises:
        MissingExtra: Ray is not installed.
        UsageError: no cluster answers, or it has no room for a worker.
        WorkerLost: no worker can begin.
    """
    if cluster is None:
        yield
        return
    with connected(cluster, workers) as ray, precision.as_on(precision.elsewhere() or _asked(ray, cluster)):
        yield


@contextmanager
def resolved_there(corpus: Corpus, cluster: Cluster | None, workers: int | None) -> Iterator[Corpus]:
    """The corpus, with its models as the workers of a cluster will read them.

    Nobody is asked where no model is read, or where it is known: steps that were made within `there` stay as they are.
    """
    if cluster is None or precision.elsewhere() is not None:
        yield corpus
        return
    # The driver may lack what its workers have.
    with precision.as_on(precision.ANY):
        asks = any(map(reads, _anew(corpus.steps)))
    if not asks:
        yield corpus
        return
    with there(cluster, workers):
        yield replace(corpus, steps=_anew(corpus.steps))


def reads(step: Step) -> bool:
    """Whether a step reads with a model of its machine: its recipe has the card.

    Raises:
        ModelError: there is no such model.
    """
    card = step.recipe().get("resolved")
    return isinstance(card, Mapping) and card.get("backend") in BY_MACHINES


def _anew(steps: Iterable[Step]) -> tuple[Step, ...]:
    return tuple(step.anew() if isinstance(step, Configured) else step for step in steps)


def read_here(*addresses: str) -> bool:
    """Whether some of the models behind these addresses are read by a machine of ours; all of them are there.

    Raises:
        ModelError: one is not.
    """
    backends = {resolve(address).backend for address in addresses}
    return not backends.isdisjoint(BY_MACHINES)


def _asked(ray: Any, cluster: Cluster) -> precision.Machine:
    resources = {"num_cpus": cluster.cpus_per_worker, "num_gpus": cluster.gpus_per_worker}
    answer = ray.remote(**resources)(_answer).remote(__version__)
    try:
        if not ray.wait([answer], timeout=on_ray.PATIENCE, fetch_local=False)[0] and cluster.on_wait is not None:
            cluster.on_wait(what_is_there(cluster.resources, ray.nodes()))
        return precision.Machine(*ray.get(answer))
    except KeyboardInterrupt:
        # A cluster that can grow would else see that somebody still waits.
        ray.cancel(answer)
        raise
    except ray.exceptions.RayError as error:
        raise WorkerLost(
            f"no worker can begin on the cluster: {last_line(error)}",
            hint=f"Every machine of it needs uncollapse {__version__} and what the steps need.",
        ) from error


def _answer(version: str) -> tuple[Any, ...]:
    if version != __version__:
        raise UsageError(f"the driver has uncollapse {version}, a worker {__version__}")
    return tuple(precision.this_machine())
