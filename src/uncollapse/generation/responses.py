"""Reading what a model was asked to give as JSON: in a fence, behind words, with commas too many, or cut off.

Models keep to a form roughly. What can be read without guessing at the words is read; the rest is said to be missing.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

TEXTS = ("text", "response", "answer", "content", "output", "completion")
PROBABILITIES = ("probability", "prob", "p", "likelihood", "confidence")
FENCE = re.compile(r"```[a-zA-Z]*\s*\n?(.*?)(?:```|\Z)", re.DOTALL)
NUMBER = re.compile(r"^\s*[~≈<>=]*\s*([0-9]*[.,]?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*(%?)\s*$")


class Response(NamedTuple):
    """One response with the probability that the model gave it; None where it gave none that is a number."""

    text: str
    probability: float | None


def json_in(reply: str) -> Any:
    """The first JSON object or array in a reply, mended where it is nearly one; None where there is none."""
    for text in (*FENCE.findall(reply), reply):
        for start in _starts(text):
            value = _parsed(text[start:])
            if value is not None:
                return value
    return None


def _starts(text: str) -> Iterator[int]:
    """Where the first object and the first array begin, the earlier first."""
    places = [place for place in (text.find("{"), text.find("[")) if place >= 0]
    yield from sorted(places)


def _parsed(text: str) -> Any:
    for candidate in (text, re.sub(r",(\s*[\]}])", r"\1", text)):
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict | list):
            return value
    return None


def responses_in(reply: str) -> list[Response]:
    """The responses in a reply, in their order; those of a list that was cut off as far as they are whole."""
    # Of a list without an end the first object alone would be taken for the whole.
    return max(list(_in_value(json_in(reply))), list(_whole_objects(reply)), key=len)


def _in_value(value: Any) -> Iterator[Response]:
    if isinstance(value, list):
        for item in value:
            yield from _in_item(item)
    elif isinstance(value, Mapping):
        if (own := _response(value)) is not None:
            yield own
            return
        for inner in value.values():
            if isinstance(inner, list):
                yield from _in_value(inner)
                return
        # A response as the name of its probability.
        if value and all(probability_in(inner) is not None for inner in value.values()):
            yield from (Response(str(name).strip(), probability_in(inner)) for name, inner in value.items())


def _in_item(item: Any) -> Iterator[Response]:
    if isinstance(item, str) and item.strip():
        yield Response(item.strip(), None)
    elif isinstance(item, Mapping):
        if (own := _response(item)) is not None:
            yield own
    elif isinstance(item, list) and len(item) == 2 and isinstance(item[0], str) and item[0].strip():
        yield Response(item[0].strip(), probability_in(item[1]))


def _response(item: Mapping[str, Any]) -> Response | None:
    named = {str(name).strip().lower(): value for name, value in item.items()}
    text = next((named[name] for name in TEXTS if isinstance(named.get(name), str)), None)
    if text is None or not text.strip():
        return None
    given = next((named[name] for name in PROBABILITIES if name in named), None)
    return Response(text.strip(), probability_in(given))


def _whole_objects(reply: str) -> Iterator[Response]:
    """The objects of a list that has no end, one by one; the last one, which is cut off, is left out."""
    decoder = json.JSONDecoder(strict=False)
    place = reply.find("{")
    while place >= 0:
        try:
            value, end = decoder.raw_decode(re.sub(r",(\s*})", r"\1", reply[place:]))
        except (ValueError, RecursionError):
            end = 1
        else:
            if isinstance(value, Mapping) and (own := _response(value)) is not None:
                yield own
            else:
                end = 1
        place = reply.find("{", place + end)


def probability_in(value: Any) -> float | None:
    """A probability that was written as a number, a percentage or a string of either; None where it is none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        number, percent = float(value), False
    elif isinstance(value, str) and (said := NUMBER.match(value)):
        number, percent = float(said[1].replace(",", ".")), said[2] == "%"
    else:
        return None
    if percent:
        number /= 100
    return number if number >= 0 and number < float("inf") else None
