"""Whatever comes back from an endpoint is a whole reply or a fault, and never an error of ours."""

import json
import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncollapse.language_models.replies import Reply, read_reply
from uncollapse.language_models.texts import Fault
from uncollapse.sampling import Decoding

NAMES = st.sampled_from(
    ["choices", "message", "content", "text", "delta", "finish_reason", "usage", "prompt_tokens", "completion_tokens",
     "logprobs", "top_logprobs", "token_logprobs", "logprob", "model", "error", "refusal"]
)  # fmt: skip
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["stop", "length"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


def read(content, *, status=200, kind="application/json", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_reply(status, {"content-type": kind, **named}, content, decoding=Decoding(temperature=0.5))


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_any_json(value):
    assert isinstance(read(json.dumps(value).encode()), Reply | Fault)


@settings(max_examples=150, deadline=None)
@given(JSON, JSON)
def test_any_choice(choice, usage):
    body = {"choices": [choice], "usage": usage}
    said = read(json.dumps(body).encode())
    assert isinstance(said, Reply | Fault)
    if isinstance(said, Reply):
        assert isinstance(said.text, str)
        assert Reply.from_json(json.loads(json.dumps(said.as_json()))) == said


@settings(max_examples=150, deadline=None)
@given(st.lists(JSON, max_size=4), st.booleans())
def test_any_stream(events, ended):
    lines = [json.dumps(event) for event in events] + ["[DONE]"] * ended
    said = read("".join(f"data: {line}\n\n" for line in lines).encode(), kind="text/event-stream; charset=utf-8")
    assert isinstance(said, Reply | Fault)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([200, 204, 302, 400, 418, 429, 500, 599]))
def test_any_bytes(content, status):
    said = read(content, status=status)
    assert isinstance(said, Fault)
    assert said.passing is (status in (200, 429) or status >= 500)


@pytest.mark.parametrize(("value", "seconds"), [("3", 3.0), ("0.5", 0.5), ("-4", 0.0), ("soon", 0.0), ("", 0.0)])
def test_how_long_to_wait(value, seconds):
    assert read(b"{}", status=429, retry_after=value).wait == seconds


def test_how_long_to_wait_as_a_date():
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 27 < read(b"{}", status=503, retry_after=later).wait <= 30


def test_not_a_number_is_no_wait():
    assert read(b"{}", status=503, retry_after="nan").wait == 0.0


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"error": {"message": "too   many\nrequests"}}, "429: too many requests"),
        ({"error": "busy"}, "429: busy"),
        ({"detail": "no"}, "429: no"),
        ({}, "429: {}"),
    ],
)
def test_what_an_error_says(body, shown):
    assert read(json.dumps(body).encode(), status=429).detail == shown


@pytest.mark.parametrize("value", ["NaN", "Infinity", '"x"', "null"])
def test_probabilities_that_are_none(value):
    places = '[{"logprob": VALUE, "top_logprobs": [{"logprob": -1}, {"logprob": -2}]}]'.replace("VALUE", value)
    body = '{"choices": [{"text": "a", "finish_reason": "stop", "logprobs": {"content": ' + places + "}}]}"
    said = read(body.encode())
    assert (said.text, said.logprob, said.entropy) == ("a", (), ())


def test_text_in_parts():
    message = {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}, 3]}
    said = read(json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode())
    assert said.text == "ab"


@pytest.mark.parametrize(
    ("masses", "whole"),
    [
        ([[0.5, 0.5], [0.9995, 0.0]], True),  # 0.0005 is missing at the second place
        ([[0.5, 0.5], [0.9, 0.09]], False),
        ([[0.5, 0.3], [0.5, 0.5]], False),
        ([[0.9, 0.9], [0.5, 0.5]], False),  # no probabilities
        ([[0.5, 0.5], []], False),
        ([], False),
    ],
)
def test_whether_the_listed_tokens_are_all(masses, whole):
    places = [
        {"logprob": -0.7, "top_logprobs": [{"logprob": math.log(mass or 1e-9)} for mass in listed]} for listed in masses
    ]
    choice = {"text": "a", "finish_reason": "stop", "logprobs": {"content": places}}
    assert read(json.dumps({"choices": [choice]}).encode()).whole is whole


def test_a_reply_of_an_older_journal_has_listed_tokens_alone():
    said = Reply("a", "stop", entropy=(0.5,), whole=True).as_json()
    assert Reply.from_json(said).whole
    del said["whole"]
    assert not Reply.from_json(said).whole
