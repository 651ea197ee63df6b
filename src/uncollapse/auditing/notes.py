"""What a reader must know before the verdicts: in sentences, beside them."""

from collections.abc import Iterator

from uncollapse.auditing.examine import Examined
from uncollapse.auditing.intake import Read
from uncollapse.auditing.whole import unexplained

UNSPACED = 0.1  # of all words, from which scripts without spaces are mentioned


def notes_of(
    corpus: Read, reference: Read | None, examined: Examined | None, *, units: str, shortened: int
) -> list[str]:
    """The notes: on what is compared, `units` of which `shortened` were cut, on what both have, on scripts."""
    return [
        *_of_units(units, shortened),
        *_of_copies(corpus),
        *_of_scripts(corpus, "corpus"),
        *([] if reference is None else _of_scripts(reference, "reference")),
        *([] if examined is None else _of_near_copies(examined)),
    ]


def _of_units(units: str, shortened: int) -> Iterator[str]:
    if units == "passages":
        yield (
            "There are few documents: passages of 250 words are compared in their place, and intervals take passages "
            "as independent, which those of one document are not."
        )
    if shortened:
        yield (f"Documents of which only the beginning is compared, since one would outweigh the rest: {shortened:,}.")


def _of_copies(corpus: Read) -> Iterator[str]:
    foreign = len(unexplained(corpus))
    same = len(corpus.copied) - foreign
    if corpus.lineage:
        yield (
            f"Documents that were made from documents of the reference, by their own account: {corpus.lineage:,}. They "
            "are never held against their own source, and their copies are no memorising."
        )
    if same:
        yield (
            "Beside them, documents that stand in the reference unchanged, as an edit leaves those in which it finds "
            f"nothing to change: {same:,}."
        )
    if foreign:
        yield (
            f"Documents that stand in the reference as well, whole or in large part: {foreign:,}. Where a whole one's "
            "source is what all is held against, it is left out; parts stay, and make the corpus look healthier than "
            "it is."
        )


def _of_scripts(read: Read, what: str) -> Iterator[str]:
    if read.unspaced > UNSPACED * read.tokens:
        yield (
            f"{read.unspaced / read.tokens:.0%} of the {what}'s words are single characters of scripts without spaces: "
            "numbers about words are numbers about characters there."
        )


def _of_near_copies(examined: Examined) -> Iterator[str]:
    if examined.corpus.near_copies:
        yield (
            f"Near copies in the sample that were left out before anything but copies was counted, so that each "
            f"verdict speaks of one thing: {examined.corpus.near_copies:,}."
        )
