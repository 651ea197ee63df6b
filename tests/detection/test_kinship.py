"""Which texts of the two sides belong together, by hand."""

from uncollapse.detection.kinship import BEGINNING, Labelled, relatives

WORDS = ["the", "road", "goes", "on", "through", "the", "wood", "and", "over", "the", "hill"]


def side(*texts, parents=None):
    return Labelled(list(texts), [f"id-{n}" for n in range(len(texts))], parents or [[] for _ in texts])


def test_by_parents_and_by_beginnings():
    human = side("one text that is about nothing at all today", " ".join([*WORDS, "home"]), " ".join([*WORDS, "far"]))
    machine = side(
        " ".join([*WORDS, "elsewhere"]),
        "a text of its own that begins in another way",
        "a text with a parent that begins in another way",
        "\u201cThe  Road goes on through the wood and\u201d not over it",
        parents=[[], [], ["unknown", "id-0"], []],
    )
    assert relatives(human, machine).tolist() == [1, -1, 0, -1]


def test_a_text_that_is_no_longer_than_a_beginning_says_nothing():
    short = " ".join(WORDS[:BEGINNING])
    assert relatives(side(short), side(short + " ", short + " more")).tolist() == [-1, -1]
    assert relatives(side(short + " or"), side(short + " more")).tolist() == [0]


def test_nothing_belongs_to_nothing():
    assert relatives(side(), side("a text")).tolist() == [-1]
    assert relatives(side("a text"), side()).tolist() == []
