"""What is the same or nearly: copies by bytes or words, clusters of near copies by MinHash, shared templates.

`document_keys` gives the number by which a result names a document, so that its rows can be found again.
"""

from uncollapse.duplicates.exact import Copies as Copies
from uncollapse.duplicates.exact import ExactDuplicates as ExactDuplicates
from uncollapse.duplicates.exact import Same as Same
from uncollapse.duplicates.exact import Sameness as Sameness
from uncollapse.duplicates.exact import document_keys as document_keys
from uncollapse.duplicates.near import Cluster as Cluster
from uncollapse.duplicates.near import Near as Near
from uncollapse.duplicates.near import NearDuplicates as NearDuplicates
from uncollapse.duplicates.templates import SampledTemplates as SampledTemplates
from uncollapse.duplicates.templates import Template as Template
from uncollapse.duplicates.templates import Templates as Templates
