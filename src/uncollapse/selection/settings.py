"""Settings that were given by name, checked; what is wrong is said as it would be typed."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from uncollapse.errors import UsageError

Settings = TypeVar("Settings", bound=BaseModel)


def checked(kind: type[Settings], fields: Mapping[str, Any]) -> Settings:
    """The settings.

    Raises:
        UsageError: a field is wrong; names the first that is.
    """
    try:
        return kind(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        said = first["msg"].removeprefix("Value error, ")
        if first["loc"]:
            said = f"{first['loc'][0]}: {said[:1].lower()}{said[1:]}, not {first['input']!r}"
        raise UsageError(said, hint=f"See the fields of {kind.__name__}.") from error
