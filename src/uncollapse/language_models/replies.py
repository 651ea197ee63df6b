"""What an endpoint said: a reply that is whole, or a fault that says what is wrong with it.

Nothing passes for a text that is none: half a reply, nonsense and an error inside of a good status are faults that
another try may cure; what the engine refuses or filters stays as it is.
"""

import email.utils
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy import ndarray

from uncollapse.language_models.texts import Fault
from uncollapse.sampling import Decoding, entropy, narrowed

SILENT = "the endpoint did not answer"
REFUSED = "refused by the endpoint"
FILTERED = "filtered by the endpoint"
TOO_OFTEN = (408, 409, 425, 429)
SHOWN = 200
# The listed tokens are all that there are where no more than this of the probability is missing at any place.
MISSING = 1e-3


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply: text, why it ended, what it took, who says to have written it, and its probabilities if given.

    Token counts are None where the endpoint does not say them; `logprob`, `entropy` and `drawn_entropy` are in nats,
    one for each token, and empty where they are not known. The entropies are those of the listed tokens alone;
    `whole` says whether these have all of the probability at each place.
    """

    text: str
    finish: str
    prompt_tokens: int | None = None
    tokens: int | None = None
    writer: str = ""
    logprob: tuple[float, ...] = ()
    entropy: tuple[float, ...] = ()
    drawn_entropy: tuple[float, ...] = ()
    whole: bool = False

    def as_json(self) -> dict[str, Any]:
        """The reply as it stands in a journal."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Reply":
        """The reply that a journal holds."""
        lists = {name: tuple(value[name]) for name in ("logprob", "entropy", "drawn_entropy")}
        return cls(**{**value, **lists})


def read_reply(status: int, headers: Mapping[str, str], content: bytes, *, decoding: Decoding) -> Reply | Fault:
    """What an endpoint's answer comes to."""
    if status != 200:
        return _refusal(status, headers, content)
    stream = headers.get("content-type", "").startswith("text/event-stream")
    body = _joined(content) if stream else _parsed(content)
    if isinstance(body, Fault):
        return body
    if not isinstance(body, Mapping) or body.get("error"):
        return _half(f"the reply is an error: {_shown(content)}")
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        return _half(f"the reply has no choices: {_shown(content)}")
    return _read_choice(choices[0], body=body, server=headers.get("server", ""), decoding=decoding)


def _read_choice(
    choice: Mapping[str, Any], *, body: Mapping[str, Any], server: str, decoding: Decoding
) -> Reply | Fault:
    finish = choice.get("finish_reason")
    if not isinstance(finish, str) or not finish or finish in ("error", "abort"):
        return _half(f"the reply does not say that it is whole (finish_reason {finish!r})")
    if finish == "content_filter":
        return Fault(FILTERED, "finish_reason content_filter")
    message = choice.get("message")
    message = message if isinstance(message, Mapping) else {}
    text = message.get("content") if message else choice.get("text")
    if message.get("refusal") and not text:
        return Fault(REFUSED, f"the model refused: {str(message['refusal'])[:SHOWN]}")
    if isinstance(text, list):
        parts = [part.get("text") for part in text if isinstance(part, Mapping)]
        text = "".join(part for part in parts if isinstance(part, str))
    if text is not None and not isinstance(text, str):
        return _half(f"the reply's text is a {type(text).__name__}")
    usage = body.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    marks = (body.get("model"), body.get("system_fingerprint"), server)
    logprob, tops = _logprobs(choice.get("logprobs"))
    own, drawn = _entropies(tops, decoding)
    return Reply(
        text=text or "",
        finish=finish,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        tokens=_count(usage.get("completion_tokens")),
        writer=" | ".join(str(mark) if mark else "-" for mark in marks),
        logprob=logprob,
        entropy=own,
        drawn_entropy=drawn,
        whole=_whole(tops),
    )


def _refusal(status: int, headers: Mapping[str, str], content: bytes) -> Fault:
    detail = f"{status}: {_shown(content)}"
    if status >= 500 or status in TOO_OFTEN:
        return Fault(SILENT, detail, passing=True, wait=_retry_after(headers.get("retry-after", "")))
    moved = headers.get("location") if 300 <= status < 400 else None
    return Fault(REFUSED, f"{status}: it has moved to {moved}" if moved else detail)


def _retry_after(value: str) -> float:
    """The seconds that a Retry-After header asks for, given as such or as a date; 0 where it says nothing."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def _half(detail: str) -> Fault:
    return Fault(SILENT, detail, passing=True)


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        return _half(f"half a reply, or no JSON ({error}): {_shown(content)}")


def _joined(content: bytes) -> Any:
    """A reply that came as a stream of events, as if it had come at once; a fault where the stream was cut."""
    text, finish = "", None
    whole: dict[str, Any] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        if not line.startswith("data:"):
            continue
        data = line[len("data:") :].strip()
        if data == "[DONE]":
            break
        event = _parsed(data.encode())
        if isinstance(event, Fault) or not isinstance(event, Mapping):
            return _half(f"the stream was cut: {data[:SHOWN]}")
        whole |= {name: event[name] for name in ("model", "system_fingerprint", "usage", "error") if event.get(name)}
        choices = event.get("choices")
        for choice in choices[:1] if isinstance(choices, list) else ():
            if not isinstance(choice, Mapping):
                return _half(f"the stream makes no sense: {data[:SHOWN]}")
            delta = choice.get("delta")
            piece = delta.get("content") if isinstance(delta, Mapping) else choice.get("text")
            text += piece if isinstance(piece, str) else ""
            finish = choice.get("finish_reason") or finish
    return {**whole, "choices": [{"text": text, "finish_reason": finish}]}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _logprobs(said: Any) -> tuple[tuple[float, ...], list[list[float]]]:
    """The log-probability of each token, and of the likeliest ones at each; both empty where they are not given."""
    if not isinstance(said, Mapping):
        return (), []
    try:
        if isinstance(content := said.get("content"), list):
            own = [float(entry["logprob"]) for entry in content]
            tops = [[float(top["logprob"]) for top in entry.get("top_logprobs") or ()] for entry in content]
        else:
            own = [float(value) for value in said.get("token_logprobs") or () if value is not None]
            tops = [list(map(float, (top or {}).values())) for top in said.get("top_logprobs") or ()]
    except (KeyError, TypeError, ValueError, AttributeError):
        return (), []
    if not all(map(math.isfinite, chain(own, *tops))):
        return (), []
    return tuple(round(value, 5) for value in own), tops


def _entropies(tops: Sequence[Sequence[float]], decoding: Decoding) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The entropy of the listed tokens at each place, before the decoding's settings and after."""
    if not tops or not all(len(top) > 1 for top in tops):
        return (), ()
    rows = np.full((len(tops), max(map(len, tops))), -np.inf)
    for row, top in enumerate(tops):
        rows[row, : len(top)] = top
    return _rounded(entropy(narrowed(rows, Decoding()))), _rounded(entropy(narrowed(rows, decoding)))


def _whole(tops: Sequence[Sequence[float]]) -> bool:
    """Whether the listed tokens have all of the probability at each place, so that their entropy is the model's."""
    return bool(tops) and all(
        max(top, default=1.0) <= 0 and abs(sum(map(math.exp, top)) - 1) <= MISSING for top in tops
    )


def _rounded(values: ndarray) -> tuple[float, ...]:
    return tuple(round(float(value), 5) for value in values)


def _shown(content: bytes) -> str:
    """The beginning of what was said, on one line; of an error in JSON its message."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, Mapping):
        error = body.get("error", body.get("detail", body.get("message")))
        message = error.get("message") if isinstance(error, Mapping) else error
        if message:
            return " ".join(str(message).split())[:SHOWN]
    return " ".join(content.decode("utf-8", "replace").split())[:SHOWN] or "nothing"
