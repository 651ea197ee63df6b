"""Containment against an oracle of Python sets, intervals by hand, the index in several segments."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncollapse.duplicates import containment as room
from uncollapse.duplicates.containment import Index
from uncollapse.duplicates.foremost import intervals
from uncollapse.duplicates.postings import Segment, SegmentWriter
from uncollapse.duplicates.sketch import CUTTING, sketches_of
from uncollapse.duplicates.smoothing import smooth
from uncollapse.errors import InputError
from uncollapse.fingerprint import content_id
from uncollapse.ngrams import cut_texts

WORDS = [f"w{n}" for n in range(40)]


def texts_of(rng, count, *, low=1, high=60, words=WORDS):
    return [" ".join(rng.choice(words, rng.integers(low, high))) for _ in range(count)]


def smoothed(texts):
    return smooth(pa.array(texts, pa.large_string()))


def segment(folder, texts, *, stem="a", scale=None, at_once=7):
    scratch = folder / f"scratch-{stem}"
    scratch.mkdir()
    writer = SegmentWriter(scratch)
    for begin in range(0, len(texts), at_once):
        some = smoothed(texts[begin : begin + at_once])
        ids = [bytes.fromhex(content_id(text)) for text in texts[begin : begin + at_once]]
        writer.add(sketches_of(some, scale=scale), ids=ids, normals=ids)
    for ending, write in (
        (".hashes", writer.write_hashes),
        (".postings", writer.write_postings),
        (".documents", writer.write_documents),
    ):
        with (folder / f"{stem}{ending}").open("wb") as file:
            write(file)
    return Segment.open(folder / stem)


def runs(text):
    (words,) = cut_texts([text], CUTTING)
    if not words:
        return set()
    return {tuple(words[at : at + 3]) for at in range(max(len(words) - 2, 1))}


def oracle(query, texts, most):
    own = runs(query)
    found = {content_id(text): len(own & runs(text)) / len(own) for text in texts if own & runs(text)}
    return sorted(((share, name) for name, share in found.items()), key=lambda pair: (-pair[0], pair[1]))[:most]


def found_by(index, queries, most):
    matches = index.best(sketches_of(smoothed(queries), scale=1), most=most)
    found = [[] for _ in queries]
    for query, name, share in zip(matches.query, matches.id, matches.containment, strict=True):
        found[query].append((float(share), name.tobytes().hex()))
    return found


def three_segments(folder, texts, *, frequent):
    parts = [
        segment(folder, own, stem=stem) for stem, own in zip("abc", (texts[:10], texts[10:11], texts[11:]), strict=True)
    ]
    return Index(parts, frequent=frequent)


def test_equals_sets_of_word_runs_whatever_the_segments(tmp_path):
    rng = np.random.default_rng(3)
    texts = texts_of(rng, 25, words=WORDS[:7])
    queries = [*texts_of(rng, 20, words=WORDS[:7]), texts[3], "", "w1"]
    index = three_segments(tmp_path, texts, frequent=256)
    assert found_by(index, queries, 25) == [oracle(query, texts, 25) for query in queries]


@pytest.mark.parametrize("frequent", [12, 3])
def test_what_is_frequent_may_cost_a_candidate_and_never_falsifies_one(tmp_path, frequent):
    rng = np.random.default_rng(3)
    texts = texts_of(rng, 25, low=20, words=WORDS[:7])
    copies = [" ".join([*text.split()[:12], "another", "end"]) for text in texts]
    for copy, found in zip(
        copies, found_by(three_segments(tmp_path, texts, frequent=frequent), copies, 25), strict=True
    ):
        truth = oracle(copy, texts, 25)
        assert set(found) <= set(truth)
        assert found[0] == truth[0]


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_equals_sets_for_texts_that_hypothesis_makes(data, tmp_path_factory):
    words = st.lists(st.sampled_from(["a", "b", "c", "ü", "it's", "7"]), max_size=9).map(" ".join)
    texts = data.draw(st.lists(words, min_size=1, max_size=8))
    queries = data.draw(st.lists(words, min_size=1, max_size=4))
    index = Index([segment(tmp_path_factory.mktemp("index"), texts)])
    assert found_by(index, queries, 8) == [oracle(query, texts, 8) for query in queries]


def test_a_copy_is_found_by_frequent_runs_alone_and_the_account_says_what_was_spared(tmp_path):
    # Forty documents of one text with a word of their own: all runs of the query stand in all of them.
    texts = [f"one two three four five six seven own{n}" for n in range(40)]
    index = Index([segment(tmp_path, texts)], frequent=10)
    matches = index.best(sketches_of(smoothed(["one two three four five six"]), scale=1), most=2)
    assert matches.containment.tolist() == [1.0, 1.0]
    assert matches.frequent == 4
    assert matches.spared == 4 * 30


def test_ties_go_by_id(tmp_path):
    texts = [f"alpha beta gamma delta x{n}" for n in range(9)]
    index = Index([segment(tmp_path, texts)])
    matches = index.best(sketches_of(smoothed(["alpha beta gamma"]), scale=1), most=9)
    names = [name.tobytes().hex() for name in matches.id]
    assert names == sorted(content_id(text) for text in texts)


def test_the_same_text_twice_is_one_candidate(tmp_path):
    index = Index([segment(tmp_path, ["a b c d"] * 3), segment(tmp_path, ["a b c d", "a b c e"], stem="b")])
    matches = index.best(sketches_of(smoothed(["a b c d"]), scale=1), most=5)
    assert matches.containment.tolist() == [1.0, 0.5]


def test_parts_of_the_work_do_not_change_the_result(tmp_path, monkeypatch):
    rng = np.random.default_rng(4)
    texts = texts_of(rng, 30, words=WORDS[:9])
    index = Index([segment(tmp_path, texts)], frequent=5)
    whole = found_by(index, texts, 5)
    monkeypatch.setattr(room, "_AT_ONCE", 50)
    assert found_by(index, texts, 5) == whole


def test_interval_by_hand():
    # 12 of 40 at scale 4: z^2 (1 - 1/4) = 2.88109; centre (0.3 + 2.88109/80)/(1 + 2.88109/40) = 0.313438,
    # half sqrt(2.88109 (0.21/40 + 2.88109/6400)) / 1.072027 = 0.119541.
    low, high = intervals(np.array([12, 12, 0]), np.array([40, 40, 5]), shifts=np.array([2, 0, 0]))
    assert low[0] == pytest.approx(0.313438 - 0.119541, abs=2e-6)
    assert high[0] == pytest.approx(0.313438 + 0.119541, abs=2e-6)
    assert (low[1], high[1], low[2], high[2]) == pytest.approx((0.3, 0.3, 0.0, 0.0), abs=1e-12)


def test_estimates_of_long_documents_are_unbiased_and_their_intervals_hold(tmp_path):
    # 60 parents of 3,000 words of their own (scale 16) and a copy of each with the first 30 % of its words exchanged.
    rng = np.random.default_rng(5)
    parents = [" ".join(f"p{n}x{w}" for w in rng.permutation(3000)) for n in range(60)]
    copies = [" ".join([*(f"q{n}" for n in range(900)), *text.split()[900:]]) for text in parents]
    index = Index([segment(tmp_path, parents)])
    matches = index.best(sketches_of(smoothed(copies), scale=1), most=1)
    assert [name.tobytes().hex() for name in matches.id] == [content_id(text) for text in parents]
    truth = 2098 / 2998
    assert set(matches.runs.tolist()) == {2998}
    # The mean of 60 estimates; each has the standard error sqrt(C (1 - C) 16 / m) = 0.0335.
    assert abs(matches.containment.mean() - truth) < 4.5 * 0.0335 / math.sqrt(60)
    held = ((matches.low <= truth) & (truth <= matches.high)).mean()
    assert held > 0.82  # 95 % nominal; fewer than 50 of 60 happens once in 2,000


def test_one_run_of_one_that_a_long_document_kept_is_no_match_for_ninety_of_a_hundred(tmp_path):
    shared = [f"s{n}" for n in range(14)]
    long = [" ".join([*shared, *(f"l{n}x{w}" for w in range(4000))]) for n in range(40)]
    near = " ".join([*shared[:13], "other"])
    index = Index([segment(tmp_path, [*long, near])])
    matches = index.best(sketches_of(smoothed([" ".join(shared)]), scale=1), most=1)
    assert matches.id[0].tobytes().hex() == content_id(near)
    assert matches.shared.tolist() == [11]


def test_few_shared_runs_are_not_accepted_unless_there_are_no_more(tmp_path):
    index = Index([segment(tmp_path, ["one of the many", "to be or not to be"])])
    queries = ["it was one of the best", "one of the"]  # 1 of 4 runs, and 1 of 1
    matches = index.best(sketches_of(smoothed(queries), scale=1), most=1)
    assert matches.containment.tolist() == [0.25, 1.0]
    assert matches.accepted(0.1).tolist() == [False, True]


def test_names_with_zero_bytes_are_found(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    writer = SegmentWriter(scratch)
    ids = [bytes(16), b"\x01" + bytes(15), bytes(15) + b"\x01", b"a\x00b" + bytes(13)]
    texts = smoothed(["a", "b", "c", "d"])
    writer.add(sketches_of(texts), ids=ids, normals=ids[::-1])
    for ending, write in (
        (".hashes", writer.write_hashes),
        (".postings", writer.write_postings),
        (".documents", writer.write_documents),
    ):
        with (tmp_path / f"z{ending}").open("wb") as file:
            write(file)
    index = Index([Segment.open(tmp_path / "z")])
    wanted = np.frombuffer(b"".join([*ids, b"a" + bytes(15)]), "S16")
    assert index.by_id(wanted).tolist() == [0, 1, 2, 3, -1]
    assert index.by_normal(wanted).tolist() == [3, 2, 1, 0, -1]


def test_merging_sorted_parts_gives_the_bytes_of_one(tmp_path, monkeypatch):
    rng = np.random.default_rng(7)
    texts = texts_of(rng, 200)
    segment(tmp_path, texts, stem="one")
    monkeypatch.setattr("uncollapse.duplicates.postings.GATHERED", 100)
    monkeypatch.setattr("uncollapse.duplicates.postings._MERGED", 300)
    segment(tmp_path, texts, stem="many")
    for ending in (".hashes", ".postings", ".documents"):
        assert (tmp_path / f"one{ending}").read_bytes() == (tmp_path / f"many{ending}").read_bytes()
    assert (np.diff(Segment.open(tmp_path / "many").hashes.astype(np.float64)) >= 0).all()


def test_an_index_without_documents_and_a_damaged_one(tmp_path):
    empty = Index([segment(tmp_path, [])])
    assert empty.documents == 0
    assert not len(empty.best(sketches_of(smoothed(["a b c"]), scale=1), most=1).query)
    assert not len(Index([]).best(sketches_of(smoothed(["a b c"]), scale=1), most=1).query)
    segment(tmp_path, ["a b c d e"], stem="cut")
    path = tmp_path / "cut.hashes"
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InputError, match="it was cut off"):
        Segment.open(tmp_path / "cut")
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match="as many entries"):
        Segment.open(tmp_path / "cut")
    path.unlink()
    with pytest.raises(InputError, match="No such file"):
        Segment.open(tmp_path / "cut")
