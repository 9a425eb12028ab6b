"""The page in a browser: it loads nothing, its console is clean, it can be read on a phone, in the dark."""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from playwright.async_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
OPEN_ALL = "document.querySelectorAll('details').forEach(one => one.open = true)"
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
OVERLAPS = """() => {
  const found = [];
  const boxes = (root, what) =>
    [...root.querySelectorAll(what)].map(one => [one, one.getBoundingClientRect()]);
  const hit = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  const groups = [...document.querySelectorAll('.row')].map(row => boxes(row, ':scope > *'));
  groups.push(...[...document.querySelectorAll('svg.lines')].map(chart => boxes(chart, 'text')));
  groups.push(...[...document.querySelectorAll('.tiles')].map(tiles => boxes(tiles, '.tile')));
  for (const group of groups)
    for (let i = 0; i < group.length; i++)
      for (let j = 0; j < i; j++)
        if (hit(group[i][1], group[j][1]))
          found.push(group[i][0].textContent + ' | ' + group[j][0].textContent);
  return found;
}"""


@pytest.fixture
def place(here: Path, report: Callable[..., str]) -> str:
    """A page, as a browser names it."""
    report()
    return (here / "report.html").as_uri()


@pytest.fixture
def invaded(here: Path, report: Callable[..., str]) -> str:
    """A page that holds a script."""
    report()
    page = here / "report.html"
    page.write_text(page.read_text().replace("</main>", "<script>window.owned = 1</script></main>"))
    return page.as_uri()


pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")


@asynccontextmanager
async def visiting(place: str, *, size: str) -> AsyncIterator[tuple[Page, list[str], list[str]]]:
    from playwright.async_api import async_playwright

    said: list[str] = []
    asked: list[str] = []
    width, height = SIZES[size]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": width, "height": height})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(place)
        try:
            yield page, said, asked
        finally:
            await browser.close()


@pytest.mark.parametrize("size", list(SIZES))
async def test_the_page_is_clean_accessible_and_nothing_overlaps_light_and_dark(
    place: str, size: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="needs axe-playwright-python")
    async with visiting(place, size=size) as (page, said, asked):
        assert await page.evaluate(WIDER) <= 0, "no scrolling to the side"
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            if folder := os.environ.get("METASYNTH_SCREENSHOTS"):
                await page.screenshot(path=f"{folder}/report-{size}-{scheme}.png", full_page=True)
        await page.evaluate(OPEN_ALL)
        assert await page.evaluate(WIDER) <= 0, "nor with every table open"
        assert await page.evaluate(OVERLAPS) == []
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            found = await axe.Axe().run(page)
            serious = [
                one for one in found.response["violations"] if one["impact"] in ("serious", "critical")
            ]
            assert [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in serious] == []
        assert said == []
        assert asked == [place], "the page loads nothing"


async def test_the_page_runs_no_script_even_if_one_got_into_it(invaded: str) -> None:
    async with visiting(invaded, size="desktop") as (visited, said, _):
        assert await visited.evaluate("window.owned") is None
        assert any("Content Security Policy" in words for words in said)
