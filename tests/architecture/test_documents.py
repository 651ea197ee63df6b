"""What the documents say is what the program does."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
DOCUMENTS = [*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")]
TEXT = "The committee met on Tuesday and agreed that the movie was good. It was the first film of the year.\n"


def listed() -> list[Path]:
    """The files of the project, as git would list them; all but what is ignored."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("documents: this is no git checkout")
    return [PROJECT / name for name in done.stdout.splitlines() if (PROJECT / name).is_file()]


def block(document: str, language: str, *, containing: str) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", (PROJECT / document).read_text(), re.DOTALL)
    (found,) = [text for text in blocks if containing in text]
    return found


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def desk(tmp_path):
    (tmp_path / "essays.jsonl").write_text("".join(f'{{"text": "{TEXT.strip()}", "n": {n}}}\n' for n in range(3)))
    made = ("A river runs through the old town.", "Nobody had counted the sheep.", "Rain fell on the empty market.")
    (tmp_path / "made.jsonl").write_text("".join(f'{{"text": "{text}"}}\n' for text in made))
    return tmp_path


def test_generated_blocks_are_up_to_date():
    done = subprocess.run(
        [sys.executable, PROJECT / "docs" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.model
def test_the_commands_of_the_readme_run(desk, embedded_model):
    blocks = [block("README.md", "sh", containing=f"uncollapse {verb}") for verb in ("edit", "verify")]
    commands = [line.split("#")[0] for text in blocks for line in text.splitlines()]
    assert len(commands) == 7
    program = Path(sys.executable).with_name("uncollapse")
    for command in commands:
        name, *words = shlex.split(command)
        assert name == "uncollapse"
        run([str(program), *words], desk)
    assert (desk / "original.jsonl").read_text().count("The committee met on Tuesday") == 3
    assert {"manifest.json", "report.json", "edits.html"} <= {path.name for path in (desk / "edited").iterdir()}


@pytest.mark.model
def test_the_python_of_the_readme_runs(desk, embedded_model):
    printed = run([sys.executable, "-W", "error", "-c", block("README.md", "python", containing="uc.write")], desk)
    assert printed.count("human The committee met on Tuesday") == 3


def test_the_laboratory_of_the_readme_runs(desk):
    program = Path(sys.executable).with_name("uncollapse")
    for line in block("README.md", "sh", containing="uncollapse collapse").splitlines():
        run([str(program), *shlex.split(line.split("#")[0])[1:]], desk)
    assert {"results.parquet", "index.html"} <= {path.name for path in (desk / "lab").iterdir()}


def test_the_detection_of_the_readme_runs(tmp_path):
    from made_text import made

    human, machine = made(200, seed=1, length=100), made(80, seed=3, length=100, known=700)
    files = {
        "essays": human[:60],
        "made": machine[:60],
        "old": human[60:160],
        "web": [*human[160:], *machine[60:]],
    }
    for name, texts in files.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    program = Path(sys.executable).with_name("uncollapse")
    for line in block("README.md", "sh", containing="uncollapse detector").splitlines():
        printed = run([str(program), *shlex.split(line.split("#")[0])[1:]], tmp_path)
    assert "A machine wrote at least" in " ".join(printed.split())
    assert {"report.html", "detections.parquet"} <= {path.name for path in (tmp_path / "guessed").iterdir()}


def test_the_training_of_the_readme_runs(tmp_path):
    from made_text import made

    texts = {"essays": made(60, seed=1), "made": made(60, seed=3, known=300), "old": made(20, seed=5)}
    for name, own in texts.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in own))
    program = Path(sys.executable).with_name("uncollapse")
    for line in block("README.md", "sh", containing="uncollapse train").splitlines():
        printed = run([str(program), *shlex.split(line.split("#")[0])[1:]], tmp_path)
    assert "old.jsonl: beside human" in printed
    assert json.loads((tmp_path / "made-s0" / "training.json").read_text())["origins"] == {"synthetic": 60}


def test_the_audit_of_the_readme_runs(desk):
    printed = run([sys.executable, "-W", "error", "-c", block("README.md", "python", containing="uc.audit")], desk)
    assert "documents that the reference has too 0" in printed.replace("\xa0", " ")
    assert "Is this corpus healthy?" in (desk / "audit.html").read_text()


def test_every_verb_has_its_help_in_the_page():
    from typer.main import get_command

    from uncollapse.cli.main import app

    page = (PROJECT / "docs" / "cli.md").read_text()
    missing = [verb for verb in get_command(app).commands if f"\n## uncollapse {verb}\n" not in page]
    assert missing == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_links_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_commands_that_documents_name_exist():
    makefile = (PROJECT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {name for path in DOCUMENTS for name in re.findall(r"\bmake ([a-z-]+)\b", _code(path.read_text()))}
    assert {"demo", "test"} <= named <= targets


def _code(document: str) -> str:
    """The stretches of a document that are set as code."""
    return "\n".join(re.findall(r"`[^`]+`|```.*?```", document, re.DOTALL))


def test_no_file_knows_a_machine():
    home = re.compile(r"(?<![\w.])/(?:work|farm|root|home/\w+)/")
    told = []
    for path in listed():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        told += [f"{path.relative_to(PROJECT)}: {match[0]}" for match in home.finditer(text) if path != Path(__file__)]
    assert told == []


def test_decisions_are_numbered_without_a_gap():
    numbers = sorted(int(path.name[:4]) for path in (PROJECT / "docs" / "decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_mixture_of_the_readme_runs(desk):
    program = Path(sys.executable).with_name("uncollapse")
    for line in block("README.md", "sh", containing="uncollapse mix").splitlines():
        run([str(program), *shlex.split(line.split("#")[0])[1:]], desk)
    assert {"manifest.json", "ledger.parquet", "croissant.json", "README.md"} <= {
        path.name for path in (desk / "mixed").iterdir()
    }


def test_what_stands_in_brackets_is_printed():
    page = (PROJECT / "docs" / "cli.md").read_text()
    assert page.count("what models were trained on: [model_depth], ") == page.count(" [trained_on]. ") == 2
    assert ": , ." not in page


def test_contests_that_are_told_of_can_be_copied():
    from uncollapse.collapse.contest.arms import arms_of

    page = (PROJECT / "docs" / "contest.md").read_text()
    named = re.findall(r"--arms (\S+)", page)
    assert len(named) == 2
    assert [len(arms_of(names.split(","))) for names in named] == [4, 13]
