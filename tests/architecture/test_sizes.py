"""The size rules of the house, by the syntax tree of every module of the package."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "uncollapse"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_MODULE, LONGEST_FUNCTION, MOST_PARAMETERS = 400, 40, 5
# A verb's function has one parameter for each option that it takes: its signature is the command line.
VERBS = {
    PACKAGE / "cli" / "arbitrate.py": {"arbitrate"},
    PACKAGE / "cli" / "audit.py": {"audit"},
    PACKAGE / "cli" / "collapse.py": {"plan"},
    PACKAGE / "cli" / "collapse_language.py": {"language"},
    PACKAGE / "cli" / "card.py": {"card"},
    PACKAGE / "cli" / "trace.py": {"trace"},
    PACKAGE / "cli" / "verify.py": {"verify"},
    PACKAGE / "cli" / "contest.py": {"contest"},
    PACKAGE / "cli" / "detect.py": {"detect", "detector"},
    PACKAGE / "cli" / "edit.py": {"edit"},
    PACKAGE / "cli" / "find.py": {"find"},
    PACKAGE / "cli" / "forecast.py": {"forecast"},
    PACKAGE / "cli" / "reserve.py": {"add"},
    PACKAGE / "cli" / "mix.py": {"mix"},
    PACKAGE / "cli" / "revert.py": {"revert"},
    PACKAGE / "cli" / "select.py": {"select"},
    PACKAGE / "cli" / "generate.py": {"generate"},
    PACKAGE / "cli" / "prompts.py": {"prompts"},
    PACKAGE / "cli" / "train.py": {"train"},
    PACKAGE / "cli" / "trial.py": {"trial"},
    PACKAGE / "cli" / "evaluate.py": {"evaluate"},
    PACKAGE / "corpora" / "corpus.py": {"read"},
    PACKAGE / "execution" / "run.py": {"run"},
}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name not in VERBS.get(path, ()):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_sizes(path):
    lines = path.read_text().count("\n")
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1}"
        for node in functions(path)
        if _length(node) > LONGEST_FUNCTION
    ]
    wide = [node.name for node in functions(path) if _parameters(node) > MOST_PARAMETERS]
    assert lines <= LONGEST_MODULE
    assert not long, f"functions of more than {LONGEST_FUNCTION} lines"
    assert not wide, f"functions of more than {MOST_PARAMETERS} parameters"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_no_room_is_called_after_a_heap():
    heaps = {"utils", "util", "core", "common", "helpers", "helper", "manager", "misc", "base"}
    assert not {path.stem for path in PACKAGE.rglob("*")} & heaps


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
    return len([each for each in arguments if each.arg not in {"self", "cls"}])
