"""What a forecast is: every field changes its numbers, and nothing else does."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from uncollapse.collapse.forecast.kinds import Pace, check_size
from uncollapse.errors import UsageError

Share = Annotated[float, Field(ge=0, le=1)]

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""The shares of the published study. Source: Zhu et al. 2025 (arXiv 2412.14689), section 3.1."""
BUDGET = 30.0
"""Minutes, where neither a budget nor tokens are given."""


class Forecast(BaseModel):
    """A share study.

    Attributes:
        shares: synthetic shares of the tokens that a proxy reads; 0 is among them, and all others are held against it.
        seeds: how many proxies of each share and size; of `seed` and the numbers after it.
        sizes: of the proxies, as `train --size` has them, or `counted`; each has a tokenizer out of the human text.
        tokens: that each proxy reads; as many as the scarcer side has, within the budget, unless said.
        budget_minutes: that all may take; without it and with tokens there is none.
        held_out: the share of human documents that no proxy reads, where no other text is given to measure on.
        tolerance: the rise of the loss that is put up with.
        by: the column of held-out text that names domains, or `file`.
        limit: questions of each task, at most.
        batch_tokens: places of the rows between two steps of the optimizer; few, so that few tokens make many steps.
        learning_rate: its peak.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shares: Annotated[tuple[Share, ...], Field(min_length=2)] = SHARES
    seeds: Annotated[int, Field(ge=1)] = 3
    seed: Annotated[int, Field(ge=0)] = 0
    sizes: Annotated[tuple[str, ...], Field(min_length=1)] = ("counted", "tiny", "small")
    tokens: Annotated[int, Field(ge=1)] | None = None
    budget_minutes: Annotated[float, Field(gt=0)] | None = None
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.1
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.01
    by: str = "file"
    limit: Annotated[int, Field(ge=1)] = 100
    batch_tokens: Annotated[int, Field(ge=128)] = 128
    learning_rate: Annotated[float, Field(gt=0)] = 3e-3

    @model_validator(mode="after")
    def _possible(self) -> Self:
        for name in ("shares", "sizes"):
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise UsageError(f"--{name}: each is named once", hint=f"uncollapse forecast --help has {name}")
        for size in self.sizes:
            check_size(size)
        if tuple(sorted(self.shares)) != self.shares:
            raise UsageError("--shares rise", hint="--shares 0,.25,.5,.75,1")
        if self.shares[0] != 0:
            raise UsageError("share 0 is what all others are held against", hint="--shares 0,.25,.5,.75,1")
        return self

    @property
    def pace(self) -> Pace:
        """How networks learn."""
        return Pace(self.batch_tokens, self.learning_rate)

    @property
    def budget(self) -> float | None:
        """Minutes that all may take; None where the tokens alone say how much."""
        if self.budget_minutes is None and self.tokens is None:
            return BUDGET
        return self.budget_minutes
