"""`uncollapse sign`: a signature beside a manifest, and the keys for it."""

from pathlib import Path
from typing import Annotated

import typer


def sign(
    corpus: Annotated[
        str | None,
        typer.Argument(metavar="CORPUS", help="A folder or a file that a verb has written.", show_default=False),
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="The private key to sign with.")] = None,
    new_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Make a key here, and its public half in FILE.pub.")
    ] = None,
) -> None:
    """Sign the manifest of a corpus with an Ed25519 key, so that a rewritten one can be told from it.

    [bold]uncollapse sign --new-key me.key[/bold]   once; give me.key.pub to whoever verifies
    [bold]uncollapse sign edited/ --key me.key[/bold]   writes edited/manifest.sig
    [bold]uncollapse verify edited/ --public-key me.key.pub[/bold]

    The library for it comes with the extra that is called sign.
    """
    from uncollapse.cli import ledger_run

    ledger_run.perform_sign(corpus, key=key, new_key=new_key)
