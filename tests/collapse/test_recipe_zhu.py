"""The recipe that prints the tables of Zhu et al. 2025 beside ours."""

import importlib.util

import pytest


@pytest.fixture(scope="module")
def recipe(project):
    spec = importlib.util.spec_from_file_location("zhu_2025", project / "recipes" / "zhu_2025.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_published_numbers_come_to_the_means_that_are_known_of_them(recipe):
    """The geometric means of the 22 domains, and the arithmetic ones, which the paper's first version prints."""
    assert [round(value, 2) for value in recipe.geometric(recipe.PILE)] == [19.65, 20.45, 21.78, 24.41, 43.10]
    columns = zip(*recipe.PILE.values(), strict=True)
    assert [round(sum(column) / 22, 2) for column in columns] == [21.37, 22.31, 23.90, 27.03, 49.30]


def test_ratios_are_held_against_no_synthetic_text(recipe):
    rows = {row[0]: row[1:] for row in recipe.published_ratios()}
    assert rows["GPT-2 124M, Wikitext-103"] == ["1.00", "1.05", "1.12", "1.24", "3.71"]
    assert rows["GPT-2 124M, geometric mean of 22 Pile domains"][-1] == "2.19"
    rescue = {row[0]: row[1:] for row in recipe.published_rescue()}
    assert rescue["OLMo-237M, Wikitext-103"] == ["0.82", "0.46"]


def test_ours_stand_under_them_by_size_and_domain(recipe):
    loss = [
        {"share": 0.0, "value": 4.0, "rise": 0.0, "rise_low": None, "rise_high": None},
        {"share": 1.0, "value": 4.5, "rise": 0.5, "rise_low": 0.4, "rise_high": 0.6},
    ]
    size = {"learned": False, "measures": {"loss": loss}, "domains": {"news": loss}}
    told = {"sizes": {"tiny": size}}
    assert list(recipe.our_ratios(told)) == [
        ["ours, tiny, all (learned too little)", "1.00", "1.65 (1.49 to 1.82)"],
        ["ours, tiny, news (learned too little)", "1.00", "1.65 (1.49 to 1.82)"],
    ]
    better = [loss[0], {**loss[1], "value": 4.4}]
    arm = {"sizes": {"tiny": {**size, "measures": {"loss": better}, "domains": {"news": loss}}}}
    assert [row[1] for row in recipe.our_rescue(told, {"dsir": arm})] == ["0.90", "1.00"]


def test_the_plan_of_the_first_study_holds_for_all(recipe):
    words = ["--by", "topic", "--budget-minutes", "5", "--seeds", "2"]
    assert recipe.without(words, "--budget-minutes") == ["--by", "topic", "--seeds", "2"]
    assert recipe.without(words, "--tokens") == words
