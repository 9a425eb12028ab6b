"""Promises of the page: every figure names its source and is a rounding of it; what is not real says so."""

from __future__ import annotations

import json
import random
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from builders.errors import UserError
from harness.cli import main
from harness.report import is_report, remade
from harness.report.artefacts import token, value_at
from harness.report.checking import differences, figures_of
from harness.verify.artefacts import report_page

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., str]
    Change = Callable[[str, Callable[[dict], object]], None]

PAGE = Path("report.html")
HOSTILE = "</script><script>window.owned = 1</script><img src=x onerror=owned> & \x1b[31m \"'"
SECTIONS = ("corpora", "diversity", "training", "benchmark", "provenance")


def section(name: str) -> str:
    """The text of a section, without its markup."""
    found = re.search(rf'<section id="{name}".*?</section>', PAGE.read_text(), re.DOTALL)
    assert found
    return re.sub(r"<[^>]+>", "", found[0])


def error(*words: str) -> str:
    result = CliRunner().invoke(main, ["report", *words], prog_name="harness")
    assert result.exit_code == 2, (result.output, result.exception)
    assert len(result.stderr.splitlines()) == 1
    return result.stderr


def test_all_pieces_are_found_where_the_other_commands_put_them(here: Path, report: Run) -> None:
    told = json.loads(report("--json"))
    assert told["corpora"] == ["metasynth-biomed", "template-biomed"]
    assert told["diversity"] == ["diversity.json"]
    assert told["models"] == ["models/adapted"]
    assert told["comparisons"] == ["comparison.json"]
    assert told["missing"] == told["left_out"] == []
    for words in ("Overlap with benchmarks", "Forgetting", "Training loss", "mean of 2 tasks", "As it grew"):
        assert words in PAGE.read_text()


def test_the_terminal_has_the_page_in_five_lines_with_its_figures(here: Path, report: Run) -> None:
    *lines, wrote = report().splitlines()
    parts = [line.partition(":")[0] for line in lines[:4]]
    assert parts == ["corpora", "diversity", "models", "comparisons"]
    assert lines[4].startswith("Not a result.")
    assert len(lines) == 5
    assert wrote == f"wrote {PAGE}"
    build = json.loads(Path("metasynth-biomed/build.json").read_text())
    assert f"metasynth-biomed {build['documents']:,} documents, {build['words']:,} words" in lines[0]
    run = json.loads(Path("models/adapted/run.json").read_text())
    assert f"adapted from {run['base']}, {run['tokens']:,} tokens" in lines[2]
    first = json.loads(Path("comparison.json").read_text())["domains"][0]
    row = first["mean"] or first["tasks"][0]
    assert f"{first['name']} {100 * row['first']:.2f} to {100 * row['second']:.2f}" in lines[3]


def test_every_figure_is_a_rounding_of_its_source(here: Path, report: Run) -> None:
    report()
    assert len(figures_of(PAGE)) > 300
    assert list(differences(PAGE)) == []


def test_every_number_of_a_table_names_its_source(here: Path, report: Run) -> None:
    class Cells(HTMLParser):
        bare: list[str]
        within = sourced = False

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag in ("td", "dd"):
                self.within, self.sourced = True, False
            self.sourced |= any(name == "data-source" for name, _ in attrs)

        def handle_data(self, data: str) -> None:
            if self.within and not self.sourced and re.search(r"\d", data):
                self.bare.append(data)

        def handle_endtag(self, tag: str) -> None:
            self.within &= tag not in ("td", "dd")

    report()
    cells = Cells()
    cells.bare = []
    cells.feed(PAGE.read_text())
    assert cells.bare == []


def test_any_changed_digit_of_a_figure_is_found_and_named(here: Path, report: Run) -> None:
    report()
    page, draw = PAGE.read_text(), random.Random(4)
    digits = [
        match.start(1) + digit.start()
        for match in re.finditer(r"data-format=\"[^\"]+\">([^<]+)<", page)
        for digit in re.finditer(r"\d", match[1])
    ]
    for place in draw.sample(digits, 10):
        other = str((int(page[place]) + draw.randint(1, 9)) % 10)
        PAGE.write_text(page[:place] + other + page[place + 1 :])
        (difference,) = differences(PAGE)
        assert difference.figure.line == page.count("\n", 0, place) + 1
        assert difference.figure.text != difference.expected


def test_a_changed_artefact_is_found(here: Path, report: Run, changed: Change) -> None:
    report()
    changed("models/adapted/run.json", lambda run: run.update(tokens=run["tokens"] + 1))
    found = {difference.figure.source for difference in differences(PAGE)}
    assert "models/adapted/run.json#/tokens" in found
    assert "models/adapted/run.json" in found, "the hash of the file"


def test_a_digit_anywhere_on_the_page_is_found_by_verify(here: Path, report: Run) -> None:
    report()
    page, draw = PAGE.read_text(), random.Random(5)
    report_page(PAGE)
    body = page.index("<body>")
    digits = [match.start() for match in re.finditer(r"\d", page) if match.start() > body]
    for place in draw.sample(digits, 10):
        other = str((int(page[place]) + draw.randint(1, 9)) % 10)
        PAGE.write_text(page[:place] + other + page[place + 1 :])
        with pytest.raises(UserError, match=r"^report.html, line \d+"):
            report_page(PAGE)


def test_a_page_is_made_again_from_its_own_pieces(
    here: Path, report: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    report("--corpus", "metasynth-biomed", "--output", "diversity.html")
    monkeypatch.chdir("/")
    page = here / "diversity.html"
    assert is_report(page)
    assert remade(page) == page.read_text()
    (here / "models/adapted/run.json").unlink()
    with pytest.raises(UserError, match=r"run\.json cannot be read"):
        remade(page)


def test_a_page_elsewhere_names_its_sources_from_there(here: Path, report: Run) -> None:
    (here.parent / "a page").mkdir()
    report("--output", "../a page/all.html")
    page = here.parent / "a page" / "all.html"
    assert list(differences(page)) == []
    assert str(here) not in page.read_text()


def test_what_is_not_real_is_said_at_the_top_and_in_every_section(
    here: Path, report: Run, changed: Change
) -> None:
    changed("models/adapted/run.json", lambda run: run.update(stand_in="a model of 135M"))
    changed("comparison.json", lambda found: found["second"].update(stand_in="a model of 135M"))
    said = report()
    top = PAGE.read_text().partition("<main>")[0]
    for words in (said, top):
        assert "Not a result" in words
        assert "simulated endpoint and a small stand-in model" in words
    assert "no language model wrote a word of it" in section("corpora")
    assert "no language model wrote a word of it" in section("diversity")
    assert "a model of 135M stands in" in section("training")
    assert "trained on metasynth-biomed, whose text no language model wrote" in section("training")
    assert "adapted is a small stand-in" in section("benchmark")
    assert "Not a result" in section("provenance")


def test_a_real_result_carries_no_warning(here: Path, report: Run, changed: Change) -> None:
    for name in ("metasynth-biomed", "template-biomed"):
        changed(f"{name}/build.json", lambda facts: facts.update(simulated=False))
    assert "Not a result" not in report()
    assert 'class="warning"' not in PAGE.read_text()


def test_generated_text_is_shown_as_text(here: Path, report: Run, changed: Change) -> None:
    def spoil(facts: dict) -> None:
        steering = dict.fromkeys(("guided", "moved", "shortened", "ended_early", "refused_openings"), 1)
        facts.update(name=HOSTILE, model_id=HOSTILE, dropped={HOSTILE: 1}, redrafted={HOSTILE: 1})
        facts.update(steering={**steering, "overused": [HOSTILE]}, settings={HOSTILE: HOSTILE})

    changed("metasynth-biomed/build.json", spoil)
    changed("diversity.json", lambda found: found["corpora"][0].update(name=HOSTILE))
    changed("comparison.json", lambda found: found["domains"][0]["tasks"][0].update(task=HOSTILE))
    report()
    page = PAGE.read_text()
    assert "<script" not in page
    assert "<img" not in page
    assert "\x1b" not in page
    assert page.count("&lt;script&gt;window.owned = 1") >= 8
    assert list(differences(PAGE)) == []


def test_the_same_pieces_give_the_same_page(here: Path, report: Run) -> None:
    report()
    first = PAGE.read_bytes()
    report()
    assert PAGE.read_bytes() == first
    assert not list(here.glob(".*part"))


def test_no_folder_of_a_machine_is_named(here: Path, report: Run) -> None:
    report()
    page = PAGE.read_text()
    assert "/home/somebody" not in page
    assert str(here.parent.parent) not in page


def test_a_corpus_alone_says_what_is_missing_and_how_to_make_it(laboratory: Path, report: Run) -> None:
    said = report(
        "--corpus", str(laboratory / "metasynth-biomed"), "--model", str(laboratory / "models/adapted")
    )
    assert "builders build template-biomed" in said
    assert "builders measure metasynth-biomed --json > diversity.json" in said
    assert "harness compare base adapted --json > comparison.json" in said
    assert "compression" in section("diversity"), "what the build itself measured"
    assert "harness evaluate --model base" in section("benchmark")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "here" not in request.fixturenames:
        monkeypatch.chdir(tmp_path)


def test_an_empty_folder_is_told_as_such() -> None:
    assert "there is nothing to report here" in error()
    assert not PAGE.exists()


def test_bad_options_are_told(here: Path) -> None:
    assert "let the name end in .html" in error("--output", "report.txt")
    assert "no folder nowhere" in error("--output", "nowhere/report.html")
    assert "none/build.json cannot be read" in error("--corpus", "none")
    assert "models/none/run.json cannot be read" in error("--model", "none")
    assert "is not what this release reads (first" in error("--comparison", "diversity.json")


def test_a_damaged_piece_that_was_found_is_left_out_and_said(
    here: Path, report: Run, changed: Change
) -> None:
    changed("template-biomed/build.json", lambda facts: facts.update(documents="many"))
    told = json.loads(report("--json"))
    assert told["corpora"] == ["metasynth-biomed"]
    assert "template-biomed/build.json is not what this release reads (documents" in told["left_out"][0]
    assert "Left out: template-biomed" in PAGE.read_text()


def test_what_is_older_than_what_it_speaks_of_says_so(here: Path, report: Run, changed: Change) -> None:
    from benchmarked import evaluate

    changed("diversity.json", lambda found: found["corpora"][0].update(of_documents=7))
    changed(
        "metasynth-biomed/contamination.json", lambda found: found["corpus"]["files"][0].update(sha256="0")
    )
    evaluate(70)
    report()
    assert "metasynth-biomed was measured before it was built anew" in section("diversity")
    assert "is of other documents than those that lie there now" in section("corpora")
    assert "The results of adapted are not those that were compared" in section("benchmark")


def test_a_token_never_reaches_the_page(here: Path, changed: Change) -> None:
    secret = "hf_" + "a1B2" * 8
    changed("metasynth-biomed/build.json", lambda facts: facts["settings"].update(key=secret))
    told = error("--corpus", "metasynth-biomed")
    assert "looks like a token" in told
    assert secret not in told
    assert not PAGE.exists()


@given(st.dictionaries(st.text(), st.integers(), min_size=1))
def test_a_pointer_finds_every_name(data: dict[str, int]) -> None:
    for name, value in data.items():
        assert value_at({"below": data}, f"/below/{token(name)}") == value
