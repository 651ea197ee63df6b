"""A real server, `transformers serve` with a model of a few thousand weights, and everything that is asked of one."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib.util import find_spec

import pytest

from tiny_models import byte_level_tokenizer, tiny_config
from uncollapse.document import Document, to_batch
from uncollapse.errors import UnknownModel
from uncollapse.generation import Answer, Continue, Instruct
from uncollapse.language_models.calling import Calling
from uncollapse.sampling import Decoding

NEEDED = ("fastapi", "uvicorn", "openai")
TEMPLATE = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
SERVE = "from transformers.cli.transformers import main; main()"
ONE = Calling(concurrency=1, tries=2, timeout=60, first_wait=0.1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model whose settings say that it draws, which this server goes by."""
    folder = _saved(tmp_path_factory.mktemp("served"))
    (folder / "generation_config.json").write_text(json.dumps({"do_sample": True}))
    return folder


@pytest.fixture(scope="module")
def greedy(tmp_path_factory):
    """The same model without a word of that."""
    return _saved(tmp_path_factory.mktemp("greedy"))


def _saved(folder):
    import torch
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(1)
        AutoModelForCausalLM.from_config(tiny_config("llama")).save_pretrained(folder)
    byte_level_tokenizer(folder)
    settings = {"chat_template": TEMPLATE, "eos_token": "<|endoftext|>", "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The base address of a server in a process of its own."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        pytest.skip(f"transformers serve: {', '.join(missing)} not installed (they are in the dependency group `test`)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("log") / "serve.log"
    words = ["serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(log.parent), "OMP_NUM_THREADS": "1"}
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-c", SERVE, *words], stdout=file, stderr=file, env=offline)
    try:
        _await(port, process, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(timeout=30)


def _await(port, process, log):
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as said:
                if said.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def batch_of(*texts):
    return to_batch([Document(text=text, source="file.jsonl") for text in texts])


def texts_of(outcome):
    return outcome.batch.column("text").to_pylist()


def test_a_chat_is_answered_and_counted(base, folder):
    step = Answer(model=f"{base}#{folder}", max_tokens=8, calling=ONE)
    step.check()
    outcome = step.apply(batch_of("the cat sat", "the dog sat on the mat"))
    assert outcome.rejects == ()
    assert all(text.strip() for text in texts_of(outcome))
    assert outcome.tally["tokens"]["written"] <= 16
    assert outcome.tally["tokens"]["prompt"] > 0
    assert outcome.tally["requests"] == {"answered": 2, "again": 0}
    ((writer, count),) = outcome.tally["writers"].items()
    assert str(folder) in writer
    assert writer.endswith("uvicorn")
    assert count == 2
    # It says that it does not know log-probabilities by leaving them out.
    assert outcome.tally["measured"] == {"model": 0, "drawn": 0, "surprise": 0}


def test_an_opening_is_gone_on_from(base, folder):
    outcome = Continue(model=f"{base}#{folder}", opening_tokens=3, max_tokens=6, calling=ONE).apply(
        batch_of("the cat sat on the mat")
    )
    (text,) = texts_of(outcome)
    assert text.startswith("the cat sat")
    assert len(text) > len("the cat sat")


def test_the_seed_that_is_sent_is_the_draw(base, folder):
    """One at a time this server draws from the seed alone: the same seed the same text, another one another text."""
    texts = [
        texts_of(Answer(model=f"{base}#{folder}", max_tokens=12, seed=seed, calling=ONE).apply(batch_of("the cat")))
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_the_likeliest_token_is_drawn_without_chance(base, folder):
    step = Answer(
        model=f"{base}#{folder}", max_tokens=8, decoding=Decoding(temperature=0), samples=2, keep="all", calling=ONE
    )
    first, second = texts_of(step.apply(batch_of("the cat")))
    assert first == second


def test_many_at_once(base, folder):
    step = Answer(model=f"{base}#{folder}", max_tokens=5, calling=ONE.model_copy(update={"concurrency": 6}))
    outcome = step.apply(batch_of(*(f"cat {n}" for n in range(12))))
    assert len(outcome.batch) + len(outcome.rejects) == 12
    assert {reject.reason for reject in outcome.rejects} <= {"nothing written"}
    assert outcome.tally["requests"]["answered"] == 12


def test_what_it_does_not_take_is_a_row_with_its_own_words(base, folder):
    """It knows no min-p, and says so; the setting is not dropped."""
    outcome = Answer(model=f"{base}#{folder}", max_tokens=5, decoding=Decoding(min_p=0.1), calling=ONE).apply(
        batch_of("cat")
    )
    (reject,) = outcome.rejects
    assert reject.reason == "refused by the endpoint"
    assert "422: Unexpected fields in the request: {'min_p'}" in reject.detail


def test_a_model_that_is_not_there_is_no_text(base):
    outcome = Answer(model=f"{base}#nobody/nothing", max_tokens=5, calling=ONE).apply(batch_of("cat"))
    (reject,) = outcome.rejects
    assert "endpoint" in reject.reason
    assert len(outcome.batch) == 0


def test_an_engine_that_takes_the_likeliest_whatever_it_is_sent(base, greedy):
    """Temperature 1 is sent with two seeds, and one text comes: this is what the command line warns of."""
    step = Answer(model=f"{base}#{greedy}", max_tokens=12, samples=2, keep="all", calling=ONE)
    ((first, second),) = step.tried(batch_of("the cat"))
    assert first.text == second.text


def test_nonsense_is_no_pair(base, folder):
    outcome = Instruct(model=f"{base}#{folder}", max_tokens=8, calling=ONE).apply(batch_of("the cat sat"))
    (reject,) = outcome.rejects
    assert reject.reason == "no instruction with an answer"


def test_nobody_at_the_next_port(base, folder):
    host, _, port = base.removesuffix("/v1").rpartition(":")
    with pytest.raises(UnknownModel):
        Answer(model=f"{host}:{int(port) - 1}/v1#{folder}", calling=ONE).check()
