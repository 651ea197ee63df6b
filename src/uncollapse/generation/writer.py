"""What every step that writes text has in common: model, decoding, samples, mark, seed; and the way of a batch.

A batch becomes drafts (1), each with as many requests to the model as samples are wanted (2); the model writes them all
at once (3); what comes back is spelled as text (4) and takes the row of the document that it was made from, with that
document as its parent (5). A row of which nothing came is failed, with the reason.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, NamedTuple, Self

import pyarrow as pa
from pydantic import Field, SecretStr, model_validator

from uncollapse.document import EDITS, SCHEMA, Origin, replace_columns
from uncollapse.errors import UsageError
from uncollapse.fingerprint import Json, content_id
from uncollapse.generation.account import tally
from uncollapse.generation.drafts import Draft, Made, made, requests
from uncollapse.language_models.model import LanguageModel, Request
from uncollapse.randomness import Stream
from uncollapse.sampling import Decoding
from uncollapse.step import Fate, Outcome, Reject, StepModel
from uncollapse.watermark import (
    DEPTH,
    GROUPS,
    HEAD,
    NGRAM,
    TABLE_SEED,
    TABLE_SIZE,
    check_secret,
    group_of,
    key_name,
    keys_of,
)

NO_TEXT = "no text"
TOO_LONG = "longer than the window"
NOTHING_WRITTEN = "nothing written"
NOTHING_NEW = "the source again"


class Refused(NamedTuple):
    """A row of which no draft can be made, and why."""

    row: int
    reason: str
    detail: str


class Writer(StepModel):
    """A step that makes a new text of each document.

    Attributes:
        model: address of the model that writes.
        decoding: how tokens are drawn; unless said, from the model's own distribution.
        max_tokens: most tokens of a stretch.
        samples: how many texts are written for each document; of several the most typical is kept: the one whose
            surprise is nearest to what the model expects of its own text, neither a loop nor noise.
        draw: the number of the first of them; another number, other texts under the same seed.
        watermark: a secret under which texts are marked, at least 16 bytes; the recipe holds its name alone.
        seed: of all draws.
        dtype: arithmetic of the model; `auto` takes bfloat16 where the processor computes in it.
        window: longest context in tokens, prompt and new text together.
    """

    model: str = "smollm2-135m"
    decoding: Decoding = Decoding()
    max_tokens: Annotated[int, Field(ge=1)] = 256
    samples: Annotated[int, Field(ge=1, le=1024)] = 1
    draw: Annotated[int, Field(ge=0, lt=2**31)] = 0
    watermark: SecretStr | None = None
    seed: Annotated[int, Field(ge=0, lt=2**53)] = 0
    dtype: str = "auto"
    window: Annotated[int, Field(ge=16)] = 2048

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.max_tokens > self.window // 2:
            raise UsageError(
                f"{self.max_tokens} tokens are too many for a window of {self.window}",
                hint=f"at most half of the window, so that a prompt has room: {self.window // 2}",
            )
        if self.watermark is not None:
            check_secret(self.watermark.get_secret_value())
            if self.decoding.greedy:
                raise UsageError(
                    "a watermark needs chance to hide in, and this decoding leaves none",
                    hint="temperature above 0 and top_k other than 1, or no watermark",
                )
        return self

    def recipe(self) -> Mapping[str, Json]:
        """The step's name, every field, and the card of the model that was found at the address."""
        mark = None if self.watermark is None else mark_recipe(self.watermark.get_secret_value())
        return {**super().recipe(), "model": self._card["address"], "watermark": mark, "resolved": self._card}

    @cached_property
    def _card(self) -> dict[str, Json]:
        from uncollapse.language_models.addresses import recorded, resolve  # noqa: PLC0415 - importing the room is slow

        return recorded(resolve(self.model, dtype=self.dtype, window=self.window))

    @cached_property
    def _model(self) -> LanguageModel:
        from uncollapse.language_models.addresses import load  # noqa: PLC0415 - importing the room is slow

        return load(self.model, dtype=self.dtype, window=self.window)

    def check(self) -> None:
        """Nothing, where the model can do what is asked; it is loaded for that.

        Raises:
            UsageError: it cannot.
        """
        self._model  # noqa: B018  (loading is the check)

    @abstractmethod
    def _drafts(self, batch: pa.RecordBatch) -> Iterator[Draft | Refused]:
        """What is to be written for each row of a batch, in order."""

    def apply(self, batch: pa.RecordBatch) -> Outcome:
        """The batch with new texts, rows of which nothing came rejected, and the account of what was written."""
        drafts = list(self._drafts(batch))
        asked = [draft for draft in drafts if isinstance(draft, Draft)]
        samples = self._write(asked, batch.column("id").to_pylist())
        texts = [min(group, key=lambda text: (not text.fresh, text.strangeness)) for group in samples]
        refused = [draft for draft in drafts if isinstance(draft, Refused)]
        refused += [Refused(text.row, NOTHING_WRITTEN, _why(text)) for text in texts if not text.fresh]
        before = batch.column("text").to_pylist()
        again = {text.row for text in texts if text.fresh and text.text == before[text.row]}
        refused += [Refused(row, NOTHING_NEW, "what was written is the source, word for word") for row in again]
        kept = [text for text in texts if text.fresh and text.row not in again]
        sources = batch.column("source").to_pylist()
        rejects = tuple(
            Reject(sources[row] or "", row, Fate.FAILED, reason, detail) for row, reason, detail in sorted(refused)
        )
        prompts = [prompt for draft in asked for prompt in draft.prompts]
        written = [text for group in samples for text in group]
        account = tally(kept, texts=len(texts), written=written, prompts=prompts)
        return Outcome(_rows(batch, kept, recipe=self.fingerprint), rejects, account)

    def _write(self, drafts: Sequence[Draft], ids: Sequence[str]) -> list[list[Made]]:
        """For each draft its samples."""
        draws = range(self.draw, self.draw + self.samples)
        wanted = [self._requests(draft, ids[draft.row], draw=draw) for draft in drafts for draw in draws]
        asked = [request for group in wanted for request in group]
        written = iter(self._model.generate(asked, decoding=self.decoding))
        groups = iter([next(written) for _ in group] for group in wanted)
        surfaces = self._model.vocabulary.surfaces
        return [[made(draft, next(groups), surfaces=surfaces) for _ in range(self.samples)] for draft in drafts]

    def _requests(self, draft: Draft, document: str, *, draw: int) -> list[Request]:
        stream = Stream.of(self.seed, self.fingerprint, document)
        keys = None
        if self.watermark is not None:
            keys = keys_of(self.watermark.get_secret_value(), group_of(document))
        return requests(draft, stream=stream, draw=draw, tokens=self.max_tokens, keys=keys)


def mark_recipe(secret: str) -> dict[str, Json]:
    """What a recipe says of a mark: enough to look for it with the key, nothing of the key."""
    return {
        "scheme": "synthid-text",
        "key": key_name(secret),
        "ngram": NGRAM,
        "layers": DEPTH,
        "candidates": HEAD,
        "groups": GROUPS,
        "table_size": TABLE_SIZE,
        "table_seed": TABLE_SEED,
    }


def _why(text: Made) -> str:
    ended = any(stretch.ended for stretch in text.stretches)
    return "the model ended the text at once" if ended else "the model wrote blanks alone"


def _rows(batch: pa.RecordBatch, texts: Sequence[Made], *, recipe: str) -> pa.RecordBatch:
    """The rows that the texts were made from, each with its new text and where it came from."""
    rows = batch.take(pa.array([text.row for text in texts], pa.int64()))
    old = rows.select(["id", "generation", "parents"]).to_pylist()
    columns: dict[str, Iterable[Any]] = {
        "id": [content_id(text.text) for text in texts],
        "text": [text.text for text in texts],
        "origin": [str(Origin.SYNTHETIC)] * len(texts),
        "generation": [None if row["generation"] is None else row["generation"] + 1 for row in old],
        "parents": [[row["id"], *(row["parents"] or ())] for row in old],
        "recipe": [recipe] * len(texts),
    }
    arrays = {name: pa.array(column, SCHEMA.field(name).type) for name, column in columns.items()}
    return replace_columns(rows, {**arrays, "edits": pa.array([[]] * len(texts), EDITS)})
