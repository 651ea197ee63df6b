"""Each field of a manifest that is changed is found, by its seal or by what it must follow from."""

import json
import re

from forging import manifest_of, write_manifest
from uncollapse.corpora.manifest import canonical, seal_of
from uncollapse.ledger import verify
from uncollapse.ledger.account import check_manifest
from uncollapse.ledger.findings import Findings
from uncollapse.ledger.papers import papers_of


def rules(out):
    return {finding.rule for finding in verify(str(out)).findings}


def leaves(value, path=()):
    """The places of all plain values in a manifest; of lists of numbers only the first."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list) and value:
        yield from leaves(value[0], (*path, 0))
    else:
        yield path


def changed(value):
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        return not value
    if isinstance(value, int | float):
        return value + 1
    last = "0" if value[-1:] != "0" else "1"
    return value[:-1] + last


def put(content, path, value):
    for name in path[:-1]:
        content = content[name]
    content[path[-1]] = value


# What follows from nothing else that can be looked at: the counts of the tokens that a step read.
UNDER_THE_SEAL_ALONE = {"tally"}


def test_every_field_of_the_manifest_is_under_the_seal_and_most_follow_from_something_else(out):
    manifest = manifest_of(out)
    places = list(leaves(manifest))
    assert len(places) > 80
    survived = set()

    def found(out):
        """Which rules are broken; the files are looked at only where the manifest by itself gives nothing away."""
        papers, findings = papers_of(str(out)), Findings()
        if papers.manifest is None:
            return {"manifest"}
        check_manifest(papers, findings)
        return set(findings.broken) or rules(out)

    for path in places:
        content = json.loads(json.dumps(manifest))
        value = content
        for name in path:
            value = value[name]
        put(content, path, changed(value))
        write_manifest(out, content)
        assert found(out), path
        if path != ("seal",):
            write_manifest(out, content, sealed=True)
            if not found(out):
                survived.add(path[0])
    assert survived == UNDER_THE_SEAL_ALONE


def test_a_manifest_that_is_no_manifest(out):
    whole = (out / "manifest.json").read_text()
    for text, rule in (
        (whole[:-50], "manifest"),
        ('{"uncollapse": "0.1.0"}', "manifest"),
        (re.sub(r'"rows": \d+', '"rows": "many"', whole), "manifest"),
        (whole.replace('"format": 1', '"format": 99'), "manifest"),
        ("{}", "no ledger"),
        (whole.replace('"in": 20', '"in": NaN'), "manifest"),
    ):
        (out / "manifest.json").write_text(text)
        assert rule in rules(out), text[:40]
    (out / "manifest.json").unlink()
    assert rules(out) == {"no ledger"}


def test_a_ledger_is_not_struck_out_of_the_manifest(out):
    for name in ("ledger", "models"):
        content = manifest_of(out)
        del content[name]
        write_manifest(out, content, sealed=True)
        assert rules(out) >= {"manifest"}, name


def test_numbers_that_canonical_json_has_not_are_sealed_as_text():
    counts = {"tokens": {"expected": 10**16, "share": float("nan"), "read": [1, 2**53 - 1]}}
    assert canonical(counts) == b'{"tokens":{"expected":"10000000000000000","read":[1,9007199254740991],"share":"nan"}}'
    assert seal_of({**counts, "seal": "x"}) == seal_of(counts) != seal_of({"tokens": {"expected": 10**16 + 1}})


def test_a_shard_name_that_leads_out_of_the_folder_is_no_manifest(out):
    manifest = manifest_of(out)
    manifest["shards"][0]["name"] = "../essays.jsonl"
    write_manifest(out, manifest, sealed=True)
    assert rules(out) == {"manifest"}
