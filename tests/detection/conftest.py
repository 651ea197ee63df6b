import pytest

from made_text import made
from uncollapse.language_models import CountedModel


@pytest.fixture(scope="session")
def counted():
    """A counted model of made text: what lost its rare words is likelier under it."""
    return CountedModel.fit(made(40, seed=5), order=2)


@pytest.fixture(scope="session")
def people():
    """240 texts with all words."""
    return made(240, seed=1, length=100)


@pytest.fixture(scope="session")
def machines():
    """240 texts of the 700 commonest words alone."""
    return made(240, seed=3, length=100, known=700)
