"""An endpoint that takes a while for each request: how much faster many at once are, and what asking costs here.

The same 192 prompts are answered by a server in a process of its own that waits 50 ms before each reply, with one, 8 and
32 requests under way. The ideal is 50 ms times the number of prompts over the number under way. Beside it the time of
our processor for each request, and that of the plan of prompts: 10,000 prompts over six attributes of 20 values.

    python -m benchmarks.endpoint
"""

import itertools
import json
import subprocess
import sys
import time

from uncollapse.document import Document, to_batch
from uncollapse.generation import Answer
from uncollapse.generation.grid import Axis, rows_of
from uncollapse.language_models.calling import Calling
from uncollapse.randomness import Stream

ROWS = 192
WAIT = 0.05
SERVER = """
import json, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(WAIT)
        choice = {"message": {"content": "An answer. " * 20}, "finish_reason": "stop"}
        body = json.dumps({"model": "m", "choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 60}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def main() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER.replace("WAIT", str(WAIT))], stdout=subprocess.PIPE, text=True
    )
    try:
        address = f"http://127.0.0.1:{int(process.stdout.readline())}/v1#m"
        batch = to_batch([Document(text=f"Prompt {n}?", source="prompts.jsonl") for n in range(ROWS)])
        print("under way  seconds  of the ideal  ms of processor a request")
        for at_once in (1, 8, 32):
            step = Answer(model=address, calling=Calling(concurrency=at_once))
            step.fingerprint  # noqa: B018  (once, whatever the number of requests)
            begun, worked = time.perf_counter(), time.process_time()
            outcome = step.apply(batch)
            seconds, worked = time.perf_counter() - begun, time.process_time() - worked
            assert len(outcome.batch) == ROWS, json.dumps(dict(outcome.tally))
            ideal = WAIT * ROWS / at_once
            print(f"{at_once:9}  {seconds:7.2f}  {ideal / seconds:12.2f}  {1000 * worked / ROWS:25.2f}")
    finally:
        process.terminate()
    axes = [Axis(f"a{place}", tuple(str(value) for value in range(20))) for place in range(6)]
    begun = time.perf_counter()
    count = sum(1 for _ in itertools.islice(rows_of(axes, Stream.of(0, "benchmark", "grid")), 10_000))
    print(f"\nplan: {count:,} prompts of six attributes with 20 values each in {time.perf_counter() - begun:.2f} s")


if __name__ == "__main__":
    main()
