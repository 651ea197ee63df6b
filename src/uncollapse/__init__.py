"""Training text that models can keep learning from, generation after generation.

    import uncollapse as uc

    human = uc.read("essays.jsonl", origin="human")
    edited = uc.preset("bold", seed=7)(human)
    uc.write(edited, "edited/")

Every public name is listed below with the room that it lives in, and is imported when it is first used:
`import uncollapse` by itself loads neither torch nor any other large library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from uncollapse.version import __version__

if TYPE_CHECKING:
    from uncollapse import collapse
    from uncollapse.auditing import Audit, audit
    from uncollapse.corpora import Corpus, Plan, from_documents, read
    from uncollapse.document import Document, Edit, Origin
    from uncollapse.editing import PRESETS, Revert, ToEdit, preset
    from uncollapse.errors import (
        BrokenModel,
        BrokenRow,
        ColumnClash,
        EndpointDown,
        InputError,
        MissingColumn,
        MissingExtra,
        MissingInput,
        ModelError,
        OutputBusy,
        OutputError,
        OutputRefused,
        PolicyRefused,
        RecipeDiffers,
        TooManyRejects,
        UncollapseError,
        UnknownModel,
        UsageError,
        WorkerLost,
    )
    from uncollapse.execution import RunResult
    from uncollapse.execution import run as write
    from uncollapse.generation import Answer, Continue, Instruct, Rephrase, Verbalise
    from uncollapse.language_models import load as load_model
    from uncollapse.ledger import Evidence, Verification, verify
    from uncollapse.provenance import Policy
    from uncollapse.sampling import Decoding
    from uncollapse.selection import Mixture, Selection, arbitrate, mix, select
    from uncollapse.step import Outcome, Reject, Statistic, Step

_ROOMS = {
    "auditing": ("Audit", "audit"),
    "corpora": ("Corpus", "Plan", "from_documents", "read"),
    "document": ("Document", "Edit", "Origin"),
    "editing": ("PRESETS", "Revert", "ToEdit", "preset"),
    "errors": (
        "BrokenModel",
        "BrokenRow",
        "ColumnClash",
        "EndpointDown",
        "InputError",
        "MissingColumn",
        "MissingExtra",
        "MissingInput",
        "ModelError",
        "OutputBusy",
        "OutputError",
        "OutputRefused",
        "PolicyRefused",
        "RecipeDiffers",
        "TooManyRejects",
        "UncollapseError",
        "UnknownModel",
        "UsageError",
        "WorkerLost",
    ),
    "execution": ("RunResult",),
    "ledger": ("Evidence", "Verification", "verify"),
    "provenance": ("Policy",),
    "selection": ("Mixture", "Selection", "arbitrate", "mix", "select"),
    "generation": ("Answer", "Continue", "Instruct", "Rephrase", "Verbalise"),
    "sampling": ("Decoding",),
    "step": ("Outcome", "Reject", "Statistic", "Step"),
}
_PLACES = {name: (room, name) for room, names in _ROOMS.items() for name in names} | {
    "write": ("execution", "run"),
    "load_model": ("language_models", "load"),
    "collapse": ("collapse", ""),  # the room itself
}

__all__ = [
    "PRESETS",
    "Answer",
    "Audit",
    "BrokenModel",
    "BrokenRow",
    "ColumnClash",
    "Continue",
    "Corpus",
    "Decoding",
    "Document",
    "Edit",
    "EndpointDown",
    "Evidence",
    "InputError",
    "Instruct",
    "MissingColumn",
    "MissingExtra",
    "MissingInput",
    "Mixture",
    "ModelError",
    "Origin",
    "Outcome",
    "OutputBusy",
    "OutputError",
    "OutputRefused",
    "Plan",
    "Policy",
    "PolicyRefused",
    "RecipeDiffers",
    "Reject",
    "Rephrase",
    "Revert",
    "RunResult",
    "Selection",
    "Statistic",
    "Step",
    "ToEdit",
    "TooManyRejects",
    "UncollapseError",
    "UnknownModel",
    "UsageError",
    "Verbalise",
    "Verification",
    "WorkerLost",
    "__version__",
    "arbitrate",
    "audit",
    "collapse",
    "from_documents",
    "load_model",
    "mix",
    "preset",
    "read",
    "select",
    "verify",
    "write",
]


def __getattr__(name: str) -> Any:
    """The public object of this name, from its room (PEP 562)."""
    if name not in _PLACES:
        raise AttributeError(f"module 'uncollapse' has no attribute {name!r}")
    room, attribute = _PLACES[name]
    module = import_module(f"uncollapse.{room}")
    value = getattr(module, attribute) if attribute else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return __all__
