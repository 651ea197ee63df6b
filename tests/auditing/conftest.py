"""One audit of a corpus that was made badly, and what it was held against, for the tests that look at its result."""

import pytest

from made_text import made
from uncollapse.auditing import Audit, Auditor, Options
from uncollapse.corpora import from_documents


@pytest.fixture(scope="package")
def auditor() -> Auditor:
    """A reader of 90 human documents, in as few splits as there may be."""
    return Auditor.of(from_documents(made(90, seed=1), origin="human"), options=Options(splits=8))


@pytest.fixture(scope="package")
def audited(auditor) -> Audit:
    """The audit of a corpus without rare words, with copies and a phrase of its own."""
    texts = made(80, seed=2, known=1200)
    said = [f"{text} A rich tapestry {at}." if at % 3 == 0 else text for at, text in enumerate(texts)]
    return auditor.audit(from_documents([*said, *said[:20]], origin="synthetic"), name="bad.jsonl")
