"""Token-level editing: human text in, semi-synthetic text out, every change on record.

A batch comes in as Arrow columns. Its texts are cut into tokens (1), scored by the prior in one pass (2); the rule
flags tokens, and for each flagged one a replacement is drawn (3); protected text, spacing and budget take some out (4);
where asked, the edited text is read once more and edits that harm what follows are taken back (5). What is left is
written into the bytes of the text (6), and every row goes out with its ancestry and its edits.

Source: Zhu et al., ICML 2025 (arXiv 2412.14689), Algorithm 1.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property

import pyarrow as pa

from uncollapse.editing.account import nothing, tally
from uncollapse.editing.decide import Editor, decide
from uncollapse.editing.explain import traces
from uncollapse.editing.group import Group, texts_of
from uncollapse.editing.rewrite import Rewritten, outcome, rewrite
from uncollapse.editing.rules import Positions, Rules
from uncollapse.editing.trace import DocumentTrace
from uncollapse.fingerprint import Json
from uncollapse.step import Outcome, add_tallies


class ToEdit(Rules):
    """Documents with some tokens redrawn from a prior language model's own candidates.

    The defaults are the published rule (positions at p >= 0.99, top-k with k = 8, temperature 1); `preset("bold")`
    is what the command line takes. Whatever the fields, first tokens, special tokens and pieces of a character are
    never touched, a prompt is read but never edited, and the first text can be had back by `Revert`.
    """

    def recipe(self) -> Mapping[str, Json]:
        """The step's name, every field, and the card of the model that was found at the address."""
        return {**super().recipe(), "model": self._card["address"], "resolved": self._card}

    @cached_property
    def _card(self) -> dict[str, Json]:
        from uncollapse.language_models.addresses import recorded, resolve  # noqa: PLC0415 - importing the room is slow

        return recorded(resolve(self.model, dtype=self.dtype, window=self.window))

    @cached_property
    def _editor(self) -> Editor:
        from uncollapse.language_models.addresses import load  # noqa: PLC0415 - importing the room is slow

        return Editor.of(
            load(self.model, dtype=self.dtype, window=self.window), rules=self, fingerprint=self.fingerprint
        )

    def apply(self, batch: pa.RecordBatch) -> Outcome:
        """The batch with edited texts, rows without text rejected, and the account of its tokens.

        The tally holds `tokens` (counts by fate), `histogram.probability` (100 equal bins over [0, 1]) and `documents`.
        """
        rewritten: list[Rewritten] = []
        total = nothing()
        threshold = None if self.positions is Positions.RANDOM else self.threshold
        for group in self._groups(batch):
            decided = decide(self._editor, group)
            made = rewrite(group, decided.replacements(self._editor.table), recipe=self.fingerprint)
            changed = sum(row.changed for row in made)
            total = add_tallies(
                total, tally(decided.own(), threshold=threshold, documents=len(made), documents_changed=changed)
            )
            rewritten += made
        return outcome(batch, rewritten, tally=total)

    def explain(self, batch: pa.RecordBatch) -> list[DocumentTrace]:
        """What `apply` does to each document of the batch, token by token."""
        return [
            found
            for group in self._groups(batch)
            for found in traces(group, decide(self._editor, group), self._editor.table)
        ]

    def _groups(self, batch: pa.RecordBatch) -> Iterator[Group]:
        prompts = None if self.prompt_column is None else texts_of(batch, self.prompt_column)
        return Group.cut(batch, prompts)
