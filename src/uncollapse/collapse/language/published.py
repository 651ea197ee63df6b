"""What the paper says of its language models; no table by generation was published, these are all the numbers.

Source: Shumailov et al., Nature 631 (2024), "Model collapse in language models", Fig. 1, Extended Data on the
repetition penalty; code Zakahler/curse_recurse, commit b48c90a.
"""

from typing import NamedTuple


class Claim(NamedTuple):
    """A published statement: what it is about, as it was printed, and where."""

    what: str
    published: str
    where: str


ZERO_SHOT = 115.0
"""Perplexity of OPT-125m on wikitext2 before any tuning."""
REAL = 34.0
"""Perplexity after tuning on human text."""
LOSS = (20.0, 28.0)
"""Perplexity points lost under replacement, on top of `REAL`: the axis of Fig. 1b runs from 35 to 60."""
RATIO = ((REAL + LOSS[0]) / REAL, (REAL + LOSS[1]) / REAL)
"""The same as a ratio to generation 0, for models of another size."""
KEPT = 0.1
"""Share of human blocks in the setting with original data."""
EPOCHS_REPLACED, EPOCHS_KEPT = 5, 10
BLOCK, BEAMS, SEEDS, MODELS = 64, 5, 5, 10
SHOWN = (0, 1, 2, 3, 5, 9)
"""Generations whose histograms are drawn in Fig. 1."""
PENALTY = 2.0

CLAIMS = {
    "zero": Claim("perplexity of the untouched model", f"{ZERO_SHOT:.0f}", "main text"),
    "real": Claim("perplexity of generation 0, human text", f"{REAL:.0f}", "main text"),
    "replace": Claim(
        "perplexity under replacement, points above generation 0",
        f"+{LOSS[0]:.0f} to +{LOSS[1]:.0f} ({RATIO[0]:.2f} to {RATIO[1]:.2f} times)",
        "main text; Fig. 1b, axis 35 to 60",
    ),
    "preserve": Claim(
        "perplexity with 10 % of human blocks kept", "only minor degradation", "main text; Fig. 1c, axis 32 to 42"
    ),
    "median": Claim("median of written blocks under generation 0", "falls", "Fig. 1, histograms"),
    "tail": Claim("their tail of high perplexity", "becomes longer", "Fig. 1, histograms"),
    "penalty": Claim(
        f"perplexity with a repetition penalty of {PENALTY:g}, over that without",
        "about 2 times",
        "repetition ablation",
    ),
}
EPOCHS_DIFFER = (
    f"The paper's setting with original data has {EPOCHS_KEPT} epochs and the other {EPOCHS_REPLACED}; here all arms "
    "read as many tokens."
)
DIFFERS = (
    "The paper tunes a pretrained OPT-125m; a small model here learns from nothing, so that it loses more by writing.",
    "The paper writes with five beams; here blocks are drawn unless --decoding beam is given.",
    "The paper takes the checkpoint that is best on human validation text; here the last step is taken, in every arm.",
    "The paper cuts joined lines; here blocks are cut inside of documents, and each begins with a start token.",
    EPOCHS_DIFFER,
    "The paper has no control that is trained on human text in every generation.",
)
"""What differs between the paper and a run as it is set unless said."""
