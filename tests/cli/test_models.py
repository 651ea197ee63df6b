import json
from dataclasses import replace

from uncollapse.language_models import catalogue


def test_every_model_with_a_name_is_listed(uncollapse):
    done = uncollapse("models")
    assert done.code == 0
    for entry in catalogue():
        assert entry.address in done.out
        assert entry.licence in done.out
    assert done.out.count("on this machine") == len(catalogue())


def test_the_same_for_programs(uncollapse):
    records = json.loads(uncollapse("models", "--json").out)
    assert [record["address"] for record in records] == [entry.address for entry in catalogue()]
    assert records[0]["address"] == "smollm2-135m"


def test_a_model_of_ones_own_can_be_tried(uncollapse, model):
    done = uncollapse("models", "--fetch", model)
    assert done.code == 0
    assert str(model) in done.out


def test_a_model_that_is_not(uncollapse, tmp_path):
    done = uncollapse("models", "--fetch", tmp_path / "nothing")
    assert done.code == 2
    assert "   try: " in done.err


def test_whoever_waits_for_a_model_is_told_so(uncollapse, model, desk, monkeypatch):
    from uncollapse.cli import editing_run

    (entry,) = [each for each in catalogue() if each.address == "smollm2-135m"]
    absent = replace(entry, address=str(model), here=False)
    monkeypatch.setattr(editing_run, "catalogue", lambda: [absent])
    for words in (["--preview", 1], ["-o", "edited/"]):
        done = uncollapse("edit", "essays.jsonl", "--model", model, *words)
        assert done.code == 0
        assert f"{model} is not on this machine yet: it is fetched (93 MB)" in done.err
    monkeypatch.setattr(editing_run, "catalogue", lambda: [replace(absent, here=True)])
    assert "not on this machine" not in uncollapse("edit", "essays.jsonl", "--model", model, "-o", "other/").err


def test_version_and_help(uncollapse):
    from uncollapse import __version__

    assert uncollapse("--version").out == f"uncollapse {__version__}\n"
    assert uncollapse("--help").code == 0
    for panel in ("make", "know"):
        assert f" {panel} " in uncollapse("--help").out
