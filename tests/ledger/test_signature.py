import json

import pytest

from forging import forge, manifest_of, write_manifest
from uncollapse.errors import InputError, MissingInput, OutputRefused
from uncollapse.ledger import Evidence, verify
from uncollapse.ledger.papers import papers_of
from uncollapse.ledger.signature import new_key, sign

pytest.importorskip("cryptography", reason="the extra sign is not installed")


@pytest.fixture
def keys(tmp_path):
    private = tmp_path / "me.key"
    return private, new_key(private)


def problems(out, public):
    found = verify(str(out), evidence=Evidence(public_key=public))
    return [finding.found for finding in found.findings if finding.rule == "signature"]


def test_what_was_signed_holds_and_a_consistent_rewrite_does_not(out, keys):
    private, public = keys
    assert problems(out, public) == ["no signature"]
    path = sign(papers_of(str(out)), private)
    assert path == out / "manifest.sig"
    found = verify(str(out), evidence=Evidence(public_key=public))
    assert found.holds
    assert found.notes == ()
    forge(
        out,
        lambda rows: [{**row, "text": row["text"] + " indeed", "edits": [], "origin": "human"} | BLANK for row in rows],
    )
    assert verify(str(out)).holds
    assert problems(out, public) == ["a signature that is not this key's over this manifest"]


BLANK = {"generation": 0, "parents": [], "recipe": None}


def test_the_form_of_the_manifest_does_not_matter(out, keys):
    private, public = keys
    sign(papers_of(str(out)), private)
    (out / "manifest.json").write_text(json.dumps(manifest_of(out), ensure_ascii=True))
    assert problems(out, public) == []


def test_another_key_a_damaged_signature_and_none(out, keys, tmp_path):
    private, public = keys
    other = new_key(tmp_path / "other.key")
    path = sign(papers_of(str(out)), private)
    assert problems(out, other) == ["a signature that is not this key's over this manifest"]
    line = path.read_text()
    for text, said in (
        (line.replace("ed25519", "rsa"), "of another kind"),
        (line[:-9] + "\n", "signature"),
        ("ed25519 !!!\n", "no signature that can be read"),
        ("", "of another kind"),
    ):
        path.write_text(text)
        (problem,) = problems(out, public)
        assert said in problem


def test_keys_are_private_and_never_overwritten(keys, tmp_path, out):
    private, public = keys
    assert private.stat().st_mode & 0o077 == 0
    with pytest.raises(OutputRefused, match="is there already"):
        new_key(private)
    with pytest.raises(InputError, match="no key in PEM form"):
        verify(str(out), evidence=Evidence(public_key=private))
    with pytest.raises(InputError, match="no key in PEM form"):
        sign(papers_of(str(out)), public)
    with pytest.raises(MissingInput):
        sign(papers_of(str(out)), tmp_path / "none.key")


def test_what_is_not_as_it_was_sealed_is_not_signed(out, keys, essays):
    content = manifest_of(out)
    write_manifest(out, {**content, "tally": {}})
    with pytest.raises(InputError, match="not what it was sealed as"):
        sign(papers_of(str(out)), keys[0])
    with pytest.raises(InputError, match="cannot be signed: there is no"):
        sign(papers_of(str(essays)), keys[0])
