import json
import shutil

import pytest
import torch

from uncollapse.language_models.llama import Llama, is_plain, turns

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


# Of Llama 3.1 and 3.2, in the words that transformers has now and had before.
LLAMA_3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
ROPES = [
    {"rope_parameters": {**LLAMA_3, "rope_type": "llama3", "rope_theta": 5e5}},
    {"rope_scaling": {**LLAMA_3, "factor": 32.0, "rope_type": "llama3"}, "rope_theta": 5e5},
]


@pytest.mark.parametrize("rope", ROPES, ids=["3.1", "3.2"])
@pytest.mark.parametrize("width", [64, 128])
def test_positions_turn_as_those_of_llama_3(rope, width):
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    long = {"hidden_size": 4 * width, "num_attention_heads": 4, "max_position_embeddings": 131_072}
    wanted = LlamaRotaryEmbedding(LlamaConfig(**long, **rope))
    assert wanted.attention_scaling == 1
    torch.testing.assert_close(turns(rope, width), wanted.inv_freq, rtol=1e-6, atol=0)
    assert (turns(rope, width) != turns({"rope_theta": 5e5}, width)).any()


def test_llama_3_is_read_here_where_its_bits_were_not_promised(tiny):
    config = json.loads((tiny("llama") / "config.json").read_text())
    assert is_plain(config, device="cpu")
    assert [is_plain({**config, **ROPES[0]}, device=device) for device in ("cpu", "cuda")] == [False, True]


def test_a_long_page_goes_in_few_chunks_where_there_is_no_cache():
    from uncollapse.language_models.llama import _chunks

    assert _chunks(700, 256) == [0, 256, 700]
    assert _chunks(700, 1 << 14) == [0, 700]
