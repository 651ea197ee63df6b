"""The step that takes unseen marks out of texts."""

import pyarrow as pa
import pyarrow.compute as pc

from uncollapse.document import SCHEMA, replace_columns
from uncollapse.fingerprint import content_id
from uncollapse.provenance.marks import UNSEEN, marks_in, stripped
from uncollapse.step import Fate, Outcome, Reject, StepModel, Tally, add_tallies

NO_TEXT = "no text"
# The same characters in the notation of RE2, which looks through a batch at once.
PATTERN = "".join(f"\\x{{{ord(sign):X}}}" if ord(sign) > 0x7E else sign for sign in UNSEEN.pattern)


class StripMarks(StepModel):
    """Texts without marks that no reader sees and that do not belong to the writing.

    Nobody has rewritten such a text: it keeps origin, generation, parents and recipe, and gets the id of what it says
    now. Texts that carry edits are left as they are, for their edits would no longer lead back. What was taken out of
    which row is kept by whoever runs the step (`uncollapse marks` writes it beside the output), and
    `provenance.marks.restored` puts it back.
    """

    def apply(self, batch: pa.RecordBatch) -> Outcome:
        """The batch; the tally counts `documents` marked, clean and left, and `characters` and texts by kind."""
        texts = batch.column("text")
        ids = batch.column("id").to_pylist()
        nulls = [row for row, there in enumerate(texts.is_valid().to_pylist()) if not there]
        edited = batch.column("edits").value_lengths().fill_null(0).to_pylist()
        held = pc.match_substring_regex(texts, PATTERN).fill_null(False).to_pylist()
        new = texts.to_pylist()
        tally: Tally = {"documents": {"marked": 0, "clean": 0, "left": 0}}
        for row, text in enumerate(new):
            if text is None:
                continue
            marks = marks_in(text) if held[row] else []
            fate = "clean" if not marks else "left" if edited[row] else "marked"
            tally = add_tallies(tally, {"documents": {fate: 1}})
            if fate == "marked":
                new[row] = stripped(text, marks)
                ids[row] = content_id(new[row])
                for mark in marks:
                    tally = add_tallies(tally, {"characters": {str(mark.kind): len(mark.mark)}})
                for kind in {mark.kind for mark in marks}:
                    tally = add_tallies(tally, {"texts": {str(kind): 1}})
        columns = {"text": pa.array(new, SCHEMA.field("text").type), "id": pa.array(ids, pa.string())}
        made = replace_columns(batch, columns)
        if not nulls:
            return Outcome(made, tally=tally)
        rest = sorted(set(range(len(batch))) - set(nulls))
        sources = batch.column("source").to_pylist()
        rejects = tuple(Reject(sources[row] or "", row, Fate.FAILED, NO_TEXT) for row in nulls)
        return Outcome(made.take(pa.array(rest, pa.int64())), rejects, tally)
