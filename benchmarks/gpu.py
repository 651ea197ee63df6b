"""How much of a GPU scoring and editing use: tokens a second, as a share of the bf16 matrix products of the same run.

    python -m benchmarks.gpu [--sizes 0.5b,1b,8b] [--tokens 400000] [--texts FILE] [--vllm PYTHON]
    python -m benchmarks.gpu --device cpu --sizes tiny --tokens 4000      to see that it runs

Models have the shapes of real ones and random weights, which are as fast to multiply. Documents are cut from real text
to 50 to 4,000 tokens; a tokenizer that is made on the spot cuts bytes, and knows as many pieces as the model. Every
measurement takes turns with the others after a round that does not count; the fastest counts. Where vLLM is at hand (in
this environment, or behind --vllm), the published script's way is measured on the same documents. Without a CUDA device
it says so, with exit code 2.
"""

import argparse
import gc
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

GOALS = {"1b": 0.5, "8b": 0.6}
# How many times the published way scoring has to be.
TIMES_VLLM = 5
# What share of its tokens editing picks, at random, as random weights are never sure of any.
PICKED = 0.2
BATCH = 64
SIDE = {"cpu": 512, "cuda": 8192}


class Shape(NamedTuple):
    """The public configuration of a model of the Llama family, as far as speed depends on it."""

    vocabulary: int
    width: int
    inner: int
    layers: int
    heads: int
    kept: int
    tied: bool
    biased: bool = False

    @property
    def head(self) -> int:
        return self.width // self.heads

    @property
    def multiplied(self) -> int:
        """Parameters that every token is multiplied with; the embedding at the input is looked up."""
        attention = self.width * self.head * (2 * self.heads + 2 * self.kept)
        return self.layers * (attention + 3 * self.width * self.inner) + self.vocabulary * self.width


# Sources: config.json of Qwen/Qwen2-0.5B, meta-llama/Llama-3.2-1B and meta-llama/Llama-3.1-8B.
SHAPES = {
    "tiny": Shape(1_000, 128, 384, 4, 8, 2, tied=True),
    "0.5b": Shape(151_936, 896, 4_864, 24, 14, 2, tied=True, biased=True),
    "1b": Shape(128_256, 2_048, 8_192, 16, 32, 8, tied=True),
    "8b": Shape(128_256, 4_096, 14_336, 32, 32, 8, tied=False),
}


class Row(NamedTuple):
    """One line of the table."""

    size: str
    what: str
    rate: float
    share: float


def weights_of(shape: Shape, *, device: str, dtype):
    """Random weights under the names that Llamas have."""
    import torch

    generator = torch.Generator(device).manual_seed(0)

    def drawn(*size: int):
        return torch.randn(*size, generator=generator, device=device, dtype=dtype).mul_(0.02)

    kept = shape.kept * shape.head
    weights = {
        "model.embed_tokens.weight": drawn(shape.vocabulary, shape.width),
        "model.norm.weight": torch.ones(shape.width, device=device, dtype=dtype),
    }
    if not shape.tied:
        weights["lm_head.weight"] = drawn(shape.vocabulary, shape.width)
    for n in range(shape.layers):
        layer = f"model.layers.{n}."
        for part, rows in (("q", shape.width), ("k", kept), ("v", kept)):
            weights[f"{layer}self_attn.{part}_proj.weight"] = drawn(rows, shape.width)
            if shape.biased:
                weights[f"{layer}self_attn.{part}_proj.bias"] = drawn(rows)
        weights[f"{layer}self_attn.o_proj.weight"] = drawn(shape.width, shape.width)
        for part in ("gate", "up"):
            weights[f"{layer}mlp.{part}_proj.weight"] = drawn(shape.inner, shape.width)
        weights[f"{layer}mlp.down_proj.weight"] = drawn(shape.width, shape.inner)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            weights[f"{layer}{norm}.weight"] = torch.ones(shape.width, device=device, dtype=dtype)
    return weights


def config_of(shape: Shape) -> dict[str, object]:
    """What the model's config.json says."""
    return {
        "model_type": "qwen2" if shape.biased else "llama",
        "architectures": ["Qwen2ForCausalLM" if shape.biased else "LlamaForCausalLM"],
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kept,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "rope_theta": 500_000.0,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": shape.tied,
        "torch_dtype": "bfloat16",
    }


def write_tokenizer(folder: Path, size: int) -> None:
    """Nothing; a tokenizer of bytes, with as many pieces as the model has rows."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = ["<|endoftext|>", *alphabet, *(f"piece{n}" for n in range(size - len(alphabet) - 1))]
    tokenizer = Tokenizer(models.BPE({piece: index for index, piece in enumerate(pieces)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))


def model_of(size: str, *, device: str, window: int):
    """A model of such a shape, with random weights on the device."""
    import torch

    from uncollapse.language_models.llama import Llama
    from uncollapse.language_models.model import ModelCard
    from uncollapse.language_models.neural import NeuralModel
    from uncollapse.language_models.precision import backend_version
    from uncollapse.language_models.reading import lean_reader
    from uncollapse.language_models.vocabulary import PieceVocabulary

    shape = SHAPES[size]
    with torch.inference_mode():
        body = Llama(config_of(shape), weights_of(shape, device=device, dtype=torch.bfloat16))
        reader = lean_reader(body, dtype="bfloat16")
    with tempfile.TemporaryDirectory() as folder:
        write_tokenizer(Path(folder), shape.vocabulary)
        vocabulary = PieceVocabulary.load(Path(folder), size=shape.vocabulary)
    card = ModelCard(f"random {size}", "", "transformers", backend_version(), "bfloat16", window, window // 4)
    return NeuralModel(reader, vocabulary, card=card), body.kernel


def operations(shape: Shape, tokens) -> float:
    """Operations in matrix products for one token: 2 x parameters, and attention over half a document on average."""
    lengths = [end - begin for begin, end in pairwise(tokens.offsets.tolist())]
    seen = sum(length * (length + 1) / 2 for length in lengths) / sum(lengths)
    return 2 * shape.multiplied + 4 * shape.layers * shape.width * seen


def product_rate(device: str) -> float:
    """Operations a second of a square bf16 matrix product, the fastest of some."""
    import torch

    side = SIDE[device]
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    best = 0.0
    for _ in range(10):
        wait(device)
        began = time.perf_counter()
        for _ in range(5):
            torch.mm(a, b)
        wait(device)
        best = max(best, 5 * 2 * side**3 / (time.perf_counter() - began))
    return best


def wait(device: str) -> None:
    """Nothing, once the device has done what it was given."""
    import torch

    if device == "cuda":
        torch.cuda.synchronize()


def edited(model, texts: list[str]) -> int:
    """How many tokens were changed; everything that editing does to documents, from text to text."""
    from uncollapse.document import Document, to_batch
    from uncollapse.editing.decide import Editor, decide
    from uncollapse.editing.group import Group
    from uncollapse.editing.rewrite import rewrite
    from uncollapse.editing.toedit import ToEdit

    rules = ToEdit(model="random", positions="random", rate=PICKED, strategy="top-k", top_k=8, seed=1)
    editor = Editor.of(model, rules=rules, fingerprint="speed")
    changed = 0
    for at in range(0, len(texts), BATCH):
        batch = to_batch([Document(text=text) for text in texts[at : at + BATCH]])
        for group in Group.cut(batch, None):
            replacements = decide(editor, group).replacements(editor.table)
            changed += sum(map(len, replacements))
            rewrite(group, replacements, recipe="speed")
    return changed


def measured(size: str, text: str, *, asked: argparse.Namespace, peak: float) -> tuple[list[Row], list[str]]:
    """The lines of one size, and its documents."""
    from benchmarks.sample import LONGEST, mixed_lengths

    model, kernel = model_of(size, device=asked.device, window=LONGEST + 96)
    texts = mixed_lengths(text, tokens=asked.tokens, vocabulary=model.vocabulary)
    tokens = model.vocabulary.encode(texts)
    each = operations(SHAPES[size], tokens)
    work = {
        "scoring": lambda: model.score(tokens),
        "moments": lambda: model.moments(tokens),
        f"editing, {PICKED:.0%} picked": lambda: edited(model, texts),
    }
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for number in range(asked.rounds + 1):
        for name, run in work.items():
            began = time.perf_counter()
            run()
            if number:
                seconds[name].append(time.perf_counter() - began)
    rates = {name: len(tokens.ids) / min(taken) for name, taken in seconds.items()}
    rows = [Row(size, name, rate, rate * each / peak) for name, rate in rates.items()]
    print(
        f"{size}: {2 * SHAPES[size].multiplied / 1e9:.3g} GFLOP a token in matrices, {each / 1e9:.3g} with attention; "
        f"attention {kernel}",
        flush=True,
    )
    return rows, texts


def with_vllm(size: str, texts: list[str], *, asked: argparse.Namespace) -> Row:
    """The published way on some of the documents, in vLLM's own process; a token is a byte of text, as it is here."""
    import torch
    from safetensors.torch import save_file

    few, count = [], 0
    for text in texts:
        if count < asked.vllm_tokens:
            few.append(text)
            count += len(text.encode())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tokenizer(folder, SHAPES[size].vocabulary)
        (folder / "config.json").write_text(json.dumps(config_of(SHAPES[size])))
        weights = weights_of(SHAPES[size], device=asked.device, dtype=torch.bfloat16)
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        weights.clear()
        free(asked.device)
        request = {"folder": name, "texts": few, "k": 64, "rounds": asked.rounds, "dtype": "bfloat16", "context": 8192}
        (folder / "request.json").write_text(json.dumps(request))
        program = Path(__file__).parent / "peers" / "with_vllm.py"
        done = subprocess.run(
            [asked.vllm, program, folder / "request.json", folder / "answer.json"], capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"vLLM did not run:\n{done.stderr[-3000:]}")
        answer = json.loads((folder / "answer.json").read_text())
    return Row(size, f"vLLM {answer['version']}, prompt_logprobs=64", count / min(answer["seconds"]), float("nan"))


def free(device: str) -> None:
    """Nothing; what is no longer held is the device's again."""
    import torch

    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()


def machine(device: str) -> str:
    """What it ran on."""
    import torch

    name = torch.cuda.get_device_name() if device == "cuda" else platform.machine()
    versions = ", ".join(f"{each} {importlib.metadata.version(each)}" for each in ("torch", "uncollapse"))
    return f"{name}, bfloat16; {versions}; {datetime.now(UTC):%Y-%m-%d}"


def report(rows: list[Row], *, peak: float) -> None:
    """Nothing; prints the table, and what was aimed at beside what was found."""
    print(f"\nbf16 matrix products: {peak / 1e12:.3g} TFLOP/s measured in this run")
    print("share = tokens/s x (2 x parameters in matrices + 4 x layers x width x rows seen) / that\n")
    print("| size | what | tokens/s | share of the matrix products |\n|---|---|---|---|")
    for row in rows:
        share = f"{row.share:.1%}" if row.share == row.share else "-"
        print(f"| {row.size} | {row.what} | {row.rate:,.0f} | {share} |")
    print()
    for row in rows:
        if row.what == "scoring" and row.size in GOALS:
            print(f"scoring at {row.size}: {row.share:.0%} (goal: at least {GOALS[row.size]:.0%})")
        if row.what.startswith("vLLM"):
            own = next(other for other in rows if (other.size, other.what) == (row.size, "scoring"))
            print(f"scoring at {row.size} against {row.what}: {own.rate / row.rate:.1f} (goal: at least {TIMES_VLLM})")


def options() -> argparse.Namespace:
    """What was asked for on the command line."""
    here = sys.executable if importlib.util.find_spec("vllm") else None
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--sizes", default="0.5b,1b,8b", help=f"comma-separated, of {', '.join(SHAPES)}")
    parser.add_argument("--tokens", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--texts", type=Path, metavar="FILE", help="text that documents are cut from")
    parser.add_argument("--vllm", default=os.environ.get("UNCOLLAPSE_VLLM_PYTHON", here), metavar="PYTHON")
    parser.add_argument("--vllm-tokens", type=int, default=40_000)
    asked = parser.parse_args()
    asked.sizes = asked.sizes.split(",")
    if unknown := set(asked.sizes) - set(SHAPES):
        parser.error(f"no size {', '.join(sorted(unknown))}; there are {', '.join(SHAPES)}")
    return asked


def main() -> int:
    """The exit code; prints the table."""
    asked = options()
    if asked.device == "cpu":
        # The package takes the device that it sees.
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    from benchmarks.sample import prose

    from uncollapse.language_models import precision

    if precision.device() != asked.device:
        print("gpu: there is no CUDA device here (--device cpu --sizes tiny shows that it runs)")
        return 2
    text, source = (asked.texts.read_text("utf-8"), asked.texts.name) if asked.texts else prose()
    # A token of the made tokenizer is a byte, and documents do not overlap.
    text *= 1 + 2 * (asked.tokens + 4_000) // len(text.encode())
    print(f"{machine(asked.device)}\nabout {asked.tokens:,} tokens of {source}\n", flush=True)
    peak = product_rate(asked.device)
    rows = []
    for size in asked.sizes:
        found, texts = measured(size, text, asked=asked, peak=peak)
        free(asked.device)
        rows += found
        if asked.vllm:
            rows.append(with_vllm(size, texts, asked=asked))
    report(rows, peak=peak)
    if not asked.vllm:
        print("vLLM: not measured, it is not here (--vllm or UNCOLLAPSE_VLLM_PYTHON names an interpreter that has it)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
