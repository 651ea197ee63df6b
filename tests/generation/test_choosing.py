"""Which of several texts is kept, by hand."""

import numpy as np
import pytest

from uncollapse.generation.choosing import Ground, best, drawn, pick, strangeness
from uncollapse.generation.drafts import Made
from uncollapse.language_models.texts import WrittenText


def sample(text="a", *, logprob=None, entropy=None, partial=False):
    arrays = {"logprob": logprob, "entropy": entropy}
    given = {name: None if value is None else np.array(value, np.float32) for name, value in arrays.items()}
    return Made(0, text, True, (WrittenText(**given, partial=partial),), 0)


def test_by_entropy_the_gap_of_surprise_and_entropy_a_token():
    texts = [sample(logprob=[-3, -1], entropy=[1, 2]), sample(logprob=[-2, -2], entropy=[2, 1.5])]
    found = strangeness(texts)
    assert found.ground is Ground.ENTROPY
    assert found.values.tolist() == [0.5, 0.25]  # (3 + 1 - 1 - 2) / 2 and (4 - 3.5) / 2
    assert best(texts) == 1


def test_without_entropies_the_gap_to_the_mean_surprise():
    texts = [sample(logprob=[-1.0]), sample(logprob=[-2.0]), sample(logprob=[-6.0])]
    found = strangeness(texts)
    assert found.ground is Ground.SIBLINGS
    assert found.values.tolist() == [2.0, 1.0, 3.0]  # the mean is 3
    assert best(texts) == 1


def test_the_entropy_of_listed_tokens_is_no_ground():
    """By it the first, a loop, were the best (0.1 from 0 against 0.8 and 3.4 from it); by the mean of 2, the second."""
    given = [([-0.1], [0.0]), ([-1.8], [1.0]), ([-4.1], [0.7])]
    texts = [sample(logprob=logprob, entropy=entropy, partial=True) for logprob, entropy in given]
    found = strangeness(texts)
    assert found.ground is Ground.SIBLINGS
    assert found.values == pytest.approx([1.9, 0.2, 2.1])
    assert best(texts) == 1
    assert best([sample(logprob=logprob, entropy=entropy) for logprob, entropy in given]) == 0


def test_one_stretch_of_listed_tokens_is_enough():
    whole, part = (sample(logprob=[-2.0], entropy=[1.0], partial=partial) for partial in (False, True))
    mixed = whole._replace(stretches=(*whole.stretches, *part.stretches))
    assert strangeness([whole, whole, whole]).ground is Ground.ENTROPY
    assert strangeness([whole, whole, mixed]).ground is Ground.SIBLINGS


def test_without_probabilities_the_words_that_are_shared():
    """Jaccard on multisets: {a b} and {a b c} share 2 of 3, either shares nothing with {x}."""
    texts = [sample("x"), sample("a b c"), sample("a b")]
    found = strangeness(texts)
    assert found.ground is Ground.WORDS
    assert found.values == pytest.approx([1, (1 + 1 / 3) / 2, (1 + 1 / 3) / 2])
    assert best(texts) == 1


def test_one_text_without_probabilities_is_no_stranger():
    assert strangeness([sample("x")]).values.tolist() == [0.0]


def test_a_draw_follows_its_weights():
    """Weights 1 and e^-1: the first up to 1 / (1 + 1/e) = 0.731."""
    texts = [sample(logprob=[-1.0], entropy=[1.0]), sample(logprob=[-2.0], entropy=[1.0])]
    assert [drawn(texts, uniform=number) for number in (0.0, 0.73, 0.732, 1 - 2**-53)] == [0, 0, 1, 1]


def test_a_weight_of_nothing_is_never_picked():
    weights = np.array([0.0, 1.0, 0.0])
    assert {pick(weights, uniform=number) for number in (0.0, 0.5, 1 - 2**-53)} == {1}
