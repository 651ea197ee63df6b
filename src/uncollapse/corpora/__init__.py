"""How documents enter and leave the disk."""

from uncollapse.corpora.corpus import Corpus, read
from uncollapse.corpora.memory import from_documents
from uncollapse.corpora.plan import Plan

__all__ = ["Corpus", "Plan", "from_documents", "read"]
