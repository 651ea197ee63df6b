import json

import pyarrow as pa
import pytest

import uncollapse as uc
from made_text import made
from uncollapse.auditing import Options, Stage, rank
from uncollapse.auditing.panel import STATISTICS
from uncollapse.corpora import from_documents, read
from uncollapse.errors import UsageError


def said(audit):
    """The verdicts that do not pass."""
    return {one.name: str(one.status) for one in audit.verdicts if one.status != "pass"}


def judged(auditor, texts, **how):
    return auditor.audit(from_documents(texts, origin="unknown"), **how)


class TestTheReport:
    def test_the_same_seed_gives_the_same_report_and_another_another(self, auditor):
        texts = made(50, seed=7)
        one, other = (judged(auditor, own) for own in (texts, texts[::-1]))
        assert one.report == other.report
        assert one.offenders.equals(other.offenders)

    def test_every_statistic_is_described_and_a_number_or_nothing(self, audited):
        names = [line["name"] for line in audited.report["statistics"]]
        assert len(names) == len(set(names)) >= 35
        assert set(names) <= set(STATISTICS)
        assert all(line["group"] == STATISTICS[line["name"]].group for line in audited.report["statistics"])
        json.dumps(audited.report, allow_nan=False)

    def test_progress_is_told(self):
        told = []
        uc.audit(
            from_documents(made(40, seed=1)),
            reference=from_documents(made(40, seed=2)),
            splits=8,
            on_progress=told.append,
        )
        assert all(isinstance(stage, Stage) for stage in told)
        assert {stage.doing for stage in told} == {"reading the reference", "reading corpus", "comparing"}
        assert told[-1] == Stage("comparing", 8, 8)
        assert Stage("reading corpus", 40, 40) in told


@pytest.fixture(scope="module")
def grouped(auditor):
    good, bad = made(50, seed=21), made(40, seed=22, known=700)
    table = pa.table({"text": [*good, *bad, *bad], "kind": ["good"] * 50 + ["bad"] * 80})
    return auditor.audit_groups(from_documents(table), column="kind", name="mixed")


class TestGroups:
    def test_groups_are_audited_by_themselves(self, grouped):
        whole, groups = grouped
        assert whole.report["corpus"]["rows"] == 130
        assert {group.report["name"]: group.report["corpus"]["rows"] for group in groups} == {
            "kind = good": 50,
            "kind = bad": 80,
        }
        by_name = {group.report["name"]: group for group in groups}
        assert by_name["kind = good"].failed == []
        assert {"tails", "duplicates"} <= set(by_name["kind = bad"].failed)

    def test_the_worst_stands_first(self, grouped):
        assert [group.report["name"] for group in rank(grouped[1])] == ["kind = bad", "kind = good"]

    def test_a_users_column_is_meant_before_one_of_ours(self, auditor, tmp_path):
        rows = [{"text": text, "source": source} for text, source in (("a b", "x"), ("c d", "x"), ("e f", "y"))]
        path = tmp_path / "made.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in rows))
        _, groups = auditor.audit_groups(read(path), column="source")
        assert {group.report["name"]: group.report["corpus"]["rows"] for group in groups} == {
            "source = x": 2,
            "source = y": 1,
        }

    def test_a_column_that_is_not_there_or_has_too_many_values(self, auditor):
        with pytest.raises(UsageError, match="no column 'kind'"):
            auditor.audit_groups(from_documents(["a"]), column="kind")
        table = pa.table({"text": ["a"] * 101, "kind": [str(at) for at in range(101)]})
        with pytest.raises(UsageError, match="more than 100"):
            auditor.audit_groups(from_documents(table), column="kind")


def test_options_have_their_defaults():
    assert Options().splits == 24
