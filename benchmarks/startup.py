"""How long a person waits before anything happens: `--help`, `import uncollapse`, a model ready to score.

    python -m benchmarks.startup

Each command runs in a fresh interpreter, several times; a bare interpreter stands beside it.
"""

import statistics
import subprocess
import sys
import time

TIMES = 11
RUN = "from uncollapse.cli.main import run; run()"
COMMANDS = {
    "a bare interpreter": ["-c", "pass"],
    "import uncollapse": ["-c", "import uncollapse"],
    "uncollapse --help": ["-c", RUN, "--help"],
    "uncollapse edit --help": ["-c", RUN, "edit", "--help"],
}
MODEL = "the default model loaded, in the cache before"


def seconds(arguments: list[str]) -> float:
    """The seconds that a fresh interpreter takes with these arguments."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Nothing; prints a table."""
    load = ["-c", "import uncollapse; uncollapse.load_model('smollm2-135m')"]
    seconds(load)
    rows = [(name, [seconds(arguments) for _ in range(TIMES)]) for name, arguments in COMMANDS.items()]
    rows.append((MODEL, [seconds(load) for _ in range(3)]))
    print("| command | median s | fastest s | runs |\n|---|---|---|---|")
    for name, taken in rows:
        print(f"| {name} | {statistics.median(taken):.2f} | {min(taken):.2f} | {len(taken)} |")


if __name__ == "__main__":
    main()
