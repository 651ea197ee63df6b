"""GGUF files: unpacked once into safetensors, since reading one takes half a minute and safetensors a second."""

from pathlib import Path

from uncollapse.errors import BrokenModel
from uncollapse.fingerprint import file_digest
from uncollapse.language_models import cache

MAGIC = b"GGUF"
# general.file_type of files whose matrices are whole numbers of 32 or 16 bits; others are packed in 8 bits or less and
# lose nothing of weight in bfloat16. Source: the GGUF specification, general.file_type.
UNPACKED = {0: "float32", 1: "float16"}


def check(path: Path) -> None:
    """Nothing when the file begins as a GGUF file does.

    Raises:
        BrokenModel: it does not.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise BrokenModel(f"{path} cannot be read: {error.strerror}", hint="is it a file that you may read?") from error
    if magic != MAGIC:
        raise BrokenModel(f"{path} is no GGUF file: it begins with {magic!r}", hint="fetch the file again")


def unpacked(path: Path) -> Path:
    """The folder with the safetensors, config and tokenizer of a GGUF file, made on first use."""
    check(path)
    return cache.made(f"gguf-{file_digest(path)[:32]}", lambda folder: unpack(path, folder))


def unpack(path: Path, folder: Path) -> None:
    """Write the model and tokenizer of a GGUF file into a folder, its numbers unpacked.

    Raises:
        BrokenModel: transformers does not know the architecture or the tokenizer.
    """
    import torch  # noqa: PLC0415  (slow imports, needed once in a model's life)
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig  # noqa: PLC0415

    from uncollapse.language_models.by_transformers import refuse_missing  # noqa: PLC0415
    from uncollapse.language_models.quiet import quiet  # noqa: PLC0415

    try:
        with quiet():
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                path.parent,
                gguf_file=path.name,
                dtype=getattr(torch, UNPACKED.get(_file_type(path), "bfloat16")),
                quantization_config=GgufConfig(dequantize=True),
                trust_remote_code=False,
                output_loading_info=True,
            )
            model, info = loaded
            refuse_missing(info["missing_keys"], path)
            model.save_pretrained(folder)
            AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name).save_pretrained(folder)
    except (ValueError, KeyError, IndexError, RuntimeError, OSError, NotImplementedError) as error:
        raise BrokenModel(
            f"{path} cannot be unpacked: {error}",
            hint="transformers must know its architecture; a safetensors version of the model can be read instead",
        ) from error


def _file_type(path: Path) -> int:
    from gguf import GGUFReader  # noqa: PLC0415

    field = GGUFReader(path).get_field("general.file_type")
    return -1 if field is None else int(field.contents())
