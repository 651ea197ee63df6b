"""What came of a training, as it stands beside the model in `training.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uncollapse.language_models import checkpoint

FILE = checkpoint.TRAINING


@dataclass(frozen=True)
class Trained:
    """A folder that transformers loads, and the account of how it came to be.

    `account` holds `settings`, `fingerprint`, `data` (documents, tokens, digest), `steps`, `tokens` (predicted in all),
    `epochs`, `padding_share`, `losses` (step and mean loss in nats a token since the last one), `seconds`,
    `tokens_per_second`, `parameters`, `model_depth`, `trained_on` and `versions`.
    """

    folder: Path
    account: Mapping[str, Any]
    already_done: bool = False

    @property
    def last_loss(self) -> float:
        """The last mean loss of the curve, in nats a token."""
        return float(self.account["losses"][-1][1])


def read_account(folder: Path) -> dict[str, Any] | None:
    """The account of a finished training, or None."""
    path = folder / FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def write_account(folder: Path, account: Mapping[str, Any]) -> None:
    """The account beside the model, in one piece."""
    temporary = folder / f".{FILE}.partial"
    temporary.write_text(json.dumps(account, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(folder / FILE)
