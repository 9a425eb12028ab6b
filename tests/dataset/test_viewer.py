"""Promises of the page: it shows what was built, runs nothing that a model wrote, and loads nothing."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from builders.dataset.package import open_dataset, write_dataset
from builders.endpoints.base import Completion, Sampling
from builders.journal import Journal
from builders.method import Attempt, Rejection, TraceCall
from builders.viewer import write_page
from builders.viewer.course import METRICS, courses
from builders.viewer.likeness import likeness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from playwright.async_api import Page

HOSTILE = "</script><script>window.owned = 1</script> **bold** <b>strong</b> <!-- & &lt; \u2028 ]]>"
SEEDED = {"seed_id": "seed-7", "seed_topic": HOSTILE, "grounding": 0.5, "unsupported": ["number: 30"]}
COUNT = 60
REFUSED = {"too-short": 2}
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors that depend on the texts' first numbers: neighbours have near numbers."""
    angles = [int(re.search(r"\d+", text)[0]) / 100 for text in texts]  # type: ignore[index]
    return np.array([[np.cos(a), np.sin(a), 0.1] for a in angles], dtype=np.float32)


def refused(reason: str) -> Attempt:
    sampling = Sampling(max_tokens=9, temperature=1, top_p=0.9, seed=1)
    answer = Completion(
        text="No.",
        finish_reason="stop",
        prompt_tokens=3,
        completion_tokens=2,
        model_id="owner/model",
        model_sha=None,
        latency_s=0.1,
    )
    call = TraceCall(
        role="meta-LM", instruction="Go on.", output="No.", sampling=sampling, completion=answer, parent=None
    )
    return Attempt(document=None, rejections=(Rejection(reason, "3 of 60 words"),), trace=(call,))


def written(folder: Path, make: Any, *, count: int = COUNT, words: int = 0, **facts: Any) -> Path:
    """A corpus with a hostile document, and two refused attempts in its journal; its page."""
    chance = np.random.default_rng(5)
    vocabulary = [f"word{number}" for number in range(5_000)]

    def filler() -> str:
        return " ".join(chance.choice(vocabulary, words))

    def rows() -> Any:
        for number, (row, trace) in enumerate(make.corpus(count)):
            text = f"{row.text} {HOSTILE if number == 1 else filler()}"
            calls = [
                call.model_copy(update={"output": f"{call.output} {filler()} {HOSTILE}"}) for call in trace
            ]
            origin = SEEDED if number == 1 else {}
            yield row.model_copy(update={"text": text, **origin}), calls

    write_dataset(folder, documents=rows(), facts=make.facts(count, **{"dropped": REFUSED, **facts}))
    with closing(Journal(folder / ".journal")) as journal:
        for number, reason in enumerate(reason for reason, n in REFUSED.items() for _ in range(n)):
            journal.record_attempt(3, number, refused(reason))
    target = folder.with_suffix(".html")
    shown = write_page(open_dataset(folder), target, embed=embed)
    assert shown == count + (sum(REFUSED.values()) if facts.get("dropped", REFUSED) == REFUSED else 0)
    return target


@dataclass
class Visit:
    """A page in a browser, and what went on there."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    seconds: float = 0.0


@asynccontextmanager
async def visiting(path: Path) -> AsyncIterator[Visit]:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        visit = Visit(page)
        page.on("console", lambda message: visit.said.append(message.text))
        page.on("pageerror", lambda error: visit.said.append(str(error)))
        page.on("request", lambda request: visit.asked.append(request.url))
        began = time.monotonic()
        await page.goto(path.as_uri())
        await page.wait_for_selector("body[data-ready=yes]")
        visit.seconds = time.monotonic() - began
        try:
            yield visit
        finally:
            await browser.close()


in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")


@in_a_browser
async def test_a_reader_filters_opens_a_trace_follows_a_neighbour_and_looks_at_the_map(
    tmp_path: Path, make: Any
) -> None:
    async with visiting(written(tmp_path / "demo", make)) as visit:
        page = visit.page
        assert await page.text_content("#count") == f"{COUNT} of {COUNT + 2}"

        await page.select_option("[name=genre]", "leaflet")
        assert await page.text_content("#count") == f"{COUNT // 2} of {COUNT + 2}"
        await page.fill("[name=search]", "Document 17 speaks")
        assert await page.text_content("#count") == f"1 of {COUNT + 2}"
        await page.click(".row")
        assert await page.text_content("#entry h2") == "demo-000001-08"
        assert await page.locator("#trace .call").count() == make.calls
        assert "Instruction 2 of demo-000001-08" in str(await page.text_content("#trace"))

        await page.click(".neighbour >> nth=0")
        assert await page.text_content("#entry h2") in {"demo-000001-07", "demo-000001-09"}
        assert await page.text_content("#count") == f"{COUNT + 2} of {COUNT + 2}", "its filters hid it"

        await page.select_option("[name=status]", "too-short")
        await page.click(".row")
        assert "3 of 60 words" in str(await page.text_content("#entry"))
        assert "No." in str(await page.text_content("#trace"))

        await page.select_option("[name=status]", "")
        await page.click("#tab-map")
        await page.hover("#canvas")
        drawn = await page.evaluate("places.length")
        assert drawn == COUNT
        x, y, number = await page.evaluate("places[5]")
        await page.locator("#canvas").click(position={"x": x, "y": y})
        assert await page.evaluate("selected") == number
        assert await page.is_visible("#entry")

        await page.click("#tab-course")
        assert await page.locator("#charts svg").count() == len(METRICS)
        assert visit.said == []
        assert len(visit.asked) == 1, "the page loads nothing"


@in_a_browser
async def test_what_a_model_wrote_is_shown_as_text(tmp_path: Path, make: Any) -> None:
    async with visiting(written(tmp_path / "demo", make)) as visit:
        page = visit.page
        await page.click(".row >> nth=1")
        assert HOSTILE in str(await page.text_content("#entry .text"))
        told = str(await page.text_content("#entry dl"))
        assert f"seed-7 ({HOSTILE})" in told
        assert "50% of its facts stand in the seed document" in told
        assert "not in the seed documentnumber: 30" in told
        assert HOSTILE in str(await page.text_content("#trace .said >> nth=0"))
        assert await page.evaluate("window.owned") is None
        assert await page.locator("#entry b:not(.call b)").count() == 0
        assert visit.said == []


@in_a_browser
@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_five_thousand_documents_load_in_three_seconds(tmp_path: Path, make: Any) -> None:
    target = written(tmp_path / "demo", make, count=5_000, words=400)
    megabytes = target.stat().st_size / 1e6
    async with visiting(target) as visit:
        print(f"{megabytes:.1f} MB, ready in {visit.seconds:.2f} s")
        assert visit.seconds < 3
    assert megabytes < 60


def test_nothing_that_a_model_wrote_stands_in_the_page_as_it_is(tmp_path: Path, make: Any) -> None:
    page = written(tmp_path / "demo", make, name=HOSTILE).read_text()
    assert "owned" not in page.replace("&lt;script&gt;window.owned = 1&lt;/script&gt;", "")
    assert page.count("<script>") == 1


def test_a_journal_of_another_build_is_left_out(tmp_path: Path, make: Any) -> None:
    written(tmp_path / "demo", make, dropped={"too-short": 7})


def test_the_same_corpus_gives_the_same_page(tmp_path: Path, make: Any) -> None:
    page = written(tmp_path / "demo", make)
    first = page.read_bytes()
    write_page(open_dataset(tmp_path / "demo"), page, embed=embed)
    assert page.read_bytes() == first
    assert not list(tmp_path.glob(".*draft"))


def test_neighbours_are_those_of_comparing_every_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builders.viewer.likeness.BLOCK", 100)
    vectors = np.random.default_rng(3).normal(size=(250, 8)).astype(np.float32)
    found = likeness(vectors)
    units = vectors.astype(np.float64) / np.linalg.norm(vectors, axis=1, keepdims=True).astype(np.float64)
    cosines = units @ units.T
    np.fill_diagonal(cosines, -2)
    best = -np.sort(-cosines, axis=1)[:, :5]
    assert np.allclose(found.similarities, best, atol=1e-5)
    assert np.allclose(np.take_along_axis(cosines, found.neighbours, axis=1), best, atol=1e-5)
    assert found.places is not None
    assert found.places.min() == 0
    assert found.places.max() == 1


@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_few_documents_have_few_neighbours_and_no_map(count: int) -> None:
    found = likeness(np.eye(count, 4, dtype=np.float32) + 0.1)
    assert found.neighbours.shape == (count, min(5, max(count - 1, 0)))
    assert found.places is None


def test_a_corpus_that_repeats_itself_more_and_more_is_seen_to() -> None:
    fresh = [" ".join(f"w{number}x{place}" for place in range(80)) for number in range(20)]
    stale = ["It is what it is. " * 16] * 20
    values = {course.name: course.values for course in courses([*fresh, *stale])}
    assert values["compression ratio"][0] < values["compression ratio"][-1]
    for name in ("1-gram diversity", "4-gram diversity"):
        assert values[name][0] > values[name][-1]
    assert (values["open alike, share"][0], values["open alike, share"][-1]) == (0, 1)
