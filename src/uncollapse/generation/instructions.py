"""Pairs of an instruction and its answer, made from passages that people wrote: the answer must stand in the passage.

A chat model is asked for both in one reply, between marks, and the reply is read with some tolerance: other marks,
JSON, headings in bold. A reply in which both cannot be found makes no row.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, Self

import pyarrow as pa
from pydantic import Field, model_validator

from uncollapse.errors import UsageError
from uncollapse.generation.drafts import Draft, Made
from uncollapse.generation.picking import Kept, Pick, Refused, Source, why_nothing
from uncollapse.generation.responses import json_in
from uncollapse.generation.writer import Writer

NO_PAIR = "no instruction with an answer"
ORDER = (
    "Here is a passage. Write one instruction or question that somebody who has not seen the passage could give to an "
    "assistant, and that the passage answers; and write its answer, which must be true to the passage and use nothing "
    "else. Do not speak of the passage.\n\n"
    "Reply in exactly this form:\n"
    "<instruction>the instruction</instruction>\n"
    "<answer>the answer</answer>\n\n"
    "The passage:\n\n"
)
TEMPLATE = "{instruction}\n\n{answer}"
PLACES = ("{instruction}", "{answer}")

# What a model may call the two; the first of each is what it was asked for.
INSTRUCTIONS = ("instruction", "question", "prompt", "task", "query", "q")
ANSWERS = ("answer", "response", "output", "reply", "completion", "a")


class Pair(NamedTuple):
    """An instruction and what answers it."""

    instruction: str
    answer: str


class Instruct(Writer):
    """Instruction pairs, each grounded in the document it was made from, in the columns `instruction` and `answer`.

    Attributes:
        order: what is asked of a chat model, before the passage.
        template: the text of the row, with {instruction} and {answer} in it.
    """

    order: Annotated[str, Field(min_length=1)] = ORDER
    template: str = TEMPLATE

    @model_validator(mode="after")
    def _whole(self) -> Self:
        missing = [place for place in PLACES if place not in self.template]
        if missing:
            raise UsageError(
                f"the template of a pair has no {' and no '.join(missing)}", hint="as in " + repr(TEMPLATE)
            )
        return self

    def check(self) -> None:
        """Nothing, where the model can be asked."""
        self._check(chat=True)

    def columns(self) -> pa.Schema:
        """The two halves, and the number of the draw where each is a row of its own."""
        own = [pa.field(name, pa.large_string()) for name in ("instruction", "answer")]
        return pa.schema([*own, *super().columns()])

    def _drafts(self, batch: pa.RecordBatch) -> Iterator[Draft | Refused]:
        texts = batch.column("text").to_pylist()
        yield from self._asking(texts, [self.order + (text or "") for text in texts], chat=True)

    def _pick(self, source: Source, texts: Sequence[Made]) -> Pick:
        pairs = [pair_in(text.text) if text.fault is None and text.fresh else None for text in texts]
        found = [at for at, pair in enumerate(pairs) if pair is not None]
        if not found:
            return Pick(refused=_why(texts), passed_over=len(texts) - 1)
        rows = []
        for place in self._chosen([texts[at] for at in found], source):
            at = found[place]
            pair = pairs[at]
            assert pair is not None
            number = (self.draw + at,) if self.keep == "all" else ()
            rows.append(Kept(texts[at].row, self._filled(pair), (*pair, *number)))
        return Pick(tuple(rows), passed_over=len(texts) - len(rows))

    def _filled(self, pair: Pair) -> str:
        """The template with both in their places; braces in them mean nothing."""
        parts = re.split(r"(\{instruction\}|\{answer\})", self.template)
        return "".join({"{instruction}": pair.instruction, "{answer}": pair.answer}.get(part, part) for part in parts)


def _why(texts: Sequence[Made]) -> Refused:
    if any(text.fault is not None for text in texts) or not any(text.fresh for text in texts):
        return why_nothing(texts)
    said = next(text for text in texts if text.fresh)
    shown = " ".join(said.text.split())[:120]
    end = " (the limit was reached)" if not said.ended else ""
    return Refused(texts[0].row, NO_PAIR, f"the reply has no two marked parts{end}: {shown}")


def pair_in(reply: str) -> Pair | None:
    """The instruction and the answer in a reply; None where one of them is not there, is blank, or is the other."""
    for reading in (_between_tags, _in_json, _behind_headings):
        pair = reading(reply)
        if pair is not None:
            instruction, answer = (half.strip() for half in pair)
            same = instruction.casefold() == answer.casefold()
            return None if not instruction or not answer or same else Pair(instruction, answer)
    return None


def _between_tags(reply: str) -> Pair | None:
    """Between marks as they were asked for; an answer that was not closed because the reply was cut off is none."""
    halves = []
    for names in (INSTRUCTIONS, ANSWERS):
        found = re.search(rf"<({'|'.join(names)})>(.*?)</\1>", reply, re.DOTALL | re.IGNORECASE)
        if found is None:
            return None
        halves.append(found[2])
    return Pair(*halves)


def _in_json(reply: str) -> Pair | None:
    value = json_in(reply)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, Mapping):
        return None
    named = {str(name).strip().lower(): half for name, half in value.items()}
    halves = [next((named[name] for name in names if name in named), None) for names in (INSTRUCTIONS, ANSWERS)]
    return Pair(_plain(halves[0]), _plain(halves[1])) if all(half is not None for half in halves) else None


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _behind_headings(reply: str) -> Pair | None:
    """Behind `Question:` and `Answer:` at the beginnings of lines, with or without marks of emphasis."""
    first, second = (
        re.search(rf"^[\s*#>_-]*({'|'.join(names)})[*_]*\s*:[*_]*", reply, re.MULTILINE | re.IGNORECASE)
        for names in (INSTRUCTIONS, ANSWERS)
    )
    if first is None or second is None or second.start() < first.end():
        return None
    return Pair(reply[first.end() : second.start()], reply[second.end() :])
