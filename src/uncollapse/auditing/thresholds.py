"""Where a verdict begins: all limits in one place, as docs/audit-calibration.md has measured them.

A limit is met when the statistic has moved from the control in the direction of collapse by at least `effect` (a share
of the control, or the plain difference where `absolute`), and by at least `z` standard errors. The first keeps a large
corpus from failing for a trifle, the second a small one for an accident.
"""

from typing import NamedTuple


class Limit(NamedTuple):
    """One statistic and how far it may move. `words` name it in a sentence; `is_share` writes it in per cent."""

    statistic: str
    direction: int
    effect: float
    z: float
    words: str
    absolute: bool = False
    is_share: bool = False


class Rule(NamedTuple):
    """A verdict fails when `needed` of its limits are met, one of `required` among them where that is not empty, or
    one of `alone` by itself.

    It warns when they are met at `warn` times the effect. Where `needs_control` is False it can be given without the
    splits: its statistics are shares of all documents.
    """

    limits: tuple[Limit, ...]
    needed: int = 1
    required: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    warn: float = 0.5
    needs_control: bool = True


RULES: dict[str, Rule] = {
    # Text of another kind has rare words too, only others: it misses the reference's and has its own, so words that
    # occur once or tokens of the tail must be fewer as well.
    "tails": Rule(
        limits=(
            Limit("rare_coverage", -1, 0.12, 4.0, "rare words of the reference found:", is_share=True),
            Limit("unseen_mass", -1, 0.20, 4.0, "mass of unseen words", is_share=True),
            Limit("hapax", -1, 0.12, 4.0, "words that occur once, of all different words:", is_share=True),
            Limit("tail_mass", -1, 0.12, 4.0, "tokens in the reference's tail:", is_share=True),
        ),
        needed=2,
        required=("hapax", "tail_mass"),
    ),
    "contraction": Rule(
        limits=(
            Limit("distinct_2", -1, 0.12, 4.0, "different pairs of words / pairs"),
            Limit("entropy_2", -1, 0.03, 4.0, "entropy of pairs of words, in nats,"),
            Limit("distinct_3", -1, 0.06, 4.0, "different runs of three / runs of three"),
            Limit("recall", -1, 0.25, 4.0, "human documents within reach:", is_share=True),
            Limit("surprise", -1, 0.10, 5.0, "surprise of the language model, in nats a token,"),
        ),
        needed=2,
        alone=("surprise",),
    ),
    "concentration": Rule(
        limits=(
            Limit("excess_phrases", 1, 0.01, 4.0, "runs of three words in excess", absolute=True, is_share=True),
            Limit("bucket_top", 1, 0.15, 4.0, "share of the fullest hundredth of the buckets", is_share=True),
        ),
    ),
    "duplicates": Rule(
        limits=(Limit("near_copies", 1, 0.05, 3.0, "documents that nearly repeat another", True, True),),
        needs_control=False,
    ),
    "templates": Rule(
        limits=(
            Limit("boilerplate", 1, 0.10, 4.0, "documents with a run of 8 words that many share", True, True),
            Limit("framed", 1, 0.20, 4.0, "documents cut from a common frame", True, True),
        ),
        needs_control=False,
    ),
    "topics": Rule(
        limits=(Limit("topics_lost", 1, 0.05, 4.0, "human documents with hardly any of the corpus near", True, True),)
    ),
    # Common words that are others or documents with nothing human near them, and beside that another sign.
    "domain": Rule(
        limits=(
            Limit("jsd_common", 1, 0.015, 3.0, "divergence of common words from the reference, in bits,", True),
            Limit("new_words", 1, 0.007, 3.0, "tokens that are widespread words new to the reference:", True, True),
            Limit("energy", 1, 0.04, 4.0, "energy distance of documents from the reference", True),
            Limit("strange", 1, 0.10, 4.0, "documents with hardly any human ones near", True, True),
        ),
        needed=2,
        required=("jsd_common", "strange"),
    ),
    "memorised": Rule(
        limits=(Limit("copied", 1, 0.03, 2.0, "documents that the reference has too", True, True),),
        needs_control=False,
    ),
}
