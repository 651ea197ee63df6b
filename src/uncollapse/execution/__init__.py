"""Where steps run; no step knows."""

from uncollapse.execution.progress import Progress, RunResult
from uncollapse.execution.run import run

__all__ = ["Progress", "RunResult", "run"]
