"""A model made from texts: what it learns, that it can be stopped, and what becomes of what cannot be."""

import json
import math
import shutil
import sys

import numpy as np
import pytest
import torch

from uncollapse.errors import (
    BrokenModel,
    InputError,
    MissingExtra,
    ModelError,
    OutputBusy,
    OutputRefused,
    RecipeDiffers,
    UsageError,
)
from uncollapse.language_models import load
from uncollapse.training import Material, Training, fit
from uncollapse.training.tokens import Block
from uncollapse.training.workshop import WORK, Workshop

SHORT = Training(tokens=6_000, context=32, batch_tokens=256)


def weights(folder):
    return (folder / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def trained(texts, tmp_path_factory):
    return fit(texts, tmp_path_factory.mktemp("trained") / "model", SHORT)


def test_the_folder_is_a_model_that_has_learned_the_texts(trained, texts):
    """Its surprise at the texts ends far below that of a model that knows nothing, and `load` reads it as it is."""
    model = load(str(trained.folder), dtype="float32")
    scores = model.score(model.vocabulary.encode(texts))
    surprise = -float(np.mean(scores.logprob))
    first, last = trained.account["losses"][0][1], trained.last_loss
    assert first == pytest.approx(math.log(len(model.vocabulary.surfaces)), rel=0.1)
    assert surprise < 0.5 * first
    # The loss is a mean over the texts' tokens and ends, with the weights of the last steps.
    assert surprise == pytest.approx(last, abs=0.5)
    assert sorted(path.name for path in trained.folder.iterdir()) == [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.json",
    ]


def test_what_was_read_is_on_record(trained, texts):
    account = json.loads((trained.folder / "training.json").read_text())
    model = load(str(trained.folder))
    tokens = len(model.vocabulary.encode(texts).ids)
    assert account["data"]["documents"] == len(texts)
    assert account["data"]["tokens"] == tokens
    assert account["tokens"] == pytest.approx(6_000, rel=0.02)
    assert account["epochs"] == pytest.approx(account["tokens"] / (tokens + len(texts)), rel=0.02)
    assert account["rows_of_one_document"] is False
    assert account["padding_share"] < 0.1


def test_the_same_again_is_the_same_and_another_seed_is_another(trained, texts, tmp_path):
    assert weights(fit(texts, tmp_path / "again", SHORT).folder) == weights(trained.folder)
    other = fit(texts, tmp_path / "other", SHORT.model_copy(update={"seed": 1}))
    assert weights(other.folder) != weights(trained.folder)


def test_what_is_done_is_not_done_twice_and_another_training_is_refused(trained, texts):
    before = (trained.folder / "training.json").read_bytes()
    assert fit(texts, trained.folder, SHORT).already_done
    assert (trained.folder / "training.json").read_bytes() == before
    with pytest.raises(RecipeDiffers, match="seed: 0, now 4"):
        fit(texts, trained.folder, SHORT.model_copy(update={"seed": 4}))
    with pytest.raises(RecipeDiffers, match="data"):
        fit(texts[:-1], trained.folder, SHORT)
    assert weights(trained.folder)


class Stop(Exception):
    pass


@pytest.mark.parametrize("at", [1, 9, 17])
def test_stopped_and_gone_on_gives_the_same_weights_and_curve(trained, texts, tmp_path, at):
    def stop(far):
        if far.step == at:
            raise Stop

    with pytest.raises(Stop):
        fit(texts, tmp_path / "model", SHORT, on_progress=stop)
    assert not (tmp_path / "model" / "config.json").exists()
    steps = tmp_path / "model" / WORK / "steps"
    # As a kill in the middle of writing leaves it.
    broken = steps / "checkpoint-9999"
    broken.mkdir(parents=True)
    (broken / "model.safetensors").write_bytes(b"half")
    again = fit(texts, tmp_path / "model", SHORT)
    assert weights(again.folder) == weights(trained.folder)
    assert again.account["losses"] == trained.account["losses"]
    assert again.account["resumed_at"] == (None if at == 1 else pytest.approx(at, abs=3))
    assert not (tmp_path / "model" / WORK).exists()


def test_random_numbers_of_the_caller_are_left_alone(texts, tmp_path):
    torch.manual_seed(5)
    np.random.seed(5)
    expected = (torch.rand(1).item(), np.random.rand())
    torch.manual_seed(5)
    np.random.seed(5)
    fit(texts, tmp_path / "model", SHORT.model_copy(update={"tokens": 300}))
    assert (torch.rand(1).item(), np.random.rand()) == expected


def test_a_loss_that_is_no_number_stops_and_names_the_batch(texts, tmp_path):
    wild = SHORT.model_copy(update={"learning_rate": 1e30, "warmup": 0.0})
    with pytest.raises(BrokenModel, match=r"loss of step \d+ is nan: documents [\d, ]+ \(from 0\)"):
        fit(texts, tmp_path / "model", wild)
    assert not (tmp_path / "model" / "config.json").exists()


def test_a_model_goes_on_learning(trained, texts, tmp_path):
    """On one sentence over and over, which it then finds easier than the model before did."""
    again = ["the bird sat on the cat"] * 40
    told = Training(start=str(trained.folder), tokens=2_000, context=32, batch_tokens=256, learning_rate=1e-3)
    gone_on = fit(again, tmp_path / "on", told)
    before, after = (load(str(folder), dtype="float32") for folder in (trained.folder, gone_on.folder))
    assert [model.vocabulary.surfaces for model in (before,)] == [model.vocabulary.surfaces for model in (after,)]
    one, two = (float(np.mean(model.score(model.vocabulary.encode(again[:1])).logprob)) for model in (before, after))
    assert two > one + 0.2


def test_gpt2_reads_pieces_beside_each_other_as_alone(texts, tmp_path, tiny_gpt2):
    found = fit(texts, tmp_path / "model", Training(start=str(tiny_gpt2), tokens=500, context=32, batch_tokens=256))
    assert found.account["rows_of_one_document"] is False


def test_a_model_that_would_look_across_has_a_row_for_each_piece(texts, tmp_path, tiny_mamba):
    found = fit(texts, tmp_path / "model", Training(start=str(tiny_mamba), tokens=500, context=32, batch_tokens=256))
    assert found.account["rows_of_one_document"] is True
    assert found.account["padding_share"] > 0.2


def test_two_at_once_in_one_folder(texts, tmp_path):
    with Workshop(tmp_path / "model"), pytest.raises(OutputBusy):
        fit(texts, tmp_path / "model", SHORT)


def test_what_cannot_be(texts, tmp_path):
    with pytest.raises(InputError, match="no text to learn from"):
        fit([], tmp_path / "a", SHORT)
    with pytest.raises(InputError, match="less than one batch"):
        fit(["one text"], tmp_path / "b", Training(batch_tokens=4096))
    with pytest.raises(UsageError, match="no size 'huge'"):
        Training(size="huge")
    with pytest.raises(UsageError, match="adapters learn beside"):
        Training(lora=8)
    with pytest.raises(ModelError, match="no model answers"):
        fit(texts, tmp_path / "c", Training(start="nothing-here"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(OutputRefused, match=r"notes\.txt"):
        fit(texts, tmp_path / "full", SHORT)
    shutil.rmtree(tmp_path / "full")


def _points(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    return found


def test_tensorboard_shows_the_curve_of_the_account_once(texts, tmp_path):
    pytest.importorskip("tensorboard")

    def stop(far):
        if far.step == 9:
            raise Stop

    with pytest.raises(Stop):
        fit(texts, tmp_path / "model", SHORT, on_progress=stop, tensorboard=tmp_path / "curves")
    made = fit(texts, tmp_path / "model", SHORT, tensorboard=tmp_path / "curves")
    found = _points(tmp_path / "curves")
    assert [(each.step, each.value) for each in found.Scalars("train/loss")] == [
        (step, pytest.approx(loss, abs=1e-6)) for step, loss in made.account["losses"]
    ]
    assert {"train/learning_rate", "train/grad_norm"} <= set(found.Tags()["scalars"])


def test_curves_without_tensorboard(texts, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtra, match="curves need TensorBoard"):
        fit(texts, tmp_path / "model", SHORT, tensorboard=tmp_path / "curves")


def close(one, other):
    from safetensors.torch import load_file

    mine, theirs = (load_file(each.folder / "model.safetensors") for each in (one, other))
    return all(torch.allclose(mine[name], theirs[name], atol=1e-6) for name in mine)


def test_equal_weights_change_nothing(trained, texts, tmp_path):
    weighed = fit(Material(texts, weights=[3.0] * len(texts)), tmp_path / "model", SHORT)
    assert close(weighed, trained)
    assert [loss for _, loss in weighed.account["losses"]] == pytest.approx(
        [loss for _, loss in trained.account["losses"]], abs=1e-5
    )
    assert weighed.account["data"]["effective_documents"] == len(texts)


def test_the_loss_is_the_mean_of_what_tokens_weigh(texts, tmp_path):
    """One row holds everything, so its loss by hand is the weighed mean over all tokens of the first weights."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    some = texts[:12]
    weights = np.linspace(0.5, 3, len(some)).tolist()
    one_step = Training(context=64, batch_tokens=64, tokens=1)
    made = fit(Material(some, weights=weights), tmp_path / "model", one_step)
    still = one_step.model_copy(update={"learning_rate": 1e-30})
    first = fit(some, tmp_path / "first", still).folder
    network, tokenizer = AutoModelForCausalLM.from_pretrained(first), AutoTokenizer.from_pretrained(first)
    sums = counts = 0.0
    for text, weight in zip(some, weights, strict=True):
        ids = torch.tensor([[tokenizer.eos_token_id, *tokenizer(text)["input_ids"], tokenizer.eos_token_id]])
        with torch.no_grad():
            loss = network(ids, labels=ids).loss.item()
        sums += weight * loss * (ids.shape[1] - 1)
        counts += weight * (ids.shape[1] - 1)
    assert made.account["steps"] == 1
    assert made.account["losses"][0][1] == pytest.approx(sums / counts, abs=1e-4)


def test_as_many_weights_as_texts(texts, tmp_path):
    with pytest.raises(InputError, match="there are 3 weights of 120 texts"):
        fit(Material(texts, weights=[1.0, 1.0, 1.0]), tmp_path / "model", SHORT)


def test_blocks_of_tokens_are_learned_as_they_are(trained, texts, tmp_path):
    """32 blocks of 16 tokens, four times each: 2,048 predictions to the last, and the end is never one of them."""
    ids = load(str(trained.folder)).vocabulary.encode(texts).ids
    blocks = [Block(ids[at : at + 16]) for at in range(0, 512, 16)]
    settings = Training(tokens=4 * 512, context=17, batch_tokens=4 * 17)
    made = fit(Material(blocks, human=texts), tmp_path / "blocks", settings)
    assert (made.account["tokens"], made.account["steps"], made.account["padding_share"]) == (2_048, 32, 0)
    assert made.account["data"] | {"digest": ""} == {"documents": 32, "tokens": 512, "digest": ""}
    # The tokenizer is that of the human texts, so that the blocks mean what they meant.
    assert (made.folder / "tokenizer.json").read_bytes() == (trained.folder / "tokenizer.json").read_bytes()


def test_blocks_that_cannot_be_learned_are_refused(texts, tmp_path):
    settings = Training(tokens=100, context=17, batch_tokens=17)
    with pytest.raises(InputError, match="how they are spelled"):
        fit(Material([Block(np.arange(16))]), tmp_path / "spelling", settings)
    with pytest.raises(InputError, match="a block has token 5,000"):
        fit(Material([Block(np.full(16, 5_000))], human=texts), tmp_path / "unknown", settings)


def test_adapters_read_rows_as_the_model_does(trained, texts, tmp_path):
    pytest.importorskip("peft")
    going_on = {"start": str(trained.folder), "tokens": 2_000, "context": 32, "batch_tokens": 256}
    whole = fit(texts, tmp_path / "whole", Training(**going_on)).account
    adapted = fit(texts, tmp_path / "adapted", Training(**going_on, lora=2)).account
    assert not adapted["rows_of_one_document"]
    assert adapted["padding_share"] == whole["padding_share"]
