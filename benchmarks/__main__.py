"""All benchmarks, one after the other, each in a process of its own.

    python -m benchmarks                 every one that is here
    python -m benchmarks startup memory  some of them

Each says in its docstring what it measures and prints its table; docs/benchmarks.md keeps the tables.
"""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
PROGRAMS = sorted(
    path.stem
    for path in FOLDER.glob("*.py")
    if '__name__ == "__main__"' in path.read_text() and path.stem != "__main__"
)
# What a benchmark ends with that has said what this machine lacks for it.
NOT_HERE = 2


def main(names: list[str]) -> int:
    """The number of benchmarks that did not end well."""
    failed = 0
    for name in names or PROGRAMS:
        if name not in PROGRAMS:
            sys.exit(f"no benchmark {name!r}; there are {', '.join(PROGRAMS)}")
        print(f"\n## {name}\n", flush=True)
        ended = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=FOLDER.parent, check=False)
        failed += ended.returncode not in (0, NOT_HERE)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
