"""What the tests of the language study share: a small text, a protocol of seconds, a folder with the text in it."""

import numpy as np

from uncollapse.collapse.language.settings import Settings
from uncollapse.collapse.language.store import Store, prepared
from uncollapse.collapse.language.text import human_text

SMALL = Settings(block=8, blocks=24, held_blocks=8, generations=2, epochs=1, batch_blocks=4, share=0.25, rate=0.5)


def documents(count=30, *, words=80, seed=0):
    """Documents of words that are more and less common."""
    rng = np.random.default_rng(seed)
    names = [f"{a}{b}" for a in ("ba", "do", "ki", "lu", "me") for b in ("ran", "sil", "tor", "wen", "xa", "pim")]
    weights = 1 / np.arange(1, len(names) + 1)
    return [" ".join(rng.choice(names, words, p=weights / weights.sum())) + "." for _ in range(count)]


def store_of(folder, settings=SMALL, **made):
    """The text in a folder, as a piece finds it."""
    text = prepared(human_text(documents(**made), settings), settings)
    text.write(folder)
    return Store(folder)
