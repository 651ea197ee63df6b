"""From an error to what a person reads: one message, what to try, an exit code; a traceback only when asked for."""

import os
import sys
import traceback

import typer

from uncollapse.errors import UncollapseError
from uncollapse.version import __version__

INTERRUPTED = 130
OUR_FAULT = 70
LONGEST = 400  # characters of a message that is not ours


def report_failure(error: BaseException) -> int:
    """The exit code of an error, after its message has gone to stderr."""
    if os.environ.get("UNCOLLAPSE_DEBUG"):
        traceback.print_exception(error)
    if isinstance(error, UncollapseError):
        _say(visible(error.message), hint=visible(error.hint))
        return error.exit_code
    if isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        said = error.format_message()
        if not said.strip():  # the help was shown instead
            return 2
        _say(said, hint=f"{context.command_path} --help" if context else "uncollapse --help")
        return 2
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        _say("interrupted")
        return INTERRUPTED
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    said = visible(str(error))
    said = said if len(said) <= LONGEST else said[:LONGEST] + " ..."
    _say(
        f"a fault of uncollapse {__version__} or of a library under it: {type(error).__name__}: {said}",
        hint="run it again with UNCOLLAPSE_DEBUG=1 and report what it prints; nothing that was committed is lost",
    )
    return OUR_FAULT


def visible(text: str) -> str:
    """The text with control characters spelled out: messages quote names and rows of files that nobody vouches for."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def on_a_terminal(text: str) -> str:
    """The text for a terminal, which needs no unbreakable blanks."""
    return visible(text.replace("\N{NO-BREAK SPACE}", " "))


def _say(message: str, *, hint: str = "") -> None:
    sys.stderr.write(f"uncollapse: {message}\n")
    if hint:
        sys.stderr.write(f"   try: {hint}\n")
