import pytest

from made_text import made


def test_offenders_are_behind_each_verdict_that_fails(audited):
    rows = audited.offenders.to_pylist()
    assert {"tails", "duplicates"} <= set(audited.failed)
    assert set(audited.failed) <= {row["verdict"] for row in rows} | {"contraction"}
    assert {row["corpus"] for row in rows} == {"bad.jsonl"}
    copies = [row for row in rows if row["verdict"] == "duplicates"]
    assert len(copies) == 20
    assert {row["detail"] for row in copies} == {"2 times"}
    words = [row["text"] for row in rows if row["kind"] == "word"]
    assert len(words) == 200
    bad = " ".join(made(80, seed=2, known=1200)).lower().split()
    assert not set(words) & set(bad)
    phrases = [row["text"] for row in rows if row["kind"] in ("phrase", "excess")]
    assert any("a rich tapestry" in phrase for phrase in phrases)


def test_plots_hold_shares_of_the_right_size(audited):
    plots = audited.report["plots"]
    assert plots["coverage"]["corpus"][0] < plots["coverage"]["control"][0]
    assert all(0 <= value <= 1 for side in ("corpus", "control") for value in plots["coverage"][side] if value)
    for side in ("corpus", "control", "reference"):
        curve = plots["buckets"][side]
        assert (curve[0], curve[-1]) == (0, 1)
        assert curve == sorted(curve)
        assert plots["ranks"][side] == sorted(plots["ranks"][side], reverse=True)
    assert sum(topic["corpus"] for topic in plots["topics"]) == pytest.approx(1)
    assert sum(topic["human"] for topic in plots["topics"]) == pytest.approx(1)
    assert len(plots["map"]["corpus"]) == audited.report["corpus"]["different"]
