"""Whether what a corpus says of itself is true: everything is computed again from its bytes.

The manifest is held against itself (1), every file against the manifest (2), every row against its own bytes, its
parents and its row of the ledger (3), all rows together against the roots (4), and what was given from outside: a
root, a signature, sources, a policy (5). Memory does not grow with the corpus; digests wait in a temporary folder.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa

from uncollapse.corpora.manifest import VERSION
from uncollapse.corpora.merkle import Digests, roots
from uncollapse.corpora.plan import schema_from_text
from uncollapse.corpora.sidecar import SidecarReader
from uncollapse.errors import InputError
from uncollapse.fingerprint import content_id, file_digest
from uncollapse.ledger.account import check_manifest
from uncollapse.ledger.claims import Checker
from uncollapse.ledger.findings import Finding, Findings
from uncollapse.ledger.kin import Kin
from uncollapse.ledger.papers import Manifest, Papers, ShardEntry, papers_of
from uncollapse.ledger.reading import Rows, read_rows
from uncollapse.ledger.signature import check_signature
from uncollapse.provenance import Breach, Holdings, Policy, Totals
from uncollapse.provenance.holdings import Reserved

ROWS_AT_ONCE = 1 << 18
"""Digests that are held before they go to the temporary folder."""

NO_SIGNATURE = (
    "A manifest that somebody has rewritten together with the files agrees with them: only a signature"
    " (--public-key) or a root that you noted down (--root) can tell it from the first one."
)


class Reached(NamedTuple):
    """How far a verification is: rows checked, of so many."""

    done: int
    of: int


Watcher: TypeAlias = Callable[[Reached], None]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known from outside of the corpus: each is checked where it is given."""

    policy: Policy | None = None
    root: str | None = None
    public_key: Path | None = None
    reserve: Reserved | None = None
    sources: Kin | None = None


@dataclass(frozen=True)
class Verification:
    """What came of it: the findings that were kept, how often each rule was checked and broken, what was counted.

    `totals` is None where no row could be read; `notes` say what was not, or could not be, checked.
    """

    corpus: str
    findings: tuple[Finding, ...]
    rules: Mapping[str, tuple[int, int]]
    totals: Totals | None
    breaches: tuple[Breach, ...]
    roots: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is broken."""
        return not any(broken for _, broken in self.rules.values())

    def as_json(self) -> dict[str, Any]:
        """The verification as plain values."""
        return {
            "corpus": self.corpus,
            "holds": self.holds,
            "findings": [finding.as_json() for finding in self.findings],
            "rules": {rule: {"checked": done, "broken": broken} for rule, (done, broken) in self.rules.items()},
            "breaches": [breach._asdict() for breach in self.breaches],
            "roots": dict(self.roots),
            "holdings": None if self.totals is None else self.totals.as_json(),
            "notes": list(self.notes),
        }


@dataclass
class _Walk:
    """A verification on its way."""

    papers: Papers
    manifest: Manifest
    evidence: Evidence
    findings: Findings
    waiting: Path
    on_progress: Watcher | None
    done: int = 0
    digests: Digests = field(default_factory=Digests)
    files: list[Path] = field(default_factory=list)
    shards: dict[str, Holdings] = field(default_factory=dict)


def verify(corpus: str, *, evidence: Evidence | None = None, on_progress: Watcher | None = None) -> Verification:
    """What is true and what is not of a corpus that a verb of ours has written.

    Raises:
        MissingInput: there is nothing at the path.
        UsageError: it is not on this machine, or the evidence is no evidence.
    """
    evidence = evidence or Evidence()
    papers, findings = papers_of(corpus), Findings()
    if papers.manifest is None:
        return _without(papers, corpus, findings)
    with tempfile.TemporaryDirectory(prefix="uncollapse-verify-") as folder:
        if papers.manifest.output != "folder":
            names = [shard.name for shard in papers.manifest.shards]
            findings.hold("shard", papers.path.name, found=names, expected=[papers.corpus.name])
        walk = _Walk(papers, papers.manifest, evidence, findings, Path(folder), on_progress)
        check_manifest(papers, findings)
        if walk.manifest.format == VERSION:
            _check_files(walk)
        found = _check_roots(walk)
    totals = _total(walk)
    breaches = _check_policy(walk, totals)
    notes = _check_outside(walk, found)
    known = {"seal": walk.manifest.seal, **found} if walk.manifest.seal else found
    return Verification(corpus, tuple(findings.kept), findings.table(), totals, breaches, known, notes)


def _without(papers: Papers, corpus: str, findings: Findings) -> Verification:
    """What there is to say of a corpus without a manifest, or with one that cannot be understood."""
    rule = "no ledger" if papers.content is None else "manifest"
    expected = "the manifest that a verb writes beside the documents"
    findings.add(rule, papers.path.name, found=papers.problem, expected=expected)
    notes = ("Where these texts come from is unknown, or as whoever reads them declares it; no row was checked.",)
    return Verification(corpus, tuple(findings.kept), findings.table(), None, (), {}, notes)


def _check_files(walk: _Walk) -> None:
    try:
        schema = schema_from_text(walk.manifest.schema_text)
    except (ValueError, OSError, pa.ArrowException):
        return  # which the manifest's own check has named
    ledger = _ledger(walk)
    checker = Checker(walk.manifest.recipes, walk.findings)
    first = 0
    for shard in walk.manifest.shards:
        _check_shard(walk, shard, schema=schema, rows_of=_Ledger(ledger, first, walk.findings), checker=checker)
        first += shard.rows
    _put_aside(walk)


def _ledger(walk: _Walk) -> SidecarReader | None:
    """The ledger's rows; None where the manifest has none, or where they cannot be read."""
    entry = walk.manifest.ledger
    if entry is None:
        return None
    path = walk.papers.folder / entry.name
    if not path.is_file():
        walk.findings.add("ledger", entry.name, found="no file", expected="the file that the manifest lists")
        return None
    walk.findings.hold("ledger", entry.name, found=f"{path.stat().st_size} bytes", expected=f"{entry.bytes} bytes")
    walk.findings.hold("ledger", entry.name, found=f"BLAKE3 {file_digest(path)}", expected=f"BLAKE3 {entry.blake3}")
    try:
        reader = SidecarReader(str(path))
        walk.findings.hold("ledger", entry.name, found=f"{reader.rows} rows", expected=f"{entry.rows} rows")
    except (InputError, OSError) as error:
        walk.findings.add("ledger", entry.name, found=str(error), expected="a file that can be read")
        return None
    return reader


class _Ledger(NamedTuple):
    """The rows of the ledger for one file."""

    reader: SidecarReader | None
    first: int
    findings: Findings

    def of(self, rows: Rows, *, file: str) -> pa.RecordBatch | None:
        if self.reader is None:
            return None
        try:
            return self.reader.take([self.first + number for number in rows.numbers])
        except InputError as error:
            self.findings.add("ledger", file, row=rows.numbers[0] + 1, found=str(error), expected="a row of the ledger")
            return None


def _check_shard(walk: _Walk, shard: ShardEntry, *, schema: pa.Schema, rows_of: _Ledger, checker: Checker) -> None:
    path, findings = walk.papers.folder / shard.name, walk.findings
    if not path.is_file():
        findings.add("shard", shard.name, found="no file", expected="the file that the manifest lists")
        return
    findings.hold("shard", shard.name, found=f"{path.stat().st_size} bytes", expected=f"{shard.bytes} bytes")
    findings.hold("shard", shard.name, found=f"BLAKE3 {file_digest(path)}", expected=f"BLAKE3 {shard.blake3}")
    holdings = walk.shards.setdefault(shard.name, Holdings(reserve=walk.evidence.reserve))
    count = 0
    for rows in read_rows(path, form=walk.manifest.rows_as, schema=schema, findings=findings):
        known = checker.check(rows, file=shard.name, ledger=rows_of.of(rows, file=shard.name))
        if known is not None:
            holdings.update(known)
            if walk.evidence.sources is not None:
                walk.evidence.sources.check(known, rows.numbers, file=shard.name, findings=findings)
        _take_digests(walk, rows)
        count += len(rows.numbers)
        walk.done += len(rows.numbers)
        if walk.on_progress is not None:
            walk.on_progress(Reached(walk.done, walk.manifest.rows.out))
    findings.hold("shard", shard.name, found=f"{count} rows", expected=f"{shard.rows} rows")


def _take_digests(walk: _Walk, rows: Rows) -> None:
    texts = rows.batch.column("text").to_pylist()
    walk.digests.add(contents=[bytes.fromhex(content_id(text or "")) for text in texts], records=rows.records)
    if len(walk.digests) >= ROWS_AT_ONCE:
        _put_aside(walk)


def _put_aside(walk: _Walk) -> None:
    path = walk.waiting / f"{len(walk.files)}.digests"
    path.write_bytes(walk.digests.to_bytes())
    walk.files.append(path)
    walk.digests = Digests()


def _check_roots(walk: _Walk) -> Mapping[str, str]:
    """The roots over all rows that could be read."""
    if not walk.files:
        return {}
    found = roots(walk.files)
    for name, expected in walk.manifest.roots.model_dump().items():
        walk.findings.hold("roots", walk.papers.path.name, found=f"{name} {found[name]}", expected=f"{name} {expected}")
    return found


def _total(walk: _Walk) -> Totals | None:
    if not walk.shards:
        return None
    whole = Holdings(reserve=walk.evidence.reserve)
    for holdings in walk.shards.values():
        whole.merge(holdings)
    return whole.result()


def _check_policy(walk: _Walk, totals: Totals | None) -> tuple[Breach, ...]:
    policy = walk.evidence.policy
    if policy is None or totals is None:
        return ()
    breaches = policy.breaches(
        totals,
        shards={name: holdings.result() for name, holdings in walk.shards.items()},
        models=walk.manifest.models,
        root=walk.manifest.roots.contents,
    )
    walk.findings.checked["policy"] += len(policy.rules())
    for breach in breaches:
        where = breach.shards[0] if len(breach.shards) == 1 else walk.papers.corpus.name
        walk.findings.add("policy", where, found=str(breach), expected=f"{breach.rule} {breach.limit:g}")
    return breaches


def _check_outside(walk: _Walk, found: Mapping[str, str]) -> tuple[str, ...]:
    """What there is to know: given evidence is held against the corpus, and what was not given is named."""
    evidence, name = walk.evidence, walk.papers.path.name
    notes = []
    if evidence.root is not None:
        notes.append(_check_root(walk, evidence.root.strip().lower(), found))
    if evidence.public_key is not None:
        walk.findings.checked["signature"] += 1
        problem = check_signature(walk.papers, evidence.public_key)
        if problem:
            walk.findings.add("signature", walk.papers.signature.name, found=problem, expected=f"a signature of {name}")
    if evidence.root is None and evidence.public_key is None:
        notes.append(NO_SIGNATURE)
    if walk.manifest.ledger is None:
        notes.append("An older version wrote this: it has no ledger, and depths are as origin and generation say.")
    if evidence.sources is not None:
        notes.append(evidence.sources.said())
    return tuple(notes)


def _check_root(walk: _Walk, root: str, found: Mapping[str, str]) -> str:
    """Whether a noted root is one of this corpus, and what that vouches for."""
    seal = walk.manifest.seal
    known = {"seal": seal, **found}
    match = next((name for name, value in known.items() if value == root), None)
    walk.findings.checked["root"] += 1
    if match is None:
        said = ", ".join(f"{name} {value}" for name, value in known.items() if value)
        walk.findings.add("root", walk.papers.path.name, found=said or "no root", expected=root)
        return "The root that was given is none of this corpus."
    vouched = {
        "contents": "the texts alone; what is said of them is not covered: note down the seal or the records root",
        "records": "every column of every row; the manifest's recipes and accounts are not covered: note down the seal",
        "seal": "the manifest, and through it every file that it lists",
    }
    return f"The root that was given is this corpus's {match}: it vouches for {vouched[match]}."
