"""What `verify` and `sign` do once it is known what is asked."""

import json
import sys
from pathlib import Path

import pyarrow as pa
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from uncollapse import corpora
from uncollapse.cli import reserve_run
from uncollapse.cli.failures import visible
from uncollapse.cli.ledger_progress import Watch
from uncollapse.cli.progress import waiting
from uncollapse.cli.reserve_settings import ReserveCheckJob
from uncollapse.cli.settings import VerifyJob
from uncollapse.corpora import Corpus
from uncollapse.document import Origin
from uncollapse.errors import UsageError
from uncollapse.ledger.findings import KEPT
from uncollapse.ledger.kin import Ids, Kin
from uncollapse.ledger.papers import papers_of
from uncollapse.ledger.reserve import Reserve, is_reserve
from uncollapse.ledger.signature import new_key as make_key
from uncollapse.ledger.signature import sign
from uncollapse.ledger.verify import Evidence, Verification, verify
from uncollapse.provenance import Policy
from uncollapse.provenance.claiming import said_otherwise

BROKEN = 1
RULES = {
    "no ledger": "there is a manifest",
    "manifest": "the manifest can be understood",
    "seal": "the manifest is as it was sealed",
    "run": "plan, recipes and version give the run's name",
    "recipes": "recipes are what their fingerprints name",
    "models": "the models follow from the recipes",
    "account": "rows in = rows out + dropped + failed",
    "rejects": "the rows left behind are those counted",
    "shard": "files have their size, digest and rows",
    "schema": "files have the columns of the manifest",
    "row": "rows can be read",
    "id": "texts have the ids that they are named by",
    "origin": "origin, generation, parents and edits agree",
    "recipe": "rows name recipes of the manifest",
    "edits": "edits change the text, and undone give an ancestor on record",
    "parents": "parents are ids of texts",
    "ledger": "rows of the ledger follow from their rows",
    "roots": "all rows together give the roots",
    "root": "the root that was noted down",
    "signature": "the signature",
    "source": "rows lie past their parents in the sources",
    "policy": "the policy",
}


def perform_verify(job: VerifyJob, *, as_json: bool = False) -> int:
    """The exit code of a verification: 0 where all of it holds, 1 where something is broken.

    A reserve has papers of its own, and is checked as one.
    """
    if is_reserve(job.corpus):
        return reserve_run.check(ReserveCheckJob(reserve=job.corpus, head=job.root), as_json=as_json)
    policy = None if job.policy is None else Policy.from_toml(Path(job.policy))
    papers_of(job.corpus)
    evidence = Evidence(
        policy=policy,
        root=job.root,
        public_key=job.public_key,
        reserve=None if job.reserve is None else reserve_of(job.reserve),
        sources=_kin(job.source) if job.source else None,
    )
    if policy is not None and policy.min_reserve_share is not None and evidence.reserve is None:
        raise UsageError("min_reserve_share needs the reserve that it is a share of", hint="--reserve RESERVE")
    with Watch("verify") as watch:
        found = verify(job.corpus, evidence=evidence, on_progress=watch)
    if as_json:
        sys.stdout.write(json.dumps(found.as_json(), indent=2, ensure_ascii=False) + "\n")
    else:
        _tell(found, Console())
    return 0 if found.holds else BROKEN


def perform_sign(corpus: str | None, *, key: Path | None, new_key: Path | None) -> None:
    """Nothing; a key is made, or a manifest signed, or both."""
    if new_key is None and (corpus is None or key is None):
        raise UsageError(
            "there is nothing to sign with" if corpus else "there is nothing to sign",
            hint="uncollapse sign CORPUS --key FILE; a key is made by uncollapse sign --new-key FILE",
        )
    console = Console()
    if new_key is not None:
        public = make_key(new_key)
        console.print(Text(f"private key: {new_key} (keep it)\npublic key:  {public} (give it away)"), soft_wrap=True)
    if corpus is not None:
        path = sign(papers_of(corpus), key or new_key or Path())
        console.print(Text(f"signature: {path}"), soft_wrap=True)


def _read(addresses: tuple[str, ...], what: str) -> Corpus:
    with waiting(f"{what} is read"):
        return corpora.read(*addresses, origin="unknown")


def reserve_of(address: str) -> Reserve | Ids:
    """What knows which texts are in a reserve, or in any corpus that is taken for one."""
    if is_reserve(address):
        return Reserve.open(Path(address))
    with waiting("the reserve is read"):
        corpus = corpora.read(address, origin="human")
    return Ids(mark for batch in corpus.batches() for mark in _human(batch))


def _human(batch: pa.RecordBatch) -> list[str]:
    """The ids of the rows that nothing says a model wrote or changed."""
    own = zip(batch.column("id").to_pylist(), batch.column("origin").to_pylist(), said_otherwise(batch), strict=True)
    return [mark for mark, origin, said in own if origin == Origin.HUMAN and not said]


def _kin(addresses: tuple[str, ...]) -> Kin:
    return Kin.of([_read((address,), "a source") for address in addresses])


def _tell(found: Verification, console: Console) -> None:
    console.print(_table(found))
    for finding in found.findings:
        where = finding.file if finding.row is None else f"{finding.file}, row {finding.row:,}"
        console.print(Text.assemble(("\nbroken: ", "bold red"), f"{finding.rule} in {visible(where)}"), soft_wrap=True)
        console.print(Text(f"   found     {visible(finding.found)}"), soft_wrap=True)
        console.print(Text(f"   expected  {visible(finding.expected)}"), soft_wrap=True)
        console.print(Text(f"   try       {finding.remedy}"), soft_wrap=True)
    for rule, (_, broken) in found.rules.items():
        if broken > KEPT:
            console.print(Text(f"\n{rule}: {broken - KEPT:,} more of these are not shown"))
    _tell_totals(found, console)
    for name, root in found.roots.items():
        label = name if name == "seal" else f"{name} root"
        console.print(Text(f"{label:14} {root}", style="bright_black"), soft_wrap=True)
    for note in found.notes:
        console.print(Text(f"· {visible(note)}", style="bright_black"))
    verdict = Text("holds", style="bold green") if found.holds else Text("does not hold", style="bold red")
    console.print(Text.assemble(f"{visible(found.corpus)}: ", verdict))


def _table(found: Verification) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("what must be true")
    table.add_column("checked", justify="right")
    table.add_column("broken", justify="right")
    for rule, (checked, broken) in found.rules.items():
        style = "red" if broken else None
        table.add_row(escape(RULES[rule]), f"{checked:,}", Text(f"{broken:,}" if broken else "-", style=style or ""))
    return table


def _tell_totals(found: Verification, console: Console) -> None:
    totals = found.totals
    if totals is None or not totals.rows:
        return
    deepest = "unknown" if totals.deepest is None else str(totals.deepest)
    said = (
        f"\n{totals.rows:,} rows, {totals.words:,} words: {_percent(totals.human_share)} in human text, "
        f"{_percent(totals.written_share)} written by a person (edited text included), "
        f"{_percent(totals.unknown_share)} unknown; greatest depth {deepest}."
    )
    console.print(Text(said))


def _percent(share: float) -> str:
    return "-" if share != share else f"{100 * share:.2f} %"  # noqa: PLR0124  (NaN: there are no words)
