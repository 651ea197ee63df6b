"""What a training is: every field changes the weights that come out of it, and nothing else does."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from uncollapse.errors import UsageError
from uncollapse.training.sizes import SIZES, size_of

SCRATCH = "scratch"
GOING_ON = 5e-5  # the rate with which a trained model goes on, where none is given
ADAPTING = 2e-4  # the rate of low-rank adapters


class Training(BaseModel):
    """How a model is made from text.

    Attributes:
        start: `scratch`, or the address of the model that goes on learning.
        size: of a model from scratch: tiny, small, medium, 124m, 350m.
        tokens: how many tokens are predicted in all, to within a row; each text once unless said. More than there are
            are read again, in another order; the account says how often.
        context: the length of a row; the model's own unless said, or the batch where that is less.
        batch_tokens: places of the rows between two steps of the optimizer.
        learning_rate: its peak; a size's own unless said.
        warmup: the share of the steps in which the rate rises; thereafter it falls as a cosine.
        weight_decay: of AdamW.
        lora: the rank of low-rank adapters, which alone learn and are merged in the end; 0 for all weights.
        seed: of the first weights, the adapters and the order of the rows.
        dtype: arithmetic; `auto` takes bfloat16 on a GPU that has it, float32 else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: str = SCRATCH
    size: str = "tiny"
    tokens: Annotated[int, Field(ge=1)] | None = None
    context: Annotated[int, Field(ge=8)] | None = None
    batch_tokens: Annotated[int, Field(ge=8)] = 2048
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    weight_decay: Annotated[float, Field(ge=0)] = 0.1
    lora: Annotated[int, Field(ge=0)] = 0
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.from_scratch:
            size_of(self.size)
            if self.lora:
                raise UsageError("adapters learn beside a model that is there", hint="--from ADDRESS, or no --lora")
        elif "size" in self.model_fields_set:
            raise UsageError(f"the size of {self.start} is its own", hint="leave out --size")
        return self

    @property
    def from_scratch(self) -> bool:
        """Whether the first weights are drawn."""
        return self.start == SCRATCH

    @property
    def rate(self) -> float:
        """The learning rate at its peak."""
        if self.learning_rate is not None:
            return self.learning_rate
        if self.from_scratch:
            return SIZES[self.size].learning_rate
        return ADAPTING if self.lora else GOING_ON
