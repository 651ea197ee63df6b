"""A first look, as one story: real text, a preview, the edit itself, and the first text back again.

    python recipes/demo.py FOLDER

The sample is a part of Python's own reference manual, which every Python carries (pydoc_data.topics, PSF licence).
Everything is written into FOLDER; a second run finds its work done.
"""

import json
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

SIZE = 24_000  # characters: a few thousand tokens, scored within a minute on two cores
LENGTHS = range(600, 6_000)  # characters of one article: whole thoughts, no reference tables


def main(folder: Path) -> None:
    """Nothing; the story is told on the terminal."""
    folder.mkdir(parents=True, exist_ok=True)
    sample, edited, original = folder / "manual.jsonl", folder / "edited", folder / "original.jsonl"
    count = write_sample(sample)
    print(f"{count} articles of Python's reference manual lie in {sample}.")
    tell("Two of them, edited and shown, nothing written:", "edit", sample, "--preview", 2)
    tell("All of them, edited, with every edit on record:", "edit", sample, "-o", edited, "--seed", 7)
    tell("And the first text back, out of the edited documents alone:", "revert", edited, "-o", original)
    same = sum(a == b for a, b in zip(texts(sample), texts(original), strict=True))
    print(
        f"{same} of {count} documents are back, byte for byte.\n\nSee every edit in a browser: {edited / 'edits.html'}"
    )
    if same != count:
        sys.exit("the first text did not come back: please report this")


def write_sample(path: Path) -> int:
    """The number of articles that now lie in the file."""
    articles: dict[str, str] = import_module("pydoc_data.topics").topics
    chosen: list[str] = []
    size = 0
    for title in sorted(articles):
        if len(articles[title]) in LENGTHS and size < SIZE:
            chosen.append(title)
            size += len(articles[title])
    rows = [json.dumps({"title": title, "text": articles[title]}, ensure_ascii=False) for title in chosen]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return len(rows)


def tell(what: str, *words: object) -> None:
    """Nothing; says what comes, shows the command as it would be typed, and runs it."""
    command = [str(word) for word in words]
    print(f"\n{what}\n$ {shlex.join(['uncollapse', *command])}", flush=True)
    done = subprocess.run([sys.executable, "-c", "from uncollapse.cli.main import run; run()", *command], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def texts(path: Path) -> list[str]:
    """The texts of a JSON-lines file, in order."""
    return [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
