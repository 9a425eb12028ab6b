from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from huggingface_hub import DatasetCard

from builders.corpora.registry import known_corpora
from builders.dataset import card as cards
from builders.dataset.card import COLUMNS, size_category
from builders.dataset.rows import (
    BuildFacts,
    DiversityFacts,
    DiversityRow,
    Figure,
    GrowthFacts,
    GrowthStage,
    InstructionRow,
    SteeringFacts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

markdown_it = pytest.importorskip("markdown_it")


def test_every_figure_of_the_build_is_on_the_card(make: Any) -> None:
    card = dataset_card(make.facts(987_654, attempts=1_234_567, corpus_seed=424_242))
    figures = (
        "987,654",
        "1,234,567",
        "80.0%",
        "123,456",
        "234,567",
        "345,678",
        "4,567,890",
        "567,890",
        "424242",
    )
    assert [figure for figure in figures if figure not in card] == []
    for words in ("owner/model", "abc123", "tgi", "0.1.0"):
        assert f"| {words} |" in card
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in card.splitlines()]
    for row in (
        ["too-short", "3", "0"],
        ["too-similar", "1", "4"],
        ["decoding.temperature", "0.8"],
        ["exemplars", "null"],
    ):
        assert [cell.replace("\\", "") for cell in cells[_find(cells, row[0])]] == row


def _find(cells: list[list[str]], name: str) -> int:
    return next(number for number, row in enumerate(cells) if row and row[0].replace("\\", "") == name)


def test_the_header_tells_the_hub_where_both_configurations_lie(make: Any) -> None:
    data = DatasetCard(dataset_card(make.facts(1_500))).data.to_dict()
    assert data["license"] == "apache-2.0"
    assert data["language"] == ["en"]
    assert data["task_categories"] == ["text-generation"]
    assert data["size_categories"] == ["1K<n<10K"]
    assert data["pretty_name"] == "demo"
    assert data["tags"] == ["synthetic", "metasynth", "biomed"]
    places = {entry["config_name"]: entry["data_files"] for entry in data["configs"]}
    assert places == {
        "default": [{"split": "train", "path": "data/train-*"}],
        "traces": [{"split": "train", "path": "traces/train-*"}],
    }


@pytest.mark.parametrize(
    ("rows", "category"),
    [
        (0, "n<1K"),
        (999, "n<1K"),
        (1_000, "1K<n<10K"),
        (48_000, "10K<n<100K"),
        (10**12 - 1, "100B<n<1T"),
        (10**12, "n>1T"),
    ],
)
def test_the_size_category_is_the_hubs(rows: int, category: str) -> None:
    assert size_category(rows) == category


@pytest.mark.parametrize(
    ("fact", "words"), [("stand_in", "small stand-in model of 135M"), ("simulated", "simulated")]
)
def test_a_corpus_that_no_real_model_wrote_warns_first(make: Any, fact: str, words: str) -> None:
    title, warning, *_ = _body(dataset_card(make.facts(5, **{fact: True}))).split("\n\n")
    assert title.startswith("# demo")
    assert warning.startswith("> [!WARNING]")
    assert "Do not train on this corpus and do not cite it" in warning
    assert words in warning
    assert "WARNING" not in dataset_card(make.facts(5))


@pytest.mark.parametrize("method", ["metasynth", "template"])
def test_the_method_is_told_as_a_reimplementation_with_its_source(make: Any, method: str) -> None:
    body = _body(dataset_card(make.facts(5, method=method)))
    assert "https://arxiv.org/abs/2504.12563" in body
    assert "An independent reimplementation" in body
    assert "our own reconstruction" in " ".join(body.split())
    assert ("No meta-LM and no experts took part" in body) == (method == "template")
    assert ("Conditional instance generation" in body) == (method == "metasynth")


def test_the_protocol_is_told_and_menus_only_where_the_running_model_had_them(make: Any) -> None:
    settings = {"decoding": {"menus": False}, "stand_in_decoding": {"menus": True}}
    told = {
        stand_in: "picked from menus" in dataset_card(make.facts(5, stand_in=stand_in, settings=settings))
        for stand_in in (True, False)
    }
    assert told == {True: True, False: False}
    assert "Protocol: *text*" in dataset_card(make.facts(5, protocol="text"))


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        ("biomed", "Not medical advice"),
        ("finance", "Not financial advice"),
        ("law", "Not professional advice"),
    ],
)
def test_each_domain_has_its_limitation(make: Any, domain: str, words: str) -> None:
    assert words in dataset_card(make.facts(5, domain=domain))


def test_every_column_of_both_configurations_is_explained(make: Any) -> None:
    for row, meanings in COLUMNS.items():
        name = "metasynth-biomed-instruct" if row is InstructionRow else "metasynth-biomed"
        corpus = known_corpora()[name]
        facts = make.facts(5, method=corpus.method, settings=corpus.model_dump(mode="json"))
        card = dataset_card(facts)
        assert list(meanings) == list(row.model_fields)
        for name, meaning in meanings.items():
            assert f"| `{name}` |" in card
            assert meaning in card


@pytest.mark.parametrize("name", sorted(known_corpora()))
def test_every_setting_of_every_known_corpus_is_on_its_card(make: Any, name: str) -> None:
    corpus = known_corpora()[name]
    settings = corpus.model_dump(mode="json")
    card = dataset_card(make.facts(5, name=name, method=corpus.method, settings=settings)).replace("\\", "")
    assert [key for key in _keys(settings) if f"| {key} |" not in card] == []


def _keys(settings: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in settings.items():
        yield from _keys(value, f"{prefix}{key}.") if isinstance(value, dict) else [prefix + key]


STRINGS = [name for name, field in BuildFacts.model_fields.items() if field.annotation is str]


@pytest.mark.parametrize("field", [*STRINGS, "dropped", "settings"])
def test_hostile_words_change_nothing_but_the_words(make: Any, field: str) -> None:
    """The card has the same header keys and, rendered, the same elements as with harmless words."""
    if field == "dropped":
        hostile, harmless = {"dropped": {make.hostile: 1}}, {"dropped": {"words": 1}}
    elif field == "settings":
        hostile, harmless = ({"settings": {"x": {words: [words]}}} for words in (make.hostile, "words"))
    else:
        hostile, harmless = {field: make.hostile}, {field: "words"}
    card, plain = dataset_card(make.facts(5, **hostile)), dataset_card(make.facts(5, **harmless))
    assert DatasetCard(card).data.to_dict().keys() == DatasetCard(plain).data.to_dict().keys()
    assert _elements(card) == _elements(plain)
    assert "\x1b" not in card
    if field not in ("method", "protocol", "license"):  # free words, or told in the header alone
        assert "GRINNING" in _body(card).encode("ascii", "namereplace").decode()


def _elements(card: str) -> list[str]:
    parser = markdown_it.MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(_body(card))
    inner = [child.type for token in tokens for child in token.children or [] if child.type != "softbreak"]
    kinds = [kind for kind in inner if kind not in ("text", "text_special")]
    return [token.type for token in tokens] + kinds


def test_a_description_cannot_end_the_header(make: Any) -> None:
    card = dataset_card(make.facts(5, license="x\n---\nlicense: [", name="a: b\n- c"))
    header = yaml.safe_load(card.split("\n---\n\n", 1)[0].removeprefix("---\n"))
    assert header["license"] == "x\n---\nlicense: ["
    assert header["pretty_name"] == "a: b\n- c"


def test_a_build_that_tried_nothing_has_a_card(make: Any) -> None:
    card = dataset_card(make.facts(0, dropped={}, redrafted={}))
    assert "| attempts accepted | - |" in card
    assert "Nothing was rejected." in card


def test_the_diversity_table_has_a_column_for_the_baseline_where_there_is_one(make: Any) -> None:
    row = DiversityRow(
        metric="m", title="a | metric", more_diverse="lower", own=Figure(value=2.5, low=2.25, high=3.0)
    )
    alone = DiversityFacts(documents=1_234, words=56_789, seed=0, rows=(row,))
    card = dataset_card(make.facts(5, diversity=alone))
    assert "Measured on 1,234 documents with 56,789 words, drawn with seed 0" in card
    assert "| metric | diverse is | demo |\n|---|---|---|\n" in card
    assert "| a \\| metric | lower | 2.5000 [2.2500, 3.0000] |\n" in card
    assert "No template baseline lay beside this corpus" in card
    assert "No template baseline" not in dataset_card(make.facts(5, diversity=alone, method="template"))

    both = alone.model_copy(
        update={
            "baseline": "template-biomed",
            "baseline_model": "owner/other",
            "rows": (row.model_copy(update={"baseline": Figure(value=None)}),),
        }
    )
    card = dataset_card(make.facts(5, diversity=both))
    assert "56,789 words of each corpus" in card
    assert "| metric | diverse is | demo | template-biomed |\n|---|---|---|---|\n" in card
    assert "| a \\| metric | lower | 2.5000 [2.2500, 3.0000] | - [-] |\n" in card
    assert "written by owner/other" in card
    assert "Not measured" in dataset_card(make.facts(1))


def dataset_card(facts: BuildFacts) -> str:
    return cards.dataset_card(facts, fingerprint="sha256:0")


def _body(card: str) -> str:
    return str(DatasetCard(card).text).strip()


def test_the_card_tells_how_diversity_went_and_what_steering_did(make: Any) -> None:
    stages = tuple(
        GrowthStage(documents=documents, values={"compression-ratio": ratio, "4-gram-diversity": 0.5})
        for documents, ratio in ((50, 2.7182), (1_000, 3.1416))
    )
    steering = SteeringFacts(
        guided=17,
        moved=3,
        shortened=5,
        ended_early=2,
        refused_openings=41,
        overused=('beginnings: "<b>in this world" (12 documents)',),
    )
    plain = make.facts(1_500)
    facts = plain.model_copy(
        update={"growth": GrowthFacts(documents=50, words=60, stages=stages), "steering": steering}
    )
    card = dataset_card(facts)
    assert "| until document | 4-gram-diversity | compression-ratio |" in card
    assert "| 1,000 | 0.5000 | 3.1416 |" in card
    for figure in ("17 of ", "3 drew", "5 were", "2 ended", "41 drafts"):
        assert figure in card
    assert "<b>" not in card
    assert "As it grew" not in dataset_card(plain)
    assert "### Steering" not in dataset_card(plain)
