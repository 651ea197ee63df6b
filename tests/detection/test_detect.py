import numpy as np
import pytest

from uncollapse.corpora import from_documents
from uncollapse.detection.asked import Given, Options
from uncollapse.detection.detect import detect
from uncollapse.detection.page import detection_page, headline
from uncollapse.detection.reading import Reader
from uncollapse.detection.scoring import Scorer
from uncollapse.detection.training import Lesson, train
from uncollapse.document import Document, Origin
from uncollapse.errors import InputError, MissingColumn, UsageError


def corpus(texts, origin=Origin.UNKNOWN, **extra):
    generation = None if origin is Origin.UNKNOWN else 0 if origin is Origin.HUMAN else 1
    return from_documents([Document(text=text, origin=origin, generation=generation, extra=extra) for text in texts])


@pytest.fixture(scope="module")
def scorer(counted):
    return Scorer.of(Reader(counted), None)


@pytest.fixture(scope="module")
def given(people, machines):
    """A corpus of which 30 of 100 are a machine's, and labelled texts beside it."""
    web = corpus([*people[:70], *machines[:30]])
    return Given(web, corpus(people[100:240]), corpus(machines[100:240]))


@pytest.fixture(scope="module")
def found(given, scorer):
    return detect(given, scorer)


def test_the_share_of_the_corpus(found):
    share = found.report["prevalence"]
    assert share["kind"] == "mixture of the labelled sides"
    assert share["low"] <= 0.3 <= share["high"]
    assert share["share"] == pytest.approx(0.3, abs=0.1)
    assert share["texts"] == 100
    assert headline(found.report).startswith("A machine wrote ")


def test_each_document_has_a_row_and_a_reason(found):
    rows = found.table.to_pylist()
    assert [row["row"] for row in rows] == list(range(1, 101))
    assert {row["class"] for row in rows} <= {"human", "machine", "unknown"}
    called = np.array([row["class"] for row in rows])
    assert (called[70:] == "machine").mean() > 0.8
    # At 5 % false alarms more than 11 of 70 would be met in less than one in a thousand corpora.
    assert (called[:70] == "machine").sum() <= 11
    for row in rows:
        assert row["evidence"]
        assert 0 <= row["probability"] <= 1
        assert row["origin"] == "unknown"
    probability = np.array([row["probability"] for row in rows])
    assert probability[70:].mean() > 0.8
    assert probability[:70].mean() < 0.3


def test_the_accounts_add_up(found):
    report = found.report
    assert sum(report["classes"].values()) == report["read"] == report["unknown"] == 100
    assert sum(each["read"] for each in report["lengths"]) == 100
    assert sum(report["histogram"]["corpus"]) == 100


def test_batches_do_not_matter(given, scorer, found, people, machines, monkeypatch):
    from uncollapse.corpora import reading
    from uncollapse.detection import reading as readings

    monkeypatch.setattr(reading, "BATCH_ROWS", 7)
    monkeypatch.setattr(readings, "_BATCH", 5)
    web = corpus([*people[:70], *machines[:30]])
    again = detect(given._replace(corpus=web), scorer)
    assert again.table.equals(found.table)


def test_without_machine_text_there_is_a_lower_bound_and_nobody_is_human(given, scorer):
    found = detect(given._replace(machine=None), scorer)
    share = found.report["prevalence"]
    assert share["kind"] == "lower bound"
    assert 0.1 < share["low"] <= 0.3
    assert share["high"] == 1.0
    assert found.report["classes"]["human"] == 0
    assert found.table["probability"].null_count == 100
    assert headline(found.report).startswith("A machine wrote at least")


def test_without_calibration_there_are_scores_alone(given, scorer):
    found = detect(Given(given.corpus), scorer)
    assert set(found.table["class"].to_pylist()) == {"unknown"}
    assert found.report["prevalence"]["share"] is None
    assert found.table["likelihood"].null_count == 0
    assert "no human text was given" in headline(found.report)
    assert any("nothing is called human or a machine's" in limit for limit in found.report["limits"])


def test_what_the_ledger_knows_is_not_guessed_at(given, scorer, people, machines):
    documents = [
        *(Document(text=text, origin=Origin.SYNTHETIC, generation=1, recipe="r1") for text in machines[:5]),
        *(Document(text=text, origin=Origin.HUMAN) for text in machines[5:8]),
        *(Document(text=text, origin=Origin.UNKNOWN, generation=None) for text in people[:4]),
    ]
    found = detect(given._replace(corpus=from_documents(documents)), scorer)
    rows = found.table.to_pylist()
    assert [row["class"] for row in rows[:8]] == ["known"] * 8
    assert rows[0]["evidence"] == "the ledger: synthetic, recipe r1"
    assert all(row["likelihood"] is None for row in rows[:8])
    assert found.report["known"] == {"human": 3, "edited": 0, "synthetic": 5}
    assert found.report["read"] == found.report["unknown"] == 4


def test_short_texts_are_never_judged(given, scorer, machines):
    short = [" ".join(text.split()[:8]) for text in machines[:10]]
    found = detect(given._replace(corpus=corpus([*short, ""])), scorer)
    assert found.report["short"] == 11
    assert set(found.table["class"].to_pylist()) == {"unknown"}
    assert "fewer than 64" in found.table["evidence"][0].as_py()
    assert "no text of 64 tokens" in headline(found.report)
    assert found.table["likelihood"].to_pylist()[-1] is None
    assert detection_page(found.report)


def test_the_same_text_does_not_calibrate_itself(given, scorer, people):
    human = corpus([*people[:70], *people[100:200], people[100].upper()])
    found = detect(given._replace(human=human), scorer)
    assert found.report["left_out"]["human: in the corpus too"] == 70
    assert found.report["left_out"]["human: the same text again"] == 1
    assert sum(each["human"] for each in found.report["calibration"] if each["length"] == "all lengths") == 100


def test_a_sample_is_drawn_and_the_rest_is_said_to_be_unread(given, scorer):
    options = Options(sample=40)
    found = detect(given, scorer, options=options)
    classes = found.table["class"].to_pylist()
    assert classes.count("unread") == 60
    assert found.report["read"] == 40
    assert detect(given, scorer, options=options).table.equals(found.table)
    other = detect(given, scorer, options=Options(sample=40, seed=1))
    assert other.table["class"].to_pylist() != classes


def test_domains_are_judged_apart(scorer, people, machines):
    made = [
        *(Document(text=text, origin=Origin.UNKNOWN, generation=None, extra={"kind": "news"}) for text in people[:20]),
        *(Document(text=text, origin=Origin.UNKNOWN, generation=None, extra={"kind": "odd"}) for text in machines[:20]),
    ]
    human = corpus(people[100:200], kind="news")
    found = detect(Given(from_documents(made), human), scorer, options=Options(by="kind"))
    rows = found.table.to_pylist()
    assert {row["class"] for row in rows[20:]} == {"unknown"}
    assert "no human texts of the domain 'odd'" in rows[20]["evidence"]
    assert found.report["judged"] == 20
    with pytest.raises(MissingColumn, match="has no column 'other' that tells domains apart"):
        detect(Given(from_documents(made), human), scorer, options=Options(by="other"))


def test_weights(given, scorer, machines):
    found = detect(given, scorer, options=Options(weights=2.0))
    rows = found.table.to_pylist()
    for row in rows:
        assert row["weight"] == pytest.approx((1 - row["probability"]) ** 2, abs=1e-5)
    weights = np.array([row["weight"] for row in rows])
    assert found.report["weights"]["effective"] == pytest.approx(weights.sum() ** 2 / (weights**2).sum(), rel=1e-4)
    documents = [
        Document(text=machines[0], origin=Origin.SYNTHETIC, generation=1),
        Document(text=machines[1], origin=Origin.HUMAN),
        Document(text="short", origin=Origin.UNKNOWN, generation=None),
        Document(text=machines[2], origin=Origin.UNKNOWN, generation=None),
    ]
    known = detect(given._replace(corpus=from_documents(documents)), scorer, options=Options(weights=1.0))
    share = known.report["prevalence"]["share"]
    assert known.table["weight"].to_pylist()[:3] == pytest.approx([0.0, 1.0, 1 - share])
    with pytest.raises(UsageError, match="--weights without --machine"):
        detect(given._replace(machine=None), scorer, options=Options(weights=1.0))
    with pytest.raises(UsageError, match="of which 40 would be read"):
        detect(given, scorer, options=Options(weights=1.0, sample=40))


def test_a_detector_decides_where_there_is_one(given, counted, people, machines):
    detector = train(Lesson(human=people[100:170], machine=machines[100:170]), reader=Reader(counted), model_texts=60)
    scorer = Scorer.of(Reader(counted), detector)
    assert scorer.deciding == "fused"
    found = detect(given, scorer)
    assert found.report["left_out"]["human: learned by the detector"] == 70
    assert found.report["left_out"]["machine: learned by the detector"] == 70
    assert found.table["fused"].null_count == found.table["words"].null_count == 0
    share = found.report["prevalence"]
    assert share["low"] <= 0.3 <= share["high"]
    words = Scorer.of(None, detector)
    assert words.deciding == "words"
    assert detect(given, words).report["models"].keys() == {"detector"}


def test_scores_that_cannot_be_had(counted, people):
    from uncollapse.language_models import CountedModel

    with pytest.raises(UsageError, match="--score binoculars: not with these models"):
        Scorer.of(Reader(counted), None, score="binoculars")
    assert Scorer.of(Reader(counted, counted), None).deciding == "binoculars"
    assert Scorer.of(Reader(counted), None, score="curvature").deciding == "curvature"
    detector = train(Lesson(human=people[:60], machine=people[60:120]), reader=Reader(counted), model_texts=50)
    with pytest.raises(UsageError, match="fused with the likelihood of"):
        Scorer.of(Reader(CountedModel.fit(people[:3])), detector)


def test_a_score_that_points_down_is_turned_round(given, counted):
    found = detect(given, Scorer.of(Reader(counted), None, score="entropy"))
    assert found.report["score"] == {"name": "entropy", "machine": "lower"}
    called = np.array(found.table["class"].to_pylist())
    entropy = found.table["entropy"].to_numpy()
    if (called == "machine").any():
        assert entropy[called == "machine"].mean() < entropy[called != "machine"].mean()


def test_what_cannot_be_asked(given, scorer, people):
    with pytest.raises(UsageError, match="--machine without --calibrate"):
        detect(given._replace(human=None), scorer)
    with pytest.raises(InputError, match="3 human texts to calibrate with") as refused:
        detect(given._replace(human=corpus(people[100:103])), scorer)
    assert "it takes 19 in a domain" in refused.value.hint
    with pytest.raises(UsageError, match=r"--false-alarms: .* not 0.7"):
        Options.checked({"false_alarms": 0.7})


def test_the_page_says_what_was_found(found):
    page = detection_page(found.report)
    assert "How much of this did a machine write?" in page
    assert headline(found.report).replace("\xa0", " ")[:20] in page.replace("\xa0", " ")
    for part in ("What cannot be said", "The scores", "By length", "The calibration", "counted"):
        assert part in page
    for limit in found.report["limits"]:
        assert limit.split("'")[0][:40] in page


def test_rows_that_cannot_be_are_not_in_the_table_of_what_would_be_found(found):
    prevalence = found.report["prevalence"]
    flagged = prevalence["flagged"] / prevalence["flagged_of"]
    rates = [each["found"] for each in prevalence["if_found"]]
    # More texts cannot be flagged than of a machine's, and a threshold finds more than it alarms falsely.
    assert rates == [rate for rate in (0.3, 0.5, 0.7, 0.9, 1.0) if rate >= flagged and rate > 0.05]
    assert rates[0] > 0.3
    assert all(0 <= each["share"] <= 1 for each in prevalence["if_found"])
