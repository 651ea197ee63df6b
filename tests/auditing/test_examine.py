import pytest

from made_text import made
from uncollapse.auditing.examine import equal, kinship
from uncollapse.auditing.passages import passages
from uncollapse.auditing.pool import Pool
from uncollapse.corpora import from_documents
from uncollapse.document import Document, Origin, to_batch


def said(audit):
    """The verdicts that do not pass."""
    return {one.name: str(one.status) for one in audit.verdicts if one.status != "pass"}


def judged(auditor, texts, **how):
    return auditor.audit(from_documents(texts, origin="unknown"), **how)


class TestLineage:
    def test_an_edited_corpus_is_lineage_and_never_meets_its_own_source(self, auditor):
        sources = made(90, seed=1)
        edited = [
            Document(
                text=text.replace(" ba ", " bai ", 2) + (" Bu." if at % 4 else ""),
                parents=(Document(text=text).id,),
                origin=Origin.EDITED,
                generation=1,
            )
            for at, text in enumerate(sources)
        ]
        kept = [Document(text=text) for text in sources[:6]]
        found = auditor.audit(from_documents([*edited[6:], *kept]))
        assert "memorised" not in said(found)
        assert found.report["corpus"]["lineage"] == 84
        assert "by their own account: 84." in " ".join(found.report["notes"])
        lines = {line["name"]: line for line in found.report["statistics"]}
        assert lines["copied"]["corpus"] == 0
        # Against its own source it would have nearly all rare words; like fresh text it has some.
        assert lines["rare_coverage"]["corpus"] == pytest.approx(lines["rare_coverage"]["control"], abs=0.05)

    def test_kin_are_found_by_parents_by_text_and_by_words(self):
        def pooled(*documents):
            pool = Pool(tokens=10**6)
            pool.update(to_batch(documents))
            return pool.result()

        human = [Document(text=f"a text of number {at}") for at in range(4)]
        reference = pooled(*human)
        places = {row.id: place for place, row in enumerate(reference.rows)}
        corpus = [
            Document(text="something else", parents=(human[0].id,)),
            human[1],
            Document(text="a  text of number 2\n"),
            Document(text="a text of nobody", parents=("f" * 32,)),
        ]
        held = pooled(*corpus)
        kin = dict(zip([row.id for row in held.rows], kinship(held, reference).tolist(), strict=True))
        assert [kin[one.id] for one in corpus] == [places[human[at].id] for at in range(3)] + [-1]
        parts = kinship(passages(held), passages(reference))
        assert sorted(parts.tolist()) == sorted(kin.values())


def test_samples_are_cut_to_the_same_number_of_words():
    def pooled(texts):
        pool = Pool(tokens=10**6)
        pool.update(to_batch([Document(text=text) for text in texts]))
        return pool.result()

    less, more = equal(pooled(["a b c", "d e f"]), pooled([f"w{at} x" for at in range(9)]))
    assert (less.tokens, more.tokens, len(more)) == (6, 6, 3)
    # A document is not cut: the one that reaches the number is whole.
    assert equal(pooled(["a b c"]), pooled(["a b", "c d"]))[1].tokens == 4
