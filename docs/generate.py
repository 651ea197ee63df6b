"""The blocks of the documents that are printed by the program itself, made again or (`--check`) compared.

docs/cli.md   the help of each verb
README.md     the tree: each room that exists with the first line of its docstring
"""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LABORATORIES = ("gaussian", "discrete", "kde", "regression", "mixture", "autoencoder", "ngram")
TELLERS = ("language", "sources", "theory", "theory gaussian", "plan", "reproduce")
VERBS = (
    *("", "edit", "revert", "generate", "prompts", "select", "arbitrate", "mix", "contest"),
    *("audit", "detect", "detector", "find", "marks", "trace", "verify", "sign", "card"),
    *("reserve", "reserve add", "reserve check", "reserve list", "status", "models"),
    *("train", "evaluate", "compare", "forecast", "trial", "collapse"),
    *(f"collapse {name}" for name in LABORATORIES + TELLERS),
    "run",
)
WIDTH = 110
# What stands outside the package.
OUTSIDE = {
    "recipes/": "whole stories, imported by nothing; `make demo` runs the first",
    "benchmarks/": "speed, memory and quality, measured; `make bench`",
    "docs/": "the help of each verb, benchmarks, decisions, what was tried and failed",
    "tests/": "mirrors the rooms; tests/laws holds over every step, tests/architecture over the house",
}


def block(name: str, content: str, document: str) -> str:
    """The document with the content between the two marks of this name exchanged."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    assert pattern.search(document), f"no marks <!-- {name} --> ... <!-- /{name} -->"
    return pattern.sub(lambda match: match[1] + content + match[2], document)


def help_text(verb: str) -> str:
    """What `uncollapse VERB --help` prints on a terminal of a fixed width without colour."""
    environment = os.environ | {
        "COLUMNS": str(WIDTH),
        "TERMINAL_WIDTH": str(WIDTH),
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PYTHONIOENCODING": "utf-8",
    }
    for name in ("FORCE_COLOR", "GITHUB_ACTIONS", "PY_COLORS"):
        environment.pop(name, None)
    command = [sys.executable, "-c", "from uncollapse.cli.main import run; run()", *verb.split(), "--help"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, encoding="utf-8")
    # The program's own name: run as a module, the first line of the usage would say otherwise.
    lines = [line.rstrip().replace("-c [OPTIONS]", "uncollapse [OPTIONS]") for line in done.stdout.splitlines()]
    return "\n".join(lines).strip("\n") + "\n"


def cli_page() -> str:
    """docs/cli.md."""
    parts = ["# The command line\n\nThis page is printed by the program: `make docs` makes it again.\n"]
    for verb in VERBS:
        title = f"uncollapse {verb}".strip()
        parts.append(f"## {title}\n\n```text\n{help_text(verb)}```\n")
    return "\n".join(parts)


def tree() -> str:
    """The rooms that exist, each with what its docstring's first line says."""
    package = PROJECT / "src" / "uncollapse"
    rooms = {}
    for path in sorted(package.iterdir()):
        source = path / "__init__.py" if path.is_dir() else path
        if source.suffix == ".py" and source.is_file() and path.name not in {"__init__.py", "version.py"}:
            said = (ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or "").split("\n\n")[0]
            rooms[path.name + ("/" if path.is_dir() else "")] = " ".join(said.split())
    width = max(map(len, [*rooms, *OUTSIDE])) + 2
    lines = ["src/uncollapse/"]
    lines += [f"  {name:<{width}}{said}" for name, said in rooms.items()]
    lines += [f"{name:<{width + 2}}{said}" for name, said in OUTSIDE.items()]
    return "```text\n" + "\n".join(lines) + "\n```\n"


def pages() -> dict[Path, str]:
    """Each document that holds generated blocks, as it should be."""
    readme = PROJECT / "README.md"
    return {
        PROJECT / "docs" / "cli.md": cli_page(),
        readme: block("tree", tree(), readme.read_text(encoding="utf-8")),
    }


def main(*, check: bool) -> int:
    """0 where every document is as it should be, or now is; 1 where one is not and was only to be checked."""
    wanted = pages()
    stale = [path for path in wanted if not path.is_file() or path.read_text(encoding="utf-8") != wanted[path]]
    for path in stale:
        if check:
            print(f"{path.relative_to(PROJECT)} is not what the program prints; `make docs` makes it again")
        else:
            path.write_text(wanted[path], encoding="utf-8")
            print(f"{path.relative_to(PROJECT)} made again")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
