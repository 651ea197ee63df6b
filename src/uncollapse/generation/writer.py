"""What every step that writes text has in common: model, decoding, samples, mark, seed; and the way of a batch.

A batch becomes drafts (1), each with as many texts to be asked for as samples are wanted (2); the writer, a model that
is here or an endpoint, writes them all at once (3); of the texts of one document those are picked that are kept (4),
and each takes a row like that of the document that it was made from, with that document as its parent (5). A row of
which nothing came is failed, with the reason.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, SecretStr, model_validator

from uncollapse.document import EDITS, SCHEMA, Origin, replace_columns
from uncollapse.errors import UsageError
from uncollapse.fingerprint import Json, content_id
from uncollapse.generation import choosing
from uncollapse.generation.account import tally
from uncollapse.generation.drafts import Draft, Made, asks, made
from uncollapse.generation.picking import TOO_LONG, Kept, Pick, Refused, Source, no_text, rejects, why_nothing
from uncollapse.language_models.calling import Calling
from uncollapse.language_models.endpoint_address import is_endpoint
from uncollapse.language_models.journal import NAME as JOURNAL
from uncollapse.language_models.model import LanguageModel
from uncollapse.language_models.texts import ByTokens, Prompt, TextWriter
from uncollapse.randomness import Stream
from uncollapse.sampling import Decoding
from uncollapse.step import Outcome, StepModel
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

DRAW = pa.field("draw", pa.int32())


class Writer(StepModel):
    """A step that makes a new text of each document.

    Attributes:
        model: address of the model that writes, or of an endpoint: http://host:port/v1#name.
        decoding: how tokens are drawn; unless said, from the model's own distribution.
        max_tokens: most tokens of a stretch.
        samples: how many texts are written for each document.
        keep: of several texts, the most typical (`best`: its surprise is what the model expects of its own text,
            neither a loop nor noise; an endpoint writes three at least for that), one drawn with weights
            exp(-distance from that) (`sample`), or each as a row of its own with its number in the column `draw`
            (`all`).
        draw: the number of the first of them; another number, other texts under the same seed.
        watermark: a secret under which texts are marked, at least 16 bytes; the recipe holds its name alone.
        seed: of all draws; an endpoint, which draws by itself, is sent a seed of its own for each text.
        dtype: arithmetic of the model; `auto` takes bfloat16 where the processor computes in it.
        window: longest context in tokens, prompt and new text together.
        calling: how an endpoint is called; no part of the recipe.
    """

    model: str = "smollm2-135m"
    decoding: Decoding = Decoding()
    max_tokens: Annotated[int, Field(ge=1)] = 256
    samples: Annotated[int, Field(ge=1, le=1024)] = 1
    keep: Literal["best", "all", "sample"] = "best"
    draw: Annotated[int, Field(ge=0, lt=2**31)] = 0
    watermark: SecretStr | None = None
    seed: Annotated[int, Field(ge=0, lt=2**53)] = 0
    dtype: str = "auto"
    window: Annotated[int, Field(ge=16)] = 2048
    calling: Calling = Calling()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.far:
            self._refuse_afar()
        elif self.max_tokens > self.window // 2:
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

    def _refuse_afar(self) -> None:
        if self.samples == 2 and self.keep == "best":
            raise UsageError(
                "of two texts an endpoint cannot say which is the more typical, as it gives no whole distributions",
                hint="--n 3 or more, or --keep sample|all",
            )
        if self.watermark is not None:
            raise UsageError(
                "an endpoint draws its tokens by itself, so nothing can be marked",
                hint="leave out the watermark, or take a model whose weights are here",
            )
        for name in ("dtype", "window"):
            if getattr(self, name) != type(self).model_fields[name].default:
                raise UsageError(f"{name} is the engine's own business where an endpoint writes", hint="leave it out")

    @property
    def far(self) -> bool:
        """Whether an endpoint writes, of which neither tokens nor weights are known here."""
        return is_endpoint(self.model)

    def recipe(self) -> Mapping[str, Json]:
        """The step's name, every field but `calling`, and the card of the model that was found at the address."""
        mark = None if self.watermark is None else mark_recipe(self.watermark.get_secret_value())
        fields = {name: value for name, value in super().recipe().items() if name != "calling"}
        draws = {"draws": "by the engine itself, from the seed that is sent with each request"} if self.far else {}
        return {**fields, "model": self._card["address"], **draws, "watermark": mark, "resolved": self._card}

    @cached_property
    def _card(self) -> dict[str, Json]:
        from uncollapse.language_models.addresses import writer_card  # noqa: PLC0415 - importing the room is slow

        return writer_card(self.model, dtype=self.dtype, window=self.window)

    @cached_property
    def _model(self) -> LanguageModel:
        """The model, where it is here."""
        assert isinstance(self._pen, ByTokens)
        return self._pen.model

    @cached_property
    def _pen(self) -> TextWriter:
        from uncollapse.language_models.addresses import open_writer  # noqa: PLC0415 - importing the room is slow

        return open_writer(self.model, dtype=self.dtype, window=self.window, calling=self.calling)

    def made_ready(self, folder: Path) -> Self:
        """The step with a journal of an endpoint's replies in the folder, unless it has one elsewhere."""
        if not self.far or self.calling.journal is not None:
            return self
        calling = self.calling.model_copy(update={"journal": folder / JOURNAL})
        return self.changed(calling=calling)

    def changed(self, **fields: Any) -> Self:
        """The step with some fields of other values."""
        return type(self)(**{name: getattr(self, name) for name in type(self).model_fields} | fields)

    def check(self) -> None:
        """Nothing, where the model can do what is asked; it is loaded for that, or the endpoint is looked for.

        Raises:
            UsageError: it cannot.
            UnknownModel: nothing answers.
        """
        self._check()

    def _check(self, *, chat: bool = False) -> None:
        if self.far:
            from uncollapse.language_models.endpoint import Endpoint  # noqa: PLC0415 - slow import

            assert isinstance(self._pen, Endpoint)
            self._pen.check()
        elif chat:
            self._model.vocabulary.ask([""])
        else:
            self._model  # noqa: B018  (loading is the check)

    def columns(self) -> pa.Schema:
        """The number of the draw, where each is a row of its own."""
        return pa.schema([DRAW] if self.keep == "all" else [])

    @abstractmethod
    def _drafts(self, batch: pa.RecordBatch) -> Iterator[Draft | Refused]:
        """What is to be written for each row of a batch, in order."""

    def _asking(
        self, texts: Sequence[str | None], questions: Sequence[str], *, chat: bool
    ) -> Iterator[Draft | Refused]:
        """A draft for each question about a text, asked of a chat model or gone on from as it stands."""
        prompts = [Prompt(question, chat) for question in questions]
        if not self.far:
            ids = self._tokens(questions, chat=chat)
            prompts = [prompt._replace(ids=own) for prompt, own in zip(prompts, ids, strict=True)]
        room = self.window - self.max_tokens - 1
        for row, (text, prompt) in enumerate(zip(texts, prompts, strict=True)):
            if not (text or "").strip():
                yield no_text(row, text)
            elif prompt.ids is not None and len(prompt.ids) > room:
                yield Refused(row, TOO_LONG, f"{len(prompt.ids)} tokens to read where there is room for {room}")
            else:
                yield Draft(row, (prompt,), strip=True)

    def _tokens(self, questions: Sequence[str], *, chat: bool) -> list[np.ndarray]:
        vocabulary = self._model.vocabulary
        if chat:
            return vocabulary.ask(questions)
        tokens = vocabulary.encode(questions)
        return np.split(tokens.ids, tokens.offsets[1:-1]) if len(questions) else []

    def apply(self, batch: pa.RecordBatch) -> Outcome:
        """The batch with new texts, rows of which nothing came rejected, and the account of what was written."""
        drafts = list(self._drafts(batch))
        asked = [draft for draft in drafts if isinstance(draft, Draft)]
        sources = [Source(*pair) for pair in zip(*(batch.column(name).to_pylist() for name in ("id", "text")))]  # noqa: B905
        groups = self._write(asked, [source.id for source in sources])
        picks = [self._pick(sources[draft.row], group) for draft, group in zip(asked, groups, strict=True)]
        refused = [draft for draft in drafts if isinstance(draft, Refused)]
        refused += [pick.refused for pick in picks if pick.refused is not None]
        kept = [text for pick in picks for text in pick.kept]
        account = tally(
            [text for group in groups for text in group],
            made=len(kept),
            empty=sum(not pick.kept for pick in picks),
            not_kept=sum(pick.passed_over for pick in picks),
        )
        return Outcome(self._rows(batch, kept), rejects(batch, refused), account, rows=tuple(text.row for text in kept))

    def _write(self, drafts: Sequence[Draft], ids: Sequence[str]) -> list[list[Made]]:
        """For each draft its samples."""
        draws = range(self.draw, self.draw + self.samples)
        wanted = [self._asks(draft, ids[draft.row], draw=draw) for draft in drafts for draw in draws]
        asked = [ask for group in wanted for ask in group]
        written = iter(self._pen.write(asked, decoding=self.decoding))
        groups = iter([next(written) for _ in group] for group in wanted)
        return [[made(draft, next(groups)) for _ in range(self.samples)] for draft in drafts]

    def tried(self, batch: pa.RecordBatch) -> list[list[Made]]:
        """The samples for each row of a batch for which some can be written, before any is chosen; nothing is kept."""
        asked = [draft for draft in self._drafts(batch) if isinstance(draft, Draft)]
        return self._write(asked, batch.column("id").to_pylist())

    def _asks(self, draft: Draft, document: str, *, draw: int) -> list[Any]:
        keys = None
        if self.watermark is not None:
            keys = keys_of(self.watermark.get_secret_value(), group_of(document))
        stream = Stream.of(self.seed, self.fingerprint, document)
        return asks(draft, stream=stream, draw=draw, tokens=self.max_tokens, keys=keys)

    def _pick(self, source: Source, texts: Sequence[Made]) -> Pick:
        """What is kept of the texts of one document."""
        new = [at for at, text in enumerate(texts) if text.fault is None and text.fresh and text.text != source.text]
        if not new:
            return Pick(refused=why_nothing(texts), passed_over=len(texts) - 1)
        chosen = self._chosen([texts[at] for at in new], source)
        kept = [(new[place], texts[new[place]]) for place in chosen]
        rows = tuple(Kept(text.row, text.text, (self.draw + at,) if self.keep == "all" else ()) for at, text in kept)
        return Pick(rows, passed_over=len(texts) - len(rows))

    def _chosen(self, texts: Sequence[Made], source: Source) -> list[int]:
        """The numbers of those among several whole texts that are kept."""
        if self.keep == "all":
            return list(range(len(texts)))
        if len(texts) == 1:
            return [0]
        if self.keep == "best":
            return [choosing.best(texts)]
        return [choosing.drawn(texts, uniform=self._uniform("keep", source))]

    def _uniform(self, what: str, source: Source) -> float:
        """A uniform number of a document for something other than its tokens."""
        return float(Stream.of(self.seed, f"{self.fingerprint} {what}", source.id).uniform(np.zeros(1, np.int64))[0])

    def _rows(self, batch: pa.RecordBatch, texts: Sequence[Kept]) -> pa.RecordBatch:
        """The rows that the texts were made from, each with its new text, where it came from, and what is added."""
        rows = batch.take(pa.array([text.row for text in texts], pa.int64()))
        old = rows.select(["id", "generation", "parents"]).to_pylist()
        columns: dict[str, Iterable[Any]] = {
            "id": [content_id(text.text) for text in texts],
            "text": [text.text for text in texts],
            "origin": [str(Origin.SYNTHETIC)] * len(texts),
            "generation": [None if row["generation"] is None else row["generation"] + 1 for row in old],
            "parents": [[row["id"], *(row["parents"] or ())] for row in old],
            "recipe": [self.fingerprint] * len(texts),
        }
        arrays = {name: pa.array(column, SCHEMA.field(name).type) for name, column in columns.items()}
        rows = replace_columns(rows, {**arrays, "edits": pa.array([[]] * len(texts), EDITS)})
        for place, field in enumerate(self.columns()):
            rows = rows.append_column(field, pa.array([text.added[place] for text in texts], field.type))
        return rows


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
