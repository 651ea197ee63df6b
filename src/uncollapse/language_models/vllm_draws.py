"""Texts that vLLM writes with our draws: the engine batches and reads, and each next token is found as everywhere here.

A processor of logits is handed all rows of a step, draws for each by its request's own uniform number and keys, and
leaves the engine that one token. A row may be drawn for again: a prompt that is read in pieces is asked after each of
them, and a text that had to make room is read anew. What counts is the draw after as many tokens as the engine holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import Tensor

from uncollapse.errors import ModelError
from uncollapse.language_models.drawing import Text, close, rewind
from uncollapse.language_models.vllm_engine import engine_told
from uncollapse.language_models.writing import draw_next, write_down
from uncollapse.sampling import Decoding

# The key of a text's number among a request's parameters.
NUMBER = "uncollapse"
# For each row of the engine's batch the text's number, and the tokens that the engine holds of it, a list that grows.
Rows: TypeAlias = dict[int, tuple[int, list[int]]]


@dataclass(slots=True)
class Desk:
    """What is being written, and how; the engine's processor looks here."""

    texts: Sequence[Text] = ()
    decoding: Decoding = field(default_factory=Decoding)
    banned: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.bool))

    def draw(self, rows: Sequence[tuple[int, int]], logits: Tensor) -> Tensor:
        """The next tokens (r,) of some texts, by number and by how many tokens they have."""
        texts = [self.texts[number] for number, _ in rows]
        for text, (_, length) in zip(texts, rows, strict=True):
            rewind(text, length)
        drawn = draw_next(texts, logits, decoding=self.decoding, banned=self.banned)
        write_down(texts, drawn)
        return drawn.tokens


def follow(rows: Rows, update: Any, *, swap: object) -> None:
    """Nothing; the rows are those of the batch after some of its requests went, came and moved, in this order."""
    for row in update.removed:
        rows.pop(row, None)
    for row, params, _prompt, written in update.added:
        rows[row] = (params.extra_args[NUMBER], written)
    for left, right, way in update.moved:
        moved, other = rows.pop(left, None), rows.pop(right, None)
        if moved is not None:
            rows[right] = moved
        if other is not None and way is swap:
            rows[left] = other


def draws_at(desk: Desk) -> type:
    """The class of a processor of logits, as vLLM wants one, that draws what lies on a desk."""
    with engine_told():
        from vllm.v1.sample.logits_processor import LogitsProcessor, MoveDirectionality  # noqa: PLC0415  (an extra)

    class Draws(LogitsProcessor):  # type: ignore[misc]  # of a library without types here
        """Leaves of each row the token that was drawn."""

        def __init__(self, vllm_config: Any, device: Any, is_pin_memory: bool) -> None:  # noqa: ARG002  (its signature)
            self._rows: Rows = {}

        def is_argmax_invariant(self) -> bool:
            """Never: the engine is to take what it is left."""
            return False

        def update_state(self, batch_update: Any) -> None:
            """Nothing; rows of the batch that came, went or moved are known."""
            if batch_update is not None:
                follow(self._rows, batch_update, swap=MoveDirectionality.SWAP)

        def apply(self, logits: Tensor) -> Tensor:
            """The logits with nothing left but the drawn tokens."""
            if not self._rows:
                return logits
            assert sorted(self._rows) == list(range(len(logits)))
            rows = [(number, len(written)) for _, (number, written) in sorted(self._rows.items())]
            tokens = desk.draw(rows, logits)
            return logits.fill_(-torch.inf).scatter_(1, tokens[:, None], 0.0)

    return Draws


def write_at(desk: Desk, engine: Any, *, ends: Sequence[int]) -> None:
    """Nothing; the texts on the desk are written.

    Raises:
        ModelError: the engine wrote other tokens than were drawn, or gave a text up.
    """
    from vllm import SamplingParams  # noqa: PLC0415  (an extra)

    texts = [text for text in desk.texts if not text.done]
    asked = [
        SamplingParams(
            temperature=0.0,
            max_tokens=len(text.request.uniform),
            ignore_eos=True,
            stop_token_ids=list(ends),
            detokenize=False,
            extra_args={NUMBER: text.number},
        )
        for text in texts
    ]
    prompts = [{"prompt_token_ids": text.request.prompt.tolist()} for text in texts]
    with engine_told():
        said = engine.generate(prompts, asked, use_tqdm=False)
    for text, output in zip(texts, said, strict=True):
        (one,) = output.outputs
        if list(one.token_ids) != text.ids or one.finish_reason not in ("stop", "length"):
            raise ModelError(
                f"vLLM did not write what was drawn: {len(one.token_ids)} tokens against {len(text.ids)}, "
                f"ended by {one.finish_reason}",
                hint="--backend transformers writes with the same model",
            )
        if one.finish_reason == "stop":
            close(text)
