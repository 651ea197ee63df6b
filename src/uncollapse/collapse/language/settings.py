"""What every number of the study depends on, beside the text, the regimes and the seeds."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from uncollapse.errors import UsageError
from uncollapse.training.settings import SCRATCH
from uncollapse.training.sizes import SIZES, size_of

FINE_TUNED = 2e-5
"""The learning rate of a pretrained model. Source: the default of the code of Shumailov et al. 2024."""
SMALL = 3e-3
"""The peak rate of the tiny size in batches of 8 blocks; of those tried on wikitext2, where seeds agreed best."""


class Settings(BaseModel):
    """The protocol.

    Attributes:
        model: `scratch`, or the address of the pretrained model that every generation starts from.
        size: of a model from scratch.
        block: tokens of a block, of its prompt and of what is written behind it.
        blocks: the most blocks that are learned from.
        held_blocks: the most blocks that are held out, which take no more than a fifth of the text.
        epochs: how often each generation reads as many blocks as there are human ones.
        batch_blocks: blocks between two steps of the optimizer.
        learning_rate: its peak; the size's, or 2e-5 for a pretrained model, unless said.
        decoding: whether blocks are drawn, or are the likeliest that `beams` beams find.
        temperature: of a draw.
        repetition_penalty: of every token that is there already; 1 is none.
        share: of the human blocks that `preserve` keeps in each generation.
        rate: of the tokens of human text that `edit` draws anew.
        warm: whether a generation starts from the weights of the last, and not anew.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = SCRATCH
    size: str = "tiny"
    block: Annotated[int, Field(ge=8, le=1024)] = 64
    blocks: Annotated[int, Field(ge=16)] = 1600
    held_blocks: Annotated[int, Field(ge=8)] = 480
    generations: Annotated[int, Field(ge=1, le=100)] = 5
    epochs: Annotated[int, Field(ge=1)] = 6
    batch_blocks: Annotated[int, Field(ge=1)] = 8
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    decoding: Literal["sample", "beam"] = "sample"
    beams: Annotated[int, Field(ge=2, le=64)] = 5
    temperature: Annotated[float, Field(gt=0, le=10)] = 1.0
    repetition_penalty: Annotated[float, Field(ge=1, le=10)] = 1.0
    share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    rate: Annotated[float, Field(gt=0, le=1)] = 0.1
    warm: bool = False

    @model_validator(mode="after")
    def _possible(self) -> Self:
        given = self.model_fields_set
        if self.from_scratch:
            size_of(self.size)
        elif "size" in given:
            raise UsageError(f"the size of {self.model} is its own", hint="leave out --size")
        if self.decoding == "beam" and "temperature" in given:
            raise UsageError("beams are not drawn, so --temperature has no meaning", hint="--decoding sample")
        if self.decoding == "sample" and "beams" in given:
            raise UsageError("--beams has no meaning without --decoding beam", hint="--decoding beam")
        return self

    @property
    def from_scratch(self) -> bool:
        """Whether the first weights are drawn."""
        return self.model == SCRATCH

    @property
    def rate_of_learning(self) -> float:
        """The learning rate at its peak."""
        if self.learning_rate is not None:
            return self.learning_rate
        if not self.from_scratch:
            return FINE_TUNED
        return SMALL if self.size == "tiny" else SIZES[self.size].learning_rate
