import re
from collections import Counter

import pytest

from uncollapse.errors import UsageError
from uncollapse.generation.grid import Axis
from uncollapse.generation.prompts import Passage, capacity, check_template, covering, default_template, filled, plan

TONE = Axis("tone", ("dry", "warm", "stern"))
TOPIC = Axis("topic", ("ships", "bread"))
PASSAGES = [Passage(f"id{n}", f"Passage {n}.") for n in range(4)]


def prompts(axes=(TONE, TOPIC), passages=(), *, amount, seed=0, template=None):
    template = template or default_template(axes, passages=bool(passages))
    return plan(list(axes), list(passages), amount=amount, template=template, seed=seed)


def test_each_prompt_says_what_was_drawn():
    made = prompts(amount=6)
    assert len(set(made.texts)) == 6
    for text, (tone, topic) in zip(made.texts, made.values, strict=True):
        assert text == f"Write a text that is like this:\n- tone: {TONE.values[tone]}\n- topic: {TOPIC.values[topic]}"


def test_there_are_no_more_than_there_are():
    assert len(prompts(amount=100).texts) == 6
    assert len(set(prompts(passages=PASSAGES, amount=100).texts)) == 24 == capacity([TONE, TOPIC], 4)


@pytest.mark.parametrize("amount", [1, 5, 6, 7, 13, 23])
def test_passages_take_turns_and_no_prompt_comes_twice(amount):
    made = prompts(passages=PASSAGES, amount=amount)
    assert len(set(made.texts)) == amount
    turns = Counter(made.passages.tolist())
    assert max(turns.values()) - min(turns[n] for n in range(4)) <= 1


def test_passages_alone():
    made = prompts(axes=(), passages=PASSAGES, amount=9)
    assert sorted(made.passages.tolist()) == [0, 1, 2, 3]
    assert all(re.search(r"Passage \d\.$", text) for text in made.texts)


def test_the_same_seed_the_same_prompts():
    assert prompts(amount=4).texts == prompts(amount=4).texts
    assert {tuple(prompts(amount=4, seed=seed).texts) for seed in range(6)} != {tuple(prompts(amount=4).texts)}
    assert prompts(amount=3).texts == prompts(amount=5).texts[:3]


def test_how_many_cover_all_pairs():
    assert covering([TONE, TOPIC], seed=3) == 6


def test_persona_and_format_have_words_of_their_own():
    axes = [TONE, Axis("persona", ("a nurse",)), Axis("format", ("letter",))]
    assert default_template(axes, passages=False).splitlines()[1:] == [
        "- tone: {tone}",
        "Write as this person would: {persona}",
        "Give it this form: {format}",
    ]


def test_braces_that_are_no_places_stay():
    assert filled('{"tone": "{tone}", {}}', {"tone": "{topic}"}) == '{"tone": "{topic}", {}}'


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{tone} {topic} {size}", r"a place \{size\} and nothing to put there"),
        ("{tone}", r"no place for \{topic\}"),
        ("nothing", r"no place for \{tone\}, \{topic\}"),
        ("{tone} {topic} {seed}", r"a place \{seed\}"),
    ],
)
def test_templates_that_cannot_be(template, said):
    with pytest.raises(UsageError, match=said):
        check_template(template, [TONE, TOPIC], passages=False)


def test_a_passage_needs_a_place():
    with pytest.raises(UsageError, match=r"no place for \{seed\}"):
        check_template("{tone} {topic}", [TONE, TOPIC], passages=True)
