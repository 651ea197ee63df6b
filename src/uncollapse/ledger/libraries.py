"""What is searched in: a reserve with the index that it keeps, or other texts with one that is made for the search."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from uncollapse.corpora import read
from uncollapse.errors import UsageError
from uncollapse.ledger.blocks import Told, silent
from uncollapse.ledger.reserve import Reserve, is_reserve
from uncollapse.ledger.searching import Library, shelved


@contextmanager
def library(
    addresses: Sequence[str], *, what: str, text_column: str = "text", told: Told = silent
) -> Iterator[Library]:
    """The reserve of a folder, or human texts with an index that goes when this ends; `what` names the option.

    Raises:
        UsageError: a reserve and something else.
    """
    if any(is_reserve(address) for address in addresses):
        if len(addresses) > 1:
            raise UsageError(
                f"{what} names a reserve and something else", hint="give one reserve, or other human texts"
            )
        yield Reserve.open(addresses[0])
        return
    with shelved(read(*addresses, origin="human", text_column=text_column), on_progress=told) as shelf:
        yield shelf
