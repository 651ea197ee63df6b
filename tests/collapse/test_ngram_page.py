"""The page of the n-gram laboratory: which words go first, in one plot."""

import re
from typing import get_args

import pytest
from numpy.random import default_rng

from uncollapse.cli.collapse_options import RUN_OPTIONS
from uncollapse.collapse.autoencoder import Autoencoder
from uncollapse.collapse.experiment import experiment
from uncollapse.collapse.ngram import NGram
from uncollapse.collapse.page import comparison_page
from uncollapse.collapse.regimes import regime
from uncollapse.collapse.side_by_side import measures_together


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "t.txt"
    path.write_text(" ".join(f"w{word}" for word in default_rng(1).zipf(1.6, 4000)))
    lab = NGram(corpus=path)
    return lab, experiment(lab, [regime("replace"), regime("fresh")], generations=4, seeds=3).results()


def test_one_plot_for_each_regime_with_a_line_for_each_rarity(compared):
    lab, comparison = compared
    (section,) = measures_together(comparison, lab)
    assert section.heading == "Words kept, by how often the original has them"
    for name in ("once or twice", "3 to 10 times", "11 to 100 times", "more often"):
        assert section.body.count(name) >= 2
    assert list(dict.fromkeys(re.findall(r"Regime (\w+)", section.body))) == ["replace", "fresh"]
    last = comparison["replace"]["kept_3_10"][-1]
    assert last.max() < 1
    assert f"{sorted(last)[1]:.0%}" in section.sentence


def test_the_page_has_it_before_the_measures(compared):
    lab, comparison = compared
    html = comparison_page(comparison, lab)
    assert html.index("together-words-kept-by-how-often-the-original-has-them") < html.index('id="measure-types"')


def test_the_help_says_how_long_and_how_often_it_usually_runs():
    said = {name: str(get_args(RUN_OPTIONS[name])[1].help) for name in ("generations", "seeds")}
    for lab in (NGram, Autoencoder):
        for name, number in lab.usual.items():
            assert f"{lab.name} {number}" in said[name]
