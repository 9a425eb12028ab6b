"""`builders check`: what it prints, writes and drops, what the card says, and how it refuses."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from small_data import PLAIN, SENTENCES, data_folder

from builders.cli import main
from builders.dataset.contamination import Contamination, read_contamination
from builders.dataset.package import open_dataset, write_dataset
from builders.dataset.rows import BuildFacts, DocumentRow
from builders.diversity.corpus import read_corpus
from builders.finished import finished, note_finished
from builders.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

    from console import Run

TEXTS = [PLAIN[0], f"{PLAIN[1]} {SENTENCES[1].upper()}", PLAIN[2]]
PLANTED = 2


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `data/` and `corpus.jsonl`, in which the command runs."""
    data_folder(tmp_path / "data")
    rows = [{"id": number, "text": text, "note": "\u00e9"} for number, text in enumerate(TEXTS)]
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Any:
    return CliRunner().invoke(main, ["check", *words, "--no-paraphrases"])


def built(folder: Path, texts: list[str] = TEXTS) -> Path:
    """A built corpus of these texts."""
    numbers = "corpus_seed trajectories attempts words tokens calls prompt_tokens completion_tokens"
    words = "version name domain method description license server model_id model_sha protocol"
    facts: dict[str, Any] = {
        **dict.fromkeys(words.split(), "x"),
        **dict.fromkeys(numbers.split(), 1),
        "stand_in": False,
        "settings": {},
        "dropped": {},
        "redrafted": {},
    }
    own = dict.fromkeys(("domain", "method", "genre", "persona", "summary", "model_id", "model_sha"), "x")
    rows = [
        DocumentRow(id=f"x-{n}", text=text, keywords=[], trajectory=0, step=n, n_words=1, n_tokens=1, **own)
        for n, text in enumerate(texts, 1)
    ]
    write_dataset(
        folder, documents=((row, []) for row in rows), facts=BuildFacts(documents=len(rows), **facts)
    )
    return folder


def test_hits_are_shown_with_both_texts_and_kept_beside_the_corpus(place: Path) -> None:
    ended = run("corpus.jsonl", "--against", "fpb,biomed", "--data-dir", "data", "--json")
    assert ended.exit_code == 2  # the folder holds one of the five tasks of biomed
    ended = run("corpus.jsonl", "--against", "fpb,mqp", "--data-dir", "data")
    assert ended.exit_code == 0, ended.output
    assert f"  test  {SENTENCES[1].removesuffix(' .')}" in ended.stdout
    assert f"corpus  {SENTENCES[1].upper().removesuffix(' .')}" in ended.stdout
    assert "1 of 3 documents (33.33%)" in ended.stdout
    assert "n = 10" in ended.stdout
    record = read_contamination(place / "corpus.jsonl.contamination.json")
    assert record is not None
    assert record.flagged == (PLANTED,)
    assert [task.name for task in record.tasks] == ["fpb", "mqp"]


def test_the_record_for_machines_is_the_one_that_is_kept(place: Path) -> None:
    ended = run("corpus.jsonl", "--against", "fpb", "--data-dir", "data", "--json")
    assert Contamination.model_validate_json(ended.stdout) == read_contamination(
        place / "corpus.jsonl.contamination.json"
    )


def test_a_dropped_corpus_keeps_its_columns_loads_and_has_no_hit(place: Path) -> None:
    from datasets import load_dataset

    assert run("corpus.jsonl", "--against", "fpb", "--data-dir", "data", "--drop", "clean").exit_code == 0
    rows = load_dataset(str(place / "clean"), cache_dir=str(place / "cache"))["train"]
    assert rows["text"] == [TEXTS[0], TEXTS[2]]
    assert rows["id"] == [0, 2]
    assert rows["note"] == ["\u00e9"] * 2
    assert read_corpus("clean").texts == (TEXTS[0], TEXTS[2])  # the record is no part of it
    kept = read_contamination(place / "clean/contamination.json")
    of = read_contamination(place / "corpus.jsonl.contamination.json")
    assert kept is not None
    assert of is not None
    assert kept.flagged == ()
    assert kept.dropped is not None
    assert (kept.dropped.sha256, kept.dropped.documents) == (of.corpus.sha256, (PLANTED,))
    assert run("clean", "--against", "fpb", "--data-dir", "data").exit_code == 0
    assert read_contamination(place / "clean/contamination.json") == kept  # what it says is so


@pytest.mark.parametrize("kind", ["parquet", "txt", "jsonl.gz"])
def test_a_corpus_of_any_kind_is_checked_and_dropped(place: Path, kind: str) -> None:
    import gzip

    import pyarrow as pa
    import pyarrow.parquet as pq

    path = place / f"other.{kind}"
    if kind == "parquet":
        pq.write_table(pa.table({"text": TEXTS, "n": [1, 2, 3]}), path)
    elif kind == "txt":
        path.write_text("\n\n".join(TEXTS))
    else:
        path.write_bytes(gzip.compress((place / "corpus.jsonl").read_bytes()))
    assert run(path.name, "--against", "fpb", "--data-dir", "data", "--drop", "clean").exit_code == 0
    assert read_corpus("clean").texts == (TEXTS[0], TEXTS[2])


def test_the_card_of_a_built_corpus_tells_and_forgets_when_the_documents_change(place: Path) -> None:
    folder = built(place / "built")
    unchecked = (folder / "README.md").read_text()
    assert "Not checked." in unchecked
    assert run("built", "--against", "fpb,mqp", "--data-dir", "data").exit_code == 0
    card = (folder / "README.md").read_text()
    assert "| finance/fpb | 4 | 1 | 1 |" in card
    assert "finance, tests" in card
    built(folder)  # the same documents again, as a build that resumes writes them
    assert (folder / "README.md").read_text() == card
    assert open_dataset(folder).facts.documents == 3
    built(folder, TEXTS[:2])
    assert "Not checked." in (folder / "README.md").read_text()


def test_a_finished_build_stays_finished(place: Path) -> None:
    """Else the same command would derive the whole build anew."""
    folder = built(place / "built")
    facts = open_dataset(folder).facts
    with closing(Journal(folder / ".journal")) as journal:
        note_finished(journal, "digest", facts, folder)
        assert run("built", "--against", "fpb", "--data-dir", "data").exit_code == 0
        assert finished(journal, "digest", folder) == facts
        (folder / "README.md").unlink()
        assert finished(journal, "digest", folder) is None


def test_a_damaged_record_does_not_stand_in_the_way_of_a_build(place: Path) -> None:
    folder = built(place / "built")
    card = (folder / "README.md").read_text()
    (folder / "contamination.json").write_text("{")
    built(folder)
    assert (folder / "README.md").read_text() == card


FPB = "data/finance/fpb/test.jsonl"
NO_TASK = "there is no such group or task"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--against", "finanse"], f"--against finanse: {NO_TASK}; did you mean finance?"),
        (["--against", "qqq"], f"{NO_TASK}; there are finance, biomed, general, smoke"),
        (["--against", ","], "names no group or task"),
        (["--against", "ner"], "there is no data/finance/finner/test.jsonl (or .jsonl.gz) for the task ner"),
        (["--data-dir", "nowhere"], "--data-dir nowhere: there is no such folder"),
        (["--drop", "data"], "--drop data: it is there already"),
        (["--drop", "no/where"], "there is no folder no; make it first"),
        (["--text-column", "body"], "there is no field 'body', but id, text, note"),
    ],
)
def test_a_mistake_is_one_clear_line_and_leaves_nothing(place: Path, words: list[str], told: str) -> None:
    refused(place, told, *words)


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        (FPB, None, f"there is no {FPB} (or .jsonl.gz)"),
        (FPB, '{"sentence": "a"}\n{]\n', f"{FPB}, line 2: not JSON"),
        (FPB, '{"text": "a"}\n', f"{FPB}, line 1: there is no field 'sentence'"),
        (FPB, '{"sentence": 3}\n', f"{FPB}, line 1: the field 'sentence' holds int"),
        (FPB, "", f"{FPB} holds no row"),
        ("corpus.jsonl", '{"text": null}\n', "corpus.jsonl, line 1: the field 'text' is null"),
        ("corpus.jsonl", None, "there is no corpus.jsonl"),
    ],
)
def test_a_file_that_is_missing_or_malformed_is_named_with_line_and_field(
    place: Path, file: str, content: str | None, told: str
) -> None:
    if content is None:
        (place / file).unlink()
    else:
        (place / file).write_text(content)
    refused(place, told)


def refused(place: Path, told: str, *words: str) -> None:
    """The command says this in its last line, prints nothing else, and writes nothing."""
    before = sorted(place.rglob("*"))
    ended = run("corpus.jsonl", "--against", "fpb", "--data-dir", "data", *words)
    assert ended.exit_code == 2
    assert told in ended.stderr.splitlines()[-1]
    assert ended.stdout == ""
    assert sorted(place.rglob("*")) == before


async def test_no_network_is_one_clear_line(builders: Run, place: Path) -> None:
    ended = await builders(
        "check", "corpus.jsonl", "--against", "fpb", "--no-paraphrases",
        HF_HUB_OFFLINE="1", HF_HOME=str(place / "cache"),
    )  # fmt: skip
    assert "the test items of fpb cannot be had from the Hub (AdaptLLM/finance-tasks" in ended.error
    assert "--data-dir" in ended.error
    assert not (place / "corpus.jsonl.contamination.json").exists()
