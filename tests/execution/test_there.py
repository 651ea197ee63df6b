"""Models are resolved as the workers read them, and a worker that would read in another way is refused."""

import json

import pytest

from cheap_steps import Reads
from uncollapse import errors
from uncollapse.corpora import read
from uncollapse.execution import run
from uncollapse.execution.there import there
from uncollapse.language_models import precision
from uncollapse.language_models.addresses import resolve
from uncollapse.step import Outcome

OTHER = precision.Machine("cuda", True, "4.0", "2.0", None)


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "essays.jsonl"
    path.write_text("".join(json.dumps({"text": f"essay {n}"}) + "\n" for n in range(40)))
    return read(path, shard_bytes=100)


def test_what_is_resolved_for_another_machine_is_loaded_as_here(tiny):
    address = str(tiny("llama"))
    own = resolve(address)
    with precision.as_on(OTHER):
        card = resolve(address)
        assert (card.dtype, card.backend_version) == ("bfloat16", "transformers 4.0, torch 2.0, cuda")
        assert precision.device() == "cpu"
        with pytest.raises(errors.MissingExtra):
            resolve(f"vllm:{address}")
    assert resolve(address) == own


def test_a_worker_that_reads_in_another_way_is_refused_and_nothing_is_written(corpus, tmp_path, tiny):
    with precision.as_on(OTHER):
        step = Reads(model=str(tiny("llama")))
        with pytest.raises(errors.UsageError, match="a machine of the run would make other texts") as refused:
            run(step(corpus), tmp_path / "out", workers=2)
    assert "resolved.backend_version: 'transformers 4.0, torch 2.0, cuda', on " in refused.value.message
    assert "dtype" in refused.value.hint
    assert list((tmp_path / "out").glob("*.parquet")) == []


def test_a_step_anew_has_found_nothing(tiny):
    with precision.as_on(OTHER):
        step = Reads(model=str(tiny("llama")))
        assert step.recipe()["resolved"]["dtype"] == "bfloat16"
    assert step.anew() == step
    assert step.anew().fingerprint != step.fingerprint


def test_a_step_that_names_itself_is_compared_by_its_recipe(corpus, tmp_path):
    class Named:
        """A step of somebody's own."""

        fingerprint = "mine"

        def recipe(self):
            """What it does."""
            return {"step": "Named"}

        def apply(self, batch):
            """The batch."""
            return Outcome(batch)

    assert run(corpus.map(Named()), tmp_path / "out").rows["out"] == 40


def test_another_kind_of_machine_is_named_where_it_alone_differs(corpus, tmp_path, tiny):
    run(Reads(model=str(tiny("llama")))(corpus), tmp_path / "out")
    with precision.as_on(OTHER), pytest.raises(errors.RecipeDiffers, match=r"resolved\.backend_version") as refused:
        run(Reads(model=str(tiny("llama")))(corpus), tmp_path / "out")
    assert "another kind of machine" in refused.value.hint


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestOnRay:
    @pytest.fixture(scope="class")
    @staticmethod
    def nodes():
        pytest.importorskip("ray", reason="ray: not installed (pip install 'uncollapse[ray]')")
        from clusters import joined

        with joined(2) as running:
            yield running

    def test_a_driver_of_another_kind_says_what_the_workers_read_with(self, nodes, corpus, tmp_path, tiny, monkeypatch):
        step = Reads(model=str(tiny("llama")))
        here = run(step(corpus), tmp_path / "here")
        monkeypatch.setattr(precision, "this_machine", lambda: OTHER)
        driver = Reads(model=str(tiny("llama")))
        assert driver.recipe()["resolved"]["dtype"] == "bfloat16"
        done = run(driver(corpus), tmp_path / "there", cluster=nodes.cluster)
        assert done.manifest == here.manifest

    def test_a_worker_is_asked_once(self, nodes, monkeypatch):
        with there(nodes.cluster):
            assert precision.elsewhere() == precision.this_machine()
            monkeypatch.setattr("uncollapse.execution.there._asked", None)
            with there(nodes.cluster):
                assert precision.elsewhere() is not None
        assert precision.elsewhere() is None

    def test_where_no_machine_has_room_that_is_said(self, nodes, monkeypatch):
        from dataclasses import replace

        said = []
        monkeypatch.setattr("uncollapse.execution.on_ray.PATIENCE", 0.5)

        def hear(words):
            said.append(words)
            nodes.add_room("GPU", 1)

        with there(replace(nodes.cluster, gpus_per_worker=1, on_wait=hear)):
            assert precision.elsewhere() is not None
        assert [words.partition(":")[0] for words in said] == ["waiting for room"]
