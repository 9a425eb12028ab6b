"""Ranks: an interval of places, a tie where nothing is shown, and nothing compared that cannot be."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from evaluations import FakeTask, write_evaluation
from finished_models import answers
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from harness.compare.mean import Mean as MeanChange
from harness.compare.measures import Mean, WeightedF1
from harness.leaderboard.boards import leaderboard
from harness.leaderboard.ranks import p_of_mean, ranks
from harness.leaderboard.records import EntrantRecord
from harness.leaderboard.rendering import as_markdown, as_page
from harness.leaderboard.scores import score_of

if TYPE_CHECKING:
    from pathlib import Path

    from harness.leaderboard.records import BoardRecord, Leaderboard

NAMES = st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=6, unique=True)


def silent(line: str) -> None:
    pass


def board(told: Leaderboard, task: str | None) -> BoardRecord:
    (found,) = [one for one in told.boards if one.task == task]
    return found


def enter(
    root: Path, name: str, tasks: dict[str, FakeTask], *, role: bool = True, **settings: object
) -> None:
    write_evaluation(root / name, tasks, **settings)  # type: ignore[arg-type]
    if role:
        (root / name / "model.json").write_text(
            EntrantRecord(name=f"owner/{name}", role="base").model_dump_json()
        )


@given(NAMES, st.data())
def test_ranks_hold_together(names: list[str], data: st.DataObject) -> None:
    pairs = [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]
    scores = {name: data.draw(st.integers(0, 4)) / 4 for name in names}
    tests = {
        (one, other): (scores[other] - scores[one], data.draw(st.sampled_from([0.0, 1e-6, 0.01, 0.2, 1.0])))
        for one, other in pairs
    }
    told = ranks(names, tests)
    assert set(told) == set(names)
    for best, worst in told.values():
        assert 1 <= best <= worst <= len(names)
    for (one, other), (difference, _) in tests.items():
        if not difference:
            assert told[one][0] <= told[other][1]
            assert told[other][0] <= told[one][1]


def test_a_clear_order_is_ranked_and_equals_share_their_places() -> None:
    tests = {
        ("a", "b"): (-0.2, 1e-9),
        ("a", "c"): (-0.4, 1e-9),
        ("b", "c"): (-0.2, 1e-9),
        ("a", "d"): (-0.01, 0.7),
        ("b", "d"): (0.19, 1e-9),
        ("c", "d"): (0.39, 1e-9),
    }
    assert ranks("abcd", tests) == {"a": (1, 2), "d": (1, 2), "b": (3, 3), "c": (4, 4)}


def test_many_pairs_are_corrected_together() -> None:
    names = [f"m{number}" for number in range(6)]
    tests = {(one, other): (0.1, 0.03) for place, one in enumerate(names) for other in names[place + 1 :]}
    assert set(ranks(names, tests).values()) == {(1, 6)}


def test_an_accuracy_has_wilsons_interval_and_one_in_clusters_a_wider_one() -> None:
    values = [1.0] * 60 + [0.0] * 40
    alone = np.arange(100)
    score, interval = score_of(values, alone, Mean(), resamples=1000, seed=0)
    assert score == 0.6
    assert interval is not None
    np.testing.assert_allclose(interval, proportion_confint(60, 100, method="wilson"), atol=1e-9)
    _, wider = score_of(values, alone // 5, Mean(), resamples=1000, seed=0)
    assert wider is not None
    assert wider[1] - wider[0] > 1.8 * (interval[1] - interval[0])
    assert score_of(values, alone // 20, Mean(), resamples=1000, seed=0)[1] is None


def test_any_other_metric_has_a_bootstrap_interval_that_covers() -> None:
    draw = np.random.default_rng(3)
    truth = WeightedF1()
    large = [
        [int(gold), int(gold if draw.random() < 0.7 else 1 - gold)] for gold in draw.integers(0, 2, 40_000)
    ]
    expected = float(truth.value(truth.counts([large]).sum(axis=1))[0])
    covered = 0
    for start in range(100):
        values = large[start * 200 : start * 200 + 200]
        _, interval = score_of(values, np.arange(200), WeightedF1(), resamples=400, seed=start)
        assert interval is not None
        covered += interval[0] <= expected <= interval[1]
    assert covered >= 88


def test_the_mean_of_a_domain_agrees_with_its_interval() -> None:
    assert p_of_mean(MeanChange(0.5, 0.6, (0.0, 0.2))) == p_of_mean(MeanChange(0.6, 0.5, (-0.2, 0.0)))
    assert abs(p_of_mean(MeanChange(0.5, 0.6, (0.0, 0.2))) - 0.05) < 1e-9
    assert p_of_mean(MeanChange(0.5, 0.6, (0.05, 0.15))) < 0.001
    assert p_of_mean(MeanChange(0.5, 0.6, None)) == 1.0


def test_models_are_ranked_per_task_and_domain(tmp_path: Path) -> None:
    for name, share in (("weak", 0.3), ("strong", 0.8), ("twin", 0.8)):
        own = {"fpb": FakeTask(answers(share)), "ner": FakeTask(answers(share, seed=9))}
        enter(tmp_path, name, own)
    told = leaderboard(tmp_path, "owner/results", silent)
    for task in ("fpb", "ner", None):
        found = board(told, task)
        assert {place.model: (place.best, place.worst) for place in found.places} == {
            "strong": (1, 2),
            "twin": (1, 2),
            "weak": (3, 3),
        }
    assert board(told, None).tasks == 2
    assert board(told, None).rows == 240


def test_models_with_other_rows_or_settings_are_on_a_board_of_their_own(tmp_path: Path) -> None:
    enter(tmp_path, "one", {"fpb": FakeTask(answers(0.5))})
    enter(tmp_path, "two", {"fpb": FakeTask(answers(0.9), shots=5)})
    enter(tmp_path, "three", {"fpb": FakeTask(answers(0.9, rows=60))})
    told = leaderboard(tmp_path, "owner/results", silent)
    assert sorted(len(one.places) for one in told.boards) == [1, 1, 1]
    assert "fpb: 3 boards, because rows or settings differ between them" in told.notes


def test_results_that_cannot_be_read_are_named_and_cost_nobody_else_his_rank(tmp_path: Path) -> None:
    enter(tmp_path, "good", {"fpb": FakeTask(answers(0.5))})
    enter(tmp_path, "foreign", {"fpb": FakeTask(answers(0.4))}, role=False)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/results_2026-01-02T03-04-05.678901.json").write_text("{")
    told = leaderboard(tmp_path, "owner/results", silent)
    assert [place.model for place in board(told, "fpb").places] == ["good", "foreign"]
    (note,) = told.notes
    assert note.startswith("broken is not ranked")
    assert str(tmp_path) not in note


def test_a_hostile_name_breaks_neither_table_nor_page(tmp_path: Path) -> None:
    enter(tmp_path, "bad", {"fpb": FakeTask(answers(0.5))}, role=False)
    name = "x | <script>alert(1)</script> \x1b[31m"
    record = EntrantRecord(name=name, role="base").model_dump_json()
    (tmp_path / "bad/model.json").write_text(record)
    told = leaderboard(tmp_path, "owner/results", silent)
    page, table = as_page(told), as_markdown(told)
    assert "<script>" not in page + table
    row = next(line for line in table.splitlines() if line.startswith("| 1 |"))
    assert row.replace("\\|", "").count("|") == 6
    assert "\x1b" not in page + table


def test_equal_results_give_equal_bytes(tmp_path: Path) -> None:
    for name, share in (("b", 0.5), ("a", 0.6)):
        enter(tmp_path, name, {"fpb": FakeTask(answers(share))})
    first, second = (
        leaderboard(tmp_path, "owner/results", silent),
        leaderboard(tmp_path, "owner/results", silent),
    )
    assert json.dumps(first.model_dump()) == json.dumps(second.model_dump())


CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
async def test_the_page_needs_nothing_else_and_fits_a_phone_in_light_and_dark(tmp_path: Path) -> None:
    from playwright.async_api import async_playwright

    for name, share in (("weak", 0.3), ("strong", 0.8), ("a-model-with-a-rather-long-name-of-its-own", 0.8)):
        own = {"fpb": FakeTask(answers(share)), "ner": FakeTask(answers(share, seed=9))}
        enter(tmp_path / "in", name, own)
    page_file = tmp_path / "leaderboard.html"
    page_file.write_text(as_page(leaderboard(tmp_path / "in", "owner/results", silent)), "utf-8")
    said: list[str] = []
    asked: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            for width in (360, 1280):
                page = await browser.new_page(
                    viewport={"width": width, "height": 800},
                    color_scheme=scheme,  # type: ignore[arg-type]
                )
                page.on("console", lambda message: said.append(message.text))
                page.on("request", lambda request: asked.append(request.url))
                await page.goto(page_file.as_uri())
                assert await page.evaluate("document.documentElement.scrollWidth") <= width
                await page.screenshot(path=tmp_path / f"{scheme}-{width}.png", full_page=True)
        await browser.close()
    assert said == []
    assert set(asked) == {page_file.as_uri()}
