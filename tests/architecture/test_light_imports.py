import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "transformers", "vllm", "ray", "matplotlib"}
# What would also make `import uncollapse` slow, one by one.
LARGE = {"numpy", "pyarrow", "pydantic", "scipy", "jaxtyping", "huggingface_hub", "fsspec", "rich", "typer", "jinja2"}


def loaded_by(source: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after some source."""
    program = f"{source}\nimport sys, json\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_measure_sees_what_is_loaded():
    assert "numpy" in loaded_by("import numpy")


def test_import_uncollapse_is_light():
    loaded = loaded_by("import uncollapse; uncollapse.__all__")
    assert "uncollapse" in loaded
    assert not loaded & (HEAVY | LARGE)


@pytest.mark.parametrize("name", ["UsageError", "Origin", "ToEdit", "preset", "read", "write", "load_model"])
def test_a_public_name_by_itself_loads_no_model_library(name):
    assert not loaded_by(f"import uncollapse; uncollapse.{name}") & HEAVY


HELP = """
import contextlib, io, sys
from uncollapse.cli.main import app
sys.argv = ["uncollapse"]
with contextlib.redirect_stdout(io.StringIO()):
    app({arguments!r}, standalone_mode=False)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["edit", "--help"],
        ["run", "--help"],
        ["collapse", "--help"],
        ["collapse", "gaussian", "--help"],
        ["--version"],
    ],
)
def test_help_loads_the_command_line_and_nothing_else_of_size(arguments):
    loaded = loaded_by(HELP.format(arguments=arguments))
    assert "typer" in loaded
    own = {"rich", "typer", "pydantic"}  # typer reads the values of options with pydantic where it is installed
    assert not loaded & (HEAVY | LARGE - own)
