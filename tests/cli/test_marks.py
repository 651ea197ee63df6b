import json

import pyarrow.parquet as pq

from desk import write_rows
from uncollapse.corpora import read
from uncollapse.fingerprint import content_id
from uncollapse.provenance.marks import Mark, restored

TEXTS = [
    "A plain one.",
    "So\u200bme \u200bmarks" + "".join(chr(0xE0000 + ord(sign)) for sign in "hi"),
    "\u0645\u06cc\u200c\u062e",
]


def test_marks_are_read_taken_out_and_put_back(uncollapse, desk):
    write_rows(desk / "in.jsonl", [{"text": text, "n": n} for n, text in enumerate(TEXTS)])
    told = json.loads(uncollapse("marks", "in.jsonl", "--json").out)
    kinds = {
        "zero-width": {"documents": 1, "characters": 2, "payloads": []},
        "tag characters": {"documents": 1, "characters": 2, "payloads": ["hi"]},
    }
    assert told == {"documents": 3, "marked": 1, "left_for_their_edits": 0, "kinds": kinds}
    done = uncollapse("marks", "in.jsonl", "-o", "clean", "--origin", "human")
    assert done.code == 0
    assert "1 of 3 documents carry marks" in done.out
    rows = list(read(desk / "clean"))
    assert [row.text for row in rows] == [TEXTS[0], "Some marks", TEXTS[2]]
    assert [(row.origin, row.generation, row.parents, row.extra["n"]) for row in rows] == [
        ("human", 0, (), n) for n in range(3)
    ]
    kept = pq.read_table(desk / "clean" / "marks.parquet").to_pylist()
    assert {(row["row"], row["id"], row["marked_id"]) for row in kept} == {(2, rows[1].id, content_id(TEXTS[1]))}
    marks = [Mark(row["position"], row["mark"], row["kind"], row["payload"]) for row in kept]
    assert restored(rows[1].text, marks) == TEXTS[1]


def test_half_a_character_is_refused_by_row(uncollapse, desk):
    (desk / "in.jsonl").write_text('{"text": "fine"}\n{"text": "ab\\ud83d\\u200b\\ude00"}\n')
    done = uncollapse("marks", "in.jsonl", "-o", "clean")
    assert done.code == 2
    assert "in.jsonl" in done.err
    assert "2" in done.err
    assert not (desk / "clean").exists()


def test_a_single_file(uncollapse, desk):
    write_rows(desk / "in.jsonl", [{"text": TEXTS[1]}])
    assert uncollapse("marks", "in.jsonl", "-o", "clean.jsonl").code == 0
    assert (desk / "clean.jsonl.marks.parquet").exists()
