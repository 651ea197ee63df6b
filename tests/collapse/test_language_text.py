"""The human text: nothing vanishes, no copy on both sides, blocks that do not cross documents."""

import numpy as np
import pytest

from language_desk import SMALL, documents, store_of
from uncollapse.collapse.language.settings import Settings
from uncollapse.collapse.language.store import prepared
from uncollapse.collapse.language.text import LEAST_DOCUMENTS, PASSAGE, blocks_of, human_text, passages
from uncollapse.errors import InputError, UsageError
from uncollapse.language_models.vocabulary import PieceVocabulary


def test_every_document_is_accounted_for_and_copies_are_on_no_side():
    own = documents()
    near = own[3][:-1] + "!"
    found = human_text([*own, "  ", own[0].replace(" ", "  "), near], SMALL)
    account = found.account
    assert (account.by, account.documents, account.empty, account.copies, account.near_copies) == (
        "document",
        33,
        1,
        1,
        1,
    )
    assert account.documents == sum(account[2:8])
    assert not set(found.learned) & set(found.held_out)
    assert near not in {*found.learned, *found.held_out} or own[3] not in {*found.learned, *found.held_out}


def test_the_sides_do_not_depend_on_the_order_of_the_documents():
    own = documents()
    assert human_text(own, SMALL)[:2] == human_text(own[::-1], SMALL)[:2]


def test_few_documents_are_cut_into_passages_that_end_with_a_line():
    line = "the river is wide and the town is small\n"
    text = "".join(f"{number} {line}" for number in range(400))
    cut = passages(text)
    assert "".join(cut) == text
    assert all(len(each) >= PASSAGE and each.endswith("\n") for each in cut[:-1])
    assert passages("\n \n") == []
    other = "".join(f"{number} {line}" for number in range(1000, 1400))
    assert human_text([text, other], SMALL).account.by == "passage"
    assert human_text(documents(LEAST_DOCUMENTS), SMALL).account.by == "document"


def test_blocks_stand_inside_of_documents_and_what_is_left_over_is_counted(tmp_path):
    store = store_of(tmp_path)
    vocabulary = PieceVocabulary((tmp_path / "text" / "tokenizer.json").read_text())
    texts = store.human[:3]
    blocks, left = blocks_of(texts, vocabulary, block=8)
    sizes = [len(vocabulary.encode([text]).ids) for text in texts]
    assert len(blocks) == sum(size // 8 for size in sizes)
    assert left == sum(size % 8 for size in sizes)
    first = vocabulary.encode(texts[:1]).ids
    assert blocks[0].tolist() == first[:8].tolist()
    second = vocabulary.encode(texts[1:2]).ids
    assert blocks[sizes[0] // 8].tolist() == second[:8].tolist()
    assert store.spelled(blocks[:1])[0] == texts[0][: len(store.spelled(blocks[:1])[0])]


def test_held_out_blocks_know_their_bytes_and_their_rare_words(tmp_path):
    text = prepared(human_text(documents(), SMALL), SMALL)
    text.write(tmp_path)
    store = store_of(tmp_path)
    held = store.held
    assert held.ids.shape == held.bytes.shape == held.rare.shape == (8, 8)
    assert [len(each.encode()) for each in store.spelled(held.ids)] == held.bytes.sum(axis=1).tolist()
    assert store.learned.shape == (24, 8)
    assert text.digest == prepared(human_text(documents(), SMALL), SMALL).digest
    assert text.digest != prepared(human_text(documents(seed=1), SMALL), SMALL).digest


def test_too_little_text_is_refused_with_what_can_be_done():
    with pytest.raises(InputError, match="some are to be learned from"):
        human_text(["a few words"], SMALL)
    short = human_text(documents(words=10), Settings(block=512, batch_blocks=4))
    with pytest.raises(InputError, match="blocks of 512 tokens") as refused:
        prepared(short, Settings(block=512, batch_blocks=4))
    assert "--block" in refused.value.hint


def test_options_that_would_be_ignored_are_refused():
    for given, what in (
        ({"model": "somewhere/", "size": "tiny"}, "--size"),
        ({"decoding": "beam", "temperature": 0.5}, "--decoding sample"),
        ({"beams": 3}, "--decoding beam"),
    ):
        with pytest.raises(UsageError) as refused:
            Settings(**given)
        assert what in refused.value.hint
    assert Settings().rate_of_learning == 3e-3
    assert Settings(model="somewhere/").rate_of_learning == 2e-5
    assert Settings(size="small").rate_of_learning == 5e-3
    assert np.isclose(Settings(learning_rate=0.1).rate_of_learning, 0.1)
