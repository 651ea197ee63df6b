"""Editing with a model whose every probability can be worked by hand."""

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from uncollapse.document import Document, Origin, to_batch, to_documents
from uncollapse.editing.presets import preset
from uncollapse.editing.revert import Revert
from uncollapse.editing.toedit import ToEdit
from uncollapse.editing.trace import Verdict
from uncollapse.errors import MissingColumn, UsageError
from uncollapse.language_models.counted import CountedModel
from uncollapse.randomness import Stream

# "the cat" 90 times, "the dog" 9 times, "the cow" once; whatever it is, it then ran.
LINES = ["the cat ran"] * 90 + ["the dog ran"] * 9 + ["the cow ran"]
PSEUDO = Fraction(1, 100)


@pytest.fixture(scope="module")
def prior(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a bigram model counted on those lines."""
    folder = tmp_path_factory.mktemp("prior")
    CountedModel.fit(LINES, order=2, pseudo_count=float(PSEUDO)).save(folder)
    return str(folder)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """A trigram model of Python's own manual, and pages of that manual to edit."""
    import pydoc_data.topics

    pages = [pydoc_data.topics.topics[name] for name in sorted(pydoc_data.topics.topics)]
    folder = tmp_path_factory.mktemp("reader")
    CountedModel.fit(pages[:30], order=3).save(folder)
    return str(folder), pages[:16]


def one(step: ToEdit, text: str) -> Document:
    (document,) = to_documents(step.apply(to_batch([Document(text=text)])).batch)
    return document


def by_hand(word: str) -> Fraction:
    """p(word | the), from the formula of the counted model: 100 lines, 300 words, 256 bytes + start + 7 pieces."""
    counts = {"the": 100, " cat": 90, " dog": 9, " cow": 1, " ran": 100}
    pieces = 257 + len(counts)
    unigram = (counts[word] + PSEUDO / pieces) / (sum(counts.values()) + PSEUDO)
    seen = {" cat": 90, " dog": 9, " cow": 1}.get(word, 0)
    return (seen + PSEUDO * unigram) / (100 + PSEUDO)


def test_probabilities_are_those_by_hand(prior: str) -> None:
    (trace,) = ToEdit(model=prior, threshold=0.5).explain(to_batch([Document(text="the cat ran")]))
    assert [token.before for token in trace.tokens] == ["the", " cat", " ran"]
    assert trace.tokens[1].probability == pytest.approx(float(by_hand(" cat")), rel=1e-6)
    shown = {alternative.text: alternative.probability for alternative in trace.tokens[1].alternatives}
    for word in (" cat", " dog", " cow"):
        assert shown[word] == pytest.approx(float(by_hand(word)), rel=1e-6)


@pytest.mark.parametrize("temperature", [1.0, 1.5, 3.0])
def test_edits_equal_a_calculation_by_hand(prior: str, temperature: float) -> None:
    """Top-2 of p(. | the): cat and dog, tempered; the uniform number of position 1 decides, smaller token id first."""
    weights = {word: float(by_hand(word)) ** (1 / temperature) for word in (" cat", " dog")}
    share_of_cat = weights[" cat"] / sum(weights.values())
    seen: set[str] = set()
    for seed in range(400):  # at least 30, and on until both were drawn: at temperature 1 the dog has 9 %
        if seed >= 30 and len(seen) == 2:
            break
        step = ToEdit(model=prior, threshold=0.5, top_k=2, temperature=temperature, seed=seed)
        document = Document(text="the cat")
        number = Stream.of(seed, step.fingerprint, document.id).uniform(np.array([1]))[0]
        expected = "the cat" if number < share_of_cat else "the dog"
        assert one(step, "the cat").text == expected
        seen.add(expected)
    assert seen == {"the cat", "the dog"}


def test_what_an_edited_document_says_of_itself(prior: str) -> None:
    step = ToEdit(model=prior, threshold=0.5, top_k=2, exclude_original=True)
    document = one(step, "the cat")
    assert document.text == "the dog"
    original = Document(text="the cat")
    assert document.id == Document(text="the dog").id
    assert document.parents == (original.id,)
    assert document.origin is Origin.EDITED
    assert document.generation == 1
    assert document.recipe == step.fingerprint
    (edit,) = document.edits
    assert (edit.position, edit.before, edit.after, edit.rounds) == (3, " cat", " dog", 1)
    assert edit.probability == pytest.approx(float(by_hand(" cat")), rel=1e-6)


def test_an_unchanged_document_keeps_everything(prior: str) -> None:
    document = Document(text="ran cow", source="x", extra={"label": 7})
    step = ToEdit(model=prior, threshold=0.5, top_k=2, exclude_original=True)
    batch = to_batch([document])
    assert step.apply(batch).batch.equals(batch)


@pytest.mark.parametrize(("strict", "flagged"), [(False, 1), (True, 0)])
def test_the_threshold_itself(tmp_path: Path, strict: bool, flagged: int) -> None:
    """p exactly on the boundary: flagged by >=, not by the > of the released script."""
    CountedModel.fit(["a b"], order=2, pseudo_count=0.01).save(tmp_path)
    (trace,) = ToEdit(model=str(tmp_path), threshold=0.5).explain(to_batch([Document(text="a b")]))
    step = ToEdit(model=str(tmp_path), threshold=trace.tokens[1].probability, strict=strict)
    assert step.apply(to_batch([Document(text="a b")])).tally["tokens"]["flagged"] == flagged


def released_by_script(step: ToEdit, model: CountedModel, text: str) -> str:
    """The published rule, written again: a loop over tokens, a soft-max over the top k, one draw, the text joined."""
    tokens = model.vocabulary.encode([text])
    everything = len(model.vocabulary.surfaces)
    scores, all_rows = model.score_and_choose(tokens, chooser=lambda rows, *_: rows >= 0, k=everything)
    numbers = Stream.of(step.seed, step.fingerprint, Document(text=text).id).uniform(np.arange(len(tokens.ids)))
    out = []
    for position, token in enumerate(tokens.ids.tolist()):
        chosen, probability = token, math.exp(float(scores.logprob[position]))
        if position > 0 and probability > 0.99:
            law = dict(
                zip(all_rows.ids[position].tolist(), all_rows.logprob[position].astype(float).tolist(), strict=True)
            )
            kth = sorted(law.values(), reverse=True)[7]
            weight = {other: math.exp(value / 1.5) for other, value in law.items() if value >= kth and other != 0}
            readable = {other for other in weight if _readable(model, other)}
            total = sum(weight[other] for other in readable)
            line = 0.0
            for other in sorted(readable):
                line += weight[other] / total
                if numbers[position] < line:
                    chosen = other
                    break
        out.append(model.vocabulary.surfaces[chosen] or b"")
    return b"".join(out).decode()


def _readable(model: CountedModel, token: int) -> bool:
    try:
        return bool((model.vocabulary.surfaces[token] or b"").decode())
    except UnicodeDecodeError:
        return False


def test_released_equals_the_published_rule_written_again(reader: tuple[str, list[str]]) -> None:
    address, pages = reader
    step = preset("released", model=address, seed=11)
    model = CountedModel.load(address)
    edited = [row.text for row in to_documents(step.apply(to_batch([Document(text=page) for page in pages])).batch)]
    assert edited == [released_by_script(step, model, page) for page in pages]
    assert edited != pages


@pytest.mark.parametrize("threshold", [0.9, 0.99])
def test_an_honest_redraw_changes_at_most_one_minus_threshold(reader: tuple[str, list[str]], threshold: float) -> None:
    """At temperature 1 each flagged token changes with probability at most 1 - p <= 1 - threshold.

    The changed count is a sum of independent coins; five standard errors are passed by chance once in 3 million runs.
    """
    address, pages = reader
    step = preset("paper", model=address, threshold=threshold, seed=2)
    tokens = step.apply(to_batch([Document(text=page) for page in pages])).tally["tokens"]
    bound = (1 - threshold) * tokens["flagged"]
    assert tokens["flagged"] > 2_000
    assert tokens["changed"] <= bound + 5 * math.sqrt(bound)
    assert tokens["expected_changed_millionths"] / 1e6 <= bound
    expected = tokens["expected_changed_millionths"] / 1e6
    assert abs(tokens["changed"] - expected) <= 5 * math.sqrt(expected)


def test_without_the_original_every_flagged_token_changes(reader: tuple[str, list[str]]) -> None:
    address, pages = reader
    step = preset("paper", model=address, exclude_original=True)
    tokens = step.apply(to_batch([Document(text=page) for page in pages[:5]])).tally["tokens"]
    assert tokens["changed"] == tokens["flagged"] > 100
    assert tokens["expected_changed_millionths"] == tokens["flagged"] * 1_000_000


def test_random_positions_take_their_rate_whatever_the_model_says(reader: tuple[str, list[str]]) -> None:
    """Binomial: five standard errors either way."""
    address, pages = reader
    step = ToEdit(model=address, positions="random", rate=0.1, strategy="full", exclude_original=True)
    tokens = step.apply(to_batch([Document(text=page) for page in pages[:10]])).tally["tokens"]
    spread = 5 * math.sqrt(tokens["read"] * 0.1 * 0.9)
    assert abs(tokens["flagged"] - 0.1 * tokens["read"]) < spread + 10  # ten first tokens are never picked
    assert tokens["changed"] == tokens["flagged"]


def test_hard_positions_are_the_improbable_ones(prior: str) -> None:
    (trace,) = ToEdit(model=prior, positions="hard", threshold=0.02).explain(to_batch([Document(text="the cow ran")]))
    assert [token.flagged for token in trace.tokens] == [False, True, False]


def test_drop_leaves_flagged_tokens_out_and_can_be_undone(prior: str) -> None:
    step = ToEdit(model=prior, threshold=0.5, replace="drop")
    outcome = step.apply(to_batch([Document(text="the cat ran")]))
    (document,) = to_documents(outcome.batch)
    assert document.text == "the"
    assert [edit.before for edit in document.edits] == [" cat", " ran"]
    (back,) = to_documents(Revert().apply(outcome.batch).batch)
    assert back == Document(text="the cat ran")


def test_two_rounds_compose_and_revert_to_the_first_text(reader: tuple[str, list[str]]) -> None:
    address, pages = reader
    first = to_batch([Document(text=page, extra={"n": i}) for i, page in enumerate(pages)])
    batch = first
    for seed in (1, 2, 3):
        batch = preset("released", model=address, threshold=0.5, temperature=3.0, seed=seed).apply(batch).batch
    generations = {row.generation for row in to_documents(batch)}
    assert max(generations) == 3
    assert any(edit.rounds > 1 for row in to_documents(batch) for edit in row.edits)
    assert Revert().apply(batch).batch.equals(first)


@pytest.mark.parametrize("rounds", [1, 2])
@pytest.mark.parametrize(
    ("origin", "generation", "parents"),
    [
        (Origin.HUMAN, 0, ()),
        (Origin.EDITED, 1, ()),  # declared: edited by somebody, the first text not on record
        (Origin.SYNTHETIC, 3, ("1" * 32, "2" * 32)),
        (Origin.UNKNOWN, None, ()),
    ],
)
def test_what_was_known_of_the_first_text_comes_back_with_it(
    prior: str, rounds: int, origin: Origin, generation: int | None, parents: tuple[str, ...]
) -> None:
    first = Document(text="the cat ran", origin=origin, generation=generation, parents=parents)
    batch = to_batch([first])
    for seed in range(rounds):
        batch = ToEdit(model=prior, threshold=0.0, strategy="full", exclude_original=True, seed=seed).apply(batch).batch
    (edited,) = to_documents(batch)
    assert edited.generation == (None if generation is None else generation + rounds)
    (back,) = to_documents(Revert().apply(batch).batch)
    assert back == first


def test_a_tampered_row_is_not_reverted(prior: str) -> None:
    batch = (
        ToEdit(model=prior, threshold=0.5, top_k=2, exclude_original=True)
        .apply(to_batch([Document(text="ran,the cat"), Document(text="the cat")]))
        .batch
    )
    texts = batch.column("text").to_pylist()
    texts[0] = texts[0].replace("ran", "sat")
    assert texts == ["sat,the dog", "the dog"]
    forged = batch.set_column(1, batch.schema.field("text"), pa.array(texts, pa.large_string()))
    outcome = Revert().apply(forged)
    assert outcome.batch.column("text").to_pylist() == ["the cat"]
    (reject,) = outcome.rejects
    assert (reject.row, reject.reason) == (0, "not reversible")


def test_the_budget_counts_earlier_rounds(reader: tuple[str, list[str]]) -> None:
    address, pages = reader
    batch = to_batch([Document(text=page) for page in pages[:10]])
    for seed in range(3):
        step = preset("paper", model=address, threshold=0.5, exclude_original=True, max_edit_share=0.05, seed=seed)
        outcome = step.apply(batch)
        batch = outcome.batch
    model = CountedModel.load(address)
    for row in to_documents(batch):
        assert 0 < len(row.edits) <= 0.05 * len(model.vocabulary.encode([row.text]).ids) + 1
    assert outcome.tally["tokens"]["over_budget"] > 0


def test_spacing_keeps_edits_apart(reader: tuple[str, list[str]]) -> None:
    address, pages = reader
    step = preset("paper", model=address, threshold=0.5, exclude_original=True, spacing=5)
    for trace in step.explain(to_batch([Document(text=page) for page in pages[:5]])):
        changed = [i for i, token in enumerate(trace.tokens) if token.verdict is Verdict.CHANGED]
        assert len(changed) > 5
        assert min(np.diff(changed)) >= 5


def test_recheck_takes_back_what_harms_the_text_after_it(tmp_path: Path) -> None:
    """After `good` comes `day`, after `bad` never: changing the first word makes ` day` improbable, and goes back."""
    lines = ["a good day"] * 30 + ["a good walk"] * 20 + ["a bad night"] * 10
    CountedModel.fit(lines, order=2, pseudo_count=0.01).save(tmp_path)
    rules = {"model": str(tmp_path), "threshold": 0.7, "top_k": 2, "exclude_original": True}
    assert one(ToEdit(**rules), "a good day").text == "a bad day"
    outcome = ToEdit(**rules, recheck=True).apply(to_batch([Document(text="a good day")]))
    assert [row.text for row in to_documents(outcome.batch)] == ["a good day"]
    assert outcome.tally["tokens"]["taken_back"] == 1


def test_protected_text_stays(prior: str) -> None:
    step = ToEdit(model=prior, threshold=0.5, top_k=2, exclude_original=True, protect=("quotes",))
    outcome = step.apply(to_batch([Document(text='"the cat" and\nthe cat')]))
    assert [row.text for row in to_documents(outcome.batch)] == ['"the cat" and\nthe dog']
    assert outcome.tally["tokens"]["protected"] == 1


def test_the_prompt_is_read_and_never_edited(prior: str) -> None:
    """` cat` is probable only after `the`; as an answer's first token it stays, as a second it is edited."""
    batch = to_batch([Document(text=" cat ran", extra={"q": "the"}), Document(text=" cat ran", extra={"q": None})])
    step = ToEdit(model=prior, threshold=0.5, prompt_column="q", top_k=2)
    with_prompt, without = step.explain(batch)
    assert with_prompt.tokens[0].probability == pytest.approx(float(by_hand(" cat")), rel=1e-6)
    assert without.tokens[0].probability is None or without.tokens[0].probability < 0.5
    assert not with_prompt.tokens[0].flagged
    assert "".join(token.before for token in with_prompt.tokens) == " cat ran"


def test_every_flagged_token_has_one_fate(reader: tuple[str, list[str]]) -> None:
    address, pages = reader
    step = preset("bold", model=address, max_edit_share=0.01)
    tokens = step.apply(to_batch([Document(text=page) for page in pages])).tally["tokens"]
    fates = ("protected", "kept", "changed", "taken_back", "over_budget")
    assert tokens["flagged"] == sum(tokens[fate] for fate in fates)
    assert all(tokens[fate] > 0 for fate in fates)


@pytest.mark.parametrize("text", ["", "x", "\x00", "\u202e", "🧑‍🚀", "\r\n\t ", "the"])
def test_texts_with_nothing_to_edit(prior: str, text: str) -> None:
    batch = to_batch([Document(text=text)])
    assert ToEdit(model=prior, threshold=0.9, exclude_original=True).apply(batch).batch.equals(batch)


def test_a_null_text_is_rejected_and_counted(prior: str) -> None:
    batch = to_batch([Document(text="the cat"), Document(text="x")])
    holes = batch.set_column(1, batch.schema.field("text"), pa.array(["the cat", None], pa.large_string()))
    outcome = ToEdit(model=prior).apply(holes)
    assert outcome.batch.num_rows == 1
    assert [(reject.row, reject.reason) for reject in outcome.rejects] == [(1, "no text")]


def test_explain_shows_what_apply_does(reader: tuple[str, list[str]]) -> None:
    address, pages = reader
    step = preset("bold", model=address)
    batch = to_batch([Document(text=page) for page in pages[:8]])
    edited = to_documents(step.apply(batch).batch)
    for trace, document, page in zip(step.explain(batch), edited, pages, strict=False):
        assert "".join(token.before for token in trace.tokens) == page
        assert "".join(token.before if token.after is None else token.after for token in trace.tokens) == document.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"threshold": 1.5}, "threshold"),
        ({"top_k": 0}, "top_k"),
        ({"temperature": -1.0}, "temperature"),
        ({"threshold": math.nan}, "threshold"),
        ({"recheck": True, "recheck_nats": math.nan}, "recheck_nats"),
        ({"recheck": True, "recheck_total_nats": math.inf}, "recheck_total_nats"),
        ({"strategy": "magic"}, "strategy"),
        ({"treshold": 0.5}, "treshold"),
        ({"replace": "drop", "recheck": True}, "recheck"),
        ({"strategy": "rejection", "temperature": 0.0}, "rejection"),
    ],
)
def test_impossible_rules_are_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        ToEdit(**fields)
    assert caught.value.hint


def test_a_missing_prompt_column_names_those_that_are_there(prior: str) -> None:
    with pytest.raises(MissingColumn, match=r"question.*id, text"):
        ToEdit(model=prior, prompt_column="question").apply(to_batch([Document(text="the cat")]))
