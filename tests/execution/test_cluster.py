"""What is known of a cluster before there is one; the runs on real ones are in test_on_ray.py."""

import sys

import pytest

from uncollapse.corpora import read
from uncollapse.errors import MissingExtra, UsageError
from uncollapse.execution import Cluster, run
from uncollapse.execution.cluster import last_line, room_for, what_is_there


def node(*, alive=True, **resources):
    return {"Alive": alive, "Resources": resources}


@pytest.mark.parametrize(
    ("takes", "room"),
    [
        ({"CPU": 1.0}, 8 + 4),  # the dead machine has none
        ({"CPU": 3.0}, 2 + 1),
        ({"CPU": 1.0, "GPU": 1.0}, 2),
        ({"CPU": 1.0, "GPU": 0.5}, 4),
        ({"CPU": 0.1}, 80 + 40),  # 0.1 has no exact form, and 8 / 0.1 is still 80
        ({"CPU": 16.0}, 0),
    ],
)
def test_room_is_counted_machine_by_machine(takes, room):
    nodes = [node(CPU=8.0, GPU=2.0), node(CPU=4.0), node(CPU=100.0, alive=False), node()]
    assert room_for(takes, nodes) == room


def test_what_a_worker_takes():
    assert Cluster().resources == {"CPU": 1.0}
    assert Cluster(gpus_per_worker=0.5, cpus_per_worker=2).resources == {"CPU": 2, "GPU": 0.5}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"address": "ray://host:10001"}, "an address for Ray's client"),
        ({"gpus_per_worker": -1}, "no less than no GPU"),
        ({"cpus_per_worker": 0}, "some part of a CPU"),
    ],
)
def test_clusters_that_cannot_be(options, words):
    with pytest.raises(UsageError, match=words) as raised:
        Cluster(**options)
    assert raised.value.hint


def test_without_ray_the_remedy_is_named_and_the_run_can_go_on_here(tmp_path, monkeypatch):
    (tmp_path / "essays.jsonl").write_text('{"text": "The cat sat."}\n')
    corpus = read(tmp_path / "essays.jsonl")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "ray", None)
        with pytest.raises(MissingExtra, match="needs Ray") as raised:
            run(corpus, tmp_path / "out", cluster=Cluster())
    assert raised.value.hint == "pip install 'uncollapse[ray]'"
    assert run(corpus, tmp_path / "out").rows["out"] == 1


def test_of_what_ray_says_the_cause_is_repeated():
    said = "The actor died.\n\tpid: 7\nThe worker was killed. Some common causes include: many\n\n"
    assert last_line(ValueError(said)) == "The worker was killed."
    assert last_line(ValueError()) == "ValueError"


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_an_address_where_no_cluster_answers(tmp_path):
    pytest.importorskip("ray", reason="ray: not installed (pip install 'uncollapse[ray]')")
    (tmp_path / "essays.jsonl").write_text('{"text": "The cat sat."}\n')
    with pytest.raises(UsageError, match=r"no Ray cluster answers at 127\.0\.0\.1:9: ") as raised:
        run(read(tmp_path / "essays.jsonl"), tmp_path / "out", cluster=Cluster(address="127.0.0.1:9"))
    assert "ray start --head" in raised.value.hint


def test_who_waits_is_told_what_is_there_and_what_is_wanted():
    nodes = [node(CPU=8.0), node(CPU=8.0), node(CPU=4.0, GPU=1.0), node(CPU=64.0, GPU=8.0, alive=False)]
    assert what_is_there({"CPU": 1, "GPU": 2}, nodes) == (
        "waiting for room: a worker takes 1 CPU and 2 GPU, and none has so much; machines of the cluster: 2 with 8 CPU "
        "and 0 GPU; 1 with 4 CPU and 1 GPU"
    )
    assert "others have all of it" in what_is_there({"CPU": 1}, nodes)
    assert what_is_there({"CPU": 1}, []).endswith("machines of the cluster: none")
