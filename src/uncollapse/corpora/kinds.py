"""Which kinds of values the columns of JSON lines hold, counted while they are read."""

from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa

from uncollapse.corpora.columns import MOST_COLUMNS, name_in_corpus
from uncollapse.corpora.jsonl import Cells, column_type, kind
from uncollapse.corpora.plan import Layout
from uncollapse.corpora.values import ABSENT
from uncollapse.errors import InputError


@dataclass(slots=True)
class Kinds:
    """For each column how many values of each kind it holds, over so many rows."""

    columns: dict[str, Counter[str]] = field(default_factory=dict)
    rows: int = 0

    def row(self, cells: Cells, *, source: str) -> None:
        """Count one row.

        Raises:
            InputError: there are more columns than any table has.
        """
        self.rows += 1
        for name, cell in cells.items():
            counter = self.columns.get(name)
            if counter is None:
                counter = self.columns[name] = Counter()
                if len(self.columns) > MOST_COLUMNS:
                    raise InputError(
                        f"{source} has more than {MOST_COLUMNS:,} different keys",
                        hint="Are the keys data? Put them into one object under one key.",
                    )
            counter[kind(cell)] += 1

    def add(self, other: "Kinds", *, layout: Layout, ours: bool) -> None:
        """Take a file's counts into account, under the names that its columns have in the corpus."""
        self.rows += other.rows
        for name, counter in other.columns.items():
            in_corpus = name_in_corpus(name, layout=layout, ours=ours)
            if in_corpus is not None:
                self.columns.setdefault(in_corpus, Counter()).update(counter)

    def fields(self, *, prompt_column: str | None = None) -> list[pa.Field]:
        """The columns with the types that hold all their values.

        A prompt is a string or nothing, whether the key is left out or says null.
        """
        return [self._field(name, counter, prompt=name == prompt_column) for name, counter in self.columns.items()]

    def _field(self, name: str, counter: Counter[str], *, prompt: bool) -> pa.Field:
        kinds = set(counter)
        if counter.total() < self.rows and not prompt:
            kinds.add("absent")
        metadata = {ABSENT: b"true"} if "absent" in kinds else None
        return pa.field(name, column_type(kinds), metadata=metadata)
