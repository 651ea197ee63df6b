"""A study that was never run: tables of proxies whose loss on held-out text follows a known law."""

import numpy as np

from uncollapse.collapse.forecast import planning, proxies
from uncollapse.collapse.forecast.settings import Forecast
from uncollapse.collapse.forecast.study import Studied, runs_of
from uncollapse.collapse.forecast.text import HELD_OUT, HUMAN, SYNTHETIC, Parted, Written
from uncollapse.collapse.forecast.tokens import Counted
from uncollapse.evaluation.measures import FIRST_BIN
from uncollapse.evaluation.reading import BINS

DOCUMENTS, TOKENS = 60, 50
START = {"tiny": 4.2, "small": 4.0}
PARAMETERS = {"tiny": 160_064, "small": 1_000_000}


def losses(settings, *, worth, scatter, generator, start=4.0, height=2.0):
    """Losses of proxies, shares x seeds: the law of effective tokens, a seed's own level, and scatter."""
    shares = np.array(settings.shares)
    means = start + height * (((1 - shares) + worth * shares) ** -0.28 - 1)
    level = generator.normal(0, 2 * scatter, settings.seeds)
    return means[:, None] + level + generator.normal(0, scatter, (len(shares), settings.seeds))


def sums(loss, hardness):
    """The sums of each document under a proxy with this loss: documents differ, and are equally long."""
    columns = np.zeros((DOCUMENTS, FIRST_BIN + 3 * BINS))
    columns[:, 0] = TOKENS * (loss + hardness)
    columns[:, 1], columns[:, 2] = TOKENS, 4 * TOKENS
    columns[:, 3], columns[:, 4], columns[:, 5] = 5 * (loss + hardness + 1), 5, 20
    columns[:, FIRST_BIN] = TOKENS  # every token in the lowest bin, with confidence .05, one of ten right
    columns[:, FIRST_BIN + 1], columns[:, FIRST_BIN + 2] = 0.05 * TOKENS, 0.1 * TOKENS
    return columns


def study(settings=None, *, worth=0.02, scatter=0.01, seed=0, frequencies=6.0, training=-0.5):
    """The study; `training` is how far the training loss goes from share 0 to 1."""
    settings = settings or Forecast(tokens=1000, sizes=("tiny", "small"))
    generator = np.random.default_rng(seed)
    hardness = generator.normal(0, 0.3, DOCUMENTS)
    hardness -= hardness.mean()
    parts = Parted(
        human=[Written(f"person {at}", "news", at) for at in range(5)],
        synthetic=[Written(f"machine {at}", "news", at) for at in range(5)],
        held_out=[Written(f"other {at}", "news" if at % 3 else "law", at) for at in range(DOCUMENTS)],
        left_out={"human: copy": 2},
        broken=0,
        rows=72,
    )
    documents = {HUMAN: parts.human, SYNTHETIC: parts.synthetic, HELD_OUT: parts.held_out}
    counts = {part: np.full(len(own), 300) for part, own in documents.items()}
    text = Counted(documents, dict.fromkeys(settings.sizes, counts), dict.fromkeys(settings.sizes, float(frequencies)))
    plan = planning.without_budget(planning.available(text, settings), settings, workers=2)
    drawn = {
        size: losses(settings, worth=worth, scatter=scatter, generator=generator, start=START[size])
        for size in settings.sizes
    }
    tables = {}
    for run in runs_of(settings, plan):
        share, number = settings.shares.index(run.share), run.seed - settings.seed
        loss = drawn[run.size][share, number]
        account = {
            "tokens": 1000 + number,
            "human_epochs": (1 - run.share) * 1000 / 1500,
            "synthetic_epochs": run.share * 1000 / 1500,
            "parameters": PARAMETERS[run.size],
            "tokenizer": "0123456789abcdef",
            "training_loss": 4.5 + training * run.share + generator.normal(0, 0.01),
            "human_tokens": 1000,
            "seconds": 1.0,
            "tokens_per_second": 1000.0,
            "tasks": {"piqa": {"acc": [1, 0, 1, 1, 0, 1, 0, 1, 1, 0]}},
        }
        tables[run.name] = proxies.table_of(sums(loss, hardness), account)
    return Studied(settings, parts, text, plan, tables, 60.0)
