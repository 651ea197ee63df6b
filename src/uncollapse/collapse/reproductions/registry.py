"""Where each reproduction is to be found."""

from collections.abc import Mapping
from importlib import import_module

from uncollapse.collapse.reproductions.claims import Reached, Study
from uncollapse.errors import UsageError

# Module of each study; it has a function `study()`.
STUDIES: Mapping[str, str] = {
    "shumailov": "shumailov",
    "gerstgrasser": "gerstgrasser",
    "kazdan": "kazdan",
    "dohmatob": "dohmatob",
    "zhu": "zhu",
    "suresh": "suresh",
}


def reproduce(name: str, *, reached: Reached = str) -> Study:
    """The study of this name, run now; `reached` is told of every claim that is settled.

    Raises:
        UsageError: there is none.
    """
    if name not in STUDIES:
        raise UsageError(f"there is no reproduction {name!r}", hint=f"there are {', '.join(STUDIES)}")
    study: Study = import_module(f"uncollapse.collapse.reproductions.{STUDIES[name]}").study(reached)
    return study
