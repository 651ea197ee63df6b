"""Proxies: networks and counts that learn a share and read held-out text."""

import json

import numpy as np
import pytest

from made_text import made
from uncollapse.collapse.forecast import counting
from uncollapse.collapse.forecast.kinds import Pace
from uncollapse.collapse.forecast.learning import last_loss
from uncollapse.collapse.forecast.proxies import (
    TASKS,
    Proxy,
    account_of,
    read_tasks,
    sums_of,
    table_of,
    write_tasks,
)
from uncollapse.collapse.forecast.text import Given, parted
from uncollapse.collapse.forecast.timing import Probe
from uncollapse.collapse.forecast.tokens import counted, digest_of_file, write_counted
from uncollapse.errors import RecipeDiffers
from uncollapse.evaluation.questions import Question

PACE = Pace(128, 3e-3)
ASKED = {"copa": [Question(["the sky is", "the sky is"], [" blue", " a"], 0)]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A study's folder with its text; machines know fewer words."""
    whole = tmp_path_factory.mktemp("study")
    for name, texts in (("h", made(150, seed=1)), ("s", made(150, seed=2, known=300))):
        (whole / f"{name}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    given = Given((str(whole / "h.jsonl"),), (str(whole / "s.jsonl"),))
    text = counted(parted(given, held_out=0.2), ["tiny", "counted"])
    place = whole / "pieces"
    place.mkdir()
    write_counted(text, place)
    (place / TASKS).write_bytes(write_tasks(ASKED))
    return place


def worked(piece, folder):
    own = folder / f"{piece.name}.work"
    own.mkdir(parents=True)
    *news, table = piece.work(own)
    return news, table


def proxy(size, share, tokens):
    return Proxy(0, size, share, 0, tokens, PACE)


def test_a_network_learns_its_tokens_and_reads_every_held_out_document(folder):
    news, table = worked(proxy("tiny", 0.25, 4_000), folder)
    assert news == ["learning", "reading"]
    account = account_of(table)
    assert account["tokens"] == pytest.approx(4_000, rel=0.01)
    assert (account["human_tokens"], account["synthetic_tokens"]) == (3_000, 1_000)
    assert account["parameters"] == 160_064
    assert account["tasks"]["copa"]["acc"] in ([0], [1])
    sums = sums_of(table)
    assert len(sums) == 30
    assert np.exp(sums[:, 0].sum() / sums[:, 1].sum()) < 1024


def test_counts_read_human_text_worse_the_more_of_theirs_a_poor_machine_wrote(folder):
    losses, training = [], []
    for share in (0.0, 0.5, 1.0):
        _, table = worked(proxy("counted", share, 15_000), folder)
        sums = sums_of(table).sum(axis=0)
        losses.append(sums[0] / sums[1])
        training.append(account_of(table)["training_loss"])
        assert account_of(table)["tokens"] == pytest.approx(15_000, rel=0.01)
    assert losses == sorted(losses)
    assert losses[2] > losses[0] + 0.3
    assert training[2] < training[0] - 0.3


def test_the_counted_law_over_pieces_sums_to_one_and_is_worked_by_hand():
    """'ab ab ab' over single bytes: p(a) has m of the shorter context; the piece vocabulary has every byte."""
    vocabulary = counting.vocabulary_of(["ab ab ab"])
    model = counting.PieceCounted(["ab ab ab", "ab"], vocabulary)
    tokens = vocabulary.encode(["ab"])
    block = next(iter(model.distributions(tokens)))
    assert np.exp(block.logprob.astype(float)).sum(axis=1) == pytest.approx(1.0)
    # Whole words are pieces: 'ab' once at the start of each text, ' ab' twice. Unigrams: 2 of 4, with 40 pseudo
    # counts shared by all pieces; after the start token 'ab' came 2 of 2 times.
    pieces, m = len(vocabulary), counting.PSEUDO_COUNT
    shorter = (2 + m / pieces) / (4 + m)
    assert model.score(tokens).logprob[0] == pytest.approx(np.log((2 + m * shorter) / (2 + m)), abs=1e-5)
    assert model.tokens == 6


def test_a_proxy_reads_no_other_text_than_that_of_its_study(folder):
    own = Proxy(0, "counted", 0.0, 7, 2_000, PACE, digest_of_file(folder))
    assert worked(own, folder)[0] == ["learning", "reading"]
    other = Proxy(0, "counted", 0.0, 8, 2_000, PACE, "0" * 64)
    with pytest.raises(RecipeDiffers, match="not the text of this study"):
        worked(other, folder)


def test_a_probe_is_timed_where_the_text_lies(folder):
    own = folder / "timing" / "pieces" / "counted-0.work"
    own.mkdir(parents=True)
    *news, table = Probe(0, "counted", 0, PACE).work(own)
    assert news == ["timing"]
    row = table.to_pylist()[0]
    assert row["beside"] > 0
    assert row["tokens_per_second"] > 0


def test_the_training_loss_is_of_the_last_quarter_of_the_steps():
    """Points at 4, 7 and 8 of 8 steps: the last quarter has step 7 of the second point and step 8."""
    assert last_loss([[4, 9.0], [7, 5.0], [8, 3.0]]) == pytest.approx(4.0)
    assert last_loss([[1, 2.0]]) == 2.0


def test_sums_and_questions_come_back_as_they_went(tmp_path):
    sums = np.arange(12.0).reshape(4, 3)
    table = table_of(sums, {"tokens": 7, "tasks": {}})
    assert (sums_of(table) == sums).all()
    assert account_of(table) == {"tokens": 7, "tasks": {}}
    (tmp_path / TASKS).write_bytes(write_tasks(ASKED))
    assert read_tasks(tmp_path) == ASKED
