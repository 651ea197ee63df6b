import re

import pytest

from uncollapse.errors import MissingInput, UsageError
from uncollapse.provenance import Breach, Policy, Totals
from uncollapse.provenance.holdings import Amount

# A hundred words: 30 in human rows, 50 in edited ones of which 40 are a person's, 20 unknown.
TOTALS = Totals(
    rows=10,
    words=100,
    by={
        ("edited", "generated_here"): Amount(5, 50),
        ("human", "publisher_declared"): Amount(3, 30),
        ("unknown", "none"): Amount(2, 20),
    },
    depth={0: 3, 2: 4, 3: 1, None: 2},
    generators={"weights": 5},
    written=70,
    unknown=20,
    reserve=25,
    edits_of_a_position=2,
    deepest_by={None: 0, "weights": 3},
)
SMALL = Totals(1, 10, {("human", "publisher_declared"): Amount(1, 10)}, {0: 1}, {}, 10, 0, 0, 0, {None: 0})
EMPTY = Totals(0, 0, {}, {}, {}, 0, 0, 0, 0)


def test_shares_by_hand():
    assert (TOTALS.human_share, TOTALS.written_share) == (0.3, 0.7)
    assert (TOTALS.unknown_share, TOTALS.reserve_share, TOTALS.deepest) == (0.2, 0.25, 3)


# Each rule with a limit that is kept, one that is not, and the value that the breach must name.
RULES = {
    "max_depth": (3, 2, 3.0),
    "min_human_token_share": (0.3, 0.31, 0.3),
    "min_written_share": (0.7, 0.71, 0.7),
    "min_reserve_share": (0.25, 0.26, 0.25),
    "max_unknown_share": (0.2, 0.19, 0.2),
    "max_edits_per_position": (2, 1, 2.0),
}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_at_its_limit_and_past_it(rule):
    kept, not_kept, value = RULES[rule]
    assert Policy(**{rule: kept}).breaches(TOTALS) == ()
    assert Policy(**{rule: not_kept}).breaches(TOTALS) == (Breach(rule, value, float(not_kept)),)
    assert Policy(**{rule: not_kept}).rules() == (rule,)


def test_shards_that_break_a_rule_by_themselves_are_named():
    (breach,) = Policy(max_depth=2).breaches(TOTALS, shards={"part-0": TOTALS, "part-1": SMALL})
    assert breach.shards == ("part-0",)
    assert str(breach) == "max_depth: 3, allowed 2 in part-0"


def test_unknown_generators_count_as_the_policy_has_it():
    # Recorded with 1 for models of which nothing is known; with 2 all of their texts may lie one level deeper.
    assert Policy(max_depth=3, unknown_generator_depth=2).breaches(TOTALS) == (Breach("max_depth", 4.0, 3.0),)
    assert Policy(max_depth=0, unknown_generator_depth=5).breaches(SMALL) == ()


def test_of_no_words_no_share_can_be_broken():
    strict = Policy(max_depth=0, min_human_token_share=1.0, min_written_share=1.0, max_unknown_share=0.0)
    assert strict.breaches(EMPTY) == ()


def test_a_model_that_was_trained_on_what_it_wrote():
    models = {"weights": {"addresses": ["small"], "trained_on": None}}
    root = "a" * 64
    forbid = Policy(forbid_self_consumption=True, trained_on={"small": [root]})
    assert forbid.breaches(TOTALS, models=models, root="b" * 64) == ()
    (breach,) = forbid.breaches(TOTALS, models=models, root=root)
    assert (breach.rule, breach.value) == ("forbid_self_consumption", 5.0)
    assert "small, which was trained on this corpus" in str(breach)
    told = {"weights": {"addresses": ["small"], "trained_on": [root]}}
    assert Policy(forbid_self_consumption=True).breaches(TOTALS, models=told, root=root) == (breach,)
    assert Policy(trained_on={"small": [root]}).breaches(TOTALS, models=models, root=root) == ()


def test_a_reserve_that_nobody_counted():
    without = Totals(**{**TOTALS.__dict__, "reserve": None})
    with pytest.raises(UsageError, match="needs the reserve"):
        Policy(min_reserve_share=0.1).breaches(without)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_dept = 1", "no rule is called 'max_dept'"),
        ("max_depth = -1", "max_depth: input should be greater than or equal to 0, not -1"),
        ("max_depth = 1.5", "max_depth: input should be a valid integer, not 1.5"),
        ("min_human_token_share = 60", "min_human_token_share: .* less than or equal to 1, not 60"),
        ("unknown_generator_depth = 0", "unknown_generator_depth: .* greater than or equal to 1, not 0"),
        ("max_depth: 1", "is not TOML"),
        ("min_written_share = nan", "min_written_share: "),
    ],
)
def test_a_file_that_is_no_policy_names_file_rule_and_remedy(text, said, tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said) as raised:
        Policy.from_toml(path)
    assert re.match(re.escape(str(path)), raised.value.message)
    assert raised.value.hint


def test_a_policy_file(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text('max_depth = 2\nmin_human_token_share = 1\n[trained_on]\nsmall = ["aa"]\n')
    policy = Policy.from_toml(path)
    assert (policy.max_depth, policy.min_human_token_share, policy.trained_on) == (2, 1.0, {"small": ["aa"]})
    with pytest.raises(MissingInput):
        Policy.from_toml(tmp_path / "none.toml")


MODELS = {"weights": {"addresses": ["small"], "model_depth": None, "trained_on": None}}


def test_what_a_policy_declares_of_a_model_fills_the_table_and_never_overrules_its_card():
    policy = Policy(model_depth={"small": 3}, trained_on={"weights": ["aa"]})
    told = {"model_depth": 3, "trained_on": ["aa"], "declared": ["model_depth", "trained_on"]}
    assert policy.known(MODELS) == {"weights": {"addresses": ["small"], **told}}
    card = {"weights": {"addresses": ["small"], "model_depth": 1, "trained_on": ["bb"]}}
    assert policy.known(card) == card
    assert Policy(model_depth={"another": 3}).known(MODELS) == MODELS
    assert Policy(model_depth={"weights": 0}).known(MODELS)["weights"]["model_depth"] == 0


@pytest.mark.parametrize(
    ("policy", "deepest"),
    [
        (Policy(), 3),
        (Policy(unknown_generator_depth=2), 4),
        (Policy(model_depth={"small": 1}), 3),
        (Policy(model_depth={"small": 3}), 5),
        (Policy(model_depth={"small": 0}, unknown_generator_depth=4), 3),  # no longer unknown
        (Policy(model_depth={"another": 9}), 3),
    ],
)
def test_depths_with_declared_models_by_hand(policy, deepest):
    assert policy.deepest(TOTALS, policy.known(MODELS)) == deepest
    strict = policy.model_copy(update={"max_depth": deepest - 1})
    (breach,) = strict.breaches(TOTALS, models=MODELS)
    assert (breach.rule, breach.value) == ("max_depth", deepest)
    assert policy.model_copy(update={"max_depth": deepest}).breaches(TOTALS, models=MODELS) == ()


def test_declared_models_in_a_file(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text('[model_depth]\n"smollm2-135m" = 2\n')
    assert Policy.from_toml(path).model_depth == {"smollm2-135m": 2}
    path.write_text('[model_depth]\n"smollm2-135m" = -2\n')
    with pytest.raises(UsageError, match="model_depth"):
        Policy.from_toml(path)
