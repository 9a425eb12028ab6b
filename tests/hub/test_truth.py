"""A corpus is pushed only if its card says what its data says."""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING

import pytest
from hub_corpora import check, write_corpus

from builders.dataset.package import rewrite_card
from builders.errors import UserError
from builders.push.contents import contents_of
from builders.push.truth import check_corpus

if TYPE_CHECKING:
    from pathlib import Path


def test_a_true_card_passes_and_all_configurations_are_pushed(corpus: Path) -> None:
    assert check_corpus(corpus).documents == 6
    assert sorted(contents_of(corpus).files) == [
        "README.md",
        "build.json",
        "contamination.json",
        "data/train-00000-of-00002.parquet",
        "data/train-00001-of-00002.parquet",
        "traces/train-00000-of-00002.parquet",
        "traces/train-00001-of-00002.parquet",
    ]


def test_any_digit_that_is_changed_in_the_card_is_found(corpus: Path) -> None:
    card = corpus / "README.md"
    true, draw = card.read_text("utf-8"), random.Random(7)
    places = [found.start() for found in re.finditer(r"\d", true)]
    for place in draw.sample(places, 25):
        digit = str((int(true[place]) + draw.randint(1, 9)) % 10)
        card.write_text(true[:place] + digit + true[place + 1 :], "utf-8")
        with pytest.raises(UserError, match=r"README\.md: line \d+"):
            check_corpus(corpus)
    card.write_text(true, "utf-8")
    check_corpus(corpus)


def test_words_of_a_person_may_stand_on_the_card(corpus: Path) -> None:
    card = corpus / "README.md"
    card.write_text(card.read_text("utf-8") + "\nWrite to us.\n", "utf-8")
    check_corpus(corpus)


@pytest.mark.parametrize("field", ["documents", "words", "tokens"])
def test_counts_that_the_rows_do_not_give_are_refused_even_if_the_card_repeats_them(
    corpus: Path, field: str
) -> None:
    facts = json.loads((corpus / "build.json").read_text("utf-8"))
    facts[field] += 1
    (corpus / "build.json").write_text(json.dumps(facts), "utf-8")
    rewrite_card(corpus)
    with pytest.raises(UserError, match=rf"build\.json: field {field}: .* but the rows give"):
        check_corpus(corpus)


def test_a_diversity_that_the_documents_do_not_have_is_refused(corpus: Path) -> None:
    facts = json.loads((corpus / "build.json").read_text("utf-8"))
    facts["diversity"]["rows"][0]["own"]["value"] += 0.0001
    (corpus / "build.json").write_text(json.dumps(facts), "utf-8")
    rewrite_card(corpus)
    with pytest.raises(UserError, match=r"diversity: .*but the documents give"):
        check_corpus(corpus)


def test_a_corpus_that_was_not_checked_for_test_items_is_refused(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "demo", checked=False)
    with pytest.raises(UserError, match=r"was not checked .*: run `builders check demo`, or .* --unchecked"):
        check_corpus(folder)
    check_corpus(folder, unchecked=True)


def test_a_check_of_other_documents_does_not_count(corpus: Path) -> None:
    record = (corpus / "contamination.json").read_text("utf-8")
    write_corpus(corpus, 7, checked=False)
    (corpus / "contamination.json").write_text(record, "utf-8")
    with pytest.raises(UserError, match="speaks of other documents"):
        check_corpus(corpus)
    check(corpus)
    check_corpus(corpus)


def test_a_simulated_corpus_is_refused_unless_asked_for(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "demo", simulated=True)
    with pytest.raises(UserError, match=r"simulated endpoint: it is no corpus; .*--allow-simulated"):
        check_corpus(folder)
    check_corpus(folder, allow_simulated=True)


def test_a_card_that_names_files_elsewhere_is_refused(corpus: Path) -> None:
    card = corpus / "README.md"
    card.write_text(card.read_text("utf-8").replace("path: data/train-*", "path: ../secret/train-*"), "utf-8")
    with pytest.raises(UserError, match="no place for shards"):
        contents_of(corpus)
