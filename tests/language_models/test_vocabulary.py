import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tiny_models import byte_level_tokenizer, sentencepiece_tokenizer
from uncollapse.errors import BrokenModel
from uncollapse.language_models.vocabulary import PieceVocabulary

HOSTILE = [
    "",
    " ",
    "  two  spaces \n\n\t tabs\r\n",
    "<|endoftext|> <|im_start|>user<s></s><unk>",
    "e\u0301 \u00e9 \ufb01 \u200b\u202e\u0000\x07\x1b[31m",
    "🙂👩‍👩‍👧‍👦日本語 \U0001d4b3",
    "▁ mark of a space ▁▁",
    "<0x41> spelled out",
    "\u2028\u2029\x85\xa0",
]


@pytest.fixture(scope="module")
def byte_level(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bytes")
    byte_level_tokenizer(folder)
    return PieceVocabulary.load(folder)


@pytest.fixture(scope="module")
def sentencepiece(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pieces")
    sentencepiece_tokenizer(folder)
    return PieceVocabulary.load(folder)


def check_exact(vocabulary, texts, prefix=b""):
    """Surfaces joined are the texts; each span holds its token's surface, but for a space that was set before."""
    tokens = vocabulary.encode(texts)
    for document, text in enumerate(texts):
        own = slice(tokens.offsets[document], tokens.offsets[document + 1])
        surfaces = [vocabulary.surfaces[index] for index in tokens.ids[own]]
        spans = tokens.spans[own].tolist()
        assert b"".join(surfaces) == (prefix + text.encode() if text else b"")
        cut = [text.encode()[begin:end] for begin, end in spans]
        assert b"".join(cut) == text.encode()
        assert all(before[1] == after[0] for before, after in pairwise(spans))
        assert cut[1:] == surfaces[1:]
        if cut:
            assert prefix + cut[0] == surfaces[0]


@given(st.lists(st.text(), min_size=1, max_size=4))
@example(HOSTILE)
@settings(max_examples=150, deadline=None)
def test_byte_level_pieces_give_any_text_back(byte_level, texts):
    check_exact(byte_level, texts)


def words():
    # The mark itself cannot come back from SentencePiece: it is a space there.
    return st.text(st.characters(exclude_characters="▁", exclude_categories=["Cs"]))


@given(st.lists(words(), min_size=1, max_size=4))
@example([text for text in HOSTILE if "▁" not in text])
@settings(max_examples=150, deadline=None)
def test_sentencepiece_gives_any_text_back(sentencepiece, texts):
    check_exact(sentencepiece, texts, prefix=b" ")


def test_a_text_that_cannot_come_back_is_still_tiled(sentencepiece):
    text = "the ▁cat é"
    tokens = sentencepiece.encode([text])
    spans = tokens.spans.tolist()
    assert spans[0][0] == 0
    assert spans[-1][1] == len(text.encode())
    assert all(before[1] == after[0] for before, after in pairwise(spans))


def test_names_of_special_tokens_are_plain_text(byte_level):
    tokens = byte_level.encode(["a<|endoftext|>"])
    assert not {0, 1} & set(tokens.ids.tolist())
    assert byte_level.surfaces[0] is None
    assert byte_level.surfaces[1] is None


def test_a_split_character_keeps_its_bytes(byte_level):
    tokens = byte_level.encode(["\U00012345"])
    surfaces = [byte_level.surfaces[index] for index in tokens.ids]
    assert b"".join(surfaces) == "\U00012345".encode()
    assert len(surfaces) > 1


def test_ids_beyond_the_tokenizer_have_no_surface(byte_level, tmp_path):
    byte_level_tokenizer(tmp_path)
    wider = PieceVocabulary.load(tmp_path, size=len(byte_level) + 5)
    assert len(wider.surfaces) == len(byte_level) + 5
    assert wider.surfaces[-5:] == [None] * 5


@pytest.mark.parametrize("kind", ["byte_level", "sentencepiece"])
def test_prompts_stand_before_their_texts(kind, request):
    vocabulary = request.getfixturevalue(kind)
    alone, prompt = vocabulary.encode(["the cat", "a dog"]), vocabulary.encode(["on the mat", ""])
    both = vocabulary.encode(["the cat", "a dog"], prompts=["on the mat", ""])
    first = prompt.ids.tolist() + alone.ids[: alone.offsets[1]].tolist()
    assert both.ids[: both.offsets[1]].tolist() == first
    assert both.starts.tolist() == [len(prompt.ids), both.offsets[1]]
    np.testing.assert_array_equal(both.spans[both.scored()], alone.spans)
    assert not both.spans[~both.scored()].any()


def start_of(folder, **settings):
    byte_level_tokenizer(folder)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return PieceVocabulary.load(folder).start


def test_the_start_token(tmp_path, sentencepiece):
    assert sentencepiece.start == 1  # the tokenizer itself puts <s> first
    # A chat model whose bos is a mark of its template: the token between documents.
    assert start_of(tmp_path, bos_token="<|im_start|>", chat_template="<|im_start|>{{ role }}") == 0


def test_the_start_token_of_other_tokenizers(tmp_path):
    from tokenizers import Tokenizer

    def with_special(*names):
        byte_level_tokenizer(tmp_path)
        content = json.loads((tmp_path / "tokenizer.json").read_text())
        for token, name in zip(content["added_tokens"], names, strict=False):
            del content["model"]["vocab"][token["content"]]
            token["content"] = name
            content["model"]["vocab"][name] = token["id"]
        (tmp_path / "tokenizer.json").write_text(json.dumps(content))
        Tokenizer.from_file(str(tmp_path / "tokenizer.json"))

    def start(**settings):
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
        return PieceVocabulary.load(tmp_path).start

    with_special("<|turn|>", "<|begin|>")
    assert start(bos_token="<|begin|>", eos_token="<|turn|>") == 1
    assert start(bos_token={"content": "<|turn|>"}, eos_token="<|begin|>", chat_template="<|turn|>") == 1
    assert start(bos_token="<|turn|>", chat_template="<|turn|>") is None
    assert start() is None


def test_a_folder_without_a_tokenizer_is_named(tmp_path):
    with pytest.raises(BrokenModel, match=r"no tokenizer\.json"):
        PieceVocabulary.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(BrokenModel, match="no tokenizer"):
        PieceVocabulary.load(tmp_path)


def test_a_tokenizer_that_loses_spaces_is_refused(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "cat": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(BrokenModel, match="loses"):
        _ = PieceVocabulary.load(tmp_path).surfaces
