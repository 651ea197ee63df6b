"""Questions with several answers out of task files, as pairs of what is given and what is scored."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from uncollapse.errors import BrokenRow, InputError, MissingInput

BETWEEN = " "


class Question(NamedTuple):
    """For each answer what is given and what is scored after it; `gold` is the number of the right one.

    A question with one answer asks whether the model would have written it.
    """

    given: Sequence[str]
    scored: Sequence[str]
    gold: int


def read_questions(path: Path) -> list[Question]:
    """The questions of a task file, one JSON object on each line.

    Known forms: `query`, `choices`, `gold`; `context_options`, `continuation`, `gold` (Winograd's); `ctx`, `endings`,
    `label` (HellaSwag's); `context`, `continuation` (LAMBADA's); `sentence_good`, `sentence_bad` (BLiMP's).

    Raises:
        MissingInput: there is no such file.
        BrokenRow: a line is no JSON, or of no known form.
        InputError: the file has no questions.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise MissingInput(f"{path}: {error.strerror}", hint="--task-files DIR, with DIR/NAME.jsonl") from error
    except UnicodeDecodeError as error:
        raise BrokenRow(f"{path} is not UTF-8: {error}", hint="save it as UTF-8") from error
    found = [_question(line, where=f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise InputError(f"{path} has no questions", hint="one JSON object on each line")
    return found


def _question(line: str, *, where: str) -> Question:
    try:
        row = json.loads(line)
        found = _of(row) if isinstance(row, Mapping) else None
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenRow(f"{where}: {error}", hint="see the forms that `uncollapse evaluate --help` names") from error
    if found is None or not 0 <= found.gold < len(found.given):
        raise BrokenRow(
            f"{where} is a question of no known form", hint="query, choices and gold, for example; gold from 0"
        )
    return found


def _of(row: Mapping[str, Any]) -> Question | None:
    if "choices" in row and "query" in row:
        return _with([row["query"]] * len(row["choices"]), row["choices"], int(row["gold"]))
    if "context_options" in row:
        options = row["context_options"]
        return _with(options, [row["continuation"]] * len(options), int(row["gold"]))
    if "endings" in row:
        return _with([row["ctx"]] * len(row["endings"]), row["endings"], int(row["label"]))
    if "sentence_good" in row:
        return Question(["", ""], [row["sentence_good"], row["sentence_bad"]], 0)
    if "context" in row and "continuation" in row:
        return _with([row["context"]], [row["continuation"]], 0)
    return None


def _with(given: Sequence[str], answers: Sequence[str], gold: int) -> Question:
    """One blank between what is given and an answer, which goes with the answer."""
    return Question([text.rstrip() for text in given], [BETWEEN + answer.strip() for answer in answers], gold)
