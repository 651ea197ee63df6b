"""The n-gram laboratory.

Numbers of words are held against the closed form with 5.5 standard errors of independent words (their variances can
only be smaller than those, as the draws of a generation compete): a chance of 4 in 10^8 a value, and some 200 values
here, so less than one false alarm in 10^5 runs of this file.
"""

import numpy as np
import pytest
from numpy.random import default_rng

from uncollapse.collapse.experiment import experiment
from uncollapse.collapse.laboratory import laboratory
from uncollapse.collapse.ngram import NGram
from uncollapse.collapse.ngram_text import BUILT_IN
from uncollapse.collapse.regimes import regime
from uncollapse.collapse.theory import text as forms
from uncollapse.errors import InputError, UsageError

REGIMES = ("replace", "accumulate", "subsample", "preserve", "fresh", "edit", "mixed")
RARITIES = ("kept_1_2", "kept_3_10", "kept_11_100", "kept_over_100")


@pytest.fixture(scope="module")
def zipf(tmp_path_factory):
    """A text of 6,000 words out of 400, the r-th of which is drawn in proportion to 1 / r."""
    share = 1 / np.arange(1, 401)
    words = default_rng(1).choice(400, size=6000, p=share / share.sum())
    path = tmp_path_factory.mktemp("text") / "zipf.txt"
    path.write_text(" ".join(f"w{word}" for word in words))
    return path


@pytest.fixture(scope="module")
def wikitext(shared_data, tmp_path_factory):
    """Both parts of WikiText-2 that are here, some half a million words."""
    path = tmp_path_factory.mktemp("wikitext") / "both.txt"
    path.write_text("".join((shared_data / "wikitext2" / name).read_text() for name in ("valid.txt", "test.txt")))
    return path


def run(lab, kind, *, generations, seeds):
    kind = regime(kind) if isinstance(kind, str) else kind
    return experiment(lab, [kind], generations=generations, seeds=seeds).results().parts[0]


def meets(found, expected, variance, *, seeds):
    error = np.sqrt(variance / seeds)
    assert np.all(np.abs(found - expected) <= 5.5 * error + 1e-9), (found, expected, error)


def test_a_text_by_hand(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("a b a c " * 20)
    lab = NGram(corpus=path)
    assert lab.samples == 72  # 80 words in blocks of 4, two of twenty held out
    (found,) = [{name: float(value[0]) for name, value in lab.measured(lab.original(1)).items()}]
    assert found["types"] == 3
    assert found["entropy"] == pytest.approx(-(0.5 * np.log(0.5) + 2 * 0.25 * np.log(0.25)))


def test_the_text_that_is_always_there_is_the_default():
    lab = laboratory("ngram")
    assert lab.text.name == BUILT_IN
    assert lab.samples == len(lab.streams) > 50_000


@pytest.mark.parametrize("name", REGIMES)
@pytest.mark.parametrize("order", [1, 2])
def test_every_regime_runs_and_begins_with_the_original(zipf, name, order):
    lab = NGram(corpus=zipf, order=order, length=30)
    part = run(lab, name, generations=3, seeds=2)
    assert np.all(np.isfinite(part["cross_entropy"]))
    assert np.all(part["kl"][0] == 0)
    assert np.all(part["types"][1:] <= part["types"][0])
    assert np.all(part["lost_mass"][-1] < 0.2)


def test_what_is_lost_never_comes_back_under_replace(zipf):
    for smoothing in ("back-off", "interpolated"):
        part = run(NGram(corpus=zipf, order=2, length=40, smoothing=smoothing), "replace", generations=6, seeds=3)
        assert np.all(np.diff(part["types"], axis=0) <= 0)
        assert part["types"][-1].max() < part["types"][0].min()


def test_streams_are_seen_once_by_a_first_fit_on_all_of_them(zipf):
    lab = NGram(corpus=zipf, order=2, length=50)
    rows = lab.real(lab.samples, seeds=2, rng=default_rng(3)).values
    assert all(np.array_equal(np.sort(seed.ravel()), np.sort(lab.streams.ravel())) for seed in rows)
    assert not np.array_equal(rows[0], rows[1])
    more = lab.real(2 * lab.samples + 1, seeds=1, rng=default_rng(4)).values[0]
    _, times = np.unique(more, axis=0, return_counts=True)
    assert set(times.tolist()) == {2, 3}
    assert lab.real(0, seeds=2, rng=default_rng(5)).size == 0


@pytest.mark.parametrize("kind", ["replace", "accumulate", "fresh", "preserve"])
def test_kept_words_meet_the_closed_form(zipf, kind):
    kind = regime(kind, share=0.25) if kind in {"fresh", "preserve"} else regime(kind)
    lab, generations, seeds = NGram(corpus=zipf), 12, 60
    part = run(lab, kind, generations=generations, seeds=seeds)
    curves = {curve.measure: curve for curve in lab.theory(kind, generations=generations)}
    expected = lab.reference.counts.words / lab.reference.counts.words.sum() * lab.samples
    rate = {
        "replace": forms.replaced,
        "accumulate": forms.accumulated,
        "fresh": lambda k: forms.refreshed(k, share=0.25),
        "preserve": lambda k: forms.preserved(k, share=0.25),
    }[kind.name](np.arange(1, generations + 1))
    alive = forms.kept(expected, rate)
    meets(part["types"][1:].mean(axis=1), alive.sum(axis=1), (alive * (1 - alive)).sum(axis=1), seeds=seeds)
    assert curves["types"].values[1:] == pytest.approx(alive.sum(axis=1))
    group = lab.reference.groups["kept_3_10"]
    inside = alive[:, group]
    variance = (inside * (1 - inside)).sum(axis=1) / group.sum() ** 2
    meets(part["kept_3_10"][1:].mean(axis=1), curves["kept_3_10"].values[1:], variance, seeds=seeds)


def test_at_the_first_fit_the_exact_form_holds(zipf):
    lab, seeds = NGram(corpus=zipf, samples=500), 200
    part = run(lab, "replace", generations=1, seeds=seeds)
    share = lab.reference.share[lab.reference.share > 0]
    alive = 1 - (1 - share) ** 500
    meets(part["types"][1].mean(), alive.sum(), (alive * (1 - alive)).sum(), seeds=seeds)


def test_no_form_is_claimed_where_none_holds(zipf):
    for settings in ({"order": 2, "length": 30}, {"temperature": 0.9}, {"top_k": 5}, {"samples": 300}):
        assert NGram(corpus=zipf, **settings).theory(regime("replace"), generations=3) == []
    assert NGram(corpus=zipf).theory(regime("subsample"), generations=3) == []


def test_a_low_temperature_takes_the_tail_first_and_fast(zipf):
    plain = run(NGram(corpus=zipf), "replace", generations=8, seeds=3)
    cold = run(NGram(corpus=zipf, temperature=0.8), "replace", generations=8, seeds=3)
    real = run(NGram(corpus=zipf, temperature=0.8), "fresh", generations=8, seeds=3)
    assert cold["types"][-1].max() < plain["types"][-1].min()
    assert cold["entropy"][-1].max() < real["entropy"][-1].min() < plain["entropy"][-1].min()


def test_the_law_under_temperature_is_a_power(zipf):
    # What a model is trained on at fit 2 comes from p^(1/t) of fit 1; with many rows fit 1 is the original.
    lab = NGram(corpus=zipf, temperature=0.5, samples=200_000)
    part = run(lab, "replace", generations=2, seeds=2)
    share = lab.reference.share[lab.reference.share > 0]
    power = share**2 / (share**2).sum()
    assert part["entropy"][2].mean() == pytest.approx(-(power * np.log(power)).sum(), abs=0.03)


def test_a_higher_order_says_more_of_real_text_and_collapses_too(zipf, tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text(" ".join(f"a{n % 7} b{n % 7}" for n in default_rng(8).integers(0, 70, 3000)))
    one, two = NGram(corpus=path), NGram(corpus=path, order=2)
    first, second = (run(lab, "replace", generations=2, seeds=1)["cross_entropy"] for lab in (one, two))
    assert second[0, 0] == pytest.approx(np.log(7) / 2, abs=0.05)  # every second word is known for sure
    assert first[0, 0] == pytest.approx(np.log(14), abs=0.05)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"order": 0}, "order"),
        ({"temperature": -1.0}, "temperature"),
        ({"top_p": 1.5}, "top_p"),
        ({"length": 1, "order": 2}, "hold no n-gram of order 2"),
        ({"smoothing": "interpolated", "temperature": 0.5}, "go with smoothing back-off"),
        ({"content": "another text"}, "nothing to be set"),
        ({"length": 6000, "order": 2}, "fewer than 6000 words"),
    ],
)
def test_bad_settings_are_refused(zipf, settings, said):
    with pytest.raises(UsageError, match=said):
        laboratory("ngram", corpus=zipf, **settings)


def test_a_text_too_short_is_refused(tmp_path):
    path = tmp_path / "short.txt"
    path.write_text("too short")
    with pytest.raises(InputError, match="2 words, too few"):
        laboratory("ngram", corpus=path)


def test_regimes_that_it_cannot_have_are_refused(zipf):
    with pytest.raises(UsageError, match="cannot have the regime verify") as refused:
        experiment(NGram(corpus=zipf), [regime("verify")], generations=1, seeds=1)
    assert "replace, accumulate" in refused.value.hint


def test_where_the_text_lies_does_not_change_the_numbers(zipf, tmp_path):
    other = tmp_path / "copy.txt"
    other.write_bytes(zipf.read_bytes())
    here, there = (run(NGram(corpus=path), "replace", generations=2, seeds=2) for path in (zipf, other))
    assert np.array_equal(here.values, there.values, equal_nan=True)


@pytest.mark.shared_data
@pytest.mark.parametrize("kind", [regime("replace"), regime("fresh", share=0.1)], ids=lambda kind: kind.name)
def test_check_22_words_of_real_text(wikitext, kind):
    lab = NGram(corpus=wikitext)
    part = run(lab, kind, generations=10, seeds=1)
    k = np.arange(1, 11)
    rate = forms.replaced(k) if kind.name == "replace" else forms.refreshed(k, share=kind.share)
    alive = forms.kept(lab.reference.counts.words.astype(np.float64), rate)
    meets(part["types"][1:, 0], alive.sum(axis=1), (alive * (1 - alive)).sum(axis=1), seeds=1)
    kept = np.stack([part[name][:, 0] for name in RARITIES])
    assert np.all(np.diff(kept[:, 1:], axis=0) >= 0)  # the rarer, the sooner
    assert np.all(kept[0, 1:] < kept[1, 1:])
    assert part["entropy"][10, 0] > 0.96 * part["entropy"][0, 0]
    if kind.name == "replace":
        assert part["types"][10, 0] < 0.6 * part["types"][0, 0]


@pytest.mark.shared_data
def test_check_23_pairs_of_words_of_real_text(wikitext):
    lab = NGram(corpus=wikitext, order=2)
    part = run(lab, "replace", generations=11, seeds=1)
    rate = forms.replaced(np.arange(1, 11))
    for name, counts in (("types", lab.reference.counts.words), ("ngrams", lab.reference.counts.levels[1].counts)):
        alive = forms.kept(counts.astype(np.float64), rate)
        assert part[name][1, 0] == part[name][0, 0]  # the first fit sees the whole text
        meets(part[name][2:, 0], alive.sum(axis=1), (alive * (1 - alive)).sum(axis=1), seeds=1)
    assert np.all(np.diff(part["conditional_entropy"][1:, 0]) < 0)
