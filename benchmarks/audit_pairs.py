"""What the audit says of text that well-known models wrote, beside human text of the same kind.

    python -m benchmarks.audit_pairs --data DATA [--model smollm2-135m] [--model-tokens 12000] [--only xsum_gpt-4,...]

DATA is a folder with the pairs of Bao et al., ICLR 2024 (pairs/fast-detect-gpt). The reference is the human half, so a
machine text shares its first words with one document of it; no more than that is copied.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from benchmarks.audit_calibration import InMemory

from uncollapse.auditing import Status, audit


def main() -> None:
    """Nothing; prints a line for each pair."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("UNCOLLAPSE_DATA", "../shared/data")))
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--model-tokens", type=int, default=12_000)
    parser.add_argument("--only", default="", help="names of pairs, comma-separated; all unless said")
    asked = parser.parse_args()
    files = sorted(asked.data.glob("pairs/fast-detect-gpt/*/*.raw_data.json"))
    wanted = set(asked.only.split(",")) if asked.only else {_name(file) for file in files}
    if not files:
        sys.exit(f"no pairs under {asked.data}: name the folder with --data or UNCOLLAPSE_DATA")
    print("| text by | documents | surprise, nats a token (human) | fails | warns |\n|---|---|---|---|---|")
    for file in files:
        if _name(file) not in wanted:
            continue
        pair = json.loads(file.read_text(encoding="utf-8"))
        found = audit(
            InMemory(pair["sampled"]),
            reference=InMemory(pair["original"]),
            model=asked.model,
            model_tokens=asked.model_tokens,
        )
        known = {one["name"]: one for one in found.report["statistics"]}
        surprise = known["surprise"]
        by_status = {
            status: ", ".join(one.name for one in found.verdicts if one.status == status) or "-" for status in Status
        }
        print(
            f"| {_name(file)} | {len(pair['sampled'])} | {surprise['corpus']:.2f} ({surprise['control']:.2f}), "
            f"z {surprise['z']:.1f} | {by_status[Status.FAIL]} | {by_status[Status.WARN]} |",
            flush=True,
        )


def _name(file: Path) -> str:
    return file.name.removesuffix(".raw_data.json")


if __name__ == "__main__":
    main()
