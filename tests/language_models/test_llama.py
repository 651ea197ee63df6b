import json
import shutil

import pytest
import torch

from uncollapse.language_models.llama import Llama

KINDS = ["llama", "llama-untied", "mistral", "qwen2"]


def body_of(folder, device="cpu"):
    config = json.loads((folder / "config.json").read_text())
    return Llama.of(folder, config, dtype=torch.float32, device=device)


@pytest.mark.parametrize("kind", KINDS)
def test_the_hidden_states_are_those_of_transformers(kind, tiny):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny(kind), dtype=torch.float32).eval()
    ids = torch.randint(0, 420, (100,), generator=torch.Generator().manual_seed(1))
    positions = torch.cat([torch.arange(70), torch.arange(30)])
    body = body_of(tiny(kind))
    with torch.inference_mode():
        wanted = torch.cat([model.base_model(part[None]).last_hidden_state[0] for part in (ids[:70], ids[70:])])
        found = body(ids, positions, (0, 70, 100))
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=2e-5)
    torch.testing.assert_close(body.head, model.lm_head.weight.data, rtol=0, atol=0)


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "granite"},
        {"hidden_act": "gelu"},
        {"mlp_bias": True},
        {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4, "factor": 2.0}},
        {"rope_scaling": {"type": "linear", "factor": 2.0}, "rope_parameters": None},
        {"use_sliding_window": True},
        {"quantization_config": {"bits": 4}},
        {"num_hidden_layers": 1},
        {"tie_word_embeddings": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_asks_for_anything_else_is_left_to_transformers(change, tiny, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny("llama-untied"), folder)
    config = json.loads((folder / "config.json").read_text())
    assert body_of(folder) is not None
    (folder / "config.json").write_text(json.dumps({**config, **change}))
    assert body_of(folder) is None


def test_weights_lie_at_even_addresses(tiny):
    body = body_of(tiny("llama"))
    assert body.head.data_ptr() % 64 == 0
