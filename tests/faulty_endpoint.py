"""An endpoint of the OpenAI protocol that the tests run themselves: it answers as it is told, well or badly."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple


class Said(NamedTuple):
    """One HTTP answer: after `delay` seconds, status, headers and bytes, of which `sent` go out (all, if None)."""

    status: int = 200
    content: bytes = b""
    kind: str = "application/json"
    headers: Mapping[str, str] = MappingProxyType({})
    delay: float = 0.0
    sent: int | None = None


def reply(text: str | None = "An answer.", *, finish: str | None = "stop", **more: Any) -> Said:
    """A whole reply, for either kind of question."""
    usage = more.pop("usage", {"prompt_tokens": 7, "completion_tokens": 3})
    logprobs = more.pop("logprobs", None)
    choice = {"index": 0, "text": text, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    body = {"model": "said-model", "choices": [{**choice, "logprobs": logprobs}], "usage": usage, **more}
    return Said(content=json.dumps(body).encode())


def failure(status: int, message: str = "a fault of the test", **headers: str) -> Said:
    """An error as such endpoints give it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Said(status, json.dumps({"error": {"message": message}}).encode(), headers=named)


def stream(*pieces: str, whole: bool = True) -> Said:
    """A reply as a stream of events, with its end or without."""
    events = [json.dumps({"model": "said-model", "choices": [{"delta": {"content": piece}}]}) for piece in pieces]
    events += (
        [json.dumps({"choices": [{"delta": {}, "finish_reason": "stop"}]}), "[DONE]"]
        if whole
        else ['{"choices": [{"de']
    )
    return Said(content="".join(f"data: {event}\n\n" for event in events).encode(), kind="text/event-stream")


class Asked(NamedTuple):
    """One request: path, headers, body, and when it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float

    @property
    def words(self) -> str:
        """What was asked, or stands before the text that is wanted."""
        messages = self.body.get("messages")
        return messages[-1]["content"] if messages else self.body["prompt"]


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Nothing: who asked has gone in the middle."""


class Server:
    """The server: `answer(asked, number)` says what each request gets; `asked` are those that came."""

    def __init__(self, answer: Callable[[Asked, int], Said]) -> None:
        self.answer = answer
        self.models = Said(content=b'{"data": [{"id": "said-model"}]}')
        self.asked: list[Asked] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._http = _Quiet(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._http.block_on_close = False

    @property
    def base(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def address(self) -> str:
        """The address of the model."""
        return f"{self.base}#said-model"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._say(server.models)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                asked = Asked(self.path, dict(self.headers), body, time.monotonic())
                with server._lock:
                    server.asked.append(asked)
                    number = len(server.asked) - 1
                    server._at_once += 1
                    server.most_at_once = max(server.most_at_once, server._at_once)
                try:
                    said = server.answer(asked, number)
                    time.sleep(said.delay)
                finally:
                    with server._lock:
                        server._at_once -= 1
                self._say(said)

            def _say(self, said: Said) -> None:
                try:
                    self.send_response(said.status)
                    self.send_header("Content-Type", said.kind)
                    self.send_header("Content-Length", str(len(said.content)))
                    for name, value in said.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(said.content[: said.sent])
                    if said.sent is not None:
                        self.close_connection = True
                        self.wfile.flush()
                        self.connection.close()
                except OSError:  # who asked has gone
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@contextmanager
def serving(answer: Callable[[Asked, int], Said]):
    """A server while the block runs."""
    server = Server(answer)
    thread = threading.Thread(target=server._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server._http.shutdown()
        server._http.server_close()
        thread.join()
