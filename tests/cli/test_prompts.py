"""`uncollapse prompts` as a person types it."""

import json

import pyarrow.parquet as pq
import pytest
import yaml

from desk import read_rows

ATTRIBUTES = {"tone": ["dry", "warm", "stern"], "topic": ["ships", "bread", "tax"], "year": [1900, 2000]}


@pytest.fixture
def plans(desk):
    (desk / "a.yaml").write_text(yaml.safe_dump(ATTRIBUTES, sort_keys=False))
    (desk / "people.txt").write_text("a nurse\n\na smith\n")
    return desk


def test_every_pair_is_covered_unless_fewer_are_wanted(uncollapse, plans):
    done = uncollapse("prompts", "--attributes", "a.yaml", "-o", "p.jsonl")
    assert done.code == 0, done.err
    rows = read_rows(plans / "p.jsonl")
    assert f"{len(rows)} prompts" in done.out
    assert "21  of 21 pairs of values (100.0 %)" in done.out
    assert {(row["tone"], row["topic"]) for row in rows} == {
        (a, b) for a in ATTRIBUTES["tone"] for b in ATTRIBUTES["topic"]
    }
    assert all(f"- tone: {row['tone']}\n" in row["text"] and row["year"] in row["text"] for row in rows)


def test_few_prompts_cover_every_value(uncollapse, plans):
    done = uncollapse("prompts", "--attributes", "a.yaml", "--n", 3, "-o", "p.parquet")
    rows = pq.read_table(plans / "p.parquet").to_pylist()
    assert [{row[name] for row in rows} for name in ATTRIBUTES] == [
        set(map(str, values)) for values in ATTRIBUTES.values()
    ]
    assert "3  of 3 values of tone, 1 times each" in done.out
    assert "9  of 21 pairs" in done.out


def test_more_than_there_are_is_said(uncollapse, plans):
    done = uncollapse("prompts", "--attributes", "a.yaml", "--n", 100, "-o", "p.jsonl")
    assert done.code == 0
    assert len(read_rows(plans / "p.jsonl")) == 18
    assert "there are 18 combinations, and none comes twice, so 100 prompts cannot be had" in " ".join(done.out.split())


def test_everything_at_once(uncollapse, plans):
    (plans / "ask.txt").write_text("As {persona}, {tone}, {topic}, {year}: a {format} after\n{seed}\n")
    words = (
        "--personas",
        "people.txt",
        "--formats",
        "letter, table",
        "--seeds",
        "essays.jsonl",
        "--template",
        "ask.txt",
    )
    done = uncollapse("prompts", "--attributes", "a.yaml", *words, "--n", 40, "--json", "-o", "p.jsonl")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert report["prompts"] == 40
    assert report["coverage"]["values"] == {"tone": 3, "topic": 3, "year": 2, "persona": 2, "format": 2}
    assert report["seeds"] == {"documents": 12, "blank": 0, "used": 4}  # four different texts
    row = read_rows(plans / "p.jsonl")[0]
    assert set(row) == {"text", "tone", "topic", "year", "persona", "format", "seed_id"}
    assert row["text"].startswith(
        f"As {row['persona']}, {row['tone']}, {row['topic']}, {row['year']}: a {row['format']} after\n"
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", json.dumps(ATTRIBUTES)),
        ("a.toml", 'tone = ["dry", "warm"]\ntopic = ["ships"]\n'),
        ("a.yml", "tone: [dry]\n"),
    ],
)
def test_attributes_in_other_forms(uncollapse, desk, name, text):
    (desk / name).write_text(text)
    assert uncollapse("prompts", "--attributes", name, "-o", "p.jsonl").code == 0
    assert "dry" in (desk / "p.jsonl").read_text()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.jsonl", '{"persona": "a nurse"}\n"a smith"\n'),
        ("p.json", '["a nurse", "a smith"]'),
        ("p.yaml", "- a nurse\n- a smith\n"),
    ],
)
def test_personas_in_other_forms(uncollapse, desk, name, text):
    (desk / name).write_text(text)
    assert uncollapse("prompts", "--personas", name, "-o", "out.jsonl").code == 0
    assert {row["persona"] for row in read_rows(desk / "out.jsonl")} == {"a nurse", "a smith"}


def test_the_same_command_does_nothing_twice_and_another_is_refused(uncollapse, plans):
    words = ("prompts", "--attributes", "a.yaml", "--n", 5, "-o", "p.jsonl")
    uncollapse(*words)
    before = (plans / "p.jsonl").read_bytes()
    assert "nothing to do" in uncollapse(*words).out
    other = uncollapse(*words, "--seed", 1)
    assert other.code == 2
    assert "is there already and holds something else" in other.err
    assert (plans / "p.jsonl").read_bytes() == before


def test_a_recipe_plans_and_asks(uncollapse, plans, model):
    story = {
        "steps": [
            {"prompts": {"attributes": "a.yaml", "formats": ["letter", "table"], "n": 6, "output": "p.jsonl"}},
            {
                "generate": {
                    "prompts": "p.jsonl",
                    "plain": True,
                    "model": str(model),
                    "max-tokens": 5,
                    "output": "made/",
                }
            },
        ]
    }
    (plans / "story.yaml").write_text(yaml.safe_dump(story))
    done = uncollapse("run", "story.yaml")
    assert done.code == 0, done.err
    (shard,) = (plans / "made").glob("part-*.parquet")
    rows = pq.read_table(shard).to_pylist()
    assert len(rows) == 6
    assert {row["format"] for row in rows} == {"letter", "table"}


BAD = {
    "nothing": ("", "holds no names"),
    "a list": ("- a\n", "holds no names"),
    "one text": ("tone: dry\n", "tone has no list of values"),
    "no values": ("tone: []\n", "tone has no list of values"),
    "a blank": ("tone: [dry, '']\n", "is no value"),
    "null": ("tone: [dry, null]\n", "is no value"),
    "truth": ("tone: [yes, no]\n", "is true or false"),
    "twice": ("tone: [dry, dry]\n", "'dry' stands there twice"),
    "a tree": ("tone: [{a: b}]\n", "is no value"),
    "ours": ("text: [a]\n", "cannot be called 'text'"),
    "odd": ("'{x}': [a]\n", "cannot be called '{x}'"),
    "no YAML": ("tone: [dry\n", "is no YAML"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_attributes_that_cannot_be(uncollapse, desk, text, said):
    (desk / "a.yaml").write_text(text)
    done = uncollapse("prompts", "--attributes", "a.yaml", "-o", "p.jsonl")
    assert done.code == 2
    assert said in done.err
    assert "a.yaml" in done.err
    assert not (desk / "p.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--n", 4, "-o", "p.jsonl"), "nothing that varies was named"),
        (("--attributes", "a.yaml"), "no output was named"),
        (("--attributes", "a.yaml", "-o", "p"), "is no file for prompts"),
        (("--attributes", "none.yaml", "-o", "p.jsonl"), "none.yaml: No such file"),
        (("--attributes", "people.txt", "-o", "p.jsonl"), "neither YAML nor JSON nor TOML"),
        (("--attributes", "a.yaml", "--n", 0, "-o", "p.jsonl"), "--n"),
        (("--formats", " , ", "-o", "p.jsonl"), "--formats names none"),
        (("--formats", "a,a", "-o", "p.jsonl"), "'a' stands there twice"),
        (("--personas", "empty.txt", "-o", "p.jsonl"), "nobody is in empty.txt"),
        (("--personas", "bad.jsonl", "-o", "p.jsonl"), "bad.jsonl, line 2: no JSON"),
        (("--attributes", "a.yaml", "--template", "t.txt", "-o", "p.jsonl"), "no place for {topic}, {year}"),
        (("--seeds", "none.jsonl", "-o", "p.jsonl"), "none.jsonl"),
    ],
)
def test_what_cannot_be(uncollapse, plans, words, said):
    (plans / "empty.txt").write_text("\n")
    (plans / "bad.jsonl").write_text('{"persona": "a"}\n{"pers\n')
    (plans / "t.txt").write_text("{tone}")
    done = uncollapse("prompts", *words)
    assert done.code == 2
    assert said in done.err
    assert not (plans / "p.jsonl").exists()
