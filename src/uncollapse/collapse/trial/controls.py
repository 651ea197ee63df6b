"""Two controls as steps: as many edits at random places, and the edited places left out."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray
from pydantic import Field

from uncollapse.document import Edit
from uncollapse.editing.candidates import WIDE_BLOCK, Drawn, Sampler, draw_rows
from uncollapse.editing.group import Group, texts_of
from uncollapse.editing.respelling import Replacement
from uncollapse.editing.rewrite import Rewritten, outcome, rewrite
from uncollapse.editing.rules import Draw, UnitOf, editable, uniforms
from uncollapse.editing.words import Pieces, faithful, pieces
from uncollapse.fingerprint import Json
from uncollapse.language_models.model import LanguageModel, Scores, Tokens
from uncollapse.randomness import Stream
from uncollapse.sampling import Strategy
from uncollapse.step import Outcome, StepModel

COUNT = "changes"


class RandomEdits(StepModel):
    """Documents with as many tokens exchanged as their column `changes` says, at places drawn alike from all of them.

    A place is any token that an edit may touch; the replacement is drawn from the prior's whole law there, without the
    token that stands there. A document with fewer places has all of them exchanged.
    """

    model: str = "smollm2-135m"
    prompt_column: str | None = None
    seed: Annotated[int, Field(ge=0, lt=2**53)] = 0
    dtype: str = "auto"
    window: Annotated[int, Field(ge=16)] = 2048

    def recipe(self) -> Mapping[str, Json]:
        """The step's name, every field, and the card of the model that was found at the address."""
        return {**super().recipe(), "model": self._card["address"], "resolved": self._card}

    @cached_property
    def _card(self) -> dict[str, Json]:
        from uncollapse.language_models.addresses import recorded, resolve  # noqa: PLC0415 - importing the room is slow

        return recorded(resolve(self.model, dtype=self.dtype, window=self.window))

    @cached_property
    def _model(self) -> LanguageModel:
        from uncollapse.language_models.addresses import load  # noqa: PLC0415 - importing the room is slow

        return load(self.model, dtype=self.dtype, window=self.window)

    @cached_property
    def _table(self) -> Pieces:
        return pieces(self._model.vocabulary.surfaces)

    @cached_property
    def _sampler(self) -> Sampler:
        return Sampler(
            strategy=Strategy.FULL,
            top_k=1,
            top_p=1.0,
            min_p=1.0,
            temperature=1.0,
            exclude_original=True,
            words=False,
            tries=1,
            table=self._table,
        )

    def apply(self, batch: pa.RecordBatch) -> Outcome:
        """The batch with edited texts; the tally counts tokens and documents."""
        prompts = None if self.prompt_column is None else texts_of(batch, self.prompt_column)
        wanted = batch.column(COUNT).to_numpy(zero_copy_only=False).astype(np.int64)
        made: list[Rewritten] = []
        read = flagged = changed = 0
        for group in Group.cut(batch, prompts):
            tokens = self._model.vocabulary.encode(group.texts, prompts=group.prompts)
            picked = self._picked(tokens, group, wanted[group.rows])
            replacements = self._replacements(tokens, group, picked)
            made += rewrite(group, replacements, recipe=self.fingerprint)
            read += int(tokens.scored().sum())
            flagged += int(picked.sum())
            changed += sum(map(len, replacements))
        return outcome(batch, made, tally=_tally(made, read=read, flagged=flagged, changed=changed))

    def _picked(self, tokens: Tokens, group: Group, wanted: Int64[ndarray, "d"]) -> Bool[ndarray, "n"]:
        """The places: of those that an edit may touch, the `wanted` ones with the smallest draws of each document."""
        document = tokens.document_of()
        position = np.arange(len(tokens.ids)) - tokens.starts[document]
        rows = np.flatnonzero(editable(tokens, self._table, unit=UnitOf.TOKEN))
        texts = [text.encode() for text in group.texts]
        rows = rows[
            faithful(self._table, tokens.ids[rows], texts=texts, spans=tokens.spans[rows], document=document[rows])
        ]
        draws = uniforms(self._streams(group), document[rows], position[rows], draw=Draw.POSITION)
        order = np.lexsort((draws, document[rows]))
        first = np.searchsorted(document[rows], np.arange(len(tokens)))
        place = np.arange(len(rows)) - first[document[rows][order]]
        picked = np.zeros(len(tokens.ids), dtype=bool)
        picked[rows[order[place < wanted[document[rows][order]]]]] = True
        return picked

    def _replacements(self, tokens: Tokens, group: Group, picked: Bool[ndarray, "n"]) -> list[list[Replacement]]:
        found: list[list[Replacement]] = [[] for _ in range(len(tokens))]
        streams = self._streams(group)
        for documents in self._blocks(tokens, picked):
            part, origin = tokens.take(documents)
            scores, drawn = self._drawn(part, picked[origin], [streams[each] for each in documents.tolist()])
            document = documents[part.document_of()]
            for row, token in zip(drawn.rows.tolist(), drawn.ids[:, 0].tolist(), strict=True):
                start, end = part.spans[row].tolist()
                after = self._table.surfaces[token] or b""
                probability = float(np.exp(np.float64(scores.logprob[row])))
                found[document[row]].append(Replacement(start, end, after, probability))
        return found

    def _drawn(self, part: Tokens, picked: Bool[ndarray, "n"], streams: list[Stream]) -> tuple[Scores, Drawn]:
        """What the prior says of some documents, and what it draws at their places."""
        document = part.document_of()
        position = np.arange(len(part.ids)) - part.starts[document]

        def numbers(rows: Int64[ndarray, "r"], draw: int) -> Float64[ndarray, "r"]:
            return uniforms(streams, document[rows], position[rows], draw=draw)

        def chooser(rows: Int64[ndarray, "m"], *_: ndarray) -> Bool[ndarray, "m"]:
            return picked[rows]

        scores, found = self._model.score_and_choose(part, chooser=chooser, k=len(self._table.surfaces))
        return scores, draw_rows(found, part.ids[found.rows], sampler=self._sampler, uniforms=numbers)

    def _streams(self, group: Group) -> list[Stream]:
        return [Stream.of(self.seed, self.fingerprint, name) for name in group.ids]

    def _blocks(self, tokens: Tokens, picked: Bool[ndarray, "n"]) -> Iterator[Int64[ndarray, "b"]]:
        """Documents with places, so many at once that whole laws at their places fit into memory."""
        most = max(1, WIDE_BLOCK // len(self._table.surfaces))
        counts = np.bincount(tokens.document_of()[picked], minlength=len(tokens))
        block: list[int] = []
        size = 0
        for document in np.flatnonzero(counts).tolist():
            if block and size + counts[document] > most:
                yield np.array(block, np.int64)
                block, size = [], 0
            block.append(document)
            size += int(counts[document])
        if block:
            yield np.array(block, np.int64)


class DeleteEdits(StepModel):
    """Edited documents without what their edits put in: the edited places left out, all else as it was."""

    def apply(self, batch: pa.RecordBatch) -> Outcome:
        """The batch with shorter texts; the tally counts the edits that were left out as changed tokens."""
        made: list[Rewritten] = []
        changed = 0
        for group in Group.cut(batch, None):
            replacements = [_gone(earlier) for earlier in group.earlier]
            made += rewrite(group, replacements, recipe=self.fingerprint)
            changed += sum(map(len, replacements))
        return outcome(batch, made, tally=_tally(made, read=0, flagged=changed, changed=changed))


def _gone(edits: tuple[Edit, ...]) -> list[Replacement]:
    """Each stretch of the text at hand that an edit put there, to be left out."""
    found = []
    shift = 0
    for edit in edits:
        before, after = len(edit.before.encode()), len(edit.after.encode())
        start = edit.position + shift
        found.append(Replacement(start, start + after, b"", edit.probability))
        shift += after - before
    return found


def _tally(made: list[Rewritten], *, read: int, flagged: int, changed: int) -> dict[str, dict[str, int]]:
    rows = sum(row.changed for row in made)
    return {
        "tokens": {"read": read, "flagged": flagged, "changed": changed},
        "documents": {"changed": rows, "unchanged": len(made) - rows},
    }
