import numpy as np
import pytest

import uncollapse as uc
from made_text import made
from uncollapse.corpora import from_documents
from uncollapse.errors import UsageError

HAN = "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生自会那后能对着事其里所去行过家十用发天"


def said(audit):
    """The verdicts that do not pass."""
    return {one.name: str(one.status) for one in audit.verdicts if one.status != "pass"}


def judged(auditor, texts, **how):
    return auditor.audit(from_documents(texts, origin="unknown"), **how)


def chinese(documents, *, seed, length=100):
    random = np.random.default_rng(seed)
    chances = 1 / np.arange(1, len(HAN) + 1)
    return ["".join(random.choice(list(HAN), size=length, p=chances / chances.sum())) for _ in range(documents)]


class TestHardInput:
    def test_without_a_reference_the_rest_is_unknown_and_says_why(self):
        texts = made(50, seed=3)
        found = uc.audit(from_documents([*texts, *texts[:10]]), splits=8)
        unknown = {one.name: one for one in found.verdicts if one.status == "unknown"}
        assert set(unknown) == {"tails", "contraction", "concentration", "topics", "domain", "memorised"}
        assert {one.reason for one in unknown.values()} == {"there is no reference to compare with"}
        assert found.failed == ["duplicates"]
        assert found.report["reference"] is None
        lines = {line["name"]: line for line in found.report["statistics"]}
        assert lines["near_copies"]["corpus"] == 10 / 60
        assert lines["types"]["corpus"] > 0
        assert lines["types"]["control"] is None
        assert "cannot be judged" in found.html()

    def test_a_reference_that_is_too_small_is_the_one_that_is_named(self):
        found = uc.audit(from_documents(made(50, seed=3)), reference=from_documents(made(5, seed=4)), splits=8)
        reasons = {one.reason for one in found.verdicts if one.status == "unknown"}
        [reason] = reasons
        assert reason.startswith("the reference has ")
        assert {one.name for one in found.verdicts if one.status != "unknown"} == {"duplicates", "memorised"}
        assert {one.next for one in found.verdicts if one.status == "unknown"} != {"Give human text with --reference."}

    def test_a_corpus_that_is_too_small_is_the_one_that_is_named(self, auditor):
        found = judged(auditor, ["hello world"], name="small.jsonl")
        assert {one.reason.partition(" has ")[0] for one in found.verdicts if one.status == "unknown"} == {
            "small.jsonl"
        }
        assert found.report["splits"] == 0
        assert "cannot be judged" in found.html()

    def test_fifteen_copies_of_the_reference_are_memorised(self, auditor):
        assert judged(auditor, made(90, seed=1)[:15]).failed == ["memorised"]

    def test_one_document_is_compared_in_passages(self, auditor):
        [whole] = made(1, seed=5, length=12_000, subjects=(3,))
        found = judged(auditor, [whole])
        assert found.report["units"] == "passages"
        assert found.report["splits"] == 8
        assert "passages of 250 words" in found.report["notes"][0]
        assert found.failed  # of one subject in eight, and not of the reference's

    def test_long_human_documents_beside_short_ones_are_compared_in_passages(self):
        short, long = made(420, seed=4, length=12), made(30, seed=1, length=1500)
        found = uc.audit(from_documents(short), reference=from_documents(long), splits=8)
        assert found.report["units"] == "passages"
        assert found.report["splits"] == 8

    def test_empty_documents_are_counted_and_change_nothing_else(self, auditor):
        texts = made(50, seed=7)
        plain, gaps = (judged(auditor, own) for own in (texts, [*texts, *[""] * 40]))
        assert gaps.report["corpus"]["empty"] == 40
        assert [line for line in gaps.report["statistics"] if line["name"] != "copied"] == [
            line for line in plain.report["statistics"] if line["name"] != "copied"
        ]

    def test_nothing_but_empty_documents_is_unknown(self, auditor):
        found = judged(auditor, ["", " ", ""])
        assert {str(one.status) for one in found.verdicts} <= {"unknown", "pass"}
        assert [one.status for one in found.verdicts if one.name in ("duplicates", "tails")] == ["unknown"] * 2
        assert "cannot be judged" in found.html()

    def test_scripts_without_spaces_are_audited_and_noted(self):
        found = uc.audit(
            from_documents(chinese(50, seed=1)), reference=from_documents(chinese(50, seed=2)), splits=8, name="zh"
        )
        assert sum("without spaces" in note for note in found.report["notes"]) == 2
        assert found.report["corpus"]["single_characters"] == 5000
        assert found.failed == []

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"splits": 7}, "splits: .*8"),
            ({"sample_tokens": 10}, "sample_tokens: .*1000"),
            ({"model_tokens": 1}, "model_tokens: .*100"),
            ({"modle": "x"}, "modle: .*not permitted"),
            ({"seed": "x"}, "seed: .*integer"),
        ],
    )
    def test_options_that_are_not_possible(self, given, message):
        with pytest.raises(UsageError, match=message):
            uc.audit(from_documents(["a"]), **given)
