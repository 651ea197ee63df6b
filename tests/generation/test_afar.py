"""Every kind of writing by an endpoint: what is asked, what becomes a row, and what is failed."""

import math
from collections import Counter

import pytest

from faulty_endpoint import failure, reply, serving
from uncollapse.document import Document, to_batch
from uncollapse.errors import UsageError
from uncollapse.generation import Answer, Continue, Instruct, Rephrase, Verbalise
from uncollapse.language_models.calling import Calling
from uncollapse.sampling import Decoding

QUICK = Calling(first_wait=0.01, tries=2, timeout=5)
FAR = "http://localhost:1/v1#m"


def batch_of(*texts):
    return to_batch([Document(text=text, source="file.jsonl", extra={"n": n}) for n, text in enumerate(texts)])


def apply(kind, answer, *texts, **fields):
    with serving(answer) as server:
        step = kind(model=server.address, calling=QUICK, **fields)
        return step.apply(batch_of(*texts)), server


def texts_of(outcome):
    return outcome.batch.column("text").to_pylist()


def test_an_opening_is_cut_by_words_and_gone_on_from():
    outcome, server = apply(
        Continue, lambda *_: reply(" on the mat.", finish="length"), "The  cat sat over there.", opening_tokens=3
    )
    assert server.asked[0].body["prompt"] == "The  cat sat"
    assert texts_of(outcome) == ["The  cat sat on the mat."]
    assert outcome.tally["stretches"] == {"ended": 0, "at_the_limit": 1}
    (row,) = outcome.batch.to_pylist()
    assert (row["origin"], row["generation"], row["n"]) == ("synthetic", 1, 0)


def test_blocks_are_blocks_of_words():
    outcome, server = apply(
        Continue,
        lambda asked, _: reply(f"<{asked.words}>"),
        "a b c d e f g",
        blocks=True,
        opening_tokens=3,
        keep_opening=False,
    )
    assert texts_of(outcome) == ["<a b c><d e f>"]
    assert len(server.asked) == 2


def test_a_share_of_the_words():
    _, server = apply(Continue, lambda *_: reply(), "a b c d", opening_share=0.5)
    assert server.asked[0].words == "a b"


def test_each_fault_is_a_row_with_a_reason_and_the_others_go_on():
    said = {
        "good": reply("An answer."),
        "limit": reply("Cut off", finish="length"),
        "empty": reply(""),
        "blank": reply(" \n", finish="length"),
        "filtered": reply("Half", finish="content_filter"),
        "refused": failure(400, "too long"),
        "down": failure(503),
        "again": reply("again"),
    }
    outcome, _ = apply(Answer, lambda asked, _: said[asked.words], *said, "", max_tokens=9)
    assert texts_of(outcome) == ["An answer.", "Cut off"]
    found = [(reject.row, reject.reason, reject.passing) for reject in outcome.rejects]
    assert found == [
        (2, "nothing written", False),
        (3, "nothing written", False),
        (4, "filtered by the endpoint", False),
        (5, "refused by the endpoint", False),
        (6, "the endpoint did not answer", True),
        (7, "the source again", False),
        (8, "no text", False),
    ]
    assert outcome.rejects[1].detail == "the limit was reached before there was anything but blanks"
    assert outcome.rows == (0, 1)
    assert outcome.tally["requests"] == {"answered": 5, "again": 1, "unanswered": 3}
    assert outcome.tally["tokens"] == {"prompt": 35, "written": 15}


def test_the_recipe_says_who_draws_and_nothing_of_the_calling():
    step = Answer(model=FAR, calling=Calling(concurrency=3, price_in=1.0, key_from="K"))
    recipe = step.recipe()
    assert recipe["resolved"]["backend"] == "openai-endpoint"
    assert recipe["draws"].startswith("by the engine itself")
    assert "calling" not in recipe
    assert step.fingerprint == Answer(model=FAR).fingerprint


def test_a_made_ready_step_keeps_its_name_and_its_journal(tmp_path):
    step = Answer(model=FAR)
    ready = step.made_ready(tmp_path)
    assert ready.fingerprint == step.fingerprint
    assert ready.calling.journal == tmp_path / "replies.jsonl"
    assert ready.changed(seed=3).fingerprint != step.fingerprint
    near = Answer()
    assert near.made_ready(tmp_path) is near


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"watermark": "a secret of the tests"}, "nothing can be marked"),
        ({"dtype": "float32"}, "the engine's own business"),
        ({"window": 512}, "the engine's own business"),
        ({"samples": 2}, "of two texts an endpoint cannot say which is the more typical"),
    ],
)
def test_what_an_endpoint_cannot_do(fields, said):
    with pytest.raises(UsageError, match=said):
        Answer(model=FAR, **fields)


def test_all_samples_are_rows_and_each_knows_its_draw_and_its_parent():
    def answer(asked, _):
        return reply("") if asked.body["seed"] % 3 == 0 else reply(f"{asked.words} {asked.body['seed']}")

    outcome, server = apply(Answer, answer, "a", "b", "c", samples=4, keep="all", seed=5)
    assert len(server.asked) == 12
    rows = outcome.batch.to_pylist()
    blank = sum(asked.body["seed"] % 3 == 0 for asked in server.asked)
    assert len(rows) == 12 - blank
    assert [row["n"] for row in rows] == list(outcome.rows)
    ids = batch_of("a", "b", "c").column("id").to_pylist()
    assert all(row["parents"] == [ids[row["n"]]] for row in rows)
    draws = Counter((row["n"], row["draw"]) for row in rows)
    assert max(draws.values()) == 1
    empty = 3 - len(set(outcome.rows))  # of a document without any text one sample counts as that
    assert outcome.tally["documents"] == {"made": len(rows), "empty": empty, "not_kept": blank - empty}


def test_one_of_several_is_drawn_and_the_same_again():
    def answer(asked, _):
        return reply(f"answer {asked.body['seed'] % 1000}")

    texts = [f"q{n}" for n in range(12)]
    with serving(answer) as server:
        steps = [Answer(model=server.address, calling=QUICK, samples=4, keep="sample", seed=seed) for seed in (1, 1, 2)]
        drawn = [texts_of(step.apply(batch_of(*texts))) for step in steps]
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(len(set(one)) > 6 for one in drawn)


@pytest.mark.parametrize("fields", [{"samples": 3}, {"samples": 2, "keep": "all"}, {"samples": 2, "keep": "sample"}])
def test_of_three_one_is_the_best_and_two_can_be_kept_otherwise(fields):
    assert Answer(model=FAR, **fields).samples == fields["samples"]
    assert Answer(samples=2).keep == "best"  # a model that is here knows its distributions


def test_the_likeliest_of_several_is_not_the_best_for_what_its_engine_leaves_out():
    """Surprise 0.2, 2 and 3.8 a token with mean 2; the listed tokens, 0.1 of the mass each, have entropy log 2 = 0.69."""

    def answer(_, number):
        tops = [{"logprob": math.log(0.1)}] * 2
        place = {"logprob": (-0.2, -2.0, -3.8)[number], "top_logprobs": tops}
        return reply(("likely", "typical", "strange")[number], logprobs={"content": [place] * 4})

    calling = QUICK.model_copy(update={"concurrency": 1})
    with serving(answer) as server:
        step = Answer(model=server.address, calling=calling, samples=3, decoding=Decoding(temperature=0.9))
        assert texts_of(step.apply(batch_of("q"))) == ["typical"]


def test_an_instruction_pair():
    said = "Sure!\n<instruction>Where did the cat sit?</instruction>\n<answer>On the mat.</answer>"
    outcome, server = apply(
        Instruct, lambda *_: reply(said), "The cat sat on the mat.", template="Q: {instruction}\nA: {answer}"
    )
    assert server.asked[0].words.endswith("The passage:\n\nThe cat sat on the mat.")
    (row,) = outcome.batch.to_pylist()
    assert (row["instruction"], row["answer"]) == ("Where did the cat sit?", "On the mat.")
    assert row["text"] == "Q: Where did the cat sit?\nA: On the mat."
    assert row["origin"] == "synthetic"


PAIRS = {
    "tags of another name": "<Question>a?</Question> <response>b</response>",
    "headings": "**Question:** a?\n\n**Answer:** b",
    "headings in lines": "## Instruction: a?\n## Response:\nb",
    "short": "Q: a?\nA: b",
    "JSON": '```json\n{"instruction": "a?", "output": "b",}\n```',
    "JSON in a list": '[{"question": "a?", "answer": "b"}]',
}


@pytest.mark.parametrize("said", PAIRS.values(), ids=PAIRS)
def test_pairs_in_other_forms(said):
    outcome, _ = apply(Instruct, lambda *_: reply(said), "A passage.")
    assert [(row["instruction"], row["answer"]) for row in outcome.batch.to_pylist()] == [("a?", "b")]


@pytest.mark.parametrize(
    ("said", "finish"),
    [
        ("<instruction>a?</instruction><answer>b and so", "length"),
        ("<instruction>a?</instruction><answer> </answer>", "stop"),
        ("<instruction>a</instruction><answer>A</answer>", "stop"),
        ("I cannot do that.", "stop"),
        ('{"instruction": "a?"}', "stop"),
        ("Answer: b\nQuestion: a?", "stop"),
    ],
)
def test_what_is_no_pair_is_a_row_that_failed(said, finish):
    outcome, _ = apply(Instruct, lambda *_: reply(said, finish=finish), "A passage.")
    (reject,) = outcome.rejects
    assert (reject.reason, len(outcome.batch)) == ("no instruction with an answer", 0)
    assert ("the limit was reached" in reject.detail) == (finish == "length")
    assert outcome.batch.schema.names[-2:] == ["instruction", "answer"]


def test_braces_in_a_pair_mean_nothing():
    said = "<instruction>What is {answer}?</instruction><answer>{instruction}</answer>"
    outcome, _ = apply(Instruct, lambda *_: reply(said), "A passage.")
    assert texts_of(outcome) == ["What is {answer}?\n\n{instruction}"]


def test_a_template_needs_both():
    with pytest.raises(UsageError, match=r"has no \{answer\}"):
        Instruct(model=FAR, template="{instruction}")


SIX = '{"responses": [{"text": "a", "probability": 0.5}, {"text": "b", "probability": 0.3}, {"text": "c", "probability": 0.2}, {"text": "a", "probability": 0.5}]}'


def test_verbalised_responses_are_drawn_by_their_probabilities():
    """Of 400 prompts 2/3 should have `a`, 1/5 `b`: more than 5 standard deviations off would be a fault (p < 1e-6)."""
    texts = [f"prompt {n}" for n in range(400)]
    outcome, server = apply(Verbalise, lambda *_: reply(SIX), *texts, responses=4)
    counts = Counter(texts_of(outcome))
    for text, share in (("a", 2 / 3), ("b", 0.2), ("c", 2 / 15)):
        assert abs(counts[text] - 400 * share) < 5 * (400 * share * (1 - share)) ** 0.5
    shares = {"a": 2 / 3, "b": 0.2, "c": 2 / 15}
    assert all(row["probability"] == pytest.approx(shares[row["text"]]) for row in outcome.batch.to_pylist())
    assert server.asked[0].words.startswith("Give 4 different responses")
    assert "\n\nThe request:\n\nprompt " in server.asked[0].words


def test_all_verbalised_responses():
    outcome, _ = apply(Verbalise, lambda *_: reply(SIX), "one", "two", keep="all")
    rows = [(row["n"], row["text"], round(row["probability"], 6), row["draw"]) for row in outcome.batch.to_pylist()]
    assert rows[:3] == [(0, "a", 0.666667, 0), (0, "b", 0.2, 1), (0, "c", 0.133333, 2)]
    assert outcome.rows == (0, 0, 0, 1, 1, 1)
    assert outcome.tally["documents"] == {"made": 6, "empty": 0, "not_kept": 2}


def test_no_responses_at_all():
    outcome, _ = apply(Verbalise, lambda *_: reply("I would rather not."), "one")
    assert [reject.reason for reject in outcome.rejects] == ["no responses that can be read"]


def test_saying_anew():
    outcome, server = apply(Rephrase, lambda *_: reply("Said anew."), "A document.", styles=("plain",))
    assert server.asked[0].words.endswith("\n\nA document.")
    assert texts_of(outcome) == ["Said anew."]


def test_entropy_is_counted_over_what_was_measured():
    def answer(asked, _):
        content = [{"logprob": -1.5, "top_logprobs": []}] * 3
        return reply("one two", logprobs={"content": content}) if asked.words == "a" else reply("one")

    outcome, _ = apply(Answer, answer, "a", "b", decoding=Decoding())
    assert outcome.tally["micronats"]["surprise"] == 4_500_000
    assert outcome.tally["measured"] == {"model": 0, "drawn": 0, "surprise": 3}
