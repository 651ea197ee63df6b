"""Ed25519 over the canonical manifest: what an attacker who rewrites everything cannot make.

The signature lies beside the manifest as `manifest.sig`, one line: the word `ed25519` and 64 bytes in base64. Signed is
the RFC 8785 form of the manifest, so spaces and the order of keys do not matter.
"""

import base64
from pathlib import Path
from typing import Any

from uncollapse.corpora.manifest import canonical, seal_of
from uncollapse.corpora.storage import refusals, write_whole
from uncollapse.errors import InputError, MissingExtra, MissingInput, OutputRefused
from uncollapse.ledger.papers import Papers

SCHEME = "ed25519"


def new_key(path: Path) -> Path:
    """The path of the public key, `PATH.pub`; the private key is now at the path, for its owner's eyes alone.

    Raises:
        OutputRefused: one of the files is there already, or cannot be written.
        MissingExtra: the extra `sign` is not installed.
    """
    keys, serialization = _library()
    public = path.with_name(f"{path.name}.pub")
    for each in (path, public):
        if each.exists():
            raise OutputRefused(f"{each} is there already", hint="a key is never overwritten: choose another name")
    key = keys.Ed25519PrivateKey.generate()
    private_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public_pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with refusals(path):
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(private_pem)
        write_whole(public, public_pem)
    return public


def sign(papers: Papers, key: Path) -> Path:
    """The path of the signature, which now lies beside the manifest.

    Raises:
        InputError: there is no manifest, or one that is not what it was sealed as, or the key is none.
    """
    if papers.manifest is None or papers.content is None:
        raise InputError(f"{papers.path} cannot be signed: {papers.problem}", hint="sign what a verb has written")
    if papers.manifest.seal != seal_of(papers.content):
        raise InputError(
            f"{papers.path} is not what it was sealed as", hint="uncollapse verify says what is wrong with it"
        )
    keys, serialization = _library()
    private: Any = _load(key, lambda data: serialization.load_pem_private_key(data, password=None))
    if not isinstance(private, keys.Ed25519PrivateKey):
        raise InputError(f"{key} is no Ed25519 key", hint="make one: uncollapse sign --new-key FILE")
    line = f"{SCHEME} {base64.b64encode(private.sign(canonical(papers.content))).decode()}\n"
    with refusals(papers.signature):
        write_whole(papers.signature, line.encode())
    return papers.signature


def check_signature(papers: Papers, public_key: Path) -> str:
    """What is wrong with the signature of a manifest; empty where it is the key's.

    Raises:
        InputError: the key is none.
        MissingExtra: the extra `sign` is not installed.
    """
    keys, serialization = _library()
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  (it is installed, or the line above raised)

    public: Any = _load(public_key, serialization.load_pem_public_key)
    if not isinstance(public, keys.Ed25519PublicKey):
        raise InputError(f"{public_key} is no public Ed25519 key", hint="it is the file that ends in .pub")
    try:
        scheme, _, text = papers.signature.read_text(encoding="ascii").strip().partition(" ")
        signature = base64.b64decode(text, validate=True)
    except FileNotFoundError:
        return "no signature"
    except (OSError, ValueError) as error:
        return f"no signature that can be read: {error}"
    if scheme != SCHEME:
        return f"a signature of another kind, {scheme[:20]!r}"
    try:
        public.verify(signature, canonical(papers.content or {}))
    except InvalidSignature:
        return "a signature that is not this key's over this manifest"
    except ValueError as error:
        return f"a manifest without a canonical form: {error}"
    return ""


def _load(path: Path, read: Any) -> Any:
    try:
        return read(path.read_bytes())
    except OSError as error:
        raise MissingInput(f"{path}: {error.strerror}", hint="give the path of a key in PEM form") from error
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} is no key in PEM form", hint="make one: uncollapse sign --new-key FILE") from error


def _library() -> tuple[Any, Any]:
    try:
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  (an extra)
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise MissingExtra(
            "signatures need a package that is not installed", hint="pip install 'uncollapse[sign]'"
        ) from error
    return ed25519, serialization
