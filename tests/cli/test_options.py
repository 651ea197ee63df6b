"""The words on the command line are those of the library: the choices stand in both places, and this keeps them equal."""

from enum import EnumMeta
from typing import Literal, get_args, get_origin

import pytest

from uncollapse.cli import options
from uncollapse.cli.settings import EditJob
from uncollapse.document import Origin
from uncollapse.editing import PRESETS, ToEdit
from uncollapse.editing.protect import Protect


def choices(alias: object) -> list[str]:
    """The words of an option's Literal."""
    union = get_args(alias)[0]
    (literal,) = [part for part in get_args(union) if get_origin(part) is Literal]
    return list(get_args(literal))


@pytest.mark.parametrize("name", ["positions", "replace", "unit", "strategy"])
def test_choices_are_those_of_the_step(name):
    kind = ToEdit.model_fields[name].annotation
    assert isinstance(kind, EnumMeta)
    alias = getattr(options, name.capitalize())
    assert choices(alias) == [str(member) for member in kind]


def test_presets_origins_and_formats():
    assert (
        sorted(choices(options.Preset))
        == sorted(PRESETS)
        == sorted(get_args(EditJob.model_fields["preset"].annotation))
    )
    assert choices(options.Origin) == [str(origin) for origin in Origin]
    assert list(get_args(EditJob.model_fields["origin"].annotation)) == choices(options.Origin)


def test_the_help_of_protect_names_every_kind():
    (info,) = [part for part in get_args(options.Protect) if hasattr(part, "help")]
    assert [kind for kind in Protect if str(kind) not in info.help] == []
