"""Claims: when they are met; and every study, run whole (the slow ones by `make test-slow`)."""

import json

import numpy as np
import pytest

from uncollapse.collapse.reproductions import STUDIES, Claim, Measured, counted, exact, page, reproduce, sampled
from uncollapse.collapse.reproductions.claims import Study, settled, spread
from uncollapse.errors import UsageError


def claim(published, low, high):
    return Claim(what="w", source="s", published=published, ours=Measured((low + high) / 2, low, high))


@pytest.mark.parametrize(
    ("published", "low", "high", "inside"),
    [
        ("1.5", 1.4, 1.6, True),
        ("1.5", 1.54, 1.6, True),  # printed to one digit, it may be 1.549
        ("1.50", 1.54, 1.6, False),
        ("20", 20.4, 21, True),
        ("< 2", 1.0, 1.9, True),
        ("< 2", 1.0, 2.1, False),
        ("<= 2", 1.9, 2.1, True),
        ("<= 2", 2.01, 2.1, False),
        ("> 0", 0.1, 0.2, True),
        ("> 0", -0.1, 0.2, False),
        (">= 0", -0.1, 0.2, True),
        (">= 0", -0.2, -0.1, False),
        ("-0.333", -0.334, -0.3329, True),
    ],
)
def test_when_a_claim_is_met(published, low, high, inside):
    assert claim(published, low, high).inside is inside


def test_intervals_hold_what_is_true_99_times_in_100(rng):
    means = [sampled(rng.normal(3, 2, 400)) for _ in range(1_000)]
    spreads = [spread(rng.normal(3, 2, 400), repetitions=10**9) for _ in range(1_000)]
    counts = [counted(rng.random(400) < 0.3) for _ in range(1_000)]
    for true, every in ((3, means), (2, spreads), (0.3, counts)):
        held = np.mean([each.low <= true <= each.high for each in every])
        assert held == pytest.approx(0.99, abs=5.5 * np.sqrt(0.99 * 0.01 / 1_000))


def test_an_error_of_theirs_widens_the_interval():
    values = np.array([0.0, 2.0] * 50)
    assert sampled(values, error=1.0).high - 1 == pytest.approx(2.576 * np.hypot(values.std(ddof=1) / 10, 1))
    assert exact(3.0, within=0.5) == (3.0, 2.5, 3.5)


def test_zhu_shows_where_the_printed_bound_does_not_hold(tmp_path):
    study = reproduce("zhu")
    found = {each.what: each for each in study.claims}
    assert found["error after 20 fits when every label is replaced"].inside
    assert not found["error after 10 rounds of disjoint edits of a tenth, each row once"].inside
    assert not found["error after 40 rounds of fresh random edits of an eighth each round"].inside
    assert found["error after 40 rounds of a tenth, the same every round"].inside
    page.write(study, tmp_path)
    told = json.loads((tmp_path / "summary.json").read_text())
    assert len(told["claims"]) == len(study.claims)
    assert f"{study.met} of {len(study.claims)} published" in (tmp_path / "index.html").read_text()


# What lies outside, and why, is said on the page: the rest must be inside.
OUTSIDE = {
    "shumailov": 1,  # the pace at which the latents of an autoencoder shrink, on other images than the paper's
    "gerstgrasser": 0,
    "kazdan": 2,  # the smallest bandwidth, where the kernel adds no more than resampling takes
    "dohmatob": 2,  # the heaviest tail, where finitely many ranks are not the limit
    "suresh": 0,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OUTSIDE)
def test_a_study_comes_out_as_it_did(name):
    study = reproduce(name)
    assert len(study.claims) - study.met == OUTSIDE[name], [each.what for each in study.claims if not each.inside]


def test_every_study_is_there():
    assert set(STUDIES) == {*OUTSIDE, "zhu"}
    with pytest.raises(UsageError, match="no reproduction 'nobody'"):
        reproduce("nobody")


def test_numbers_have_two_digits_of_their_interval():
    assert page.digits(Measured(0.999983, 0.99981, 1.00016)) == ("0.99998", "0.99981 to 1.00016")
    assert page.digits(Measured(19.591, 18.4, 20.78)) == ("19.6", "18.4 to 20.8")
    assert page.digits(Measured(2.0 / 3, 2.0 / 3, 2.0 / 3)) == ("0.6667", "exact")


def test_every_claim_is_told_as_it_is_settled():
    claims = [Claim(what=name, source="s", published="1", ours=exact(1.0)) for name in ("one", "two")]
    said = []
    assert settled(claims[:1], claims[1:], reached=said.append) == claims
    assert said == ["1 claims settled, the last one: one", "2 claims settled, the last one: two"]


def test_a_source_is_named_once_and_numbered():
    claims = [Claim(what=str(at), source=f"source {at // 2}", published="1", ours=exact(1.0)) for at in range(3)]
    study = Study(name="zhu", paper="A paper", protocol="as it is", claims=claims)
    told = page.study_page(study)
    assert told.count("source 0") == told.count("source 1") == 1
    assert '<ol class="sources">' in told
