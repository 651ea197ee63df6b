"""What a trial holds beside one another: text as it was, edited in three ways, and controls."""

from collections.abc import Sequence
from typing import NamedTuple

from uncollapse.errors import UsageError

NONE, RANDOM, DELETE, HALF = "none", "random", "delete", "half-synthetic"
EDITED = ("paper", "released", "bold")
MIRRORED = "bold"  # whose edits `random` and `delete` count; of the edited arms the one that changes most


class Arm(NamedTuple):
    """An arm, and what it is, in words."""

    name: str
    what: str


ARMS = {
    arm.name: arm
    for arm in (
        Arm(NONE, "the human text as it is: what every other arm is held against"),
        Arm("paper", "tokens of probability 0.99 or more drawn again, out of the eight likeliest, as published"),
        Arm("released", "the same as the published script does it: above 0.99, the law flattened by 1.5"),
        Arm("bold", "whole words exchanged for likely others that fit what follows; the preset of this package"),
        Arm(RANDOM, f"as many tokens of each document exchanged as {MIRRORED} changed, at random places"),
        Arm(DELETE, f"the tokens that {MIRRORED} changed left out"),
        Arm(HALF, "half of the text written by models: the positive control, which a trial that can see tells apart"),
    )
}
CONTROLS = (RANDOM, DELETE, HALF)


def arms_of(names: Sequence[str]) -> list[Arm]:
    """The arms of these names, text as it is first.

    Raises:
        UsageError: there is no such arm, or one is named twice.
    """
    for name in names:
        if name not in ARMS:
            raise UsageError(f"there is no arm {name!r}", hint=f"there are {', '.join(ARMS)}")
        if list(names).count(name) > 1:
            raise UsageError(f"{name} is named twice", hint="name each arm once")
    wanted = [name for name in ARMS if name in names or name == NONE]
    if len(wanted) < 2:
        raise UsageError("nothing is held against text as it is", hint=f"name others: {', '.join(ARMS)}")
    return [ARMS[name] for name in wanted]
