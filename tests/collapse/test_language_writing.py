"""Blocks behind prompts: as long as they must be, each by itself, seen through no more than was learned."""

import numpy as np
import pytest
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from tiny_models import byte_level_tokenizer, tiny_config
from uncollapse.collapse.language.editing import redrawn
from uncollapse.collapse.language.settings import Settings
from uncollapse.collapse.language.writing import continued, generator, written
from uncollapse.language_models import load
from uncollapse.language_models.model import Request
from uncollapse.sampling import Decoding

BLOCK = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import torch

    place = tmp_path_factory.mktemp("model")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(tiny_config("llama")).save_pretrained(place)
    byte_level_tokenizer(place)
    (place / "tokenizer_config.json").write_text('{"eos_token": "<|endoftext|>"}')
    return place


def prompts(count):
    return np.random.default_rng(0).integers(2, 258, (count, BLOCK)).astype(np.int32)


def drawn(folder, given, tmp_path, settings=None, seed=0):
    settings = settings or Settings(block=BLOCK, model=str(folder))
    *news, found = written(given, folder, settings, keep=tmp_path / "b.npy", rng=np.random.default_rng(seed))
    assert all(isinstance(each, str) for each in news)
    return found


def seen(context, block):
    """How many tokens stand before each stretch, and how long it is."""
    calls = []

    def extend(lines, count, rng):
        calls.append((lines.shape[1], count))
        return np.full((len(lines), count), len(calls), np.int32)

    found = continued(np.zeros((1, block), np.int32), extend, context=context, rng=np.random.default_rng(0))
    return calls, found[0].tolist()


def test_a_model_with_room_reads_the_whole_prompt_and_one_from_scratch_half_of_it():
    assert seen(129, 64) == ([(64, 64)], [1] * 64)
    assert seen(65, 64) == ([(32, 32), (32, 32)], [1] * 32 + [2] * 32)
    assert seen(10, 9) == ([(4, 5), (5, 4)], [1] * 5 + [2] * 4)


def test_blocks_are_written_whole_and_do_not_depend_on_their_neighbours(folder, tmp_path):
    given = prompts(300)
    every = drawn(folder, given, tmp_path)
    assert every.shape == given.shape
    # The same prompts beside others, in an order of their own: each has the numbers of its place, and no neighbour's.
    numbers = np.random.default_rng(int(np.random.default_rng(0).integers(2**63))).random((256, BLOCK))
    model = load(str(folder), dtype="float32", window=2 * BLOCK + 1).without_end()
    alone = model.generate([Request(given[7], numbers[7])], decoding=Decoding())
    assert alone[0].ids.tolist() == every[7].tolist()
    parts = sorted(path.name for path in tmp_path.glob("b-part-*.npy"))
    assert parts == ["b-part-0000.npy", "b-part-0001.npy"]


def test_what_was_written_before_a_stop_is_taken_as_it_is(folder, tmp_path):
    given = prompts(300)
    whole = drawn(folder, given, tmp_path)
    (tmp_path / "b-part-0001.npy").unlink()
    marked = np.load(tmp_path / "b-part-0000.npy")
    marked[0] = 7
    np.save(tmp_path / "b-part-0000.npy", marked)
    again = drawn(folder, given, tmp_path)
    assert again[0].tolist() == [7] * BLOCK
    assert (again[1:] == whole[1:]).all()


def test_a_model_without_end_writes_on_where_it_would_have_stopped(folder):
    model = load(str(folder), dtype="float32", window=32)
    ends = model.vocabulary.ends
    assert ends
    # At a temperature of millions every token is as likely, the end among them.
    decoding, requests = Decoding(temperature=1e6), [Request(prompts(1)[0], np.full(3000 // 100, 1e-9))] * 2
    assert all(each.ended for each in model.generate(requests, decoding=decoding))
    endless = model.without_end().generate(requests, decoding=decoding)
    assert [len(each.ids) for each in endless] == [30, 30]
    assert not any(set(each.ids.tolist()) & set(ends) for each in endless)
    assert model.vocabulary.ends == ends


def test_beams_are_those_of_transformers(folder, tmp_path):
    import torch

    given = prompts(3)
    settings = Settings(block=BLOCK, model=str(folder), decoding="beam", beams=3)
    found = drawn(folder, given, tmp_path, settings)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = torch.tensor(np.concatenate([np.zeros((3, 1), np.int64), given], axis=1))
    told = {"num_beams": 3, "do_sample": False, "min_new_tokens": BLOCK, "max_new_tokens": BLOCK, "pad_token_id": 0}
    pieces = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size()
    never = [0, 1, *range(pieces, 420)]
    expected = model.generate(ids, attention_mask=torch.ones_like(ids), suppress_tokens=never, **told)
    assert found.tolist() == expected[:, 1 + BLOCK :].tolist()


def test_a_repetition_penalty_lowers_repeats(folder, tmp_path):
    def repeated(penalty, name):
        """How many of the written tokens stood before, in the prompt or in what was written."""
        place = tmp_path / name
        place.mkdir()
        settings = Settings(block=BLOCK, model=str(folder), repetition_penalty=penalty, temperature=0.01)
        found = drawn(folder, prompts(20), place, settings)
        assert (drawn(folder, prompts(20), tmp_path, settings) == found).all()
        for part in tmp_path.glob("*.npy"):
            part.unlink()
        both = zip(prompts(20).tolist(), found.tolist(), strict=True)
        return sum(token in prompt or token in row[:at] for prompt, row in both for at, token in enumerate(row))

    assert repeated(10.0, "penalty") == 0
    assert repeated(1.0, "none") > 0


def test_an_edit_draws_a_share_of_tokens_anew_after_what_stood_before(folder):
    model = load(str(folder), dtype="float32", window=BLOCK + 1)
    blocks = prompts(200)
    same, chosen = redrawn(blocks, model, rate=1e-9, rng=np.random.default_rng(0))
    assert (same == blocks).all()
    assert not chosen.any()
    found, chosen = redrawn(blocks, model, rate=0.25, rng=np.random.default_rng(0))
    # 1,600 tokens chosen with a chance of 1/4: 400 with a standard deviation of 17.3; five of them either way.
    assert abs(int(chosen.sum()) - 400) < 87
    assert (found == blocks)[~chosen].all()
    assert (found != blocks)[chosen].mean() > 0.9
    assert not set(found[chosen].tolist()) & {0, 1, *range(400, 420)}


def test_draws_are_named_by_seed_arm_generation_and_purpose():
    first = generator(0, "replace", 1, "writing").random()
    assert first == generator(0, "replace", 1, "writing").random()
    others = [
        (1, "replace", 1, "writing"),
        (0, "edit", 1, "writing"),
        (0, "replace", 2, "writing"),
        (0, "replace", 1, "x"),
    ]
    assert len({first, *(generator(*name).random() for name in others)}) == 5
