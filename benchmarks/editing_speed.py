"""How fast editing is: against others who do the same, and against what the processor can do at most.

    python -m benchmarks.editing_speed --tokens 20000 --rounds 3 [--vllm PYTHON] [--compile]

Every engine reads the same documents (50 to 4,000 tokens) with the default model, in bfloat16 where the processor has
it, and a window that holds the longest; the rounds of all engines take turns and the fastest round of each counts, so
that what else the machine does hurts all alike. `--vllm` names the interpreter of an environment with vLLM (or
UNCOLLAPSE_VLLM_PYTHON does); `--compile` measures torch.compile as well, which takes minutes and a C++ compiler.
docs/benchmarks.md says how to make the environment and keeps the tables.
"""

import argparse
import gc
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import torch
from benchmarks.peers.plain import PlainEditor
from benchmarks.sample import mixed_lengths, prose

from uncollapse.document import Document, to_batch
from uncollapse.editing import preset
from uncollapse.language_models import load
from uncollapse.language_models.addresses import DEFAULT
from uncollapse.language_models.by_transformers import transformers_reader
from uncollapse.language_models.embedded import SMOLLM2_135M, folder_of
from uncollapse.language_models.neural import CAPACITY, NeuralModel
from uncollapse.language_models.windows import Page, pages

WINDOW = 4096
# Documents of a batch, as `uncollapse edit` hands them to a step.
BATCH = 64
K = 64
PLAIN_BATCH = 4
ROW = 512
GOALS = {"plain": 6.0, "vllm": 2.0, "body": 0.7}


class Measured(NamedTuple):
    """One line of the table."""

    name: str
    seconds: float
    tokens: int

    @property
    def rate(self) -> float:
        """Tokens a second."""
        return self.tokens / self.seconds


Engines = dict[str, Callable[[], object]]


def our_engines(texts: list[str], *, presets: list[str]) -> Engines:
    """ToEdit with each preset, from text to text: cutting, scoring, drawing, respelling."""
    batches = [to_batch([Document(text=text) for text in texts[at : at + BATCH]]) for at in range(0, len(texts), BATCH)]
    return {f"uncollapse, {name}": _applied(name, batches) for name in presets}


def _applied(name: str, batches: list[pa.RecordBatch]) -> Callable[[], object]:
    step = preset(name, model=DEFAULT, window=WINDOW, seed=1)
    return lambda: [step.apply(batch) for batch in batches]


def bodies(model: NeuralModel, packed: list[Page], *, dtype: str) -> Engines:
    """The body of the model without its head, over the packed tokens, in every engine at hand."""
    transformers = transformers_reader(folder_of(SMOLLM2_135M), dtype=dtype)
    return {
        "body, ours": lambda: [_quietly(model.reader.read, page) for page in packed],
        "body, transformers with our attention": lambda: [_quietly(transformers.read, page) for page in packed],
    }


def compiled_bodies(model: NeuralModel, count: int, *, dtype: str) -> Engines:
    """Bodies over rows of 512 tokens, which a compiler likes best: ours, and torch.compile of transformers' own."""
    import torch._inductor.config as inductor
    from transformers import AutoModelForCausalLM

    inductor.freezing = True
    folder = folder_of(SMOLLM2_135M)
    body: Any = AutoModelForCausalLM.from_pretrained(
        folder, dtype=getattr(torch, dtype), attn_implementation="sdpa"
    ).base_model.eval()
    compiled = torch.compile(body)
    ids = torch.randint(0, 49_000, (4, ROW), generator=torch.Generator().manual_seed(0))
    page = Page(ids.flatten().numpy(), (torch.arange(4 * ROW) % ROW).numpy(), tuple(range(0, 4 * ROW + 1, ROW)), [], [])
    times = max(1, count // (4 * ROW))

    def run_compiled() -> None:
        with torch.no_grad():
            for _ in range(times):
                compiled(input_ids=ids, use_cache=False)

    def run_eager() -> None:
        with torch.inference_mode():
            for _ in range(times):
                body(input_ids=ids, use_cache=False)

    return {
        "rows of 512: body, ours": lambda: [_quietly(model.reader.read, page) for _ in range(times)],
        "rows of 512: body, transformers eager": run_eager,
        "rows of 512: body, torch.compile with freezing": run_compiled,
    }


def _quietly(read: Callable[[Page], object], page: Page) -> object:
    with torch.inference_mode():
        return read(page)


def take_turns(engines: Engines, *, rounds: int, tokens: int) -> list[Measured]:
    """The fastest of some rounds of each engine; all engines run in turn, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for number in range(rounds + 1):
        for name, run in engines.items():
            gc.collect()
            began = time.perf_counter()
            run()
            if number:
                seconds[name].append(time.perf_counter() - began)
    return [Measured(name, min(taken), tokens) for name, taken in seconds.items()]


def peak_gigaflops(dtype: torch.dtype) -> float:
    """The fastest of some square matrix products, in 10^9 operations a second."""
    best = 0.0
    for size in (1024, 2048, 3072):
        a, b = (torch.randn(size, size).to(dtype) for _ in range(2))
        for _ in range(6):
            began = time.perf_counter()
            torch.mm(a, b)
            best = max(best, 2 * size**3 / (time.perf_counter() - began) / 1e9)
    return best


def operations_per_token(packed: list[Page]) -> float:
    """Operations in matrix products for one token: twice the matrices, and attention over half a document each."""
    width, layers = 576, 30
    lengths = [end - begin for page in packed for begin, end in zip(page.bounds, page.bounds[1:], strict=False)]
    seen = sum(length * (length + 1) / 2 for length in lengths) / sum(lengths)
    return 2 * SMOLLM2_135M.parameters + 4 * layers * width * seen


def with_vllm(python: str, texts: list[str], *, rounds: int, dtype: str) -> tuple[list[float], str]:
    """The seconds of each round of vLLM in an environment of its own, and its version."""
    with tempfile.TemporaryDirectory() as folder:
        request, answer = Path(folder, "request.json"), Path(folder, "answer.json")
        asked = {"folder": str(folder_of(SMOLLM2_135M)), "texts": texts, "k": K, "rounds": rounds, "dtype": dtype}
        request.write_text(json.dumps({**asked, "context": 2 * WINDOW}))
        program = Path(__file__).parent / "peers" / "with_vllm.py"
        environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_LOGGING_LEVEL": "ERROR"}
        done = subprocess.run([python, program, request, answer], env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"vLLM did not run:\n{done.stderr[-3000:]}")
        found = json.loads(answer.read_text())
    return found["seconds"], found["version"]


def machine(threads: int, dtype: str) -> str:
    """What it ran on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    name = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    versions = ", ".join(
        f"{each} {importlib.metadata.version(each)}" for each in ("torch", "transformers", "uncollapse")
    )
    return f"{name}, {threads} threads, {dtype}; {versions}; {datetime.now(UTC):%Y-%m-%d}"


def table(rows: list[Measured], reference: dict[str, float]) -> str:
    """The lines of a table: tokens a second and the ratio to ours."""
    lines = ["| engine | tokens/s | `released` is this many times as fast |", "|---|---|---|"]
    for row in rows:
        lines.append(f"| {row.name} | {row.rate:,.0f} | {reference['rate'] / row.rate:.2f} |")
    return "\n".join(lines)


def options() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tokens", type=int, default=12_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--presets", default="released,bold", help="comma-separated")
    parser.add_argument("--without-plain", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--vllm", default=os.environ.get("UNCOLLAPSE_VLLM_PYTHON"), metavar="PYTHON")
    return parser.parse_args()


def main() -> None:
    """Nothing; prints the table."""
    asked = options()
    torch.set_num_threads(asked.threads)
    model = load(DEFAULT, window=WINDOW, threads=asked.threads)
    assert isinstance(model, NeuralModel)
    dtype = model.card.dtype
    text, source = prose()
    texts = mixed_lengths(text, tokens=asked.tokens, vocabulary=model.vocabulary)
    tokens = model.vocabulary.encode(texts)
    count = len(tokens.ids)
    packed = list(pages(tokens, window=WINDOW, start=model.vocabulary.start, capacity=CAPACITY["cpu"]))
    print(f"{machine(asked.threads, dtype)}\n{len(texts)} documents of {source}, {count:,} tokens\n", flush=True)

    engines = our_engines(texts, presets=asked.presets.split(","))
    engines |= bodies(model, packed, dtype=dtype)
    if not asked.without_plain:
        plain = PlainEditor(folder_of(SMOLLM2_135M), dtype=getattr(torch, dtype), k=K, batch=PLAIN_BATCH)
        engines["plain: transformers, padded, eager, top-64 everywhere"] = lambda: plain.edit(texts)
    if asked.compile:
        engines |= compiled_bodies(model, count, dtype=dtype)
    rows = take_turns(engines, rounds=asked.rounds, tokens=count)
    if asked.vllm:
        seconds, version = with_vllm(asked.vllm, texts, rounds=asked.rounds, dtype=dtype)
        rows.append(Measured(f"vLLM {version}, prompt_logprobs={K}", min(seconds), count))
    else:
        print("vLLM: skipped, no interpreter named (--vllm or UNCOLLAPSE_VLLM_PYTHON)\n")
    report(rows, packed=packed, dtype=dtype)


def report(rows: list[Measured], *, packed: list[Page], dtype: str) -> None:
    """Nothing; prints the table and what is promised beside what was found."""
    released = next(row for row in rows if row.name == "uncollapse, released")
    print(table(rows, {"rate": released.rate}))
    peak = peak_gigaflops(getattr(torch, dtype))
    used = released.rate * operations_per_token(packed) / 1e9
    fastest = max((row for row in rows if row.name.startswith("body")), key=lambda row: row.rate)
    print(f"\nfastest body without head: {fastest.name} ({fastest.rate:,.0f} tokens/s)")
    print(f"`released` against it: {released.rate / fastest.rate:.2f} (goal: at least {GOALS['body']})")
    for key, goal in (("plain", GOALS["plain"]), ("vLLM", GOALS["vllm"])):
        for row in rows:
            if row.name.startswith(key):
                print(f"`released` against {row.name}: {released.rate / row.rate:.1f} (goal: at least {goal})")
    print(f"matrix products: {used:,.0f} of {peak:,.0f} GFLOP/s measured in {dtype}, {used / peak:.0%}")


if __name__ == "__main__":
    main()
