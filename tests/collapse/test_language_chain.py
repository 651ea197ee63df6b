"""A chain of generations: what each learned from, equal tokens, and the same numbers when it was killed in between."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from language_desk import SMALL, store_of
from uncollapse.collapse.language.arms import ARMS
from uncollapse.collapse.language.chain import Chain, First
from uncollapse.collapse.language.measures import MEASURES
from uncollapse.errors import MissingInput


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    store_of(folder)
    *news, table = First(0, 0, SMALL, folder).work(folder)
    assert news == ["generation 0 learns", "generation 0 is measured"]
    return folder, table


def worked(study, arm, folder, *, until=None):
    """The table of a chain; or, stopped after some news, None."""
    for number, news in enumerate(Chain(0, arm, 0, SMALL, study[0]).work(folder)):
        if isinstance(news, pa.Table):
            return news
        if number == until:
            return None
    raise AssertionError


def value(table, generation, measure):
    own = table.filter(pc.and_(pc.equal(table["generation"], generation), pc.equal(table["measure"], measure)))
    return own["value"][0].as_py()


def test_generation_0_is_human_and_its_model_stays(study):
    folder, table = study
    assert (folder / "first" / "seed-0" / "config.json").is_file()
    assert set(table["measure"].to_pylist()) == {*MEASURES, "histogram"}
    assert value(table, 0, "human_share") == 1
    assert value(table, 0, "types_lost") == 0
    assert value(table, 0, "tokens") == 24 * 8
    counts = table.filter(pc.equal(table["measure"], "histogram"))
    assert sum(counts["value"].to_pylist()) == 24


@pytest.mark.parametrize(
    ("arm", "blocks", "human"), [("real", 24, 1), ("preserve", 24, 0.25), ("accumulate", 72, 1 / 3)]
)
def test_each_arm_learns_from_what_it_says_and_from_as_many_tokens(study, tmp_path, arm, blocks, human):
    table = worked(study, arm, tmp_path)
    for generation in (1, 2):
        assert value(table, generation, "tokens") == 24 * 8
    assert value(table, 2, "human_share") == pytest.approx(human)
    last = table.filter(pc.and_(pc.equal(table["generation"], 2), pc.equal(table["measure"], "histogram")))
    assert sum(last["value"].to_pylist()) == blocks
    assert sorted(set(table["generation"].to_pylist())) == [1, 2]


def test_an_edit_leaves_most_of_the_human_text(study, tmp_path):
    table = worked(study, "edit", tmp_path)
    # Half of the tokens are drawn anew, and a draw may give what stood there.
    assert 0.3 < value(table, 1, "human_share") < 0.8


def test_a_chain_that_was_stopped_anywhere_gives_the_same_numbers(study, tmp_path):
    """Killed after each of its first news in turn, and gone on with: `replace` has eight in two generations."""
    (tmp_path / "whole").mkdir()
    whole = worked(study, "replace", tmp_path / "whole")
    folder = tmp_path / "stopped"
    folder.mkdir()
    for until in (0, 1, 1, 2):
        assert worked(study, "replace", folder, until=until) is None
    # As words, since a number of types that there is not is unlike itself.
    assert str(worked(study, "replace", folder).to_pydict()) == str(whole.to_pydict())


def test_models_that_are_no_longer_needed_are_gone(study, tmp_path):
    worked(study, "replace", tmp_path)
    assert sorted(path.name for path in tmp_path.glob("model-*")) == ["model-02"]


def test_warm_chains_go_on_from_the_last_model(study, tmp_path):
    warm = SMALL.model_copy(update={"warm": True})
    *_, _table = Chain(0, "real", 0, warm, study[0]).work(tmp_path)
    told = json.loads((tmp_path / "model-02" / "training.json").read_text())
    assert told["settings"]["start"] == "model-01"


def test_a_pretrained_model_is_where_every_generation_starts_from(study, tmp_path):
    """A folder that was trained elsewhere, in beams: its tokenizer cuts the text, and each training begins with it."""
    settings = SMALL.model_copy(update={"model": str(study[0] / "first" / "seed-0"), "decoding": "beam", "beams": 2})
    folder, work = tmp_path / "study", tmp_path / "work"
    folder.mkdir()
    work.mkdir()
    store = store_of(folder, settings)
    assert store.learned.tolist() == store_of(folder).learned.tolist()
    *_, begun = First(0, 0, settings, folder).work(work)
    # It has read these very blocks once more than its model had.
    assert value(begun, 0, "block_p50") < value(study[1], 0, "block_p50")
    *_, table = Chain(0, "replace", 0, settings, folder).work(work)
    told = json.loads((work / "model-02" / "training.json").read_text())
    assert told["settings"]["start"] == "seed-0"
    assert told["settings"]["learning_rate"] == settings.rate_of_learning == 2e-5
    assert value(table, 2, "human_share") == 0


def test_a_lost_first_model_is_named(study, tmp_path):
    with pytest.raises(MissingInput, match="generation 0"):
        list(Chain(0, "replace", 5, SMALL, study[0]).work(tmp_path))


def test_every_arm_has_its_words():
    assert set(ARMS) == {"real", "replace", "preserve", "accumulate", "subsample", "edit"}
    assert np.isfinite(SMALL.rate_of_learning)
