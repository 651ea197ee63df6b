import ast
from importlib import import_module

import pytest

import uncollapse


def test_names_are_listed_in_order_and_once():
    assert uncollapse.__all__ == sorted(uncollapse.__all__, key=_constants_first)
    assert len(set(uncollapse.__all__)) == len(uncollapse.__all__)
    assert dir(uncollapse) == sorted(uncollapse.__all__)


def _constants_first(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_the_three_lists_of_names_agree(project):
    tree = ast.parse((project / "src" / "uncollapse" / "__init__.py").read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    typed = {
        alias.asname or alias.name: (node.module.removeprefix("uncollapse."), alias.name)
        if node.module != "uncollapse"
        else (alias.name, "")
        for node in block.body
        for alias in node.names
    }
    assert typed == uncollapse._PLACES
    assert {*typed, "__version__"} == set(uncollapse.__all__)


@pytest.mark.parametrize("name", uncollapse.__all__)
def test_each_name_is_the_object_of_its_room(name):
    value = getattr(uncollapse, name)
    if name in uncollapse._PLACES:
        room, attribute = uncollapse._PLACES[name]
        module = import_module(f"uncollapse.{room}")
        assert value is (getattr(module, attribute) if attribute else module)
    assert value is not None


def test_the_whole_error_tree_is_public():
    errors = import_module("uncollapse.errors")
    tree = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert tree <= set(uncollapse.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'edits'"):
        _ = uncollapse.edits
