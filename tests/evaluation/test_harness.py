"""Perplexity and answers are those of lm-evaluation-harness, on the same model and text."""

from pathlib import Path

import numpy as np
import pytest

from desk import SENTENCES
from uncollapse.evaluation import answer, read_questions, read_texts
from uncollapse.language_models import load

DATA = Path(__file__).parents[3] / "shared" / "data"
TASKS = ("piqa", "boolq", "copa", "winogrande", "arc_easy", "openbook_qa", "lambada_openai")


@pytest.fixture(scope="module")
def harness(folder):
    """A function that asks the harness, which needs neither network nor tasks for it."""
    pytest.importorskip("lm_eval", reason="lm-evaluation-harness is not installed (extra: eval)")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lm_eval.api.instance import Instance
        from lm_eval.models.huggingface import HFLM
        from transformers import AutoModelForCausalLM, AutoTokenizer

        wrapped = HFLM(
            pretrained=AutoModelForCausalLM.from_pretrained(folder),
            tokenizer=AutoTokenizer.from_pretrained(folder),
            batch_size=4,
            device="cpu",
        )

    def ask(kind, arguments):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            requests = [Instance(kind, {}, each, number) for number, each in enumerate(arguments)]
            return getattr(wrapped, kind)(requests, disable_tqdm=True)

    return ask


def test_perplexity(harness, folder):
    """The rolling log-likelihood of texts that fit into the window, to 1e-4 of each."""
    texts = [*SENTENCES, "It was number 7. " * 6, "naïve Zebra 🙂"]
    model = load(str(folder), dtype="float32")
    wanted = np.array(harness("loglikelihood_rolling", [(text,) for text in texts]))
    np.testing.assert_allclose(-read_texts(model, texts).nats, wanted, rtol=1e-4)


@pytest.mark.shared_data
@pytest.mark.parametrize("task", TASKS)
def test_answers(harness, folder, task):
    """Log-probability of each answer and whether it is the likeliest, on the first questions of a task file."""
    path = DATA / "eval_llmfoundry" / f"{task}.jsonl"
    if not path.is_file():
        pytest.skip(f"no {path.name} beside the project")
    questions = read_questions(path)[:12]
    model = load(str(folder), dtype="float32")
    found = answer(model, questions)
    pairs = [pair for question in questions for pair in zip(question.given, question.scored, strict=True)]
    wanted = harness("loglikelihood", pairs)
    np.testing.assert_allclose(found.logprob, [value for value, _ in wanted], rtol=1e-4)
    assert found.greedy.tolist() == [greedy for _, greedy in wanted]


def test_sentences_alone(harness, folder):
    """Where nothing is given, the start token is."""
    from uncollapse.evaluation import Question

    questions = [Question(["", ""], [SENTENCES[0], SENTENCES[1]], 0)]
    found = answer(load(str(folder), dtype="float32"), questions)
    wanted = harness("loglikelihood", [("", SENTENCES[0]), ("", SENTENCES[1])])
    np.testing.assert_allclose(found.logprob, [value for value, _ in wanted], rtol=1e-4)


def test_tasks_of_the_harness_from_local_files(folder, tmp_path, monkeypatch):
    """A task whose YAML and data stand in a folder is run without a network, and agrees with our own scoring."""
    pytest.importorskip("lm_eval", reason="lm-evaluation-harness is not installed (extra: eval)")
    import json
    import warnings

    from uncollapse.evaluation import accuracies
    from uncollapse.evaluation.harness import Reader, run_harness

    halves = [(" ".join(words[:2]), " ".join(words[2:])) for words in (text.split() for text in SENTENCES)]
    rows = [{"query": a, "choices": [b, "zebra"], "gold": n % 2} for n, (a, b) in enumerate(halves)]
    (tmp_path / "sits.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "sits.yaml").write_text(
        "task: sits\ndataset_path: json\n"
        f"dataset_kwargs:\n  data_files:\n    test: {tmp_path / 'sits.jsonl'}\n"
        "output_type: multiple_choice\ntest_split: test\n"
        'doc_to_text: "{{query}}"\ndoc_to_choice: "{{choices}}"\ndoc_to_target: gold\n'
        "metric_list:\n  - metric: acc\n"
    )
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = list(run_harness(Reader(str(folder), dtype="float32"), ["sits"], folder=str(tmp_path)))
    ((task, metric, value, _, _),) = found
    own = accuracies(answer(load(str(folder), dtype="float32"), read_questions(tmp_path / "sits.jsonl")))
    assert (task, metric, value) == ("sits", "acc", own["acc"].value)
