"""Everything that can go wrong, in one tree.

UncollapseError              base; exit code 2
├── UsageError               the request makes no sense: a threshold of 1.5, two options that exclude each other
├── InputError               what was read is not what was promised
│   ├── MissingInput         no such file, an empty folder, an unreachable address
│   ├── MissingColumn        the text column is not there
│   ├── ColumnClash          a column bears one of our names with another type
│   └── BrokenRow            one row cannot be read: bad JSON, bad UTF-8, no text
├── ModelError               a language model cannot be had or used
│   ├── UnknownModel         nothing answers to this address
│   ├── BrokenModel          it is there, but it is not what it should be: wrong hash, no weights
│   └── EndpointDown         an endpoint does not answer any more
├── OutputError              what was to be written cannot be
│   ├── RecipeDiffers        the folder holds the result of another recipe or another input
│   ├── OutputBusy           another run is writing there
│   └── OutputRefused        no permission, no space, a folder with foreign files
├── TooManyRejects           more rows were rejected than --max-rejects allows
├── PolicyRefused            what was asked for would break the policy; exit code 1
├── WorkerLost               a shard has cost several worker processes
└── MissingExtra             an optional dependency is not installed

Each error says what was got, what was expected and what to try:

    try:
        corpus = uncollapse.read("essays.jsonl")
    except uncollapse.UncollapseError as error:
        print(error, error.hint)
"""

from typing import ClassVar


class UncollapseError(Exception):
    """What happened, in one sentence, and in `hint` what to try next."""

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders; the default would call __init__ without the keyword.
        return _rebuild, (type(self), self.message, self.hint)

    def __str__(self) -> str:
        return self.message


def _rebuild(kind: type[UncollapseError], message: str, hint: str) -> UncollapseError:
    return kind(message, hint=hint)


class UsageError(UncollapseError):
    """The request itself makes no sense; nothing was read."""


class InputError(UncollapseError):
    """What was read is not what was promised."""


class MissingInput(InputError):
    """No such file, an empty one, an empty folder, an address that does not answer."""


class MissingColumn(InputError):
    """The column that should hold the text or the prompt is not there."""


class ColumnClash(InputError):
    """A column of the user's bears one of our names with another type."""


class BrokenRow(InputError):
    """One row cannot be read; the message names file and row."""


class ModelError(UncollapseError):
    """A language model cannot be had or cannot be used."""


class UnknownModel(ModelError):
    """Nothing answers to this address."""


class BrokenModel(ModelError):
    """The model is there but is not what it should be: wrong hash, no weights, no tokenizer."""


class EndpointDown(ModelError):
    """An endpoint has answered one request after the other with nothing; what it answered before is kept."""


class OutputError(UncollapseError):
    """What was to be written cannot be."""


class RecipeDiffers(OutputError):
    """The output holds the result of another recipe or of another input."""


class OutputBusy(OutputError):
    """Another run is writing to the same output."""


class OutputRefused(OutputError):
    """No permission, no space left, or a folder that holds files which are not ours."""


class TooManyRejects(UncollapseError):
    """More rows were rejected than the run was allowed to leave behind."""


class PolicyRefused(UncollapseError):
    """What was asked for would break the policy; the message names rule, value and limit."""

    exit_code: ClassVar[int] = 1


class WorkerLost(UncollapseError):
    """The processes that worked on a shard were ended from outside, several times."""


class MissingExtra(UncollapseError):
    """An optional dependency is not installed; the hint is the install command."""
