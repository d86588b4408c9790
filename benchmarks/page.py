"""How smooth pages of keci-view are: a reader scrolls, filters, points and turns tabs.

``python -m benchmarks.page page.html other.html --rounds 3``: headless Chromium opens each page in
turn. A line for each kind of action: milliseconds from the event until the frame after it is
drawn (for scrolling, between frames), as median, 95th and slowest of all rounds, and the processor
time of the page's thread for one action, which other programs on the machine change least.
"""

import argparse
import random
import shutil
import statistics
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keci.cli.options import errors_told

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_WIDTH, _HEIGHT = 1200, 800
_UNTIL_DRAWN = """act => new Promise(done => {
  const began = performance.now(), drawn = new MessageChannel();
  drawn.port1.onmessage = () => done(performance.now() - began);
  new Function(act)();
  requestAnimationFrame(() => drawn.port2.postMessage(0));
})"""
_AT_ONCE = """() => { const later = setTimeout; window.setTimeout = (act, wait, ...rest) =>
  wait === 120 ? (act(), 0) : later(act, wait, ...rest); }"""
"""Typing is waited for 120 ms; what is measured is the time of what comes then."""
_BETWEEN_FRAMES = """async ([times, by]) => {
  const frame = () => new Promise(requestAnimationFrame), spent = [];
  for (let last = await frame(), count = 0; count < times; count++) {
    scrollBy(0, by);
    const now = await frame();
    spent.push(now - last);
    last = now;
  }
  return spent;
}"""
_WORDS = ("p", "pa", "patients", "cancer", "the", "mutation", "in", "")
_TABS = ("entities", "concepts", "triples", "graph", "documents")

Times = dict[str, list[float]]


class Reader:
    """An open page, and what each action on it took."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self.waits: Times = defaultdict(list)
        self.used: Times = defaultdict(list)

    def act(self, name: str, script: str) -> None:
        before = self._thread_seconds()
        self.waits[name].append(self._page.evaluate(_UNTIL_DRAWN, script))
        self._page.wait_for_timeout(60)  # what comes in the frames after is of the same action
        self.used[name].append((self._thread_seconds() - before) * 1000)

    def scroll(self, name: str, times: int, by: int) -> None:
        before = self._thread_seconds()
        self.waits[name] += self._page.evaluate(_BETWEEN_FRAMES, [times, by])
        self.used[name].append((self._thread_seconds() - before) * 1000 / times)

    def _thread_seconds(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return float(next(item["value"] for item in metrics if item["name"] == "TaskDuration"))


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    readers: dict[Path, list[Reader]] = defaultdict(list)
    with sync_playwright() as driver:
        executable = next(filter(None, map(shutil.which, _BROWSERS)))
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for _ in range(given.rounds):
            for path in given.pages:
                page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
                page.goto(path.resolve().as_uri())
                page.wait_for_timeout(300)
                readers[path].append(read(page))
                page.close()
    for path, rounds in readers.items():
        print(path)
        for line in report(rounds):
            print(line, flush=True)


def read(page: Any) -> Reader:
    """Do all that a reader does."""
    page.evaluate(_AT_ONCE)
    reader, chance = Reader(page), random.Random(1)
    reader.scroll("scroll by 60 px a frame", 200, 60)
    reader.scroll("scroll by 800 px a frame", 60, 800)
    for place in chance.sample(range(page.locator("article").count()), 20):
        jump = f"document.querySelectorAll('article')[{place}].scrollIntoView()"
        reader.act("jump to a document", jump)
    point(page, reader, chance)
    for number in range(2 * min(10, page.locator(".chip input").count())):
        click = f"document.querySelectorAll('.chip input')[{number // 2}].click()"
        reader.act("filter a type", click)
    for score in (0.3, 0.6, 0.9, 0.5, 0):
        reader.act("filter by score", _filled("score", score))
    for word in _WORDS:
        reader.act("look for a text", _filled("text", word))
    for tab in (*_TABS, *_TABS):
        reader.act(f"open {tab}", f"document.getElementById('{tab}-tab').click()")
    return reader


def point(page: Any, reader: Reader, chance: random.Random) -> None:
    """Point at findings that are in sight."""
    page.evaluate("document.querySelectorAll('article')[20].scrollIntoView()")
    page.wait_for_timeout(500)
    places = page.evaluate(
        """[...document.querySelectorAll("g .hit")].map(item => item.getBoundingClientRect())
        .filter(box => box.top > 0 && box.bottom < innerHeight)
        .map(box => [box.x + box.width / 2, box.y + box.height / 2])"""
    )
    for x, y in chance.choices(places, k=30):
        moved = f"{{bubbles: true, clientX: {x}, clientY: {y}, pointerType: 'mouse'}}"
        event = f"new PointerEvent('pointermove', {moved})"
        reader.act(
            "point at a finding", f"document.elementFromPoint({x}, {y}).dispatchEvent({event})"
        )
    page.keyboard.press("Escape")


def _filled(name: str, value: object) -> str:
    return (
        f"const field = document.getElementById('{name}'); field.value = '{value}';"
        "field.dispatchEvent(new Event('input'));"
    )


def report(rounds: list[Reader]) -> Iterator[str]:
    """A line for each kind of action."""
    for name in rounds[0].waits:
        waits = sorted(wait for reader in rounds for wait in reader.waits[name])
        used = statistics.median(used for reader in rounds for used in reader.used[name])
        slowest = waits[min(len(waits) - 1, int(len(waits) * 0.95))]
        yield (
            f"  {name:26s} {len(waits):4d} times, p50 {waits[len(waits) // 2]:5.0f}, "
            f"p95 {slowest:5.0f}, max {waits[-1]:5.0f} ms; {used:5.0f} ms of the processor"
        )


if __name__ == "__main__":
    with errors_told():
        main()
