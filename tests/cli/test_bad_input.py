"""Every line of what a user can get wrong: exit code 2, a message that names it, a remedy, nothing written."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from desk import BUSY, SENTENCES, read_rows, write_rows


def refused(uncollapse, model, *words, says: list[str]):
    """The command ends with code 2 and a message with a remedy, without a traceback, and leaves nothing behind."""
    before = {path: path.read_bytes() if path.is_file() else None for path in Path.cwd().rglob("*")}
    done = uncollapse("edit", *words, "-o", "edited/", *([] if "--model" in words else ["--model", model]))
    assert done.code == 2, (done.out, done.err)
    assert done.err.startswith("uncollapse: ")
    assert "   try: " in done.err
    assert "Traceback" not in done.err
    for part in says:
        assert part in done.err
    assert {path: path.read_bytes() if path.is_file() else None for path in Path.cwd().rglob("*")} == before


def test_a_missing_file(uncollapse, model, desk):
    refused(uncollapse, model, "esays.jsonl", says=["esays.jsonl"])


def test_no_input_at_all(uncollapse, model, desk):
    refused(uncollapse, model, says=["no input"])


def test_an_empty_file(uncollapse, model, desk):
    (desk / "empty.jsonl").touch()
    refused(uncollapse, model, "empty.jsonl", says=["empty.jsonl", "empty"])


def test_an_empty_folder(uncollapse, model, desk):
    (desk / "nothing").mkdir()
    refused(uncollapse, model, "nothing", says=["nothing"])


def test_a_missing_column_names_those_that_are_there(uncollapse, model, desk):
    write_rows(desk / "essays.jsonl", [{"body": "The cat.", "author": "me"}])
    refused(uncollapse, model, "essays.jsonl", says=["text", "body", "author"])


def test_a_missing_prompt_column(uncollapse, model, desk):
    refused(uncollapse, model, "essays.jsonl", "--prompt-column", "question", says=["question", "n"])


def test_broken_json_names_file_and_line(uncollapse, model, desk):
    (desk / "broken.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n{"text": "three\n')
    refused(uncollapse, model, "broken.jsonl", says=["broken.jsonl", "3"])


def test_broken_utf8_names_file_and_byte(uncollapse, model, desk):
    # Byte 32 of the file, counted from 0: 16 bytes of the first line, 16 before it in the second.
    (desk / "broken.jsonl").write_bytes(b'{"text": "one"}\n{"text": "caf\xe9 au lait"}\n')
    place = (desk / "broken.jsonl").read_bytes().index(b"\xe9")
    refused(uncollapse, model, "broken.jsonl", says=["broken.jsonl", str(place)])


def test_a_column_with_our_name_and_another_type(uncollapse, model, desk):
    write_rows(desk / "essays.jsonl", [{"text": "The cat.", "id": 7}])
    refused(uncollapse, model, "essays.jsonl", says=["id", "string", "--rename id="])


def test_an_unknown_model_says_what_is_known(uncollapse, model, desk):
    refused(uncollapse, model, "essays.jsonl", "--model", "smollm3-135m", says=["smollm3-135m", "smollm2-135m"])


def test_a_folder_that_is_no_model(uncollapse, model, desk):
    (desk / "folder").mkdir()
    (desk / "folder" / "notes.txt").write_text("no model here")
    refused(uncollapse, model, "essays.jsonl", "--model", "folder", says=["folder"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--threshold", "1.5"], ["--threshold", "1.5"]),
        (["--threshold", "-0.1"], ["--threshold", "-0.1"]),
        (["--threshold", "nan"], ["--threshold", "nan"]),
        (["--threshold", "high"], ["--threshold", "number"]),
        (["--top-k", "0", "--strategy", "top-k"], ["--top-k", "0"]),
        (["--top-p", "0", "--strategy", "top-p"], ["--top-p", "0"]),
        (["--temperature", "-1"], ["--temperature", "-1"]),
        (["--temperature", "inf"], ["--temperature", "inf"]),
        (["--rate", "2", "--positions", "random"], ["--rate", "2"]),
        (["--seed", "-1"], ["--seed", "-1"]),
        (["--workers", "0"], ["--workers", "0"]),
        (["--engine", "spark"], ["spark", "ray"]),
        (["--address", "auto"], ["--address", "--engine local", "--engine ray"]),
        (["--gpus-per-worker", "1"], ["--gpus-per-worker", "--engine ray"]),
        (["--gpus-per-worker", "-1", "--engine", "ray"], ["--gpus-per-worker", "-1"]),
        (["--address", "ray://head:10001", "--engine", "ray"], ["ray://head:10001", "--address auto"]),
        (["--max-rejects", "-1"], ["--max-rejects", "-1"]),
        (["--window", "0"], ["--window", "0"]),
        (["--protect", "figures"], ["--protect", "figures"]),
        (["--rename", "id"], ["--rename", "OLD=NEW"]),
        (["--preset", "brave"], ["brave", "bold"]),
        (["--treshold", "0.9"], ["--treshold", "--threshold"]),
        (["--preview", "0"], ["--preview 0"]),
        (["--preview", "1", "--json"], ["--preview", "--json"]),
        # Options that contradict each other.
        (["--rate", "0.1"], ["--rate", "--positions random"]),
        (["--rate", "0.1", "--positions", "easy"], ["--rate", "--positions easy", "--positions random"]),
        (["--threshold", "0.9", "--positions", "random"], ["--threshold", "--positions random"]),
        (["--top-p", "0.9", "--strategy", "top-k"], ["--top-p", "--strategy top-k", "--strategy top-p"]),
        (["--top-k", "4", "--strategy", "full"], ["--top-k", "--strategy full"]),
        (["--min-p", "0.1", "--strategy", "top-p"], ["--min-p", "--strategy min-p"]),
        (["--temperature", "2", "--replace", "drop"], ["--temperature", "--replace resample"]),
        (["--top-k", "8", "--replace", "drop"], ["--top-k", "--replace resample"]),
        (["--recheck", "--replace", "drop"], ["recheck"]),
    ],
    ids=" ".join,
)
def test_values_and_combinations_that_cannot_be(uncollapse, model, desk, words, says):
    refused(uncollapse, model, "essays.jsonl", *words, says=says)


def test_no_output(uncollapse, model, desk):
    done = uncollapse("edit", "essays.jsonl", "--model", model)
    assert done.code == 2
    assert "-o" in done.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("tempreature: 1.5\n", ["tempreature", "temperature"]),
        ("threshold: high\n", ["--threshold", "high"]),
        ("- edit\n", ["name: value"]),
        ("a: [1\n", ["YAML"]),
    ],
)
def test_recipe_files_that_cannot_be(uncollapse, model, desk, content, says):
    (desk / "mine.yaml").write_text(content)
    refused(uncollapse, model, "essays.jsonl", "--config", "mine.yaml", says=says)


def test_a_recipe_file_that_is_not_there(uncollapse, model, desk):
    refused(uncollapse, model, "essays.jsonl", "--config", "mine.yaml", says=["mine.yaml"])


def test_documents_of_no_token_and_of_one_pass_unchanged(uncollapse, model, desk):
    write_rows(desk / "essays.jsonl", [{"text": ""}, {"text": "The"}, {"text": SENTENCES[0]}])
    done = uncollapse("edit", "essays.jsonl", "-o", "edited.jsonl", "--model", model, *BUSY)
    assert done.code == 0, done.err
    assert [(row["text"], row["origin"]) for row in read_rows(desk / "edited.jsonl")[:2]] == [
        ("", "human"),
        ("The", "human"),
    ]


def test_a_document_of_three_hundred_thousand_tokens_is_whole(uncollapse, model, desk):
    text = " ".join(SENTENCES[i % 4] for i in range(25_000))
    write_rows(desk / "essays.jsonl", [{"text": text}])
    done = uncollapse(
        "edit", "essays.jsonl", "-o", "edited.jsonl", "--model", model, "--preset", "paper", "--threshold", "0.9"
    )
    assert done.code == 0, done.err
    assert json.loads((desk / "edited.jsonl.report.json").read_text())["tokens"]["read"] > 300_000
    assert uncollapse("revert", "edited.jsonl", "-o", "original.jsonl").code == 0
    assert read_rows(desk / "original.jsonl")[0]["text"] == text


def test_a_folder_with_files_of_others_is_refused(uncollapse, model, desk):
    (desk / "edited").mkdir()
    (desk / "edited" / "thesis.tex").write_text("mine")
    refused(uncollapse, model, "essays.jsonl", says=["edited"])


def test_an_output_that_cannot_be_made(uncollapse, model, desk):
    (desk / "edited").write_text("a file stands where the folder should be")
    refused(uncollapse, model, "essays.jsonl", says=["edited"])


@pytest.mark.parametrize(("code", "says"), [(errno.ENOSPC, "no space left"), (errno.EACCES, "not permitted")])
def test_no_space_and_no_permission(uncollapse, model, desk, monkeypatch, code, says):
    # fsync is where a full disk speaks at the latest.
    def full(_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    done = uncollapse("edit", "essays.jsonl", "-o", "edited/", "--model", model)
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err
    assert not (desk / "edited" / "manifest.json").exists()
    monkeypatch.undo()
    os.chdir(desk)


def test_a_bad_row_that_is_allowed_is_written_aside(uncollapse, model, desk):
    (desk / "mixed.jsonl").write_text('{"text": "The cat sat."}\n{"text": null}\n{"text"\n{"text": "The dog sat."}\n')
    done = uncollapse("edit", "mixed.jsonl", "-o", "edited/", "--model", model, "--max-rejects", 2, "--format", "jsonl")
    assert done.code == 3, done.err
    rows = json.loads((desk / "edited" / "report.json").read_text())["rows"]
    assert (rows["in"], rows["out"], sum(rows["failed"].values())) == (4, 2, 2)
    aside = read_rows(desk / "edited" / "rejects.jsonl")
    assert sorted(row["row"] for row in aside) == [2, 3]
    assert all(row["reason"] for row in aside)
    assert uncollapse("edit", "mixed.jsonl", "-o", "other/", "--model", model, "--max-rejects", 1).code == 2


def test_messages_show_control_characters_instead_of_obeying_them(uncollapse, model, desk):
    done = uncollapse("edit", "\x1b[31mred.jsonl", "-o", "edited/", "--model", model)
    assert done.code == 2
    assert "\x1b" not in done.err
    assert "\\x1b[31mred.jsonl" in done.err


def test_a_fault_of_ours_is_one_message_and_a_code_of_its_own(uncollapse, model, desk, monkeypatch):
    monkeypatch.delenv("UNCOLLAPSE_DEBUG", raising=False)
    monkeypatch.setattr("uncollapse.cli.settings.edit_job", lambda *_, **__: 1 // 0)
    done = uncollapse("edit", "essays.jsonl", "-o", "edited/")
    assert done.code == 70
    assert "ZeroDivisionError" in done.err
    assert "UNCOLLAPSE_DEBUG=1" in done.err
    assert "Traceback" not in done.err
    assert "Traceback" in uncollapse("--debug", "edit", "essays.jsonl", "-o", "edited/").err


# A process that is started in the background may have been told to ignore Ctrl-C, and so are its children.
LISTENING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
PROGRAM = [sys.executable, "-c", f"{LISTENING}; from uncollapse.cli.main import run; run()"]


def test_ctrl_c_says_how_it_goes_on_and_it_does(model, desk):
    text = " ".join(SENTENCES)
    write_rows(desk / "many.jsonl", [{"text": text * 5, "n": i} for i in range(2000)])
    command = [*PROGRAM, "edit", "many.jsonl", "--model", str(model), "--preset", "paper", "--threshold", "0.3", "-o"]
    running = subprocess.Popen([*command, "stopped/"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    waiting_until = time.monotonic() + 60
    while not list(desk.glob("stopped/part-*")) and time.monotonic() < waiting_until:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "the same command goes on from there" in err
    assert "Traceback" not in err
    assert not (desk / "stopped" / "manifest.json").exists()
    assert not list(desk.glob("stopped/.tmp-*"))
    for out in ("stopped/", "undisturbed/"):
        done = subprocess.run([*command, out], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert "went on from an earlier session" not in done.stdout
    stopped, undisturbed = (
        {p.name: p.read_bytes() for p in (desk / name).glob("*") if p.name not in {"report.json", "edits.html"}}
        for name in ("stopped", "undisturbed")
    )
    assert stopped == undisturbed


def test_a_reader_that_goes_away_is_no_error(model, desk):
    command = [*PROGRAM, "edit", "essays.jsonl", "--model", str(model), "--preview", "12"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    running.stdout.close()
    err = running.stderr.read()
    running.stderr.close()
    assert running.wait(timeout=60) == 141
    assert err == ""
