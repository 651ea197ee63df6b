"""Pages looked at in a real browser: the fixture `look`, for every room that makes pages."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Look = Callable[..., Page]


# One browser for each module and no longer: while it runs, no test in this thread could start an event loop.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A headless Chromium; skipped, by name, where there is none."""
    with sync_playwright() as library:
        opened = library.chromium.launch(executable_path=chromium, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture
def look(browser: Browser, tmp_path: Path) -> Iterator[Look]:
    """Opens an HTML text as a file in a window of its own and returns the page.

    Options are those of a browser context; `width` and `height` stand for its viewport. When the test is over, a
    dialog, a message on the console, an error or a request by any page fails it, unless `quiet=False` was said.
    """
    trouble: list[str] = []
    contexts = []

    def opened(html: str, *, width: int = 1400, height: int = 900, quiet: bool = True, **options: Any) -> Page:
        file = tmp_path / f"page-{len(contexts)}.html"
        file.write_bytes(html.encode())
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        if quiet:
            page.on("dialog", lambda dialog: (trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
            page.on("console", lambda message: trouble.append(f"console: {message.text}"))
            page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
            page.on("popup", lambda popup: trouble.append(f"window: {popup.url}"))
            page.on("request", lambda request: _note(request.url, file, trouble))
        page.goto(file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert trouble == []


def _note(url: str, file: Path, trouble: list[str]) -> None:
    if url != file.as_uri() and not url.startswith("data:"):
        trouble.append(f"request: {url}")


# For each piece of text that is shown: what it is, and its contrast with what lies behind it (WCAG 2.2, 1.4.3).
CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const over = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (colour) => colour
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const found = {};
  for (const element of document.body.querySelectorAll("*")) {
    const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join("");
    if (!text || !element.checkVisibility() || element.closest(".unseen, .skip, script, title, desc")) continue;
    const behind = [];
    for (let up = element; up; up = up.parentElement) behind.unshift(getComputedStyle(up).backgroundColor);
    const style = getComputedStyle(element);
    const ink = element instanceof SVGElement ? style.fill : style.color;
    const [back, front] = [luminance(over(behind)), luminance(over([...behind, ink]))];
    const contrast = (Math.max(back, front) + 0.05) / (Math.min(back, front) + 0.05);
    const [own, outer] = [element, element.parentElement].map((one) => one.getAttribute("class") ?? "");
    const name = `${element.tagName}.${own} in ${outer}`;
    if (!(name in found) || found[name] > contrast) found[name] = contrast;
  }
  return found;
}"""
