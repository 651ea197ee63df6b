"""The laws of a contest: arms do not disturb one another, a seed gives the same, what is finished is kept."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from uncollapse.collapse.contest import keeping
from uncollapse.collapse.contest.arms import CONTROLS, RECIPES, TIMES, USUAL, Round, arm, arms_of
from uncollapse.collapse.contest.counted import CountedStudent
from uncollapse.collapse.contest.measures import MEASURES, Encoder, Yardstick
from uncollapse.collapse.contest.run import Contest, Row, Settings, Unit, generator, units
from uncollapse.collapse.contest.students import Lesson
from uncollapse.collapse.contest.text import batch_of, pieces_of
from uncollapse.errors import OutputRefused, RecipeDiffers, UsageError

WORDS = [f"w{number}" for number in range(120)]
STUDENT = CountedStudent()
CHOOSING = {"random", "top-likelihood", "best-of-n", "typical", "importance", "coverage", "coverage-even"}
CHOOSING |= {"rebalance", "cluster-quality"}


def corpus(seed=0):
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, 121)
    return " ".join(rng.choice(WORDS, 2400, p=weights / weights.sum()))


@pytest.fixture(scope="module")
def pieces():
    return pieces_of([batch_of([corpus()])], words=20, most=None, corpus="c")


@pytest.fixture(scope="module")
def contest(pieces):
    return Contest(pieces, Settings(generations=2, length=20))


@pytest.fixture
def now(pieces):
    sides = pieces.parted(0)
    pupil = STUDENT.learn(Lesson(sides.training, sides.training, pieces), seed=0)
    judge = STUDENT.learn(Lesson(sides.reference, sides.training, pieces), seed=0)
    return Round(
        sides=sides,
        before=sides.training,
        pupil=pupil,
        first=pupil,
        judge=lambda: judge,
        student=STUDENT,
        pieces=pieces,
        oversampled=4,
        rng=np.random.default_rng(0),
    )


@pytest.mark.parametrize("name", USUAL)
def test_every_arm_gives_its_budget_and_is_never_shown_held_out_text(now, name):
    held = set(now.sides.held_out)
    hidden = now.sides._replace(held_out=[])
    found, blind = (
        arm(name).texts(Round(**{**vars(now), "sides": sides, "rng": np.random.default_rng(1)}), 48)
        for sides in (now.sides, hidden)
    )
    assert found == blind
    whole = {"real": len(now.sides.training), "reference": len(now.sides.reference)}
    assert len(found) == whole.get(name, 48)
    assert not held & set(found)
    assert {len(text.split()) for text in found} == {20}


@pytest.mark.parametrize(("name", "share"), [("human10", 5), ("human50", 24), ("coverage-even+human25", 12)])
def test_a_share_of_human_text_is_drawn_without_replacement(now, name, share):
    found = arm(name).texts(now, 48)
    human = [text for text in found if text in set(now.sides.training)]
    assert len(human) == len(set(human)) == share


def test_the_edit_arm_keeps_most_of_the_human_text(now):
    found = arm("edit").texts(now, 48)
    training = np.array([text.split() for text in now.sides.training])
    shares = [max((training == np.array(text.split())).mean(axis=1)) for text in found]
    # A tenth of 18 of 20 words is drawn anew, and some of these are what they were.
    assert 0.85 < np.mean(shares) < 0.97


def test_an_arm_alone_gives_what_it_gives_among_others(pieces):
    settings = Settings(generations=2, length=20)
    every = Contest(pieces, settings)
    among = [every(unit) for unit in units([STUDENT], arms_of(["random", "replace", "arbitrate"]), [0, 1])]
    alone = Contest(pieces, settings)(Unit(STUDENT, arm("replace"), 1))
    assert alone == next(rows for rows in among if (rows[0].arm, rows[0].seed) == ("replace", 1))
    assert alone != next(rows for rows in among if (rows[0].arm, rows[0].seed) == ("replace", 0))


def test_generation_0_is_the_same_for_every_arm_and_real_text_stays_there(contest):
    rows = [row for unit in units([STUDENT], arms_of(["real", "replace"]), [0]) for row in contest(unit)]
    start = {(row.arm, row.measure): row.value for row in rows if row.generation == 0}
    assert all(start["real", measure] == start["replace", measure] for measure in MEASURES)
    real = {row.generation: row.value for row in rows if (row.arm, row.measure) == ("real", "perplexity")}
    assert real[0] == real[1] == real[2]


def test_what_accumulates_is_everything_so_far(contest, monkeypatch):
    seen = []
    learn = CountedStudent.learn
    monkeypatch.setattr(
        CountedStudent,
        "learn",
        lambda own, lesson, *, seed: seen.append(len(lesson.texts)) or learn(own, lesson, seed=seed),
    )
    contest(Unit(STUDENT, arm("accumulate"), 0))
    assert seen[-2:] == [96, 144]


def test_measures_by_hand(pieces):
    sides = pieces.parted(0)._replace(held_out=["a b c d", "a a a e"])
    yardstick = Yardstick(sides, 10, generator(0, "encoder", 0))

    class Pupil:
        def write(self, openings, *, rng): ...

        def edit(self, texts, *, rate, rng): ...

        def nats(self, texts):
            return np.log([2.0, 8.0])[: len(texts)]

    found = yardstick.measured(["a a b z"], Pupil(), rng=np.random.default_rng(0))
    assert found["perplexity"] == pytest.approx(4)
    assert found["rare_coverage"] == pytest.approx(1 / 4)  # b of b, c, d, e
    assert found["tail_mass"] == pytest.approx(1 / 4)  # z
    assert found["distinct_1"] == pytest.approx(3 / 4)
    assert found["distinct_3"] == 1
    assert np.isnan(found["vendi"])
    p, q = np.array([2, 1, 0, 0, 0, 1]) / 4, np.array([4, 1, 1, 1, 1, 0]) / 8
    m = (p + q) / 2
    kl = lambda x: sum(a * np.log2(a / b) for a, b in zip(x, m, strict=True) if a)  # noqa: E731
    assert found["jsd"] == pytest.approx((kl(p) + kl(q)) / 2)


def test_the_encoder_keeps_angles_and_knows_no_strangers():
    encoder = Encoder.fitted(["a b", "c d"] * 20, np.random.default_rng(0))
    vectors = encoder.vectors(_rows(["a b", "b a", "c d", "x y"]))
    assert vectors.shape == (3, 64)
    assert vectors[0] == pytest.approx(vectors[1])
    cosine = vectors[0] @ vectors[2] / np.linalg.norm(vectors[0]) / np.linalg.norm(vectors[2])
    # Disjoint words are at a right angle; 64 directions err by about 1/8.
    assert abs(cosine) < 0.5


def _rows(texts):
    from uncollapse.collapse.contest.text import rows_of, tokens_of

    return [row for tokens in tokens_of(texts) for row in rows_of(tokens)]


@pytest.mark.parametrize("name", ["humans", "human", "human0", "coverage+human", "+human10", "covrage", "human100"])
def test_a_name_of_no_arm_is_refused(name):
    with pytest.raises(UsageError, match="no arm"):
        arm(name)


def test_names_that_cannot_be():
    assert set(USUAL) >= set(CONTROLS)
    assert len(set(USUAL)) == len(USUAL)
    with pytest.raises(UsageError, match="human text already"):
        arm("real+human10")
    with pytest.raises(UsageError, match="once each"):
        arms_of(["replace", "replace"])
    assert arm("human10").recipe is RECIPES["replace"]


def test_what_is_finished_is_kept_and_not_run_again(contest, tmp_path):
    first = units([STUDENT], arms_of(["replace"]), [0, 1])
    said = []
    rows = keeping.played(contest, first, tmp_path / "c", reached=said.append)
    assert said[0] == "1 of 2, counted-replace-0"
    more = units([STUDENT], arms_of(["replace", "real"]), [0, 1])
    said.clear()
    both = keeping.played(contest, more, tmp_path / "c", reached=said.append)
    assert {line.split(", ")[1] for line in said} == {"counted-real-0", "counted-real-1"}
    assert [row for row in both if row.arm == "replace"] == rows
    assert keeping.played(contest, more, None, reached=said.append) == both


def test_a_unit_that_was_stopped_is_not_there_at_all(contest, tmp_path):
    def stop(said):
        if said == "2 of 2, counted-replace-1, generation 1":
            raise KeyboardInterrupt

    both = units([STUDENT], arms_of(["replace"]), [0, 1])
    with pytest.raises(KeyboardInterrupt):
        keeping.played(contest, both, tmp_path, reached=stop)
    assert [path.name for path in (tmp_path / "units" / "counted").glob("*.parquet")] == ["replace-0.parquet"]
    assert keeping.played(contest, both, tmp_path, reached=lambda _: None) == keeping.played(
        contest, both, None, reached=lambda _: None
    )


def test_units_of_another_contest_are_not_mixed_in(contest, pieces, tmp_path):
    both = units([STUDENT], arms_of(["replace"]), [0])
    keeping.played(contest, both, tmp_path, reached=lambda _: None)
    other = Contest(pieces, Settings(generations=3, length=20))
    with pytest.raises(RecipeDiffers, match="other settings"):
        keeping.played(other, both, tmp_path, reached=lambda _: None)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputRefused, match="no contest has written"):
        keeping.played(contest, both, tmp_path / "own", reached=lambda _: None)


def test_the_table_is_long_and_comes_back(tmp_path):
    rows = [Row("counted", "replace", 0, 0, "jsd", 0.5), Row("counted", "human10", 1, 2, "jsd", float("nan"))]
    keeping.write(rows, {"a": 1}, "<p>", folder=tmp_path)
    assert pq.read_table(tmp_path / "results.parquet").column_names == [
        *("student", "arm", "seed", "generation", "measure", "value")
    ]
    assert str(keeping.rows_of(tmp_path / "results.parquet")) == str(rows)
    assert json.loads((tmp_path / "summary.json").read_text()) == {"a": 1}


def test_an_arm_says_how_many_times_as_much_it_chooses_from(pieces):
    for name, recipe in RECIPES.items():
        four, seven = (arm(name).what(oversampled=times) for times in (4, 7))
        assert TIMES not in four
        assert seven == recipe.said.replace(TIMES, "7")
        assert (four != seven) == (name in CHOOSING)
    assert arm("best-of-n").what(oversampled=7) == "for each opening the likeliest of 7 samples"
    assert (
        arm("coverage+human10")
        .what(oversampled=2)
        .endswith("of 2 times as much; rare ones weigh more; 10% of it human text")
    )
