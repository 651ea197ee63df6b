"""What each arm learns from."""

import numpy as np
import pytest

from language_desk import SMALL
from uncollapse.collapse.language.arms import arms_of, kept_blocks, pool_of, taken, writes
from uncollapse.errors import UsageError


def test_the_control_is_always_there_and_comes_first():
    assert arms_of(["replace", "edit"]) == ("real", "replace", "edit")
    assert arms_of(["edit", "real"]) == ("real", "edit")


def test_what_cannot_be_is_refused():
    for names, said in (
        (["mixed"], "one of laws"),
        (["replac"], "no regime"),
        ([], "once"),
        (["edit", "edit"], "once"),
    ):
        with pytest.raises(UsageError, match=said):
            arms_of(names)


def test_a_share_of_human_blocks_is_kept_by_preserve_alone(rng):
    kept = kept_blocks("preserve", SMALL, 24, rng)
    assert len(set(kept.tolist())) == 6
    assert kept.tolist() == sorted(kept.tolist())
    assert not len(kept_blocks("replace", SMALL, 24, rng))


def test_pools_hold_everything_where_data_accumulate_and_the_last_batch_elsewhere(rng):
    assert pool_of("accumulate", 3) == pool_of("subsample", 3) == [0, 1, 2, 3]
    assert {tuple(pool_of(arm, 3)) for arm in ("real", "replace", "preserve", "edit")} == {(3,)}
    assert taken("accumulate", 96, 24, rng).tolist() == list(range(96))
    chosen = taken("subsample", 96, 24, rng)
    assert len(np.unique(chosen)) == 24
    assert chosen.max() < 96
    assert [writes(arm) for arm in ("replace", "preserve", "real", "edit")] == [True, True, False, False]
