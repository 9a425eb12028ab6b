from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from builders.commands.show import command
from builders.dataset.package import write_dataset
from builders.dataset.rows import BuildFacts, DocumentRow, TraceRow
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

HOSTILE = "[bold]b[/bold] [/] :smile: | `c`\x1b[31mred\x1b]0;title\x07\x9b2J\r\n\u202eend \N{GRINNING FACE}"
MODEL = {"model_id": "owner/model", "model_sha": "abc123"}
IDS = [f"demo-000000-{step:02d}" for step in range(1, 6)]


def documents(**changed: Any) -> list[tuple[DocumentRow, list[TraceRow]]]:
    """Five documents; each was led to by the meta-LM, two experts, and the meta-LM's finish."""
    pairs = []
    for number, id_ in enumerate(IDS):
        values: dict[str, Any] = {
            "text": f"Opening of {id_}.\n\nIts second paragraph.",
            "genre": "leaflet" if number else "case report",
            "persona": f"persona {number % 2}",
            "keywords": ["enzyme", "assay"],
            "summary": "On enzymes.",
        }
        row = DocumentRow(
            **{**values, **changed},
            id=id_,
            domain="biomed",
            method="metasynth",
            trajectory=0,
            step=number + 1,
            n_words=100 + number,
            n_tokens=150,
            **MODEL,
        )
        parents = [None, 0, 0, None]
        pairs.append((row, [call(id_, place, parent, **changed) for place, parent in enumerate(parents)]))
    return pairs


def call(document_id: str, number: int, parent: int | None, **changed: Any) -> TraceRow:
    return TraceRow(
        document_id=document_id,
        call=number,
        parent=parent,
        role=changed.get("persona", "meta-LM" if parent is None else "Domain Expert"),
        instruction=changed.get(
            "text", f"Begin {number} of {document_id}. " + "More of it. " * 60 + "The end."
        ),
        output=changed.get("text", f"Answer {number} of {document_id}."),
        sampling='{"seed": 7}',
        prompt_tokens=1_000 + number,
        completion_tokens=20 + number,
        latency_s=1.25,
        **MODEL,
    )


def facts(**changed: Any) -> BuildFacts:
    values: dict[str, Any] = {
        "description": "Documents for a test",
        "server": "tgi",
        "stand_in": False,
        "dropped": {"too-short": 3},
        "redrafted": {"too-similar": 4},
        "settings": {},
    }
    return BuildFacts(
        **{**values, **changed},
        version="0.1.0",
        name="demo",
        domain="biomed",
        method="metasynth",
        license="apache-2.0",
        protocol="guided",
        corpus_seed=11,
        documents=5,
        trajectories=2,
        attempts=8,
        words=510,
        tokens=750,
        calls=44,
        prompt_tokens=33_333,
        completion_tokens=2_222,
        **MODEL,
    )


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    write_dataset(tmp_path / "demo", documents=documents(), facts=facts())
    return tmp_path


@pytest.fixture
def show(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs the command beside the corpus and gives what it prints; user errors are raised."""
    monkeypatch.chdir(corpus)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(command, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_the_summary_tells_the_build(show: Callable[..., str]) -> None:
    told = [" ".join(line.split()) for line in show("demo").splitlines()]
    for line in (
        "documents 5 (510 words, 750 tokens)",
        "attempts 8, 62.5% accepted",
        "trajectories 2",
        "calls 44 (33,333 prompt tokens, 2,222 completion tokens)",
        "method metasynth (guided)",
        "model owner/model abc123",
        "server tgi",
        "corpus seed 11",
        "too-short 3 0",
        "too-similar 0 4",
        "leaflet 4",
        "case report 1",
        "persona 0 3",
        f"shortest {IDS[0]} (100 words)",
        f"longest {IDS[4]} (104 words)",
        f"{IDS[2]} Opening of {IDS[2]}. Its second paragraph.",
    ):
        assert line in told
    assert not any(IDS[3] in line for line in told), "the first three documents only"


def test_a_stand_in_is_told_before_its_figures(show: Callable[..., str], corpus: Path) -> None:
    assert "stand-in" not in show("demo")
    write_dataset(corpus / "demo", documents=documents(), facts=facts(stand_in=True))
    told = show("demo")
    assert 0 < told.index("A small stand-in model wrote this") < told.index("attempts")


@pytest.mark.parametrize("key", [IDS[1], "2"])
def test_a_document_is_shown_with_its_trace_by_id_and_by_number(show: Callable[..., str], key: str) -> None:
    told = show("demo", key)
    assert told.startswith(IDS[1])
    assert f"Opening of {IDS[1]}.\n\nIts second paragraph.\n" in told
    assert "enzyme, assay" in told
    places = [told.index(f"Answer {number} of {IDS[1]}.") for number in range(4)]
    assert places == sorted(places)
    assert IDS[2] not in told
    assert "1,002 + 22 tokens, 1.2 s" in told


def test_a_call_is_indented_under_the_one_that_asked_for_it(show: Callable[..., str]) -> None:
    lines = show("demo", "1").splitlines()
    heads = [line.rstrip() for line in lines if line.strip().startswith(("0 ", "1 ", "2 ", "3 "))]
    assert heads == ["0 meta-LM", "    1 Domain Expert", "    2 Domain Expert", "3 meta-LM"]


def test_instructions_are_short_unless_asked_for_in_full(show: Callable[..., str]) -> None:
    short, full = show("demo", "1"), show("demo", "1", "--full")
    assert f"told: Begin 0 of {IDS[0]}." in short
    assert "The end." not in short
    assert full.count("The end.") == 4


def test_the_corpus_is_found_in_the_output_folder_and_by_path(
    show: Callable[..., str], corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = show("demo")
    elsewhere = corpus / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert show("demo", "--output", "..") == wanted
    assert show("../demo") == wanted
    assert show(str(corpus / "demo")) == wanted
    assert show("../demo", "--output", str(elsewhere)) == wanted


def test_machines_get_the_same_as_people_and_nothing_shortened(show: Callable[..., str]) -> None:
    summary = json.loads(show("demo", "--json"))
    assert BuildFacts.model_validate(summary["facts"]) == facts()
    assert summary["genres"] == {"leaflet": 4, "case report": 1}
    assert summary["shortest"] == {"id": IDS[0], "words": 100}
    assert [row["id"] for row in summary["first"]] == IDS[:3]
    row, trace = documents()[3]
    assert json.loads(show("demo", IDS[3], "--json")) == {
        "document": row.model_dump(),
        "trace": [entry.model_dump() for entry in trace],
    }


@pytest.mark.parametrize("arguments", [[], ["1"], ["1", "--full"], ["--json"], ["1", "--json"]])
def test_generated_text_cannot_steer_the_terminal(
    show: Callable[..., str], corpus: Path, arguments: Sequence[str]
) -> None:
    hostile = dict.fromkeys(("text", "genre", "persona", "summary"), HOSTILE)
    pairs = documents(**hostile, keywords=[HOSTILE])
    words = {"description": HOSTILE, "server": HOSTILE, "dropped": {HOSTILE: 1}}
    write_dataset(corpus / "demo", documents=pairs, facts=facts(**words))
    told = show("demo", *arguments)
    assert not {"\x1b", "\x07", "\x9b", "\r", "\u202e"} & set(told)
    assert "[bold]b[/bold] [/] :smile:" in " ".join(told.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], r"there is no corpus in nothing: build it with `builders build nothing`"),
        (
            ["demo", "demo-000000-3"],
            rf"there is no document 'demo-000000-3' in demo: did you mean {IDS[2]}\?",
        ),
        (["demo", "xyz"], r"there is no document 'xyz' in demo: give an id, or a number from 1"),
        (["demo", "6"], r"there is no document 6 in demo: they are numbered from 1 to 5"),
        (["demo", "0"], r"there is no document 0 in demo: they are numbered from 1 to 5"),
    ],
)
def test_what_is_not_there_is_the_users_to_mend(
    show: Callable[..., str], arguments: list[str], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        show(*arguments)


def test_an_unfinished_build_is_told_with_the_command_that_finishes_it(
    show: Callable[..., str], corpus: Path
) -> None:
    (corpus / "started" / ".journal").mkdir(parents=True)
    with pytest.raises(UserError, match="not finished: run `builders build started` again"):
        show("started")


def test_help_has_an_example_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from builders.commands.show import command\n"
        "try: command(['--help'])\n"
        "finally: print(sorted({'pyarrow', 'huggingface_hub', 'rich', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "builders show metasynth-biomed 1" in done.stdout
    assert done.stdout.endswith("[]\n")
