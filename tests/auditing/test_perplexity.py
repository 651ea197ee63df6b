from functools import partial

import numpy as np
import pytest

from made_text import made
from uncollapse.auditing.perplexity import surprise_of
from uncollapse.auditing.pool import Pool
from uncollapse.document import Document, to_batch
from uncollapse.language_models import CountedModel


@pytest.fixture(scope="module")
def documents():
    pool = Pool(tokens=10**6)
    pool.update(to_batch([Document(text=text) for text in made(70, seed=1, length=400)]))
    return pool.result()


@pytest.fixture(scope="module")
def model():
    return CountedModel.fit(made(20, seed=2), order=2)


def test_the_first_passages_are_read_some_at_a_time_until_there_are_enough_tokens(documents, model):
    asked = []

    def gather(pieces):
        for piece in pieces:
            asked.append(piece)
            yield piece.read_by(model)

    heard = []
    found = surprise_of(documents, gather, tokens=5000, on_progress=heard.append)
    read = [piece for piece in asked if hasattr(piece, "first")]
    sizes = [len(model.vocabulary.encode(piece.texts).ids) for piece in read]
    # The rule of one after the other: the last sixteen are those with which there are enough.
    assert sum(sizes[:-1]) < 5000 <= sum(sizes)
    assert heard == np.cumsum(sizes).tolist()
    assert [piece.first for piece in read] == [16 * n for n in range(len(read))]
    known = ~np.isnan(found.values["surprise"])
    assert known.sum() == 16 * len(read) < len(documents)
    alone = model.score(model.vocabulary.encode([read[0].texts[3]])).logprob
    assert found.values["surprise"][3] == pytest.approx(-float(np.nanmean(alone)), rel=1e-6)
    assert len(found.tokens) == sum(
        (~np.isnan(model.score(model.vocabulary.encode(piece.texts)).logprob)).sum() for piece in read
    )


def test_of_a_sample_with_fewer_tokens_all_is_read(documents, model):
    few = documents.take(np.arange(20))
    found = surprise_of(few, partial(map, lambda piece: piece.read_by(model)), tokens=10**6, on_progress=id)
    assert not np.isnan(found.values["sure"]).any()
