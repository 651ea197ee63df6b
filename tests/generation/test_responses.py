"""Replies as models give them, in all their ways of nearly keeping to a form."""

import pytest

from uncollapse.generation.responses import Response, probability_in, responses_in
from uncollapse.generation.verbalised import normalised

AB = [Response("a", 0.6), Response("b", 0.4)]
REPLIES = {
    "as asked": ('{"responses": [{"text": "a", "probability": 0.6}, {"text": "b", "probability": 0.4}]}', AB),
    "a bare list": ('[{"text": "a", "probability": 0.6}, {"text": "b", "probability": 0.4}]', AB),
    "fenced": ('Sure!\n```json\n[{"text": "a", "probability": 0.6}, {"text": "b", "probability": 0.4}]\n```\nEnjoy.', AB),
    "a fence that is not closed": ('```\n[{"text": "a", "probability": 0.6}, {"text": "b", "probability": 0.4}]', AB),
    "behind words": ('Here they are: [{"text": "a", "probability": 0.6}, {"text": "b", "probability": 0.4}] Good luck!', AB),
    "trailing commas": ('{"responses": [{"text": "a", "probability": 0.6,}, {"text": "b", "probability": 0.4,},],}', AB),
    "percent strings": ('[{"text": "a", "probability": "60%"}, {"text": "b", "probability": " 40 % "}]', AB),
    "strings": ('[{"text": "a", "probability": "0.6"}, {"text": "b", "probability": "~0,4"}]', AB),
    "other names": ('[{"Response": "a", "prob": 0.6}, {"answer": "b", "p": 0.4}]', AB),
    "pairs": ('[["a", 0.6], ["b", "40%"]]', AB),
    "names with numbers": ('{"a": 0.6, "b": 0.4}', AB),
    "without probabilities": ('[{"text": "a"}, {"text": "b"}]', [Response("a", None), Response("b", None)]),
    "bare strings": ('["a", "b"]', [Response("a", None), Response("b", None)]),
    "one missing": ('[{"text": "a", "probability": 0.6}, {"text": "b", "probability": null}]', [AB[0], Response("b", None)]),
    "nonsense for a number": ('[{"text": "a", "probability": "likely"}]', [Response("a", None)]),
    "cut off inside of a text": ('{"responses": [{"text": "a", "probability": 0.6}, {"text": "b {", "probability": 0.4}, {"text": "c', [AB[0], Response("b {", 0.4)]),
    "cut off behind a comma, in a fence": ('```json\n[{"text": "a", "probability": 0.6},\n{"text": "b", "probability": 0.4},', AB),
    "line breaks inside of a string": ('[{"text": "a\nb", "probability": 1}]', [Response("a\nb", 1.0)]),
    "blank ones": ('[{"text": " ", "probability": 0.6}, "", {"text": "b", "probability": 0.4}]', [AB[1]]),
    "an answer with the rest around it": ('{"thought": "hm", "responses": [{"text": "a", "probability": 0.6}]}', [AB[0]]),
    "words alone": ("I would rather not.", []),
    "an empty list": ('{"responses": []}', []),
    "a number": ("42", []),
    "nothing": ("", []),
    "braces alone": ("{{{{ [[[[ }", []),
}  # fmt: skip


@pytest.mark.parametrize(("reply", "found"), REPLIES.values(), ids=REPLIES)
def test_what_is_read(reply, found):
    assert responses_in(reply) == [
        Response(text, pytest.approx(value) if value is not None else None) for text, value in found
    ]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0.5, 0.5),
        ("50 %", 0.5),
        ("1e-3", 0.001),
        (True, None),
        (None, None),
        (-0.5, None),
        ("nan", None),
        (float("inf"), None),
    ],
)
def test_numbers(value, number):
    assert probability_in(value) == number


@pytest.mark.parametrize(
    ("given", "shares"),
    [
        ([0.6, 0.4], [0.6, 0.4]),
        ([0.3, 0.1], [0.75, 0.25]),
        ([60.0, 40.0], [0.6, 0.4]),  # percentages without a sign
        ([0.5, None, 0.1], [0.5 / 0.9, 0.3 / 0.9, 0.1 / 0.9]),
        ([None, None], [0.5, 0.5]),
        ([0.0, 0.0, 0.0, 0.0], [0.25] * 4),
        ([1000.0, 1.0], [0.5, 0.5]),  # clipped
    ],
)
def test_shares(given, shares):
    assert normalised([Response(str(n), value) for n, value in enumerate(given)]).tolist() == pytest.approx(shares)
