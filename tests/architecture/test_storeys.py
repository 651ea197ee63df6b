import subprocess
import sys
from pathlib import Path

import pytest

LINTER = Path(sys.executable).with_name("lint-imports")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINTER, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


def test_every_room_imports_from_below_alone(project):
    done = lint(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("errors.py", "from tower import cli"),  # upwards
        ("document.py", "from tower import step"),  # one storey up
        ("attic/__init__.py", "VALUE = 1"),  # a room on no storey
    ],
)
def test_the_linter_would_see_a_breach(project, tmp_path, monkeypatch, file, source):
    # The contract of pyproject.toml over a small package with the same rooms: it can fail.
    text = (project / "pyproject.toml").read_text()
    contract = text[text.index("[tool.importlinter]") :].replace("uncollapse", "tower")
    (tmp_path / "pyproject.toml").write_text(contract)
    rooms = [path.stem for path in (project / "src" / "uncollapse").iterdir() if path.suffix in {"", ".py"}]
    for room in rooms:
        if not room.startswith("_"):
            (tmp_path / "tower" / room).mkdir(parents=True)
            (tmp_path / "tower" / room / "__init__.py").touch()
    (tmp_path / "tower" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert lint(tmp_path).returncode == 0
    place = tmp_path / "tower" / file
    room = place if place.parent.name == "attic" else place.with_suffix("") / "__init__.py"
    room.parent.mkdir(exist_ok=True)
    room.write_text(source + "\n")
    assert lint(tmp_path).returncode == 1
