"""All pieces of a study in their order, and the long tables that come of them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from uncollapse.collapse.language.chain import HISTOGRAM, Chain, First
from uncollapse.collapse.language.fresh import Fresh, fresh_of
from uncollapse.collapse.language.measures import BIN_EDGES
from uncollapse.collapse.language.settings import Settings
from uncollapse.collapse.language.store import Prepared, Store
from uncollapse.collapse.study import studied
from uncollapse.version import __version__

RESULTS = pa.schema(
    {
        "regime": pa.dictionary(pa.int32(), pa.string()),
        "seed": pa.int64(),
        "generation": pa.int32(),
        "measure": pa.dictionary(pa.int32(), pa.string()),
        "value": pa.float64(),
    }
)
HISTOGRAMS = pa.schema(
    {
        "regime": pa.dictionary(pa.int32(), pa.string()),
        "seed": pa.int64(),
        "generation": pa.int32(),
        "low": pa.float64(),
        "high": pa.float64(),
        "blocks": pa.int64(),
    }
)


class Played(NamedTuple):
    """What came of a study: its measures, how many blocks of each generation have which perplexity, and what human text
    that was not learned from has and has not.
    """

    results: pa.Table
    histograms: pa.Table
    fresh: Fresh


class Plan(NamedTuple):
    """A study: the text, the protocol, the arms and the seeds."""

    text: Prepared
    settings: Settings
    arms: Sequence[str]
    seeds: Sequence[int]


def played(plan: Plan, folder: Path, *, workers: int | None, reached: Callable[[str], object]) -> Played:
    """The tables of all arms and seeds; those that the folder holds are not worked again, and others may be added.

    Generation 0 of every seed comes first, and the chains after it. Every arm has its numbers as its own generation 0.

    Raises:
        RecipeDiffers: the folder holds a study of another text or other settings.
        OutputRefused: it holds something else, or cannot be written to.
        OutputBusy: another study is writing there.
    """
    claim = claim_of(plan)
    place = folder.resolve()
    studied([], folder, claim=claim, workers=workers, reached=reached)
    plan.text.write(place)
    first = [First(seed, seed, plan.settings, place) for seed in plan.seeds]
    begun = studied(first, folder, claim=claim, workers=workers, reached=lambda news: reached(f"generation 0: {news}"))
    chains = [
        Chain(at, arm, seed, plan.settings, place)
        for at, (seed, arm) in enumerate((seed, arm) for seed in plan.seeds for arm in plan.arms)
    ]
    found = studied(chains, folder, claim=claim, workers=workers, reached=reached)
    named = [
        (chain, pa.concat_tables([begun[f"first-{chain.seed}"], found[chain.name]]))
        for chain in sorted(chains, key=lambda chain: (plan.arms.index(chain.arm), chain.seed))
    ]
    return Played(
        pa.concat_tables([_results(chain, table) for chain, table in named]),
        pa.concat_tables([_histograms(chain, table) for chain, table in named]),
        fresh_of(Store(place)),
    )


def claim_of(plan: Plan) -> dict[str, Any]:
    """What the numbers of every piece depend on; regimes and seeds may be added later."""
    settings: Mapping[str, Any] = plan.settings.model_dump(mode="json")
    return {"uncollapse": __version__, "text": plan.text.digest, "settings": dict(settings)}


def _results(chain: Chain, table: pa.Table) -> pa.Table:
    own = table.filter(pc.not_equal(table["measure"], HISTOGRAM))
    return _named(chain, own, {"measure": own["measure"], "value": own["value"]}, RESULTS)


def _histograms(chain: Chain, table: pa.Table) -> pa.Table:
    own = table.filter(pc.equal(table["measure"], HISTOGRAM))
    at = own["bin"].to_numpy()
    columns = {"low": 10 ** BIN_EDGES[at], "high": 10 ** BIN_EDGES[at + 1], "blocks": own["value"]}
    return _named(chain, own, columns, HISTOGRAMS)


def _named(chain: Chain, own: pa.Table, columns: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """The columns with the arm, the seed and the generation before them."""
    named = {"regime": pa.repeat(chain.arm, own.num_rows), "seed": pa.repeat(chain.seed, own.num_rows)}
    every = {**named, "generation": own["generation"], **columns}
    return pa.table({name: every[name] for name in schema.names}).cast(schema)
