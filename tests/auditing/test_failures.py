"""Each way of failing, made on purpose, is found under its name, and healthy text passes."""

import json

from made_text import made
from uncollapse.corpora import from_documents

STOCK = "thank you for asking me about this very interesting subject today"


def said(audit):
    """The verdicts that do not pass."""
    return {one.name: str(one.status) for one in audit.verdicts if one.status != "pass"}


def judged(auditor, texts, **how):
    return auditor.audit(from_documents(texts, origin="unknown"), **how)


class TestEachFailureIsNamed:
    # One draw of each, with a seed: what share of draws is found is the matter of docs/audit-calibration.md.
    def test_fresh_text_of_the_same_kind_passes(self, auditor):
        found = judged(auditor, made(90, seed=7))
        assert said(found) == {}
        assert found.failed == []
        assert found.report["notes"] == found.report["missing"] == []

    def test_rare_words_cut_off(self, auditor):
        assert said(judged(auditor, made(90, seed=8, known=1000)))["tails"] == "fail"

    def test_nearly_the_same_again(self, auditor):
        texts = made(90, seed=9)
        again = [f"{text} Again {at}." for at, text in enumerate(texts[:20])]
        found = judged(auditor, [*texts[:70], *again])
        assert said(found) == {"duplicates": "fail"}
        assert [line["corpus"] for line in found.report["statistics"][:2]] == [0, 20 / 90]

    def test_one_mould(self, auditor):
        texts = [f"{text} {STOCK}." if at % 2 else text for at, text in enumerate(made(90, seed=10))]
        assert said(judged(auditor, texts)) == {"templates": "fail"}

    def test_subjects_gone(self, auditor):
        assert said(judged(auditor, made(90, seed=11, subjects=(0, 1, 2))))["topics"] == "fail"

    def test_the_reference_itself(self, auditor):
        found = judged(auditor, made(90, seed=1))
        assert said(found) == {"memorised": "fail"}
        assert "stand in the reference as well, whole or in large part: 90." in found.report["notes"][0]
        listed = found.offenders.to_pylist()
        assert sum(row["verdict"] == "memorised" for row in listed) == 90
        json.dumps(found.report, allow_nan=False)

    def test_the_reference_with_other_white_space(self, auditor):
        assert said(judged(auditor, [text.replace(" ", "\n") for text in made(90, seed=1)])) == {"memorised": "fail"}
