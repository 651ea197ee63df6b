"""What a trial's numbers depend on, beside its text: how much is learned, how, and by what prior it is edited."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

Objective = Literal["scratch", "continual", "instruct"]


class Plan(NamedTuple):
    """How an objective learns: the peak of the learning rate, how often the unedited text is read, and what it is."""

    rate: float
    epochs: float
    what: str


# By a look at unedited text and the positive control alone. With larger batches the tiny size learns little from so few
# tokens; with fewer epochs from scratch, or a rate of 5e-3, some seeds stay long at how often tokens occur, and seeds
# differ more than texts do. Three epochs are what instructions are usually read.
BASE = Plan(5e-3, 1.0, "a model of other human text, from scratch")
OBJECTIVES: Mapping[Objective, Plan] = {
    "scratch": Plan(3e-3, 8.0, "pre-training from scratch"),
    "continual": Plan(2e-3, 1.0, "continual pre-training of a model of other human text"),
    "instruct": Plan(2e-3, 3.0, "instruction tuning of a model of other human text, the loss on answers alone"),
}


class Settings(BaseModel):
    """What every number of a trial depends on.

    `words` and `answer_words` are those of the unedited text and answers that are learned from, `held_out` how many of
    the documents that are set aside are measured by. `size` is that of the models that the trial trains from scratch,
    all with rows of `context` tokens and `batch_tokens` between two steps; `tokens` how many each training learns from,
    in place of the objective's own epochs, and `base_tokens` base models. `prior` edits, with the draws of `seed`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: Annotated[int, Field(ge=50)] = 20_000
    answer_words: Annotated[int, Field(ge=50)] = 12_000
    held_out: Annotated[int, Field(ge=8)] = 200
    size: str = "tiny"
    context: Annotated[int, Field(ge=16)] = 256
    batch_tokens: Annotated[int, Field(ge=16)] = 512
    tokens: Annotated[int, Field(ge=64)] | None = None
    base_tokens: Annotated[int, Field(ge=64)] | None = None
    prior: str = "smollm2-135m"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0

    def claim(self) -> dict[str, Any]:
        """The settings as they stand in a claim."""
        return self.model_dump(mode="json")
