"""`uncollapse generate` with an endpoint: accounts, faults, costs, and a run that is killed and goes on."""

import json
import math
import os
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

from desk import read_rows, write_rows
from faulty_endpoint import failure, reply, serving

ROWS = 50


@pytest.fixture
def questions(desk):
    write_rows(desk / "questions.jsonl", [{"text": f"Question {n}?", "topic": f"t{n % 3}"} for n in range(ROWS)])
    return desk


def words(server, *more, out="made.jsonl"):
    quick = ("--tries", 2, "--timeout", 5)
    return ("generate", "--prompts", "questions.jsonl", "-o", out, "--model", server.address, *quick, *more)


def real(asked):
    """The requests without the short ones, by which it was tried beforehand whether the endpoint draws."""
    return [one for one in asked if one.body["max_tokens"] != 32]


def echo(asked, _):
    return reply(f"An answer to {asked.words}")


def test_prompts_are_answered_and_accounted_for(uncollapse, questions):
    with serving(echo) as server:
        done = uncollapse(*words(server, "--price-in", 0.15, "--price-out", 0.6, "--concurrency", 4))
    assert done.code == 0, done.err
    rows = read_rows(questions / "made.jsonl")
    assert [row["text"] for row in rows] == [f"An answer to Question {n}?" for n in range(ROWS)]
    assert {row["topic"] for row in rows} == {"t0", "t1", "t2"}
    assert {row["origin"] for row in rows} == {"synthetic"}
    report = json.loads((questions / "made.jsonl.report.json").read_text())
    assert report["tokens"] == {"prompt": 350, "written": 150}
    assert report["cost"]["total"] == pytest.approx(350 * 0.15e-6 + 150 * 0.6e-6)
    assert report["model"]["backend"] == "openai-endpoint"
    assert report["entropy"] == {"listed": None, "listed_drawn": None, "surprise": None}
    assert "50  answered" in done.out
    assert "cost: 0.0001, at 0.15 for a million tokens read and 0.6 written" in done.out
    assert "gives no probabilities, so entropy and surprise are unknown" in done.out
    assert server.most_at_once <= 4
    manifest = json.loads((questions / "made.jsonl.manifest.json").read_text())
    assert manifest["tally"]["cost"]["billionths"] == 50 * (7 * 150 + 3 * 600)
    assert manifest["tally"]["requests"] == {"answered": 50, "again": 0}
    (writer,) = manifest["tally"]["writers"]
    assert writer.startswith("said-model | - | BaseHTTP")
    done = uncollapse("verify", "made.jsonl")
    assert done.code == 0, done.out + done.err


def test_rows_that_fail_are_kept_with_reasons(uncollapse, questions):
    faults = {
        "Question 3?": failure(400, "no"),
        "Question 7?": reply(""),
        "Question 9?": reply("x", finish="content_filter"),
    }
    with serving(lambda asked, _: faults.get(asked.words) or reply("Fine.")) as server:
        assert uncollapse(*words(server)).code == 2
        done = uncollapse(*words(server, "--max-rejects", 3))
        assert done.code == 3, done.err
        assert len(real(server.asked)) == ROWS  # the second start asks for nothing
    assert len(read_rows(questions / "made.jsonl")) == ROWS - 3
    rejects = read_rows(questions / "made.jsonl.rejects.jsonl")
    assert [(reject["row"], reject["reason"]) for reject in rejects] == [
        (4, "refused by the endpoint"),
        (8, "nothing written"),
        (10, "filtered by the endpoint"),
    ]


def test_what_passes_is_tried_again_by_the_next_start_and_nothing_else_is(uncollapse, questions):
    """Two questions get no answer; when the endpoint is well again the same command asks those two alone."""
    ill = {"Question 5?", "Question 6?"}
    with serving(lambda asked, _: failure(503) if asked.words in ill else echo(asked, 0)) as server:
        first = uncollapse(*words(server))
        assert first.code == 2
        assert "2 x the endpoint did not answer" in first.err
        assert "The same command tries again what may pass" in first.err
        before = len(server.asked)
        server.answer = echo
        again = uncollapse(*words(server))
        assert again.code == 0, again.err
        assert sorted(asked.words for asked in server.asked[before:]) == sorted(ill)
    assert len(read_rows(questions / "made.jsonl")) == ROWS
    assert "48  answered before, taken from the journal" in again.out


def test_an_endpoint_that_dies_ends_the_run_and_keeps_what_it_said(uncollapse, questions):
    def dying(asked, number):
        if number < 24:
            return echo(asked, 0)
        server.models = failure(500)
        return failure(500)

    with serving(dying) as server:
        done = uncollapse(*words(server, "--concurrency", 2, "--tries", 1, "--max-rejects", 99))
        assert done.code == 2
        assert "has not answered 6 requests in a row" in done.err
        assert "give the same command again" in done.err
        server.answer, server.models = echo, reply()
        before = len(server.asked)
        done = uncollapse(*words(server, "--max-rejects", 99))
        assert done.code == 0, done.err
        assert len(server.asked) - before == ROWS - 20


def test_a_run_that_is_killed_pays_for_nothing_twice(questions):
    """SIGKILL in the middle of 50 requests; a second process finishes, and asks for what was not answered alone."""
    answered = []

    def slow(asked, _):
        time.sleep(0.05)
        answered.extend(one.words for one in real([asked]))
        return reply(f"An answer to {asked.words}")

    with serving(slow) as server:
        command = [
            sys.executable,
            "-c",
            "from uncollapse.cli.main import run; run()",
            *map(str, words(server, "--concurrency", 2)),
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        journal = questions / ".made.jsonl.parts" / ".progress" / "replies.jsonl"
        deadline = time.monotonic() + 60
        while not (journal.exists() and journal.read_bytes().count(b"\n") >= 15) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        kept = {
            json.loads(line)["request"]
            for line in journal.read_bytes().splitlines(keepends=True)
            if line.endswith(b"\n")
        }
        assert 15 <= len(kept) < ROWS
        assert not (questions / "made.jsonl").exists()
        time.sleep(0.3)  # what was under way is answered into the void
        first = len(server.asked)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert len(server.asked) - first == ROWS - len(kept)
        # At most what was under way when it was killed has been paid for twice.
        assert len(answered) - len(set(answered)) <= 2
    rows = read_rows(questions / "made.jsonl")
    assert [row["text"] for row in rows] == [f"An answer to Question {n}?" for n in range(ROWS)]
    assert not journal.exists()


def test_nothing_is_written_where_nothing_answers(uncollapse, questions):
    done = uncollapse("generate", "--prompts", "questions.jsonl", "-o", "made", "--model", "http://127.0.0.1:9/v1#m")
    assert done.code == 2
    assert "nothing answers at http://127.0.0.1:9/v1" in done.err
    assert not (questions / "made").exists()


def test_the_key_is_nowhere_but_in_the_request(uncollapse, questions, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-of-the-tests")
    with serving(echo) as server:
        done = uncollapse(*words(server, "--api-key-env", "MY_KEY", out="made"))
        assert done.code == 0, done.err
        assert server.asked[0].headers["Authorization"] == "Bearer sk-of-the-tests"
    assert "sk-of" not in done.out + done.err
    for path in (questions / "made").rglob("*"):
        assert path.is_dir() or b"sk-of" not in path.read_bytes()


def test_all_samples_are_rows(uncollapse, questions):
    with serving(lambda asked, _: reply(f"{asked.words} {asked.body['seed']}")) as server:
        done = uncollapse(*words(server, "--n", 3, "--keep", "all", out="made"))
    assert done.code == 0, done.err
    assert "100  more than went in" in done.out
    rows = [
        row for path in sorted((questions / "made").glob("part-*.parquet")) for row in pq.read_table(path).to_pylist()
    ]
    assert [row["draw"] for row in rows] == [0, 1, 2] * ROWS
    assert len({row["parents"][0] for row in rows}) == ROWS
    manifest = json.loads((questions / "made" / "manifest.json").read_text())
    assert manifest["rows"] == {"in": 50, "added": 100, "out": 150, "dropped": {}, "failed": {}}
    done = uncollapse("verify", "made")
    assert done.code == 0, done.out


def test_verbalised_answers(uncollapse, questions):
    said = '{"responses": [{"text": "a", "probability": "70%"}, {"text": "b", "probability": "30%"},]}'
    with serving(lambda *_: reply(said)) as server:
        done = uncollapse(*words(server, "--verbalised", 2))
    assert done.code == 0, done.err
    rows = read_rows(questions / "made.jsonl")
    assert {row["text"] for row in rows} == {"a", "b"}
    assert {row["probability"] for row in rows} == {0.7, 0.3}
    done = uncollapse("verify", "made.jsonl")
    assert done.code == 0, done.out + done.err


def test_instruction_pairs(uncollapse, questions):
    with serving(lambda asked, _: reply(f"Question: q\nAnswer: {asked.words[-12:]}")) as server:
        done = uncollapse(
            "generate", "--instructions", "questions.jsonl", "-o", "made.jsonl", "--model", server.address
        )
    assert done.code == 0, done.err
    row = read_rows(questions / "made.jsonl")[0]
    assert (row["instruction"], row["answer"]) == ("q", "\nQuestion 0?".strip())
    assert row["text"] == "q\n\nQuestion 0?"


def test_a_warning_where_nothing_can_be_measured_before(uncollapse, questions):
    tops = [{"logprob": -0.1, "top_logprobs": [{"logprob": -0.1}, {"logprob": -2.4}]}]
    with serving(lambda *_: reply("Yes.", logprobs={"content": tops})) as server:
        done = uncollapse(*words(server, "--decoding", "temperature=0.5"))
    assert "warning: temperature 0.5 narrows what the engine writes" in done.err
    assert "entropy of the tokens that the endpoint lists 0.31 nats a token" in done.out
    assert "lost)" in done.out
    report = json.loads((questions / "made.jsonl.report.json").read_text())
    # The two have 0.9048 and 0.0907 of the probability: of 0.9956 the first 0.9089.
    share = 1 / (1 + math.exp(-2.3))
    assert report["entropy"].keys() == {"listed", "listed_drawn", "surprise"}
    entropy = -(share * math.log(share) + (1 - share) * math.log(1 - share))
    assert report["entropy"]["listed"] == pytest.approx(entropy, abs=1e-4)
    assert report["entropy"]["listed_drawn"] < report["entropy"]["listed"]
    assert report["measured"] == {"listed": ROWS, "listed_drawn": ROWS, "surprise": ROWS}
    assert "(not the model's)" in done.out


def test_of_two_texts_none_is_the_best_and_nothing_is_paid_for_it(uncollapse, questions):
    with serving(echo) as server:
        done = uncollapse(*words(server, "--n", 2, "--keep", "best"))
        assert done.code == 2
        assert "of two texts an endpoint cannot say which is the more typical" in done.err
        assert "--n 3 or more, or --keep sample|all" in done.err
        assert uncollapse(*words(server, "--n", 2)).code == 2
        assert server.asked == []
        assert uncollapse(*words(server, "--n", 2, "--keep", "sample")).code == 0


def test_rows_with_the_same_text_are_asked_for_once(uncollapse, desk):
    write_rows(desk / "questions.jsonl", [{"text": "Why?"}, {"text": "Why?"}, {"text": "What?"}])
    with serving(echo) as server:
        done = uncollapse(*words(server, "--price-out", 1000))
        assert sorted(asked.words for asked in real(server.asked)) == ["What?", "Why?"]
    assert len(read_rows(desk / "made.jsonl")) == 3
    assert "1  the same as another, and sent once" in done.out
    assert "cost: 0.0060" in done.out  # two replies of 3 tokens


def test_columns_of_the_step_must_be_free(uncollapse, desk):
    write_rows(desk / "questions.jsonl", [{"text": "Q?", "draw": 1}])
    with serving(echo) as server:
        done = uncollapse(*words(server, "--n", 2, "--keep", "all"))
        assert done.code == 2
        assert "writes a column 'draw'" in done.err
        assert "--rename draw=my_draw" in done.err
        assert uncollapse(*words(server, "--n", 2, "--keep", "all", "--rename", "draw=mine")).code == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--model", "http://localhost:1/v1"), "names no model"),
        (("--model", "https://a:b@host/v1#m"), "a name, a password or a query"),
        (("--concurrency", 4), "--concurrency has no meaning for a model that is here"),
        (("--api-key-env", "NO_SUCH_KEY", "--model", "http://localhost:1/v1#m"), "NO_SUCH_KEY is empty or not there"),
        (("--tries", 0, "--model", "http://localhost:1/v1#m"), "--tries"),
        (("--price-in", -1, "--model", "http://localhost:1/v1#m"), "--price-in"),
        (("--dtype", "float32", "--model", "http://localhost:1/v1#m"), "the engine's own business"),
        (("--verbalised", 1), "--verbalised"),
        (("--verbalised", 3, "--plain"), "--plain has no meaning with --verbalised"),
        (("--verbalised", 3, "--keep", "best"), "--keep"),
        (("--template", "{instruction}"), "--template has no meaning with --prompts"),
    ],
)
def test_what_cannot_be(uncollapse, questions, model, more, said):
    base = (
        "generate",
        "--prompts",
        "questions.jsonl",
        "-o",
        "made",
        *(() if "--model" in more else ("--model", model)),
    )
    done = uncollapse(*base, *more)
    assert done.code == 2
    assert said in done.err
    assert not (questions / "made").exists()


def test_edit_is_told_that_an_endpoint_reads_for_nobody(uncollapse, desk):
    done = uncollapse("edit", "essays.jsonl", "-o", "edited", "--model", "http://localhost:1/v1#m")
    assert done.code == 2
    assert "it takes no token ids" in done.err
    assert "smollm2-135m" in done.err
    assert not (desk / "edited").exists()


def test_an_engine_that_does_not_draw_is_found_out(uncollapse, questions):
    with serving(echo) as server:
        done = uncollapse(*words(server))
        assert "with two seeds the engine wrote the same text, for 2 of the first documents" in done.err
        short = [asked for asked in server.asked if asked.body["max_tokens"] == 32]
        assert len(short) == 4
        assert len({asked.body["seed"] for asked in short}) == 4
        uncollapse(*words(server))
        assert len(server.asked) == ROWS + 4  # a second start tries nothing
    with serving(lambda asked, _: reply(f"{asked.body['seed']}")) as server:
        assert "with two seeds" not in uncollapse(*words(server, out="other.jsonl")).err
        assert "with two seeds" not in uncollapse(*words(server, "--decoding", "temperature=0", out="third.jsonl")).err


def test_prompts_in_a_text_file_are_one_a_line(uncollapse, desk):
    (desk / "p.txt").write_text("Why?\n\n  What for?  \n")
    with serving(echo) as server:
        done = uncollapse("generate", "--prompts", "p.txt", "-o", "made.jsonl", "--model", server.address)
        assert done.code == 0, done.err
        mixed = uncollapse(
            "generate", "--prompts", "p.txt", "--prompts", "essays.jsonl", "-o", "x", "--model", server.address
        )
    assert [(row["text"], row["source"]) for row in read_rows(desk / "made.jsonl")] == [
        ("An answer to Why?", "p.txt:1"),
        ("An answer to What for?", "p.txt:3"),
    ]
    assert mixed.code == 2
    assert "one form for all" in mixed.err
    done = uncollapse("verify", "made.jsonl")
    assert done.code == 0, done.out + done.err
