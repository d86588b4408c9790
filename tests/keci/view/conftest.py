"""A headless browser that opens pages, and what it notices of them."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from keci.documents import ConceptLink, Extraction, Mention, Relation

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
TEXT = "Severe rash and pain after amoxicillin/clavulanate; 𝛼-blockers were harmless."


_DRAWN = """new Promise(done => requestAnimationFrame(() => requestAnimationFrame(
    () => setTimeout(done, 50))))"""
"""Documents are drawn as they come into sight, which the browser tells after a frame."""


@dataclass
class Visit:
    """An open page; ``complaints`` are console errors, exceptions and requests beyond the file."""

    page: Any
    complaints: list[str] = field(default_factory=list)

    def box(self, selector: str) -> dict[str, float]:
        """Where an element lies in the window; lines are taken without their thickness."""
        return box_of(self.page.locator(selector))

    def until(self, condition: str) -> None:
        """Wait until a condition in JavaScript holds, five seconds at most."""
        last = time.monotonic() + 5
        while not self.page.evaluate(condition):
            assert time.monotonic() < last, condition
            self.page.wait_for_timeout(20)


def box_of(located: Any) -> dict[str, float]:
    found: dict[str, float] = located.evaluate(
        """element => {
          if (!element.getBBox) return element.getBoundingClientRect().toJSON();
          const box = element.getBBox(), at = element.getScreenCTM();
          return {x: box.x + at.e, y: box.y + at.f, width: box.width, height: box.height};
        }"""
    )
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip(f"no browser found; looked for {', '.join(BROWSERS)}")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Visit]]:
    """Opens a page of HTML at a size; after the test nothing may have been complained of."""
    contexts, visits = [], []

    def open_page(content: str, *, width: int = 1000, height: int = 800) -> Visit:
        path = tmp_path / f"page-{len(visits)}.html"
        path.write_text(content, "utf-8")
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        seen = Visit(context.new_page())
        visits.append(seen)
        seen.page.on("pageerror", lambda error: seen.complaints.append(f"error: {error}"))
        seen.page.on(
            "console",
            lambda message: seen.complaints.append(f"{message.type}: {message.text}"),
        )
        seen.page.on(
            "request",
            lambda request: request.url != path.as_uri() and seen.complaints.append(request.url),
        )
        seen.page.goto(path.as_uri())
        seen.page.evaluate(_DRAWN)
        return seen

    yield open_page
    for context in contexts:
        context.close()
    assert [seen.complaints for seen in visits] == [[] for _ in visits]


def an_extraction(document_id: str = "d1", *, text: str = TEXT) -> Extraction:
    """Nested and separate mentions, two relations, an astral letter before a mention."""

    def mention(name: str, surface: str, kind: str, score: float, **rest: Any) -> Mention:
        start = text.index(surface)
        return Mention(name, start, start + len(surface), surface, kind, score, **rest)

    amoxicillin = ConceptLink("MESH:D000658", "Amoxicillin", ("T109", "T121"), 0.75)
    mentions = (
        mention("T1", "Severe rash", "Effect", 0.9),
        mention("T2", "pain", "Effect", 0.4),
        mention("T3", "amoxicillin", "Drug", 0.99, concepts=(amoxicillin,), context_weight=0.25),
        mention("T4", "amoxicillin/clavulanate", "Drug", 0.8),
        mention("T5", "blockers", "Drug", 0.7),
    )
    relations = (
        Relation("R1", "T1", "T3", "caused-by", 0.95),
        Relation("R2", "T2", "T4", "caused-by", 0.6),
    )
    return Extraction(document_id, text, mentions, relations)
