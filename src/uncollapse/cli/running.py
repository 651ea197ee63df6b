"""Where the documents of a verb are worked: what is asked, and the cluster that it comes to."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from uncollapse.errors import UsageError

if TYPE_CHECKING:
    from typing import TypeVar

    from uncollapse.step import Configured, Gather

    S = TypeVar("S", bound=Configured)
    from uncollapse.corpora import Corpus
    from uncollapse.execution import Cluster, RunResult
    from uncollapse.execution.gathering import Gathering

ON_RAY = ("address", "gpus_per_worker")


class Running(BaseModel):
    """What every verb that maps documents to documents is told of where it runs; no result depends on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Literal["local", "ray"] = "local"
    address: str | None = None
    gpus_per_worker: Annotated[float, Field(ge=0)] | None = None
    workers: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _check_engine(self) -> Self:
        for name in ON_RAY:
            if self.engine != "ray" and getattr(self, name) is not None:
                flag = "--" + name.replace("_", "-")
                raise UsageError(f"{flag} has no meaning with --engine {self.engine}", hint="--engine ray")
        if self.engine == "ray":
            self.cluster()
        return self

    def cluster(self, *, reads: bool = True) -> "Cluster | None":
        """The cluster, with the GPUs that were asked for where a model reads; None for this machine.

        Raises:
            UsageError: it is given by an address that it cannot be driven by.
        """
        from uncollapse.execution import Cluster

        if self.engine == "local":
            return None
        return Cluster(
            address=self.address,
            gpus_per_worker=(self.gpus_per_worker or 0.0) if reads else 0.0,
            on_wait=lambda said: sys.stderr.write(f"{said}\n"),
        )

    def run(self, corpus: "Corpus", output: str, **options: Any) -> "RunResult":
        """The result of a run, where it is to be; options are those of `execution.run`."""
        from uncollapse import execution

        with self._apart():
            return execution.run(corpus, output, workers=self.workers, cluster=self.cluster(), **options)

    @contextmanager
    def there(self, *, reads: bool = True) -> Iterator[None]:
        """While this is open a cluster stays connected, and models are resolved as its workers read, if any is read."""
        from uncollapse.execution.cluster import connected
        from uncollapse.execution.there import there

        cluster = self.cluster(reads=reads)
        if cluster is None:
            yield
            return
        with self._apart(), there(cluster, self.workers) if reads else connected(cluster, self.workers):
            yield

    def looking(self) -> AbstractContextManager[None]:
        """While this is open it is seen whether models are there, and not yet how workers read them.

        So bad input is refused before a cluster is waited for, and by a driver that lacks what its workers have.
        """
        from uncollapse.language_models import precision

        return nullcontext() if self.engine == "local" else precision.as_on(precision.ANY)

    def read_here(self, *addresses: str) -> bool:
        """Whether some of these models are read by the machines of the run; all of them are there."""
        from uncollapse.execution.there import read_here

        with self.looking():
            return read_here(*addresses)

    def anew(self, step: "S") -> "S":
        """A step that was made while looking, as it is once it is known how workers read."""
        return step if self.engine == "local" else step.anew()

    def by_a_worker(self, work: Callable[[Any], Any]) -> AbstractContextManager["Gather"]:
        """What gives what work makes of pieces: on a cluster a worker, as numbers are those of such a machine."""
        from uncollapse.step import here

        return here(work) if self.engine == "local" else self.gathering(work)

    @property
    def spreads(self) -> bool:
        """Whether others than this process are asked to work."""
        return self.engine == "ray" or (self.workers or 1) > 1

    @contextmanager
    def gathering(self, work: Callable[[Any], Any], *, reads: bool = True) -> Iterator["Gathering[Any, Any]"]:
        """What gives what the work makes of pieces, in their order, call after call by the same workers.

        Work that `reads` with a model has the GPUs that were asked for, other work none.
        """
        from uncollapse.execution.gathering import Gathering

        with self._apart(), Gathering(work, workers=self.workers, cluster=self.cluster(reads=reads)) as gather:
            yield gather

    def _apart(self) -> AbstractContextManager[Any]:
        """While a cluster works, Ray tells the driver's stdout of lost machines; that is the place of the account."""
        return redirect_stdout(sys.stderr) if self.engine == "ray" else nullcontext()


def unless_said(options: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a verb, and where they do not say themselves where it runs, what is wanted of the whole story."""
    said = {str(name).replace("-", "_") for name in options}
    of_engine = {"engine", *ON_RAY}
    held = of_engine if said & of_engine else set()
    return {**{name: value for name, value in wanted.items() if name not in said | held}, **options}
