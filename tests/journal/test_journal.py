"""Promises of the journal: calls are known by their content, and what was recorded stays."""

from __future__ import annotations

import copy
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.endpoints.base import Completion, Sampling
from builders.errors import UserError
from builders.journal import Journal, call_key
from builders.journal.records import Answer
from builders.method import Attempt, Document, Rejection, TraceCall

if TYPE_CHECKING:
    from pathlib import Path

COLD = Sampling(max_tokens=8, temperature=0.5, top_p=0.9, seed=1)
HELLO: list[Any] = [{"role": "user", "content": "Say hello."}]


def completion(text: str = "Hello.", *, prompt_tokens: int = 5, completion_tokens: int = 3) -> Completion:
    return Completion(
        text=text,
        finish_reason="stop",
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        model_id="owner/model",
        model_sha="abc",
        latency_s=0.125,
    )


def record(journal: Journal, number: int, messages: list[Any] = HELLO, **spent: int) -> str:
    sampling = replace(COLD, seed=number)
    key = call_key(messages, sampling, None, model="m")
    journal.record(key, messages, sampling, None, Answer(completion=completion(f"Answer {number}.", **spent)))
    return key


# Content addressing

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
messages = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": texts}),
    min_size=1,
    max_size=4,
)
positive = st.floats(0.01, 2, allow_nan=False)
samplings = st.builds(
    Sampling,
    max_tokens=st.integers(1, 9),
    temperature=positive,
    top_p=st.floats(0.01, 1),
    seed=st.integers(0, 2**31),
    frequency_penalty=st.floats(-2, 2),
    stop=st.lists(texts, max_size=2).map(tuple),
)
schemas = st.none() | st.dictionaries(
    texts, st.recursive(texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=4)
)


@given(messages, samplings, schemas, texts)
def test_the_same_content_has_the_same_key(
    said: list[Any], sampling: Sampling, schema: dict[str, Any] | None, model: str
) -> None:
    key = call_key(said, sampling, schema, model=model)
    other = [{"content": message["content"], "role": message["role"]} for message in said]
    again = json.loads(json.dumps(schema))
    assert call_key(other, replace(sampling), again, model=model) == key  # type: ignore[arg-type]


@given(messages, samplings, schemas, texts, st.data())
def test_a_change_of_anything_that_the_answer_depends_on_changes_the_key(
    said: list[Any], sampling: Sampling, schema: dict[str, Any] | None, model: str, data: st.DataObject
) -> None:
    key = call_key(said, sampling, schema, model=model)

    place = data.draw(st.integers(0, len(said) - 1))
    field = data.draw(st.sampled_from(["role", "content"]))
    changed = copy.deepcopy(said)
    changed[place][field] += data.draw(texts.filter(bool))
    assert call_key(changed, sampling, schema, model=model) != key
    assert call_key([*said, said[place]], sampling, schema, model=model) != key
    if said[::-1] != said:
        assert call_key(said[::-1], sampling, schema, model=model) != key

    for name in (field.name for field in fields(Sampling)):
        value = getattr(sampling, name)
        other = (*value, "end") if name == "stop" else value + 1
        assert call_key(said, replace(sampling, **{name: other}), schema, model=model) != key

    other_schema = data.draw(schemas.filter(lambda drawn: drawn != schema))
    assert call_key(said, sampling, other_schema, model=model) != key
    assert call_key(said, sampling, schema, model=model + "x") != key


def test_the_order_of_a_schemas_properties_is_content() -> None:
    """A grammar makes the model write the properties in the order of the schema."""
    first = {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    second = {"properties": {"b": {"type": "string"}, "a": {"type": "string"}}}
    assert call_key(HELLO, COLD, first, model="m") != call_key(HELLO, COLD, second, model="m")


# What was recorded stays

RECORD_UNTIL_KILLED = """
import sys
from pathlib import Path
from builders.endpoints.base import Completion, Sampling
from builders.journal import Journal, call_key
from builders.journal.records import Answer

journal = Journal(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 10**9):
    messages = [{"role": "user", "content": f"Question {number} " * 50}]
    sampling = Sampling(max_tokens=8, temperature=0.5, top_p=0.9, seed=number)
    key = call_key(messages, sampling, None, model="m")
    completion = Completion(
        text=f"Answer {number}.", finish_reason="stop", prompt_tokens=5, completion_tokens=3,
        model_id="m", model_sha=None, latency_s=0.1,
    )
    journal.record(key, messages, sampling, None, Answer(completion=completion))
    print(number, key, flush=True)
"""


def test_an_answer_is_safe_from_kill_9_once_record_returned(tmp_path: Path) -> None:
    promised: dict[str, str] = {}
    draw = random.Random(9)
    for kill in range(1, 5):
        command = [sys.executable, "-c", RECORD_UNTIL_KILLED, str(tmp_path), str(1_000_000 * kill)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            said = [child.stdout.readline() for _ in range(draw.randint(1, 200))]
            child.send_signal(signal.SIGKILL)
            said += [line for line in child.stdout if line.endswith("\n")]
        assert child.returncode == -signal.SIGKILL
        promised.update(line.split() for line in said)

        journal = Journal(tmp_path)
        for number, key in promised.items():
            answer = journal.answer(key)
            assert answer is not None, f"answer {number} of {len(promised)} is lost"
            assert answer.result().text == f"Answer {number}."
        calls, prompt_tokens, _ = journal.spent()
        journal.close()
        assert 0 <= calls - len(promised) <= kill, "at most one a kill was recorded and not yet said"
        assert prompt_tokens == 5 * calls, "nothing is recorded by half"


def test_a_journal_copied_after_kill_9_holds_the_same_answers(tmp_path: Path) -> None:
    """The newest answers of a killed process are in the write-ahead file beside the journal."""
    command = [sys.executable, "-c", RECORD_UNTIL_KILLED, str(tmp_path / "killed"), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        key = child.stdout.readline().split()[1]
        child.send_signal(signal.SIGKILL)
    assert (tmp_path / "killed" / "journal.sqlite-wal").stat().st_size
    shutil.copytree(tmp_path / "killed", tmp_path / "copy")
    journal = Journal(tmp_path / "copy")
    assert journal.answer(key) is not None
    journal.close()


def test_an_answer_comes_back_as_it_was(journal: Journal) -> None:
    told = Answer(completion=completion("Grüße,\r\n\x00\N{GRINNING FACE} \\ 'x'"))
    journal.record("key", HELLO, COLD, None, told)
    assert journal.answer("key") == told
    assert journal.answer("other") is None


def test_a_conversation_stores_each_message_once(journal: Journal) -> None:
    said: list[Any] = [{"role": "system", "content": "You direct experts. " * 200}]
    for turn in range(12):
        said.append({"role": "user", "content": f"Report {turn}. " * 50})
        record(journal, turn, list(said))
        said.append({"role": "assistant", "content": f"Answer {turn}."})
    with sqlite3.connect(journal.path) as db:
        stored = [text for (text,) in db.execute("SELECT text FROM texts")]
        requests = [json.loads(row) for (row,) in db.execute("SELECT request FROM calls ORDER BY number")]
        by_hash = {digest.hex(): text for digest, text in db.execute("SELECT hash, text FROM texts")}
    assert sorted(stored) == sorted(message["content"] for message in said[:-1])
    last = [{"role": role, "content": by_hash[digest]} for role, digest in requests[-1]["messages"]]
    assert last == said[:-1], "the whole conversation can be read back"
    assert requests[-1]["sampling"]["seed"] == 11


def test_tokens_spent_are_summed_over_all_runs(tmp_path: Path) -> None:
    for number in range(3):
        journal = Journal(tmp_path)
        record(journal, number, prompt_tokens=100 + number, completion_tokens=10)
        journal.close()
    journal = Journal(tmp_path)
    journal.record("e", HELLO, COLD, None, Answer(error="Rejected", detail="too long"))
    assert journal.spent() == (4, 303, 30)
    journal.close()


# Decisions

DOCUMENT = Document(
    text="Text.",
    genre="note",
    persona="nurse",
    keywords=("enzyme",),
    summary="A text.",
    n_tokens=2,
    model_id="m",
    model_sha=None,
)
CALL = TraceCall(
    role="Domain Expert",
    instruction="Write.",
    output="Text.",
    sampling=COLD,
    completion=completion(),
    parent=None,
)


def test_attempts_come_back_in_order_with_their_trace(journal: Journal) -> None:
    dropped = Attempt(document=None, rejections=(Rejection("leak", "a"), Rejection("too-short", "b")))
    kept = Attempt(document=DOCUMENT, rejections=(Rejection("leak", "a"),), trace=(CALL,))
    journal.record_attempt(1, 0, kept)
    journal.record_attempt(0, 1, kept)
    journal.record_attempt(0, 0, dropped)
    assert list(journal.attempts()) == [(0, 0, False, dropped), (0, 1, True, kept), (1, 0, True, kept)]
    journal.reject_attempt(1, 0, "duplicate")
    assert list(journal.attempts(first=1)) == [(1, 0, False, kept)]
    assert journal.dropped() == {"duplicate": 1, "too-short": 1}


def test_forgetting_decisions_keeps_the_answers(journal: Journal) -> None:
    key = record(journal, 0)
    journal.record_token_count("count", 7)
    journal.record_attempt(0, 0, Attempt(document=DOCUMENT))
    journal.forget_attempts()
    assert list(journal.attempts()) == []
    assert journal.answer(key) is not None
    assert journal.token_count("count") == 7
    journal.record_attempt(0, 0, Attempt(document=DOCUMENT))  # and can be made anew


# What the user can mend


def test_a_file_that_is_no_journal_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"minutes of the meeting\n" * 100)
    with pytest.raises(UserError, match="restore it from a copy, or move it away"):
        Journal(tmp_path)
    assert path.read_bytes() == b"minutes of the meeting\n" * 100


def test_damage_is_found_when_the_journal_is_opened(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in range(200):
        record(journal, number, [{"role": "user", "content": f"Question {number} " * 40}])
    journal.close()
    path = tmp_path / "journal.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="is damaged"):
        Journal(tmp_path)


def test_a_journal_of_a_later_release_names_the_release_that_reads_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.set_meta("schema_version", "2")
    journal.close()
    with pytest.raises(UserError, match="schema version 2, this release reads 1"):
        Journal(tmp_path)


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    kept = record(journal, 0)
    journal._db.execute("PRAGMA max_page_count=20")  # what SQLite says when the disk is full
    with pytest.raises(UserError, match=r"disk is full.*nothing that was answered is lost"):
        record(journal, 1, [{"role": "user", "content": "A long question. " * 10_000}])
    journal.close()
    again = Journal(tmp_path)
    assert again.answer(kept) is not None
    record(again, 100)
    again.close()
