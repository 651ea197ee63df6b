"""Where steps run; no step knows."""

from uncollapse.execution.cluster import Cluster
from uncollapse.execution.progress import Progress, RunResult
from uncollapse.execution.run import run

__all__ = ["Cluster", "Progress", "RunResult", "run"]
