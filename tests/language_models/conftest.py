from pathlib import Path

import pytest

from tiny_models import byte_level_tokenizer, tiny_config


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
