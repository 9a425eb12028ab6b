"""What is found in a document, what is left alone, and what the figures mean."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

import datasets
import numpy as np
import pytest
from small_data import PLAIN, QUESTIONS, SENTENCES, data_folder

from builders.contamination.check import Check, Corpus
from builders.contamination.items import read_test_set
from builders.contamination.lexicon import Lexicon
from builders.contamination.tasks import all_tasks, chosen
from builders.contamination.words import passage, plain_words
from builders.dataset.contamination import OVERLAP_LENGTHS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from builders.contamination.items import TestSet
    from builders.dataset.contamination import Contamination


@pytest.fixture
def sets(tmp_path: Path) -> list[TestSet]:
    data = data_folder(tmp_path)
    return [read_test_set(task, data) for task in chosen(["fpb", "mqp"])]


def checked(sets: Sequence[TestSet], *texts: str) -> Contamination:
    return Check(sets)(Corpus(name="corpus", texts=lambda: texts))


@pytest.mark.parametrize(
    ("document", "task", "kind"),
    [
        (f"{PLAIN[0]} {SENTENCES[0]} {PLAIN[1]}", "fpb", "run"),
        (f"{PLAIN[0]} {SENTENCES[1].upper()}", "fpb", "run"),
        (f"{SENTENCES[0].replace('12.4', '1,310').replace('19.1', '7')} {PLAIN[1]}", "fpb", "run"),
        (SENTENCES[3].replace(" 's", "'s").replace(" .", "!").replace(" ", " - "), "fpb", "run"),
        (f"A reader asks: {QUESTIONS[1][1][:-1]}, {PLAIN[2]}", "mqp", "run"),
        (f"{PLAIN[0]} {QUESTIONS[0][1]}", "mqp", "pieces"),
        (f"The brewery Olvanto will close {PLAIN[0]} its bottling plant in Tartu {PLAIN[1]} and move 85 "
         f"employees to the Lahti site {PLAIN[2]}", "fpb", "pieces"),
    ],
    ids=["verbatim", "capitals", "numbers", "punctuation", "question", "short question", "three pieces"],
)  # fmt: skip
def test_an_item_is_found_verbatim_in_pieces_or_changed_on_the_surface(
    sets: list[TestSet], document: str, task: str, kind: str
) -> None:
    record = checked(sets, PLAIN[0], document, PLAIN[2])
    assert [(hit.document, hit.task, hit.kind) for hit in record.hits] == [(2, task, kind)]
    assert record.flagged == (2,)
    assert {found.name: found.documents for found in record.tasks}[task] == 1


def test_a_hit_quotes_both_texts_and_names_the_row(sets: list[TestSet]) -> None:
    (hit,) = checked(sets, f"{PLAIN[0]} {SENTENCES[0].upper()} {PLAIN[1]}").hits
    assert hit.item == 1
    assert hit.test_text == SENTENCES[0].removesuffix(" .")
    assert hit.document_text == SENTENCES[0].upper().removesuffix(" .")
    assert hit.coverage == 1.0


def test_generic_sentences_and_one_liners_accuse_nobody(sets: list[TestSet]) -> None:
    words = "Sales were good. What is it? The company said its operating profit fell in 2008."
    assert checked(sets, *PLAIN, words, "", "12.4 19.1 2008").flagged == ()


def test_a_document_is_judged_by_itself(sets: list[TestSet]) -> None:
    """So a corpus without its hits has none."""
    texts = [*PLAIN, SENTENCES[0], f"{PLAIN[1]} {QUESTIONS[1][1]}", *PLAIN] * 20
    flagged = checked(sets, *texts).flagged
    assert len(flagged) == 40
    assert flagged == tuple(
        number for number, text in enumerate(texts, 1) if checked(sets, text).flagged
    )  # batches of other sizes, too
    assert checked(sets, *(text for number, text in enumerate(texts, 1) if number not in flagged)).hits == ()


def test_a_paraphrase_needs_both_the_words_and_the_embedding(sets: list[TestSet]) -> None:
    reworded = (
        "Move 85 employees to the Lahti site: that is why brewery Olvanto shall shut a bottling plant, Tartu."
    )
    asked: list[str] = []

    def apart(gap: float) -> Callable[[Sequence[str]], NDArray[np.float32]]:
        def embed(texts: Sequence[str]) -> NDArray[np.float32]:
            asked.extend(texts)
            return np.array([[1.0, gap * (place % 2)] for place in range(len(texts))], dtype=np.float32)

        return embed

    for gap, found in ((0.1, True), (2.0, False)):
        record = Check(sets, embed=apart(gap), embedding="a model")(
            Corpus(name="corpus", texts=lambda: [*PLAIN, f"{PLAIN[0]} {reworded}"])
        )
        assert [hit.kind for hit in record.hits] == (["paraphrase"] if found else [])
        assert record.paraphrases is not None
    assert any("Olvanto shall shut" in text for text in asked)
    assert not any(PLAIN[1][:20] in text for text in asked)  # what shares no words is not embedded
    assert checked(sets, reworded).paraphrases is None


def test_overlap_is_what_its_definition_says(sets: list[TestSet]) -> None:
    texts = [*PLAIN, SENTENCES[0], SENTENCES[1][:40], SENTENCES[0].lower(), "", "profit fell to EUR"]
    record = checked(sets, *texts)
    for tests, task in zip(sets, record.tasks, strict=True):
        for found in task.overlap:
            items = Counter(
                gram for item in tests.items for text in item.texts for gram in ngrams(text, found.n)
            )
            corpus = Counter(gram for text in texts for gram in ngrams(text, found.n))
            assert found.test_ngrams == len(items)
            assert found.corpus_ngrams == corpus.total()
            assert found.test_share == pytest.approx(len(items.keys() & corpus.keys()) / len(items))
            shared = sum(count for gram, count in corpus.items() if gram in items)
            assert found.corpus_share == pytest.approx(shared / corpus.total())
    assert [found.n for found in record.groups[0].overlap] == list(OVERLAP_LENGTHS) == [1, 2, 3, 5, 10]
    assert record.groups[0].overlap == record.tasks[0].overlap  # the group's only task


def ngrams(text: str, n: int) -> list[tuple[str, ...]]:
    words = plain_words(text)
    return [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]


def test_the_record_names_what_was_compared_by_hashes(sets: list[TestSet]) -> None:
    one, same, other = checked(sets, *PLAIN), checked(sets, *PLAIN), checked(sets, *PLAIN[:2])
    assert one.corpus == same.corpus
    assert one.corpus.sha256 != other.corpus.sha256
    (file,) = one.tasks[0].files
    assert file.name == "finance/fpb/test.jsonl"
    assert len(file.sha256) == len(hashlib.sha256().hexdigest())
    assert one.tasks[0].items == len(SENTENCES)


def test_words_are_blind_to_case_accents_punctuation_and_layout() -> None:
    text = "Net sales (Caf\u00e9 Oy's)\nrose 4.1%, to \u20ac1,204mn; don\u2019t ask."
    told = ["net", "sales", "cafe", "oy", "s", "rose", "4.1", "to", "1,204", "mn", "dont", "ask"]
    assert plain_words(text) == told
    assert passage(text, 2, 6) == "Caf\u00e9 Oy's)\nrose 4.1"
    assert passage("\u00bd cup of Rye", 2, 4) == "cup of rye"  # two numbers: as it was compared


def test_numbers_are_one_and_unknown_inflections_equal_nothing() -> None:
    lexicon = Lexicon(["prices increased by 5 to 7 percent"])
    words, stood = lexicon.fold(lexicon.numbers("increased 3 1,200 percent"))
    assert stood.tolist() == [0, 1, 3]
    assert words.tolist() == lexicon.fold(lexicon.numbers("increased 7 percent"))[0].tolist()
    one, other, third = lexicon.numbers("increased increasing unheard").tolist()
    assert len({one, other, third}) == 3
    assert lexicon.stems[one] == lexicon.stems[other] != 0 == lexicon.stems[third]


def test_test_items_that_come_with_the_package_need_no_folder_and_no_network() -> None:
    sets = [read_test_set(task, None) for task in chosen(["smoke"])]
    assert [len(one.items) for one in sets] == [60, 60]


def test_every_task_has_a_name_of_its_own_and_both_sources() -> None:
    tasks = all_tasks()
    assert len({task.name for task in tasks}) == len(tasks)
    assert (
        [task.group for task in tasks].count("finance") == [task.group for task in tasks].count("biomed") == 5
    )
    for task in tasks:
        assert bool(task.hub) != task.packaged
        assert all(rows.id.count("/") == 1 and rows.fields for rows in task.hub)
        assert f"{task.local.folder}/".startswith(f"{task.group}/")


def test_rows_of_several_copies_on_the_hub_are_one_test_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network here: what stands in for it answers as `load_dataset` does."""
    rows = {
        "AdaptLLM/medicine-tasks": [{"id": 0, "input": "Question 1: a Question 2: b"}],
        "curaihealth/medical_questions_pairs": [{"question_1": "a", "question_2": "b"}] * 2,
    }
    asked = []

    def load_dataset(name: str, config: str | None, **options: object) -> datasets.Dataset:
        asked.append((name, config, options["split"], options["revision"]))
        return datasets.Dataset.from_list(rows[name])

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    (task,) = chosen(["mqp"])
    tests = read_test_set(task, None)
    assert [(item.number, item.parts) for item in tests.items] == [
        (1, ("Question 1: a Question 2: b",)),
        (2, ("a", "b")),
        (3, ("a", "b")),
    ]
    assert asked == [
        ("AdaptLLM/medicine-tasks", "MQP", "test", None),
        ("curaihealth/medical_questions_pairs", None, "train[2438:]", "refs/convert/parquet"),
    ]
    assert tests.source == (
        "AdaptLLM/medicine-tasks (MQP, test); "
        "curaihealth/medical_questions_pairs@refs/convert/parquet (train[2438:])"
    )
