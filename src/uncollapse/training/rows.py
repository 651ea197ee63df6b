"""The rows of a whole training, epoch after epoch in the seed's order, filled when they are asked for."""

from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Int64
from numpy import ndarray
from torch.utils.data import Dataset

from uncollapse.errors import UsageError
from uncollapse.training.packing import Packing, pack, row_of, weights_of
from uncollapse.training.settings import Training
from uncollapse.training.tokens import Tokenised

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CLOSE = 1e-4  # nats: pieces beside each other and alone, in float32


@dataclass(frozen=True)
class Rows(Dataset[dict[str, torch.Tensor]]):
    """Item i is the i-th row that the model reads; `a_step` of them make a batch.

    `alone` says that each row holds one piece, since the model would look from one into another; `positions` that it is
    told where each token stands in its piece.
    """

    tokens: Tokenised
    packing: Packing
    order: Int64[ndarray, "n"]
    a_step: int
    end: int
    alone: bool
    positions: bool

    @classmethod
    def of(cls, tokens: Tokenised, training: Training, model: "PreTrainedModel", *, end: int) -> "Rows":
        """The rows of these tokens for this model."""
        longest = int(getattr(model.config, "max_position_embeddings", 0) or 1024)
        context = training.context or min(longest, training.batch_tokens)
        if context > longest:
            raise UsageError(f"a context of {context} is more than the model's {longest}", hint=f"--context {longest}")
        if context > training.batch_tokens:
            raise UsageError(
                f"a batch of {training.batch_tokens} tokens holds no row of {context}",
                hint=f"--batch-tokens {context} or more, or a shorter --context",
            )
        # Adapters lie around a model and hand on what they do not name.
        inner: Any = getattr(model, "get_base_model", lambda: model)()
        positions = "position_ids" in signature(inner.forward).parameters
        together = positions and keeps_apart(model, end=end)
        packing = pack(tokens, context=context, together=together)
        a_step = max(training.batch_tokens // context, 1)
        share = float(packing.predicted.mean())
        wanted = len(packing) if training.tokens is None else max(round(training.tokens / share), 1)
        order = ordered(len(packing), wanted, seed=training.seed)
        return cls(tokens, packing, order, a_step, end, alone=not together, positions=positions)

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, at: int) -> dict[str, torch.Tensor]:
        row = row_of(self.packing, int(self.order[at]), tokens=self.tokens, end=self.end)
        item = {"input_ids": torch.from_numpy(row.ids), "labels": torch.from_numpy(row.labels)}
        if self.positions:
            item["position_ids"] = torch.from_numpy(row.positions)
        if self.tokens.weights is not None:
            item["weights"] = torch.from_numpy(weights_of(self.packing, int(self.order[at]), self.tokens.weights))
        return item

    def predicted(self, first: int) -> int:
        """How many tokens are predicted from item `first` on."""
        return int(self.packing.predicted[self.order[first:]].sum())

    def documents_of(self, first: int) -> list[int]:
        """The documents in the batch that begins at item `first`, for whoever has to name it."""
        found: set[int] = set()
        for row in self.order[first : first + self.a_step].tolist():
            begin, stop = int(self.packing.rows[row]), int(self.packing.rows[row + 1])
            found |= set(self.packing.document[begin:stop].tolist())
        return sorted(found)


def ordered(rows: int, wanted: int, *, seed: int) -> Int64[ndarray, "wanted"]:
    """So many rows: all of them in one order, then all in another, until there are enough."""
    epochs = [np.random.default_rng((seed, epoch)).permutation(rows) for epoch in range(-(-wanted // rows))]
    return np.concatenate(epochs)[:wanted].astype(np.int64)


def keeps_apart(model: Any, *, end: int) -> bool:
    """Whether two pieces in one row, with positions that start anew, are read as each is alone."""
    sizes = (5, 6)
    vocabulary = int(model.config.vocab_size)
    ids = torch.arange(sum(sizes)).remainder(vocabulary)[None]
    ids[0, 0] = ids[0, sizes[0]] = end
    positions = torch.cat([torch.arange(size) for size in sizes])[None]
    was_training = model.training
    model.eval()
    with torch.no_grad():
        together = model(input_ids=ids, position_ids=positions, use_cache=False).logits.float()
        second = ids[:, sizes[0] :]
        alone = model(input_ids=second, position_ids=positions[:, sizes[0] :], use_cache=False).logits.float()
    model.train(was_training)
    return bool(torch.allclose(together[:, sizes[0] :], alone, atol=CLOSE))
