"""Settings with a name: what was published, what the published script does, and what changes a useful share."""

from typing import Any

from uncollapse.editing.toedit import ToEdit
from uncollapse.errors import UsageError

PRESETS: dict[str, dict[str, Any]] = {
    # Zhu et al., ICML 2025, sections 4.1 and 5: p >= 0.99, top-k with k = 8; the temperature is not stated, so 1.
    "paper": {"threshold": 0.99, "strategy": "top-k", "top_k": 8, "temperature": 1.0},
    # The authors' script at commit 5b769ad, strategy `up_revise`: p > 0.99, k = 8, soft-max of log-probabilities over
    # 1.5, the original token among the candidates.
    "released": {"threshold": 0.99, "strict": True, "strategy": "top-k", "top_k": 8, "temperature": 1.5},
    # Chosen by measurement: docs/decisions/0004-the-bold-preset.md.
    "bold": {
        "threshold": 0.05,
        "unit": "word",
        "strategy": "min-p",
        "min_p": 0.3,
        "exclude_original": True,
        "spacing": 6,
        "recheck": True,
        "recheck_tokens": 8,
        "recheck_nats": 1.0,
        "recheck_total_nats": 1.0,
        "recheck_rounds": 3,
        "protect": ("numbers", "urls", "emails", "code", "markup", "names", "citations"),
    },
}


def preset(name: str, **overrides: Any) -> ToEdit:
    """The step of a named setting; fields that are given override it.

    What the preset says of a recheck goes where the recheck goes: with `recheck=False`, and with deletions, after which
    there is nothing to score once more.

    Raises:
        UsageError: if there is no such preset, or a field is not possible.
    """
    if name not in PRESETS:
        raise UsageError(f"there is no preset {name!r}", hint=f"There are {', '.join(sorted(PRESETS))}.")
    own = dict(PRESETS[name])
    if not overrides.get("recheck", own.get("recheck", False)) or overrides.get("replace") == "drop":
        own = {field: value for field, value in own.items() if not field.startswith("recheck")}
    return ToEdit(**{**own, **overrides})
