"""Templates: where they lie, and the one way in which values enter them."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from uncollapse.report import numerals
from uncollapse.report.visible import spelled, visible


def template(package: str, name: str, **values: Any) -> Markup:
    """The template of that name in the package's folder `templates`, filled with the values.

    Whatever it prints is made visible first (see `uncollapse.report.visible`), so in an attribute it must pass
    through the filter `spelled`, which makes no markup.
    """
    return Markup(_environment(package).get_template(name).render(values))  # noqa: S704 - escaped by the template


def asset(package: str, name: str) -> str:
    """The text of a style sheet or script in the package's folder `templates`."""
    environment = _environment(package)
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


@cache
def _environment(package: str) -> Environment:
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": numerals.count, "share": numerals.share, "spelled": spelled}
    return environment


def _shown(value: object) -> Markup:
    return value if isinstance(value, Markup) else visible(str(value))
