"""A store that speaks S3, in threads of the test's process, and a way to it on which requests and replies get lost."""

import http.client
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

FAULTS = ("reply lost", "request lost", "503")
SLOW_DOWN = (
    b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)
HOP = {"connection", "transfer-encoding", "keep-alive", "server", "date", "content-length"}


class Asked(NamedTuple):
    """A request on its way: its number from 0, and what it asks."""

    number: int
    method: str
    path: str


class Way:
    """Where clients are sent; `fault` says of each request what becomes of it, or None."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked: list[Asked] = []
        self.faults: list[str] = []
        self.fault: Callable[[Asked], str | None] = lambda _: None
        self._counting = threading.Lock()

    def ask(self, method: str, path: str) -> str | None:
        """What becomes of this request."""
        with self._counting:
            asked = Asked(len(self.asked), method, path)
            self.asked.append(asked)
            fault = self.fault(asked)
            if fault is not None:
                self.faults.append(fault)
            return fault


@contextmanager
def object_store(monkeypatch: Any, *, bucket: str = "bucket") -> Iterator[Way]:
    """The way to a store with an empty bucket; clients of this process and of those that it starts take it."""
    import fsspec
    from moto.server import ThreadedMotoServer
    from s3fs import S3FileSystem

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_RETRY_MODE", "standard")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    server = None
    try:
        host, port = moto.get_host_and_port()
        # What an earlier store of this process held is forgotten.
        reset = http.client.HTTPConnection(host, port)
        reset.request("POST", "/moto-api/reset")
        reset.getresponse().read()
        reset.close()
        S3FileSystem.clear_instance_cache()
        way = Way("")
        server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"way": way, "store": f"{host}:{port}"}))
        way.address = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", way.address)
        fsspec.filesystem("s3", skip_instance_cache=True).mkdir(bucket)
        yield way
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()
        moto.stop()
        S3FileSystem.clear_instance_cache()


class _Server(ThreadingHTTPServer):
    """Says nothing of clients that were killed in the middle of a request."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Hands requests on to a store."""

    protocol_version = "HTTP/1.1"
    way: Way
    store: str

    def log_message(self, *_: Any) -> None:
        pass

    def _pass(self) -> None:
        body = self._body()
        fault = self.way.ask(self.command, self.path)
        if fault == "503":
            self._answer(503, [], SLOW_DOWN)
            return
        if fault == "request lost":
            self.close_connection = True
            return
        to_store = http.client.HTTPConnection(self.store, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "transfer-encoding"}
        to_store.request(self.command, self.path, body=body, headers=headers)
        reply = to_store.getresponse()
        content = reply.read()
        to_store.close()
        if fault == "reply lost":
            self.close_connection = True
            return
        self._answer(reply.status, reply.getheaders(), content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        sized = {name.lower(): value for name, value in headers}.get("content-length", str(len(content)))
        for name, value in headers:
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", sized if self.command == "HEAD" else str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass  # noqa: N815
