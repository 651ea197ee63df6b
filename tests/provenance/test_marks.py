import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncollapse.errors import InputError
from uncollapse.provenance.marks import Kind, Mark, marks_in, restored, stripped


def selectors(data):
    return "".join(chr(0xFE00 + byte if byte < 16 else 0xE0100 + byte - 16) for byte in data)


def tags(text):
    return "".join(chr(0xE0000 + ord(sign)) for sign in text)


def bits(text, zero, one):
    return "".join(one if bit == "1" else zero for byte in text.encode() for bit in f"{byte:08b}")


MANIFEST = b"C2PATXT\0" + b"\x01" + (5).to_bytes(4, "big") + b"hello"


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("Hé\u200bllo", [Mark(3, "\u200b", Kind.ZERO_WIDTH)]),
        ("\ufeffHello", [Mark(0, "\ufeff", Kind.ZERO_WIDTH)]),
        ("a\u2060\u200bb", [Mark(1, "\u2060\u200b", Kind.ZERO_WIDTH)]),
        ("co\u00adop", [Mark(2, "\u00ad", Kind.HYPHEN)]),
        ("a\u202eb", [Mark(1, "\u202e", Kind.DIRECTION)]),
        ("a\u2063b", [Mark(1, "\u2063", Kind.INVISIBLE)]),
        ("hi" + tags("pay me"), [Mark(2, tags("pay me"), Kind.TAGS, "pay me")]),
        ("\U0001f600" + selectors(b"secret"), [Mark(4, selectors(b"secret"), Kind.SELECTORS, "secret")]),
        ("x\ufe0f", [Mark(1, "\ufe0f", Kind.SELECTORS)]),
        ("end" + bits("ok!", "\u200b", "\u200c"), [Mark(3, bits("ok!", "\u200b", "\u200c"), Kind.ZERO_WIDTH, "ok!")]),
        (
            "A claim." + "\ufeff" + selectors(MANIFEST) + " More.",
            [Mark(8, "\ufeff" + selectors(MANIFEST), Kind.C2PA, "version 1, 5 bytes of manifest")],
        ),
        (
            "A claim." + selectors(MANIFEST[:-2]),
            [Mark(8, selectors(MANIFEST[:-2]), Kind.C2PA, "version 1, 5 bytes of manifest, of which 3 are there")],
        ),
        (
            "A" + selectors(MANIFEST[:9]),
            [Mark(1, selectors(MANIFEST[:9]), Kind.C2PA, "cut off before its header ends")],
        ),
    ],
)
def test_marks_and_what_they_say(text, marks):
    assert marks_in(text) == marks
    assert restored(stripped(text, marks), marks) == text


@pytest.mark.parametrize(
    "text",
    [
        "plain, with – typographic ‘signs’ and a no-break\u00a0space",
        "\U0001f469\u200d\U0001f680 \U0001f469\U0001f3fd\u200d\u2764\ufe0f\u200d\U0001f468",  # astronaut, couple
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # Scotland
        "\U0001f3f3\ufe0f\u200d\U0001f308 1\ufe0f\u20e3 \u00a9\ufe0f \u2194\ufe0f \u263a\ufe0e",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian
        "\u0915\u094d\u200d\u0937 \u0d28\u0d4d\u200d",  # Devanagari, Malayalam
        "\u0e01\u0e32\u0e23\u200b\u0e17\u0e14\u0e2a\u0e2d\u0e1a",  # Thai word break
        "\u8fbb\U000e0101 \u845b\ufe00",  # ideographs with variants
        "\u1820\u180b",  # Mongolian
        "\u05e9\u05dc\u05d5\u05dd\u200f (hi)\u200e",  # Hebrew with directions
        "q\u034f\u0307",
    ],
)
def test_what_belongs_to_the_writing_stays(text):
    assert marks_in(text) == []


def test_a_mark_in_a_sequence_is_taken_out_of_it():
    text = "\U0001f469\u200b\u200d\U0001f680 e\u200b\u0301"
    marks = marks_in(text)
    assert stripped(text, marks) == "\U0001f469\u200d\U0001f680 e\u0301"
    assert restored(stripped(text, marks), marks) == text


def test_half_a_character_is_named():
    with pytest.raises(InputError, match="a mark breaks a character"):
        marks_in("ab\ud83d\u200b\ude00")


SIGNS = st.sampled_from(
    [*"ab é\u4e2d\u0645\u0e01", *"\u200b\u200c\u200d\ufe0f\ufe00\ufeff\u00ad\u202e\u034f\u0301", "\U0001f469", "\U0001f680", "\U0001f3f4",
     "\U000e0067", "\U000e007f", "\U000e0101"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(SIGNS, max_size=14).map("".join))
def test_nothing_is_lost_and_once_is_enough(text):
    marks = marks_in(text)
    clean = stripped(text, marks)
    assert restored(clean, marks) == text
    assert marks_in(clean) == []
    assert sum(len(mark.mark) for mark in marks) == len(text) - len(clean)
