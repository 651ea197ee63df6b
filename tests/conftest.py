"""What every test shares: checked shapes and types, and the things that may be absent, each skipped by name.

The import hook checks each annotated argument and each returned value of the package, shapes of arrays
included, for every call of every test; without pytest it does not exist and costs nothing.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

from tiny_models import byte_level_tokenizer, tiny_config

pytest_plugins = ["browsing"]

# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_hook = install_import_hook("uncollapse", "checking.checked")

PROJECT = Path(__file__).resolve().parent.parent
SHARED_DATA = Path(os.environ.get("UNCOLLAPSE_DATA", PROJECT.parent / "shared" / "data"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow tests out, unless they are asked for by mark or by name."""
    asked = "slow" in config.option.markexpr or any("::" in argument for argument in config.args)
    if asked:
        return
    later = pytest.mark.skip(reason="slow: run it with `make test-slow`")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(later)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, by name, what needs a thing that this machine has not."""
    if item.get_closest_marker("shared_data") and not SHARED_DATA.is_dir():
        pytest.skip(f"shared data: no folder {SHARED_DATA.name} beside the project (or UNCOLLAPSE_DATA)")
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("gpu: no CUDA device on this machine (`make test-gpu` where there is one)")


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of the checkout."""
    return PROJECT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real text beside the project; the test is skipped, by name, where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("shared data: no folder shared/data beside the project (or UNCOLLAPSE_DATA)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def embedded_model() -> str:
    """The address of the embedded default model; skipped, by name, where it is not on this machine.

    `make test` fetches it before the tests, so that no test waits for a network.
    """
    from uncollapse.language_models import catalogue

    default = catalogue()[0]
    if not default.here:
        pytest.skip(f"embedded model: {default.address} is not on this machine (`make model` fetches it)")
    return default.address


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium that a test can drive; skipped, by name, where there is none."""
    found = find_chromium()
    if found is None:
        pytest.skip("browser: no Chromium on this machine (`make browser` fetches one where it can)")
    return found


def find_chromium() -> str | None:
    """The system's Chromium, else the one that the test library fetched for itself, else None."""
    import shutil

    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path is not None:
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as library:
        path = library.chromium.executable_path
    return path if Path(path).is_file() else None


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The folder of a tiny model of some architecture, made once."""
    made: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in made:
            import torch
            from transformers import AutoModelForCausalLM

            folder = tmp_path_factory.mktemp(kind)
            with torch.random.fork_rng():
                torch.manual_seed(1)
                model = AutoModelForCausalLM.from_config(tiny_config(kind))
                for parameter in model.parameters():
                    # Far from nothing, so that a wrong order of rows or a wrong mask shows.
                    parameter.data.add_(torch.randn_like(parameter) * 0.15)
            model.save_pretrained(folder)
            byte_level_tokenizer(folder)
            made[kind] = folder
        return made[kind]

    return make
