from uncollapse.document import Document, Edit, to_batch, to_documents
from uncollapse.fingerprint import content_id
from uncollapse.provenance.stripping import StripMarks


def test_marks_go_and_what_is_known_stays():
    rows = [
        Document(text="clean", source="a"),
        Document(text="ma\u200brked\u200b\u00ad", generation=0, source="a", extra={"n": 1}),
        Document(text="ed\u200bited", edits=(Edit(0, "Ed", "ed", 0.5),), parents=("f" * 32,), source="a"),
    ]
    outcome = StripMarks().apply(to_batch(rows))
    clean, marked, edited = to_documents(outcome.batch)
    assert (clean.text, edited.text) == ("clean", "ed\u200bited")
    assert (marked.text, marked.id) == ("marked", content_id("marked"))
    assert (marked.origin, marked.generation, marked.parents, marked.edits, marked.recipe) == ("human", 0, (), (), None)
    assert marked.extra == {"n": 1}
    assert outcome.tally == {
        "documents": {"marked": 1, "clean": 1, "left": 1},
        "characters": {"zero-width": 2, "soft hyphen": 1},
        "texts": {"zero-width": 1, "soft hyphen": 1},
    }
