"""How a chat model is asked: the frame that its own template puts around a question.

The frame holds the marks of turns, which are special tokens; the question is put between its halves as plain text, so
that no document can close its own turn and give orders.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from uncollapse.errors import BrokenModel, UsageError

PLACE = "UNCOLLAPSE-QUESTION"
HINT = "take a chat or instruct model, or go on from openings: --continue"


class Frame(NamedTuple):
    """What a model reads before and after a question, up to where its answer begins."""

    before: str
    after: str


def frame_of(template: str, names: Mapping[str, Any]) -> Frame:
    """The frame that a chat template makes; `names` are those of its special tokens, such as `bos_token`.

    Raises:
        UsageError: the model has no template.
        BrokenModel: the template cannot be filled in, or does not hold the question once.
    """
    if not template:
        raise UsageError("the model has no chat template, so it cannot be asked", hint=HINT)
    import jinja2  # noqa: PLC0415  (needed here alone)
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = _refuse
    try:
        text = environment.from_string(template).render(
            messages=[{"role": "user", "content": PLACE}], add_generation_prompt=True, **names
        )
    except (jinja2.TemplateError, TypeError, ValueError) as error:
        raise BrokenModel(f"the model's chat template cannot be filled in: {error}", hint=HINT) from error
    parts = text.split(PLACE)
    if len(parts) != 2:
        raise BrokenModel(f"the model's chat template holds a question {len(parts) - 1} times", hint=HINT)
    return Frame(*parts)


def _refuse(message: str) -> None:
    raise ValueError(message)
