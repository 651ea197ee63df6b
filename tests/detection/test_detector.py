import json

import numpy as np
import pytest

from uncollapse.detection.detector import CARD, NUMBERS, Detector, Fusion
from uncollapse.detection.word_model import WordModel
from uncollapse.errors import BrokenModel, MissingInput


@pytest.fixture
def folder(tmp_path):
    words = WordModel.fit(["a b c", "d e f", "a c b", "f e d"], np.array([False, True, False, True]))
    made = Detector(words, None, np.array([3, 9], np.uint64), {"trained_on": {}})
    for name, content in made.contents().items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_the_fusion_by_hand():
    made = Fusion((-3.0, 0.0), (0.5, 2.0), (1.5, 0.5), 0.25)
    # 1.5 (-2 + 3) / .5 + .5 (4 - 0) / 2 + .25
    assert made.log_odds(np.array([-2.0]), np.array([4.0]))[0] == pytest.approx(4.25)


def test_a_fusion_uses_what_tells():
    generator = np.random.default_rng(1)
    machine = np.repeat([False, True], 200)
    telling = generator.normal(0, 1, 400) + 2 * machine
    found = Fusion.fit(telling, generator.normal(0, 1, 400), machine)
    assert found.weights[0] > 5 * abs(found.weights[1])


def test_the_card_is_json_and_the_numbers_run_nothing(folder):
    assert json.loads((folder / CARD).read_text())["fusion"] is None
    assert (folder / NUMBERS).read_bytes()[8:9] == b"{"  # safetensors: a length, then JSON
    assert Detector.load(folder).fusion is None


def test_no_detector(tmp_path):
    with pytest.raises(MissingInput, match="holds no detector"):
        Detector.load(tmp_path)


@pytest.mark.parametrize(
    "harm",
    [
        lambda f: (f / NUMBERS).write_bytes(b"no numbers"),
        lambda f: (f / NUMBERS).unlink(),
        lambda f: (f / CARD).write_text("{}"),
        lambda f: (f / CARD).write_text("[1]"),
        lambda f: (f / CARD).write_bytes(b"\xff\xfe"),
        lambda f: (f / CARD).write_text('{"format": 99, "fusion": null}'),
        lambda f: (f / CARD).write_text('{"format": 1, "fusion": {"centre": 3}}'),
    ],
)
def test_a_damaged_detector_is_named(folder, harm):
    harm(folder)
    with pytest.raises(BrokenModel, match="is no detector"):
        Detector.load(folder)
