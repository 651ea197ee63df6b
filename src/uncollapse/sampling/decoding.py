"""How the next token is drawn: temperature first, then top-k, top-p and min-p, each on what the one before has left.

That is the order in which transformers applies them. The defaults change nothing: the model's own distribution.
"""

from typing import Annotated, Any, Self

import numpy as np
from jaxtyping import Float, Float64
from numpy import ndarray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from uncollapse.errors import UsageError
from uncollapse.sampling.draw import tempered
from uncollapse.sampling.truncation import min_p_mask, top_k_mask, top_p_mask

SHAPE = "name=value pairs, as in temperature=1,top_p=0.95"


class Decoding(BaseModel):
    """Settings of a draw; 0 for `top_k` and `min_p`, and 1 for `top_p`, leave out nothing.

    Temperature 0 takes the likeliest token; of several that are equally likely, the uniform number picks one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    top_k: Annotated[int, Field(ge=0)] = 0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """The settings that a line such as `temperature=0.8,top_p=0.95` describes.

        Raises:
            UsageError: an unknown name, or a value that cannot be.
        """
        values: dict[str, Any] = {}
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            name, equals, value = part.partition("=")
            name = name.strip().replace("-", "_")
            if not equals or name in values:
                raise UsageError(f"decoding: {part!r} is no setting, or one that was given before", hint=SHAPE)
            values[name] = value.strip()
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            hint = f"{SHAPE}; known are {', '.join(cls.model_fields)}"
            raise UsageError(f"decoding: {first['loc'][0]}: {first['msg'].lower()}", hint=hint) from error

    @property
    def greedy(self) -> bool:
        """Whether nothing is left to chance."""
        return self.temperature == 0 or self.top_k == 1

    @property
    def narrows(self) -> bool:
        """Whether likelier tokens are drawn more often than the model says."""
        return self.temperature < 1 or self.top_k > 0 or self.top_p < 1 or self.min_p > 0


def narrowed(logprob: Float[ndarray, "r v"], decoding: Decoding) -> Float64[ndarray, "r v"]:
    """The probabilities that are drawn from, over all tokens; a row of `logprob` need not be sorted or sum to one."""
    order = np.argsort(-logprob, axis=1, kind="stable")
    ranked = np.take_along_axis(logprob, order, axis=1).astype(np.float64)
    mask = np.isfinite(ranked)
    probability = tempered(ranked, mask, temperature=decoding.temperature)
    if decoding.temperature > 0:
        for cut, size in ((_top_k, decoding.top_k), (_top_p, decoding.top_p), (_min_p, decoding.min_p)):
            mask &= cut(_log(probability), size)
            probability = tempered(ranked, mask, temperature=decoding.temperature)
    back = np.empty_like(probability)
    np.put_along_axis(back, order, probability, axis=1)
    return back


def _top_k(logprob: Float64[ndarray, "r v"], k: int | float) -> ndarray:
    return top_k_mask(logprob, k=int(k)) if k else np.isfinite(logprob)


def _top_p(logprob: Float64[ndarray, "r v"], p: int | float) -> ndarray:
    return top_p_mask(logprob, p=p) if p < 1 else np.isfinite(logprob)


def _min_p(logprob: Float64[ndarray, "r v"], p: int | float) -> ndarray:
    return min_p_mask(logprob, p=p) if p else np.isfinite(logprob)


def _log(probability: Float64[ndarray, "r v"]) -> Float64[ndarray, "r v"]:
    with np.errstate(divide="ignore"):
        return np.log(probability)


def entropy(probability: Float[ndarray, "r v"]) -> Float64[ndarray, "r"]:
    """The entropy of each row in nats.

    Source: Shannon 1948, section 6.
    """
    value = probability.astype(np.float64)
    return -(value * np.log(np.where(value > 0, value, 1.0))).sum(axis=1)
