"""Verbalised sampling: a model is asked for several answers with their probabilities, and the draw is made here.

Asked for one answer a chat model gives the typical one; asked for several with probabilities it spreads them out.

Source: Zhang et al., 2025, arXiv 2510.01171 (verbalized sampling).
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Float64
from numpy import ndarray
from pydantic import Field

from uncollapse.generation.choosing import pick
from uncollapse.generation.drafts import Draft, Made
from uncollapse.generation.picking import Kept, Pick, Refused, Source, why_nothing
from uncollapse.generation.responses import Response, responses_in
from uncollapse.generation.writer import DRAW, Writer

NO_RESPONSES = "no responses that can be read"
ORDER = (
    "Give {count} different responses to the request below, drawn from the full distribution of what could be said to "
    "it, the unusual ones among them; and for each the probability that you would give it.\n"
    'Reply with JSON alone: {{"responses": [{{"text": "...", "probability": 0.0}}, ...]}}\n\n'
    "The request:\n\n"
)
PROBABILITY = pa.field("probability", pa.float64())


class Verbalise(Writer):
    """Answers to prompts, of which a model gives several at once with probabilities, and one is drawn by those.

    Attributes:
        responses: how many are asked for in one reply.
        keep: `sample`, one drawn by the probabilities; or `all`, each as a row of its own, with its number in the
            column `draw` and its normalised probability in `probability`.
    """

    responses: Annotated[int, Field(ge=2, le=50)] = 5
    keep: Literal["sample", "all"] = "sample"

    def check(self) -> None:
        """Nothing, where the model can be asked."""
        self._check(chat=True)

    def columns(self) -> pa.Schema:
        """The normalised probability of a response, and its number where each is a row of its own."""
        return pa.schema([PROBABILITY, DRAW] if self.keep == "all" else [PROBABILITY])

    def _drafts(self, batch: pa.RecordBatch) -> Iterator[Draft | Refused]:
        texts = batch.column("text").to_pylist()
        order = ORDER.format(count=self.responses)
        yield from self._asking(texts, [order + (text or "") for text in texts], chat=True)

    def _pick(self, source: Source, texts: Sequence[Made]) -> Pick:
        """What is kept of the responses, those of several replies together."""
        found = [one for text in texts if text.fault is None for one in responses_in(text.text)]
        new = [one for one in _different(found) if one.text != source.text]
        if not new:
            return Pick(refused=_why(texts))
        row = texts[0].row
        shares = normalised(new).tolist()
        if self.keep == "all":
            numbered = enumerate(zip(new, shares, strict=True), start=self.draw)
            rows = [Kept(row, one.text, (share, at)) for at, (one, share) in numbered if share]
        else:
            at = pick(np.array(shares), uniform=self._uniform("response", source))
            rows = [Kept(row, new[at].text, (shares[at],))]
        return Pick(tuple(rows), passed_over=len(found) - len(rows))


def normalised(responses: Sequence[Response]) -> Float64[ndarray, "n"]:
    """The probabilities of some responses, which sum to one.

    Numbers above one are percentages, and none is above one after that; a response without a number has the mean of
    those that have one; where none has, or all are zero, all are equal.
    """
    given = [one.probability for one in responses]
    known = [min(1.0, value if value <= 1 else value / 100) for value in given if value is not None]
    rest = iter(known)
    mean = sum(known) / len(known) if known else 1.0
    values = np.array([mean if value is None else next(rest) for value in given], np.float64)
    total = values.sum()
    return values / total if total > 0 else np.full(len(values), 1 / len(values))


def _different(responses: Sequence[Response]) -> list[Response]:
    """The responses without those that say the same again, whose probability the first one gets."""
    first: dict[str, Response] = {}
    for one in responses:
        before = first.get(one.text)
        if before is None:
            first[one.text] = one
        elif before.probability is not None and one.probability is not None:
            first[one.text] = before._replace(probability=before.probability + one.probability)
    return list(first.values())


def _why(texts: Sequence[Made]) -> Refused:
    if any(text.fault is not None for text in texts) or not any(text.fresh for text in texts):
        return why_nothing(texts)
    said = next(text for text in texts if text.fresh)
    end = " (the limit was reached)" if not said.ended else ""
    return Refused(
        texts[0].row, NO_RESPONSES, f"the reply is no list of them{end}: {' '.join(said.text.split())[:120]}"
    )
