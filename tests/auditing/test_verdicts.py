import pytest

from uncollapse.auditing.compared import Statistic
from uncollapse.auditing.thresholds import RULES, Limit, Rule
from uncollapse.auditing.verdicts import LITTLE, NEXT, NO_REFERENCE, QUESTIONS, Failing, Status, judge


def line(name, corpus, control, z, *, low=None):
    return Statistic(name, "tails", corpus, control, control, low, None, z)


def verdict(name, *lines, unknown=None):
    return next(one for one in judge(lines, unknown=unknown) if one.name == name)


@pytest.fixture
def rules(monkeypatch):
    """A function that lays down one rule for `tails`, so that no test hangs on what calibration has found."""

    def lay(*limits, **how):
        monkeypatch.setitem(RULES, "tails", Rule(limits=limits, **how))

    return lay


DOWN = Limit("hapax", -1, 0.25, 4.0, "words that occur once:", is_share=True)
UP = Limit("boilerplate", 1, 0.1, 3.0, "boilerplate", absolute=True, is_share=True)
OTHER = Limit("types", -1, 0.1, 4.0, "different words")


@pytest.mark.parametrize(
    ("corpus", "z", "status"),
    [
        (0.375, -4.0, "fail"),  # a quarter less, exactly at both limits
        (0.3751, -9.0, "warn"),
        (0.4375, -4.0, "warn"),  # an eighth less: half the effect
        (0.4376, -9.0, "pass"),
        (0.375, -3.99, "pass"),  # too little is known to warn
        (0.10, None, "pass"),
        (0.60, 9.0, "pass"),  # the other way
        (0.40, 9.0, "pass"),
    ],
)
def test_a_share_of_the_control(rules, corpus, z, status):
    rules(DOWN)
    assert verdict("tails", line("hapax", corpus, 0.5, z)).status == status


@pytest.mark.parametrize(
    ("corpus", "z", "status"),
    [(0.75, 3.0, "fail"), (0.7, 3.0, "warn"), (0.6875, 3.0, "warn"), (0.68, 9.0, "pass"), (0.75, 2.9, "pass")],
)
def test_a_plain_difference(rules, corpus, z, status):
    rules(UP._replace(effect=0.125))
    assert verdict("tails", line("boilerplate", corpus, 0.625, z)).status == status


@pytest.mark.parametrize(
    ("how", "met", "status"),
    [
        ({"needed": 2}, "hapax types", "fail"),
        ({"needed": 2}, "hapax", "pass"),
        ({"needed": 2, "required": ("boilerplate",)}, "hapax types", "pass"),
        ({"needed": 2, "required": ("boilerplate", "types")}, "hapax types", "fail"),
        ({"needed": 3, "alone": ("types",)}, "types", "fail"),
        ({"needed": 3, "alone": ("types",)}, "hapax boilerplate", "pass"),
        ({"needed": 1, "required": ("types",), "alone": ("hapax",)}, "hapax", "fail"),
        ({"needed": 1}, "", "pass"),
    ],
)
def test_needed_required_and_alone(rules, how, met, status):
    rules(DOWN, UP, OTHER, **how)
    far = {"hapax": (0.1, 0.5, -9.0), "boilerplate": (0.9, 0.1, 9.0), "types": (10.0, 99.0, -9.0)}
    lines = [line(name, *(values if name in met else (0.5, 0.5, 0.0))) for name, values in far.items()]
    assert verdict("tails", *lines).status == status


def test_how_much_of_the_effect_is_a_warning(rules):
    rules(DOWN, warn=0.9)
    assert verdict("tails", line("hapax", 0.38, 0.5, -9.0)).status == "warn"
    assert verdict("tails", line("hapax", 0.40, 0.5, -9.0)).status == "pass"


def test_what_a_failure_says(rules):
    rules(DOWN, OTHER, needed=2)
    found = verdict("tails", line("hapax", 0.25, 0.5, -9.0), line("types", 1234.5, 5000.0, -12.0))
    assert found.reason.replace("\u00a0", " ") == (
        "words that occur once: 25.0 % against 50.0 % in human text; different words 1.23e+03 against 5e+03 in human text"
    )
    assert found.next == NEXT[Failing.TAILS]
    assert found.evidence == {
        "hapax": {"corpus": 0.25, "control": 0.5, "z": -9.0, "effect": -0.5},
        "types": {"corpus": 1234.5, "control": 5000.0, "z": -12.0, "effect": 1234.5 / 5000 - 1},
    }


def test_a_pass_says_how_it_stands_and_nothing_to_do(rules):
    rules(DOWN)
    found = verdict("tails", line("hapax", 0.5, 0.5, 0.0))
    assert (found.status, found.next) == ("pass", "")
    assert "50.0" in found.reason


def test_too_few_statistics_are_unknown(rules):
    rules(DOWN, OTHER, needed=2)
    assert verdict("tails", line("hapax", 0.1, 0.5, -9.0)).status == "unknown"
    found = verdict("tails", line("hapax", 0.1, 0.5, -9.0), line("types", None, 5.0, None))
    assert (found.status, found.reason) == ("unknown", LITTLE)


def test_without_a_reference_only_what_needs_none_is_judged():
    lines = [line("near_copies", 0.4, None, None, low=0.3), line("boilerplate", 0.0, None, None, low=0.0)]
    found = judge(lines, unknown=NO_REFERENCE)
    assert [one.name for one in found] == [failing.value for failing in Failing]
    known = {one.name: one for one in found if one.status != Status.UNKNOWN}
    assert {name: str(one.status) for name, one in known.items()} == {"duplicates": "fail", "templates": "pass"}
    assert "human text" not in known["duplicates"].reason
    assert {one.reason for one in found if one.name not in known} == {NO_REFERENCE}
    assert {one.next for one in found if one.name not in known} == {"Give human text with --reference."}


def test_where_there_is_too_little_text_nobody_is_sent_for_a_reference():
    found = verdict("tails", unknown="the corpus has 3 documents")
    assert found.reason == "the corpus has 3 documents"
    assert found.next.startswith("Give more text")


def test_copies_of_the_reference_are_judged_however_small_the_corpus_is():
    found = verdict("memorised", line("copied", 1.0, 0.0, 8.0), unknown="the corpus has 15 documents")
    assert found.status == "fail"


def test_every_way_of_failing_has_a_rule_a_question_and_something_to_do():
    assert list(RULES) == [failing.value for failing in Failing] == [name.value for name in QUESTIONS] == list(NEXT)


def test_limits_name_statistics_of_the_panel():
    from uncollapse.auditing.panel import STATISTICS

    for name, rule in RULES.items():
        names = [limit.statistic for limit in rule.limits]
        assert set(names) <= set(STATISTICS), name
        assert set(rule.required) | set(rule.alone) <= set(names)
        assert all(limit.direction == STATISTICS[limit.statistic].worse for limit in rule.limits)
        assert rule.needed <= len(names)
