"""What a trial says of its numbers, on tables made by hand."""

import math
import re

import numpy as np
import pyarrow as pa
import pytest

from uncollapse.collapse.trial.pieces import HELD_OUT, RESULTS
from uncollapse.collapse.trial.results import (
    Found,
    answer,
    as_json,
    check_equal,
    controls_seen,
    holm,
    sentence,
    sentence_of,
    sums_of,
)
from uncollapse.collapse.trial.telling import beside_grid, grids, markdown, results_grid, tasks_grid
from uncollapse.errors import UncollapseError
from uncollapse.report import NONE as DASH

DOCUMENTS = 40


def table(shifts, *, objective="scratch", seeds=4, noise=0.002, tasks=(), learned=None):
    """Results in which the documents of an arm cost `shifts[arm]` more nats a token than those without edits.

    Of ten tokens each; seeds move all documents of a training together by a normal draw of `noise`.
    """
    rng = np.random.default_rng(3)
    hard = rng.uniform(4, 6, DOCUMENTS)
    tables = []
    for arm, shift in shifts.items():
        for seed in range(seeds):
            nats = 10 * (hard + shift + noise * rng.normal())
            same = {"objective": objective, "arm": arm, "seed": seed, "epochs": 2.0, "texts": 30}
            columns = {
                **{name: [value] * DOCUMENTS for name, value in same.items()},
                "file": [HELD_OUT] * DOCUMENTS,
                "document": list(range(DOCUMENTS)),
                "learned": [(learned or {}).get(arm, 1000)] * DOCUMENTS,
                "nats": nats,
                "tokens": np.full(DOCUMENTS, 10.0),
                "bytes": np.full(DOCUMENTS, 40.0),
                "rare_nats": nats / 2,
                "rare_tokens": np.full(DOCUMENTS, 4.0),
                "rare_bytes": np.full(DOCUMENTS, 16.0),
                "right": [None] * DOCUMENTS,
            }
            tables.append(_table(columns))
            for task in tasks:
                right = (np.arange(DOCUMENTS) % 4 < (3 if arm == "half-synthetic" else 2)).astype(float)
                empty = dict.fromkeys(
                    columns.keys() - {*same, "document", "learned", "right", "file"}, [None] * DOCUMENTS
                )
                tables.append(_table({**columns, **empty, "file": [task] * DOCUMENTS, "right": right}))
    return pa.concat_tables(tables)


def _table(columns):
    return pa.table({name: pa.array(columns[name], RESULTS.field(name).type) for name in RESULTS.names})


SHIFTS = {"none": 0.0, "paper": 0.0, "bold": 0.0, "random": 0.0, "delete": 0.0, "half-synthetic": 0.1}


def test_measures_are_those_of_the_sums():
    found = Found.of(table({"none": 0.0, "bold": 0.1}, noise=0.0))
    none, bold = found.arms("scratch")
    sums = sums_of(table({"none": 0.0, "bold": 0.1}, noise=0.0), "none", HELD_OUT, ["nats", "tokens", "bytes"])["0"]
    assert sums.shape == (DOCUMENTS, 3)
    perplexity = math.exp(sums[:, 0].sum() / sums[:, 1].sum())
    assert none.mean("perplexity") == pytest.approx(perplexity)
    assert bold.mean("perplexity") == pytest.approx(perplexity * math.exp(0.1))
    assert none.mean("bits_per_byte") == pytest.approx(sums[:, 0].sum() / sums[:, 2].sum() / math.log(2))
    assert none.mean("tail_perplexity") == pytest.approx(math.exp(sums[:, 0].sum() / 2 / (4 * DOCUMENTS)))
    difference = found.difference("scratch", "bold")
    assert difference.difference.value == pytest.approx(perplexity * (math.exp(0.1) - 1))
    assert difference.told
    assert difference.way == "higher"


def test_the_sentence_follows_from_the_intervals():
    found = Found.of(table(SHIFTS))
    said = sentence_of(found, "scratch")
    assert said.startswith(
        "From scratch: no edited arm is told apart from no edit; random and delete are not told apart"
    )
    assert "the positive control is told apart: half-synthetic is higher by" in said
    half = found.difference("scratch", "half-synthetic").difference
    assert f"[{half.low:+.3g}, {half.high:+.3g}]" in said
    assert "Of 7 intervals of 95 %, 0.35 would leave zero out by chance alone and 1 do" in sentence(found)
    assert "all of these stand after Holm's correction" in sentence(found)


def test_the_answer_is_one_line():
    assert answer(Found.of(table(SHIFTS))) == (
        "In perplexity no edited arm is told apart from no edit; the positive control is higher on 1 of 1 objectives."
    )
    assert answer(Found.of(table({"none": 0.0, "bold": -0.1}))) == (
        "In perplexity bold is lower (scratch); there is no positive control."
    )


def test_the_sentence_turns_with_the_numbers():
    better = sentence_of(Found.of(table({**SHIFTS, "bold": -0.1})), "scratch")
    assert re.match(
        r"From scratch: bold is lower by \S+ \[-\S+, -\S+\], and paper not told apart from no edit; ", better
    )
    worse = sentence_of(Found.of(table({**SHIFTS, "delete": 0.1})), "scratch")
    assert "; delete is higher by" in worse
    assert "; random is not told apart from it;" in worse
    blind = sentence_of(Found.of(table({**SHIFTS, "half-synthetic": 0.0})), "scratch")
    assert blind.endswith("so that this trial could not have seen half of the text go.")
    turned = Found.of(table({**SHIFTS, "half-synthetic": -0.1}))
    assert "; the positive control is told apart the wrong way round: half-synthetic is lower by" in sentence_of(
        turned, "scratch"
    )
    assert answer(turned).endswith("the positive control is higher on 0 of 1 objectives.")
    split = sentence_of(Found.of(table({**SHIFTS, "bold": -0.1, "half-synthetic": 0.0})), "scratch")
    assert split.endswith(
        "the positive control is not told apart, though bold is: of half of the text this trial says nothing."
    )
    alone = sentence_of(Found.of(table({"none": 0.0, "bold": 0.0})), "scratch")
    assert alone == (
        "From scratch: bold is not told apart from no edit; there is no positive control, so that nothing says what"
        " this trial could have seen."
    )


def test_holm_by_hand():
    """Sorted .01, .02, .03, .04 times 4, 3, 2, 1, each at least the one before: .04, .06, .06, .06."""
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    with_nothing = holm([0.01, float("nan")])
    assert with_nothing[0] == pytest.approx(0.02)
    assert math.isnan(with_nothing[1])


def test_a_difference_that_does_not_stand_the_number_is_named():
    rng = np.random.default_rng(0)
    for shift in np.linspace(0.001, 0.02, 60):
        found = Found.of(table({**SHIFTS, "paper": float(shift)}, noise=0.003))
        paper = found.difference("scratch", "paper")
        if paper.told and not paper.sure:
            assert "these are not told apart: " in sentence(found)
            assert "paper against none (scratch)" in sentence(found)
            assert "no edited arm is told apart from no edit" in sentence_of(found, "scratch")
            assert answer(found).startswith("In perplexity no edited arm is told apart")
            return
    pytest.fail(f"no shift was told apart and lost by Holm's correction {rng}")


def test_unequal_tokens_are_refused():
    found = Found.of(table({"none": 0.0, "bold": 0.0}, learned={"bold": 1200}))
    check_equal(found, batch_tokens=256)
    check_equal(Found.of(table({"none": 0.0, "bold": 0.0}, learned={"bold": 1010})), batch_tokens=8)
    with pytest.raises(UncollapseError, match="have not learned from as many tokens"):
        check_equal(found, batch_tokens=128)
    later = table({"none": 0.0, "bold": 0.0}).to_pylist()
    for row in later:
        row["learned"] += 200 * (row["arm"] == "bold" and row["seed"] == 3)
    with pytest.raises(UncollapseError, match="seed 3: the arms have not learned from as many tokens"):
        check_equal(Found.of(pa.Table.from_pylist(later, RESULTS)), batch_tokens=128)


def test_a_control_is_counted_when_it_stands_the_number_of_comparisons_and_no_sooner():
    """A p of .02 leaves zero out alone, and is .04 among two comparisons and .14 among seven."""
    found = Found.of(table(SHIFTS))
    half = found.difference("scratch", "half-synthetic")
    for adjusted, seen in ((0.04, 1), (0.14, 0)):
        changed = [each._replace(holm=adjusted) if each is half else each for each in found.compared]
        assert controls_seen(Found(found.trained, changed)) == (seen, 1)


def test_tables_hold_the_numbers_and_the_sentence_stands_under_them():
    found = Found.of(table(SHIFTS, tasks=("quiz",)))
    grid = results_grid(found, "scratch")
    assert grid.caption == "Pre-training from scratch, 4 seeds"
    rows = {row[0]: row for row in grid.rows}
    assert rows["none"][4:] == (DASH,) * 6
    half = found.difference("scratch", "half-synthetic").difference
    assert rows["half-synthetic"][4] == f"{half.value:+.3g} [{half.low:+.3g}, {half.high:+.3g}]"
    assert rows["half-synthetic"][5] == "+10.53 %" or rows["half-synthetic"][5].startswith("+10.")
    assert [row[0] for row in beside_grid(found).rows] == [
        "scratch: bold against random",
        "scratch: bold against delete",
    ]
    quiz = {row[0]: row[1] for row in tasks_grid(found).rows}
    assert quiz["scratch: none"] == "50.0 %"
    assert quiz["scratch: half-synthetic"].startswith("75.0 %; +25.0 [")
    text = markdown(found, grids(found, {}, {}), ["the texts: 3"])
    assert sentence(found) in text
    assert text.count("| half-synthetic |") == 1
    assert text.endswith("- the texts: 3\n")


def test_one_seed_and_two_objectives():
    both = pa.concat_tables([table(SHIFTS, seeds=1), table(SHIFTS, seeds=1, objective="instruct")])
    told = as_json(Found.of(both))
    assert list(told) == ["scratch", "instruct"]
    assert told["instruct"]["arms"]["bold"]["against"]["none"]["perplexity"]["seeds"] == 1
    assert told["instruct"]["sentence"].startswith("Instruction: ")
