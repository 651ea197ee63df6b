"""The type checker that the import hook lays upon every function of the package under pytest."""

from collections.abc import Callable
from typing import IO, Any, BinaryIO, Self, TextIO, TypeVar, get_args, get_origin

from beartype import beartype

Function = TypeVar("Function", bound=Callable[..., Any])


# The hook hands over methods one by one, and beartype then cannot know whose self `Self` is. The kinds of file in
# `typing` are not the classes that files are.
OPEN = (Self, IO, BinaryIO, TextIO)


def checked(function: Function) -> Function:
    """The function, checked by beartype, but for annotations that cannot be checked: they are taken as anything."""
    hints = getattr(function, "__annotations__", {})
    hints.update({name: Any for name, hint in hints.items() if _is_open(hint)})
    return beartype(function)


def _is_open(hint: object) -> bool:
    return any(hint is each or get_origin(hint) is each for each in OPEN) or any(map(_is_open, get_args(hint)))
