"""Texts from an endpoint, and each way in which it may fail to give one."""

import asyncio
import json
import socket
import time

import numpy as np
import pytest

from faulty_endpoint import Said, failure, reply, serving, stream
from uncollapse.errors import BrokenModel, EndpointDown, UnknownModel, UsageError
from uncollapse.language_models import load, resolve
from uncollapse.language_models.addresses import open_writer, writer_card
from uncollapse.language_models.calling import Calling
from uncollapse.language_models.endpoint import Endpoint
from uncollapse.language_models.endpoint_address import Where, where
from uncollapse.language_models.texts import Ask, Prompt, TextWriter
from uncollapse.randomness import Stream
from uncollapse.sampling import Decoding

QUICK = Calling(first_wait=0.01, tries=3, timeout=5)


def ask(words="Say it.", *, chat=True, tokens=20, draw=0):
    return Ask(Prompt(words, chat), tokens, Stream.of(0, "test", words), draw)


OWN = Decoding()


def written(answer, *asks, calling=QUICK, decoding=OWN):
    """What comes of some asks, and the server that was asked."""
    with serving(answer) as server:
        return Endpoint(server.address, calling).write(list(asks) or [ask()], decoding=decoding), server


def test_an_endpoint_is_a_writer_of_texts():
    assert isinstance(open_writer("http://localhost:1/v1#m"), TextWriter)


def test_a_chat_is_asked_with_everything_the_draw_depends_on():
    wanted = ask("Why?", tokens=33)
    (text,), server = written(lambda *_: reply("Because."), wanted, decoding=Decoding(temperature=0.7, top_k=5))
    assert (text.data, text.ended, text.fault) == (b"Because.", True, None)
    assert (text.prompt_tokens, text.tokens) == (7, 3)
    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions"
    assert "Authorization" not in asked.headers
    assert asked.body == {
        "model": "said-model",
        "messages": [{"role": "user", "content": "Why?"}],
        "max_tokens": 33,
        "temperature": 0.7,
        "top_p": 1.0,
        "top_k": 5,
        "seed": wanted.seed(),
        "stream": False,
        "logprobs": True,
        "top_logprobs": 20,
    }


def test_a_plain_prompt_goes_to_the_other_path():
    (text,), server = written(lambda *_: reply(" and so on"), ask("Once", chat=False))
    assert text.data == b" and so on"
    assert server.asked[0].path == "/v1/completions"
    assert server.asked[0].body["prompt"] == "Once"


def test_each_draw_has_a_seed_of_its_own():
    _, server = written(lambda *_: reply(), ask(draw=0), ask(draw=1), ask("Other"))
    assert len({asked.body["seed"] for asked in server.asked}) == 3


def test_texts_come_in_the_order_of_the_asks_and_not_too_many_are_under_way():
    def answer(asked, number):
        return reply(f"to {asked.words}")._replace(delay=0.1 if number % 2 else 0.02)

    calling = QUICK.model_copy(update={"concurrency": 3})
    texts, server = written(answer, *(ask(f"q{n}") for n in range(12)), calling=calling)
    assert [text.data.decode() for text in texts] == [f"to q{n}" for n in range(12)]
    assert 2 <= server.most_at_once <= 3


# Faults that pass: the first answers, then a good one.
PASSING = {
    "429": [failure(429)],
    "500": [failure(500)],
    "502": [failure(502)],
    "503 twice": [failure(503), failure(503)],
    "half of JSON": [reply()._replace(content=b'{"choices": [{"mess')],
    "closed in the middle": [reply("A long answer. " * 50)._replace(sent=100)],
    "closed before anything": [reply()._replace(sent=0)],
    "no JSON": [Said(content=b"<html>Bad gateway</html>", kind="text/html")],
    "JSON of another kind": [Said(content=b"[1, 2]")],
    "no choices": [Said(content=b'{"choices": []}')],
    "an error inside of a good status": [Said(content=b'{"error": {"message": "overloaded"}}')],
    "no reason why it ended": [reply("Half an ans", finish=None)],
    "a stream that was cut": [stream("Half ", "an ans", whole=False)],
}


@pytest.mark.parametrize("first", PASSING.values(), ids=PASSING)
def test_a_fault_that_passes_is_tried_again(first):
    (text,), server = written(lambda _, number: first[number] if number < len(first) else reply("Whole."))
    assert (text.data, text.fault) == (b"Whole.", None)
    assert len(server.asked) == len(first) + 1
    assert text.account["requests"] == {"answered": 1, "again": len(first)}
    assert all(asked.body == server.asked[0].body for asked in server.asked)


@pytest.mark.parametrize("always", [first[0] for first in PASSING.values()], ids=PASSING)
def test_a_fault_that_stays_is_never_a_text(always):
    (text,), server = written(lambda *_: always)
    assert text.data == b""
    assert text.fault is not None
    assert (text.fault.reason, text.fault.passing) == ("the endpoint did not answer", True)
    assert text.fault.detail.startswith("3 tries; the last: ")
    assert len(server.asked) == 3


def test_an_endpoint_that_hangs_is_not_waited_for():
    calling = QUICK.model_copy(update={"timeout": 0.2, "tries": 2})
    begun = time.monotonic()
    (text,), server = written(lambda *_: reply()._replace(delay=6.0), calling=calling)
    assert time.monotonic() - begun < 5
    assert text.fault.detail == "2 tries; the last: no whole reply within 0.2 s"
    assert len(server.asked) == 2


def test_an_endpoint_that_is_not_there():
    address = f"http://127.0.0.1:{_free_port()}/v1#m"
    (text,) = Endpoint(address, QUICK).write([ask()], decoding=Decoding())
    assert "ConnectError" in text.fault.detail
    with pytest.raises(UnknownModel, match=r"nothing answers at http://127\.0\.0\.1"):
        Endpoint(address, QUICK).check()


def test_the_wait_that_is_asked_for_is_kept():
    (text,), server = written(lambda _, number: reply() if number else failure(429, Retry_After="0.4"))
    assert text.fault is None
    assert server.asked[1].at - server.asked[0].at >= 0.4


def test_who_wants_to_be_left_alone_for_an_hour_is():
    (text,), server = written(lambda *_: failure(503, Retry_After="3600"))
    assert len(server.asked) == 1
    assert text.fault.detail.startswith("1 try: 503")


def test_waits_double_and_are_the_same_in_every_run():
    calling = Calling(first_wait=1.0)
    waits = [calling.wait("a", attempt=attempt) for attempt in range(1, 9)]
    assert waits == [calling.wait("a", attempt=attempt) for attempt in range(1, 9)]
    assert all(2 ** (n - 1) / 2 <= wait <= 2 ** (n - 1) for n, wait in enumerate(waits[:6], start=1))
    assert all(30 <= wait <= 60 for wait in waits[6:])
    assert calling.wait("b", attempt=1) != waits[0]


# What no further try will cure.
LASTING = {
    "too long": (
        failure(400, "maximum context length is 10 tokens"),
        "refused by the endpoint",
        "400: maximum context",
    ),
    "nonsense": (failure(422, "no such field"), "refused by the endpoint", "422: no such field"),
    "moved": (
        Said(301, b"", headers={"Location": "http://elsewhere/"}),
        "refused by the endpoint",
        "301: it has moved to http://elsewhere/",
    ),
    "filtered": (reply("Half", finish="content_filter"), "filtered by the endpoint", "content_filter"),
}


@pytest.mark.parametrize(("said", "reason", "detail"), LASTING.values(), ids=LASTING)
def test_what_is_refused_is_asked_once(said, reason, detail):
    (text,), server = written(lambda *_: said)
    assert (text.data, text.fault.reason, text.fault.passing) == (b"", reason, False)
    assert detail in text.fault.detail
    assert len(server.asked) == 1


def test_a_model_that_refuses_is_a_refusal():
    body = {"choices": [{"message": {"content": None, "refusal": "I will not."}, "finish_reason": "stop"}]}
    (text,), _ = written(lambda *_: Said(content=json.dumps(body).encode()))
    assert text.fault.reason == "refused by the endpoint"


def test_the_limit_is_no_end():
    (text,), _ = written(lambda *_: reply("Cut off in the", finish="length"))
    assert (text.ended, text.fault) == (False, None)


@pytest.mark.parametrize("nothing", [None, "", " \n"])
def test_a_reply_without_text_is_no_fault_and_no_text(nothing):
    (text,), _ = written(lambda *_: reply(nothing))
    assert text.fault is None
    assert not text.data.strip()
    assert text.account["requests"]["answered"] == 1


def test_a_stream_that_was_not_asked_for_is_read():
    (text,), _ = written(lambda *_: stream("Whole", " and well."))
    assert (text.data, text.ended) == (b"Whole and well.", True)


def test_an_endpoint_that_answers_nobody_is_down():
    calling = QUICK.model_copy(update={"tries": 1, "concurrency": 1})
    with serving(lambda *_: failure(503)) as server:
        server.models = failure(503)
        with pytest.raises(EndpointDown, match="has not answered 6 requests in a row; the last: 503"):
            Endpoint(server.address, calling).write([ask(f"q{n}") for n in range(40)], decoding=Decoding())
        assert len(server.asked) == 6


def test_texts_that_get_no_answer_from_one_that_is_there_are_their_own_fault():
    calling = QUICK.model_copy(update={"tries": 1, "concurrency": 1})
    texts, server = written(lambda *_: failure(500), *(ask(f"q{n}") for n in range(20)), calling=calling)
    assert {text.fault.reason for text in texts} == {"the endpoint did not answer"}
    assert len(server.asked) == 20


def test_one_that_answers_now_and_then_is_not():
    calling = QUICK.model_copy(update={"tries": 1, "concurrency": 1})
    texts, _ = written(
        lambda _, number: failure(503) if number % 5 else reply(), *(ask(f"q{n}") for n in range(20)), calling=calling
    )
    assert sum(text.fault is None for text in texts) == 4


def test_other_words_are_learnt_and_settings_never_dropped():
    """It takes no log-probabilities, and calls the limit by the newer name."""

    def answer(asked, _):
        if "logprobs" in asked.body:
            return failure(400, "logprobs are not supported with this model")
        if "max_tokens" in asked.body:
            return failure(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        return reply()

    calling = QUICK.model_copy(update={"concurrency": 1})
    texts, server = written(answer, ask("a"), ask("b"), calling=calling, decoding=Decoding(min_p=0.1))
    assert [text.fault for text in texts] == [None, None]
    assert len(server.asked) == 4  # two refusals, then each question once
    assert server.asked[-1].body["max_completion_tokens"] == 20
    assert all(asked.body["min_p"] == 0.1 and "seed" in asked.body for asked in server.asked)


def test_the_key_comes_from_the_environment_and_goes_nowhere_else(monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-of-the-tests")
    calling = QUICK.model_copy(update={"key_from": "MY_KEY"})
    (text,), server = written(lambda *_: failure(400, "your key sk-of-the-tests is odd"), calling=calling)
    assert server.asked[0].headers["Authorization"] == "Bearer sk-of-the-tests"
    assert "sk-of" not in text.fault.detail
    assert "sk-of" not in repr(calling)
    monkeypatch.delenv("MY_KEY")
    with pytest.raises(UsageError, match="MY_KEY is empty or not there"):
        Endpoint("http://localhost:1/v1#m", calling)


def test_a_key_that_is_not_taken_ends_the_run():
    with serving(lambda *_: failure(401, "who are you?")) as server:
        with pytest.raises(BrokenModel, match="lets nobody in without a key"):
            Endpoint(server.address, QUICK).write([ask()], decoding=Decoding())
        server.models = failure(403)
        with pytest.raises(BrokenModel, match="without a key"):
            Endpoint(server.address, QUICK).check()


def test_a_model_that_is_not_there_ends_the_run():
    with pytest.raises(BrokenModel, match=r"knows no model 'said-model'.*does not exist"):
        written(lambda *_: failure(404, "The model `said-model` does not exist."))


def test_one_that_has_moved_is_not_followed():
    with serving(lambda *_: reply()) as server:
        server.models = Said(308, b"", headers={"Location": "https://elsewhere/v1"})
        with pytest.raises(BrokenModel, match="has moved: https://elsewhere/v1"):
            Endpoint(server.address, QUICK).check()


def test_a_list_of_models_is_not_needed():
    with serving(lambda *_: reply()) as server:
        Endpoint(server.address, QUICK).check()
        server.models = failure(404)
        Endpoint(server.address, QUICK).check()
        assert server.asked == []


def test_probabilities_are_read_where_they_are_given():
    """Two places; at the first the listed tokens have 1/2 and 1/2 of the mass that they hold, of which top-k 1 keeps one."""
    content = [
        {"logprob": -0.7, "top_logprobs": [{"logprob": np.log(0.4)}, {"logprob": np.log(0.4)}]},
        {"logprob": -0.1, "top_logprobs": [{"logprob": np.log(0.9)}, {"logprob": np.log(0.1)}]},
    ]
    (text,), _ = written(lambda *_: reply(logprobs={"content": content}), decoding=Decoding(temperature=0.5))
    assert text.logprob == pytest.approx([-0.7, -0.1])
    second = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1))
    assert text.entropy == pytest.approx([np.log(2), second], abs=1e-5)
    sharp = 0.81 / 0.82
    assert text.drawn_entropy == pytest.approx(
        [np.log(2), -(sharp * np.log(sharp) + (1 - sharp) * np.log(1 - sharp))], abs=1e-5
    )


def test_probabilities_in_the_older_form():
    said = {"tokens": [" a"], "token_logprobs": [-0.5], "top_logprobs": [{" a": -0.5, " b": -1.0}]}
    (text,), _ = written(lambda *_: reply(" a", logprobs=said), ask(chat=False))
    assert text.logprob == pytest.approx([-0.5])
    assert len(text.entropy) == 1
    (text,), _ = written(lambda *_: reply(" a", logprobs={"tokens": 3}), ask(chat=False))
    assert (text.logprob, text.entropy) == (None, None)


def test_what_it_costs_and_who_says_to_have_written():
    calling = QUICK.model_copy(update={"price_in": 0.15, "price_out": 2.0})
    (text,), _ = written(lambda *_: reply(system_fingerprint="fp_1"), calling=calling)
    # 7 tokens at 0.15 and 3 at 2.0 a million: 7.05 millionths.
    assert text.account["cost"] == {"billionths": 7050}
    ((name, count),) = text.account["writers"].items()
    assert name.startswith("said-model | fp_1 | BaseHTTP")
    assert count == 1
    (text,), _ = written(lambda *_: reply(usage=None))
    assert text.account["requests"] == {"answered": 1, "again": 0, "without_usage": 1}


def test_what_was_answered_is_not_asked_again(tmp_path):
    calling = QUICK.model_copy(update={"journal": tmp_path / "replies.jsonl"})
    asks = [ask(f"q{n}") for n in range(5)]
    first, server = written(lambda asked, _: reply(f"to {asked.words}"), *asks[:3], calling=calling)
    assert len(server.asked) == 3
    with calling.journal.open("ab") as file:
        file.write(b'{"request": "begun and not fin')  # as a process leaves it that is killed there
    # The server has another port now, and so another address: what is kept is what the same place said.
    with serving(lambda asked, _: reply(f"again {asked.words}")) as other:
        endpoint = Endpoint(other.address, calling)
        endpoint.address = server.address
        texts = endpoint.write(asks, decoding=Decoding())
        assert sorted(asked.words for asked in other.asked) == ["q3", "q4"]
    assert [text.data for text in texts[:3]] == [text.data for text in first]
    assert texts[0].account["requests"] == {"kept": 1}
    assert texts[0].tokens == 3
    lines = [line for line in calling.journal.read_bytes().splitlines() if line]
    assert len(lines) == 6
    assert len(Endpoint(server.address, calling)._journal) == 5


def test_another_seed_is_another_request(tmp_path):
    calling = QUICK.model_copy(update={"journal": tmp_path / "replies.jsonl"})
    with serving(lambda *_: reply()) as server:
        for decoding in (Decoding(), Decoding(temperature=0.5)):
            for draw in (0, 1):
                Endpoint(server.address, calling).write([ask(draw=draw)], decoding=decoding)
        assert len(server.asked) == 4


def test_inside_of_an_event_loop_as_in_a_notebook():
    async def cell(address):
        return Endpoint(address, QUICK).write([ask()], decoding=Decoding())

    with serving(lambda *_: reply("Whole.")) as server:
        (text,) = asyncio.run(cell(server.address))
    assert text.data == b"Whole."


def test_addresses():
    assert where("http://localhost:8000/v1#m") == Where("http://localhost:8000/v1", "m")
    assert where("endpoint:https://host/v1/#owner/name@main") == Where("https://host/v1", "owner/name@main")
    card = writer_card("http://localhost:8000/v1#m")
    assert (card["backend"], card["revision"]) == ("openai-endpoint", "m at http://localhost:8000/v1")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://localhost:8000/v1", "names no model"),
        ("http://localhost:8000/v1#", "names no model"),
        ("endpoint:localhost#m", "names no host"),
        ("http://localhost:port/v1#m", "is no address"),
        ("https://me:secret@host/v1#m", "a name, a password or a query"),
        ("https://host/v1?key=1#m", "a name, a password or a query"),
    ],
)
def test_addresses_that_cannot_be(address, said):
    with pytest.raises(UsageError, match=said) as error:
        where(address)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("read", [load, resolve])
def test_whoever_reads_by_tokens_is_told_what_to_take(read):
    with pytest.raises(UsageError, match="it writes, but it takes no token ids") as error:
        read("http://localhost:8000/v1#m")
    assert "smollm2-135m" in error.value.hint


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_list_of_tokens_is_a_part_of_the_distribution_unless_nothing_is_missing():
    def said(*masses):
        tops = [{"logprob": np.log(mass)} for mass in masses]
        return reply(logprobs={"content": [{"logprob": tops[0]["logprob"], "top_logprobs": tops}]})

    texts, _ = written(lambda asked, _: said(0.6, 0.4) if asked.words == "all" else said(0.6, 0.3), ask("all"), ask())
    assert [text.partial for text in texts] == [False, True]
    (text,), _ = written(lambda *_: reply())
    assert (text.entropy, text.partial) == (None, False)


KEY = "sk-of-the/tests-1234567890"
SPELLED = {
    "as it is": KEY,
    "as some spell it in JSON": KEY.replace("/", "\\/"),
    "in numbers": "".join(f"\\u{ord(character):04X}" for character in KEY),
}


@pytest.mark.parametrize("filler", [0, 180, 190, 199, 200])
@pytest.mark.parametrize("key", SPELLED.values(), ids=SPELLED)
def test_no_part_of_the_key_is_left_where_an_error_is_cut(monkeypatch, key, filler):
    """An error's first 200 characters are shown; the key may stand across the cut."""
    monkeypatch.setenv("MY_KEY", KEY)
    calling = QUICK.model_copy(update={"key_from": "MY_KEY", "tries": 1})
    content = '{"error": {"message": "' + "x" * filler + key + '"}}'
    for status in (200, 400, 503):
        (text,), _ = written(lambda *_, status=status: Said(status, content.encode()), calling=calling)
        assert text.fault.detail.endswith(": " + ("x" * filler + "(the key)")[:200])


def test_an_endpoint_that_repeats_what_it_was_sent_is_not_repeated(monkeypatch, tmp_path):
    """In the model's name, the fingerprint, the headers, the reason and the text; nothing of it is in the journal."""
    monkeypatch.setenv("MY_KEY", KEY)
    calling = QUICK.model_copy(update={"key_from": "MY_KEY", "journal": tmp_path / "replies.jsonl"})

    def echo(asked, _):
        sent = asked.headers["Authorization"]
        said = reply(f"You said {sent}.", finish=sent, system_fingerprint=sent, model=sent)
        return said._replace(headers={"Server": sent})

    (text,), _ = written(echo, calling=calling)
    assert text.data == b"You said Bearer (the key)."
    ((writer, _),) = text.account["writers"].items()
    assert writer.startswith("Bearer (the key) | Bearer (the key) | ")
    assert writer.endswith("Bearer (the key)")
    assert b"sk-of" not in calling.journal.read_bytes()
    moved = Said(308, b"", headers={"Location": f"https://elsewhere/{KEY}"})
    (text,), _ = written(lambda *_: moved, calling=calling.model_copy(update={"journal": None}))
    assert text.fault.detail == "308: it has moved to https://elsewhere/(the key)"
    with serving(lambda *_: reply()) as server:
        server.models = moved
        with pytest.raises(BrokenModel, match=r"has moved: https://elsewhere/\(the key\)"):
            Endpoint(server.address, calling).check()


@pytest.mark.parametrize("key", ["stop", "EMPTY", "choices", "anything"])
def test_a_word_in_place_of_a_key_is_no_secret_in_a_text(monkeypatch, key):
    monkeypatch.setenv("MY_KEY", key)
    (text,), _ = written(lambda *_: reply(f"Say {key}."), calling=QUICK.model_copy(update={"key_from": "MY_KEY"}))
    assert text.data == f"Say {key}.".encode()


def test_the_same_ask_twice_is_sent_and_kept_once(tmp_path):
    """Of three equal asks and another two are sent; the account has each reply, and what it cost, once."""
    calling = QUICK.model_copy(update={"journal": tmp_path / "replies.jsonl", "price_out": 1.0})
    same = ask("same")
    texts, server = written(
        lambda asked, number: reply(f"{asked.words} {number}")._replace(delay=0.05),
        same,
        ask("other"),
        ask("same"),
        same,
        calling=calling,
    )
    assert sorted(asked.words for asked in server.asked) == ["other", "same"]
    assert len(calling.journal.read_bytes().splitlines()) == 2
    assert texts[0].data == texts[2].data == texts[3].data != texts[1].data
    assert [text.account["requests"] for text in texts] == [
        {"answered": 1, "again": 0},
        {"answered": 1, "again": 0},
        {"shared": 1},
        {"shared": 1},
    ]
    assert [text.account.get("cost") for text in texts] == [{"billionths": 3000}, {"billionths": 3000}, None, None]
    assert [text.tokens for text in texts] == [3] * 4


def test_the_same_ask_twice_has_one_fault():
    texts, server = written(lambda *_: failure(400, "no"), ask(), ask())
    assert len(server.asked) == 1
    assert [text.fault.detail for text in texts] == ["400: no"] * 2
