import numpy as np
import pytest

from uncollapse.auditing.pool import Pool
from uncollapse.document import Document, Origin, to_batch
from uncollapse.errors import UsageError
from uncollapse.fingerprint import content_id

TEXTS = [f"word number {number} of a list" for number in range(20)]  # six words each


def pooled(documents, *, tokens=1000, size=7):
    pool = Pool(tokens=tokens)
    for at in range(0, len(documents), size):
        pool.update(to_batch(documents[at : at + size]))
    return pool.result()


def of(texts, **known):
    return [Document(text=text, **known) for text in texts]


def test_documents_stand_in_the_order_of_their_digests():
    held = pooled(of(TEXTS))
    assert held.texts == tuple(sorted(TEXTS, key=content_id))
    assert [row.root for row in held.rows] == sorted(map(content_id, TEXTS))
    assert held.offsets.tolist() == list(range(0, 121, 6))


@pytest.mark.parametrize(("tokens", "kept"), [(1, 1), (6, 1), (7, 2), (12, 2), (13, 3), (119, 20), (5000, 20)])
def test_the_sample_ends_with_the_document_that_reaches_the_number_of_tokens(tokens, kept):
    held = pooled(of(TEXTS), tokens=tokens, size=1)
    assert held.texts == tuple(sorted(TEXTS, key=content_id))[:kept]
    assert held.tokens == 6 * kept


def test_copies_are_counted_and_held_once():
    held = pooled(of([*TEXTS[:3], TEXTS[0], TEXTS[1], TEXTS[0]]), size=2)
    assert dict(zip(held.texts, held.copies.tolist(), strict=True)) == {TEXTS[0]: 3, TEXTS[1]: 2, TEXTS[2]: 1}


def test_copies_are_counted_although_the_sample_was_shrunk_on_the_way():
    first = min(TEXTS, key=content_id)
    held = pooled(of([first, *TEXTS, *TEXTS, first]), tokens=6, size=1)
    assert held.texts == (first,)
    assert held.copies.tolist() == [4]


def test_texts_without_words_are_left_out():
    assert pooled(of(["", "  \n", "one word"])).texts == ("one word",)
    empty = pooled(of(["", ""]))
    assert len(empty) == empty.tokens == 0
    assert empty.offsets.tolist() == [0]


def test_what_was_edited_stands_where_its_source_stands():
    edited = [Document(text=f"{text} edited", parents=(content_id(text),), origin=Origin.EDITED) for text in TEXTS]
    sources, made = pooled(of(TEXTS), tokens=30), pooled(edited, tokens=35)
    assert [row.root for row in made.rows] == [row.root for row in sources.rows]
    assert made.texts == tuple(f"{text} edited" for text in sources.texts)


def test_a_text_is_declared_only_if_each_copy_of_it_is():
    open_, hidden = of(TEXTS[:2], origin=Origin.HUMAN), of(TEXTS[1:3], origin=Origin.UNKNOWN)
    edited = of(TEXTS[3:4], origin=Origin.EDITED)
    for documents in ([*open_, *hidden, *edited], [*edited, *hidden, *open_]):
        held = pooled(documents)
        declared = {text: row.declared for text, row in zip(held.texts, held.rows, strict=True)}
        assert declared == {TEXTS[0]: True, TEXTS[1]: False, TEXTS[2]: False, TEXTS[3]: True}


def test_some_documents_are_taken_in_the_order_asked_for():
    held = pooled(of(["one two three", "four", "five six"]))
    lengths = np.diff(held.offsets)
    back = held.take(np.array([2, 0]))
    assert back.texts == (held.texts[2], held.texts[0])
    assert back.offsets.tolist() == [0, lengths[2], lengths[2] + lengths[0]]
    assert back.words.tolist() == [
        *held.words[held.offsets[2] :].tolist(),
        *held.words[: held.offsets[1]].tolist(),
    ]
    assert len(held.take(np.zeros(0, dtype=np.int64))) == 0


def test_a_sample_of_nothing_is_refused():
    with pytest.raises(UsageError, match="0 tokens"):
        Pool(tokens=0)
