"""The benchmark for a GPU, as far as it can be run without one."""

import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from uncollapse.language_models import precision


def run(project, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", *arguments], check=False, cwd=project, capture_output=True, text=True
    )


def test_it_runs_from_end_to_end_on_a_processor(project):
    done = run(project, "--device", "cpu", "--sizes", "tiny", "--tokens", "1500", "--rounds", "1")
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^\| tiny \| ([^|]+) \| ([\d,]+) \| ([\d.]+)% \|$", done.stdout, re.MULTILINE)
    assert [what for what, _, _ in rows] == ["scoring", "moments", "editing, 20% picked"]
    assert all(int(rate.replace(",", "")) > 0 and 0 < float(share) < 100 for _, rate, share in rows)


def test_without_a_device_it_says_so(project):
    if precision.device() == "cuda":
        pytest.skip("gpu: there is a CUDA device here")
    done = run(project)
    assert done.returncode == 2
    assert done.stdout.count("\n") == 1
    assert "no CUDA device" in done.stdout


# Parameters in matrices by hand, from the public configurations; operations for one token of a document of 2,048.
@pytest.mark.parametrize(
    ("size", "multiplied", "each"),
    [("0.5b", 493_961_216, 1.08e9), ("1b", 1_235_746_816, 2.61e9), ("8b", 7_504_658_432, 15.55e9)],
)
def test_operations_for_a_token(size, multiplied, each, project, monkeypatch):
    monkeypatch.syspath_prepend(project)
    from benchmarks.gpu import SHAPES, operations

    assert SHAPES[size].multiplied == multiplied
    assert operations(SHAPES[size], SimpleNamespace(offsets=np.array([0, 2048]))) == pytest.approx(each, rel=0.004)
