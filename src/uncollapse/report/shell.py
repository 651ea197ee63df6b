"""The page that every verb's report is shown on: one file, no network, no script but its own."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from markupsafe import Markup

from uncollapse.report.rendering import asset, template


class Figure(NamedTuple):
    """A key figure: the number, what it counts, and a remark that puts it in its place."""

    value: str
    label: str
    remark: str = ""


class Section(NamedTuple):
    """A part of a page: an anchor, a heading, a sentence that says what to see, and the matter itself."""

    name: str
    heading: str
    sentence: str
    body: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """What a page needs beyond the shell: a style sheet and a script, as text."""

    style: str = ""
    script: str = ""

    @classmethod
    def of(cls, package: str, name: str) -> "Assets":
        """The style sheet `name.css` and the script `name.js` in the package's folder `templates`."""
        return cls(style=asset(package, f"{name}.css"), script=asset(package, f"{name}.js"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page says: title, the answer in one sentence, key figures, sections, and where it all comes from.

    `provenance` has one group for each thing the numbers depend on (recipe, model, version), each with its fields.
    """

    verb: str
    title: str
    answer: str
    figures: Sequence[Figure] = ()
    sections: Sequence[Section] = ()
    provenance: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    assets: Assets = field(default_factory=Assets)


def page(content: Page) -> str:
    """The page as HTML. Its content-security policy lets nothing in but its own style sheet and script, by hash."""
    own = Assets.of("uncollapse.report", "shell")
    style = _inline(own.style + content.assets.style, end="</style")
    script = _inline(own.script + content.assets.script, end="</script")
    policy = _POLICY.format(style=_hash(style), script=_hash(script))
    return template("uncollapse.report", "shell.html.jinja", page=content, style=style, script=script, policy=policy)


_POLICY = Markup(
    "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def _inline(text: str, *, end: str) -> Markup:
    """The text as the content of an element whose end tag it must not hold; lines end in LF, as a parser makes them."""
    assert end not in text.lower()
    return Markup(text.replace("\r\n", "\n"))  # noqa: S704 - our own files


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()
