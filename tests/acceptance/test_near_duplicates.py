"""Promises of the near-duplicate check: what is alike is found, what is not is left alone, anywhere."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections import deque
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.acceptance import Candidate, NearDuplicates
from builders.acceptance.band_index import CANDIDATES
from builders.acceptance.banding import MOST_MISSED, Banding
from builders.acceptance.shingles import jaccard, shingle_hashes
from builders.errors import UserError

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "domain_text"
SOURCES = [
    "finance/reuters21578",
    "biomed/pubmedqa_abstracts",
    "biomed/bc5cdr_abstracts",
    "general/wikipedia_boolq",
]


def words(draw: random.Random, count: int) -> list[str]:
    return [f"w{draw.randrange(5000)}" for _ in range(count)]


def edited(text: list[str], *, edits: int, draw: random.Random) -> list[str]:
    """The text with some words replaced, each by one that occurs nowhere else."""
    changed = list(text)
    for position in draw.sample(range(len(text)), edits):
        changed[position] = f"edit{draw.getrandbits(60):x}"
    return changed


def replaced(text: str, position: int) -> str:
    """The text with one word replaced."""
    changed = text.split()
    changed[position] = f"replaced{position}"
    return " ".join(changed)


def runs(text: list[str], shingle: int = 5) -> set[tuple[str, ...]]:
    """Shingles in a second implementation: tuples of words, not hashed."""
    return {tuple(text[i : i + shingle]) for i in range(len(text) - shingle + 1)}


def test_the_same_words_are_found_whatever_their_case_and_punctuation(good: str) -> None:
    index = NearDuplicates("")
    index.add("first", good)
    match = index.find(good.upper().replace(",", " -- "))
    assert match is not None
    assert (match.key, match.similarity) == ("first", 1.0)


def test_a_lightly_edited_document_is_found_and_named(good: str) -> None:
    index = NearDuplicates("")
    index.add("7/3", good)
    rejection = index(Candidate(good.replace("a shade", "a bit").replace("Columbus", "Toledo")))
    assert rejection is not None
    assert rejection.reason == "near-duplicate"
    assert rejection.detail.endswith("of its wording is that of document 7/3")


def test_a_document_that_shares_a_third_of_its_words_is_not_a_near_duplicate(good: str) -> None:
    index = NearDuplicates("")
    index.add("first", good)
    other = " ".join(good.split()[:40] + words(random.Random(0), 80))
    assert index.find(other) is None


def test_judging_does_not_remember(good: str) -> None:
    index = NearDuplicates("")
    assert index(Candidate(good)) is None
    assert index(Candidate(good)) is None
    assert len(index) == 0


@given(text=st.text(max_size=60), others=st.lists(st.text(max_size=60), max_size=5))
def test_any_text_with_words_is_found_again(text: str, others: list[str]) -> None:
    index = NearDuplicates("")
    for other in others:
        index.add("other", other)
    index.add("text", text)
    match = index.find(text)
    assert match.similarity == 1 if match else not shingle_hashes(text, words=5)
    index.close()


@given(
    one=st.lists(st.sampled_from("abcd"), min_size=3, max_size=30),
    other=st.lists(st.sampled_from("abcd"), min_size=3, max_size=30),
    shingle=st.integers(1, 3),
)
def test_similarity_is_the_share_of_runs_of_words_in_common(
    one: list[str], other: list[str], shingle: int
) -> None:
    found = jaccard(
        shingle_hashes(" ".join(one), words=shingle), shingle_hashes(", ".join(other), words=shingle)
    )
    mine, theirs = runs(one, shingle), runs(other, shingle)
    assert found == len(mine & theirs) / len(mine | theirs)


@given(threshold=st.floats(0.1, 1))
def test_bands_miss_at_most_two_in_a_hundred_at_any_threshold_and_fewer_above_it(threshold: float) -> None:
    banding = Banding.for_threshold(threshold)
    assert 0 <= banding.missed(threshold) <= MOST_MISSED
    assert banding.missed(min(threshold + 0.1, 1)) <= max(MOST_MISSED / 8, 1e-9)


@pytest.mark.parametrize("size", [20, 60, 200, 400])
def test_signatures_miss_pairs_as_rarely_as_the_formula_says(size: int) -> None:
    banding = Banding.for_threshold(0.7)
    draw = random.Random(size)
    missed = {0.7: 0, 0.8: 0}
    trials = 1500
    for similarity in missed:
        shared = round(2 * size * similarity / (1 + similarity))
        for _ in range(trials):
            common = [draw.getrandbits(64) for _ in range(shared)]
            rest = [draw.getrandbits(64) for _ in range(2 * (size - shared))]
            one, other = common + rest[: size - shared], common + rest[size - shared :]
            missed[similarity] += set(banding.hashes(one)).isdisjoint(banding.hashes(other))
    assert missed[0.7] / trials <= 1.5 * MOST_MISSED
    assert missed[0.8] <= 1


def test_decisions_agree_with_comparing_every_pair() -> None:
    draw = random.Random(5)
    index = NearDuplicates("", threshold=0.7)
    accepted: dict[str, tuple[list[str], set[tuple[str, ...]]]] = {}
    reached = certain = found = 0
    for number in range(1000):
        if accepted and draw.random() < 0.3:
            source, _ = draw.choice(list(accepted.values()))
            text = edited(source, edits=draw.randint(1, len(source) // 20), draw=draw)
        else:
            text = words(draw, draw.randint(60, 200))
        said = runs(text)
        truth = {
            key: (shared := len(said & other)) / (len(said) + len(other) - shared)
            for key, (_, other) in accepted.items()
        }
        nearest = max(truth.values(), default=0.0)
        match = index.find(" ".join(text))
        if match:
            assert match.similarity == pytest.approx(truth[match.key])
            assert match.similarity >= 0.7
        reached += nearest >= 0.7
        found += match is not None
        if nearest >= 0.8:
            certain += 1
            assert match is not None
            assert match.similarity == pytest.approx(nearest)
        if match is None:
            index.add(str(number), " ".join(text))
            accepted[str(number)] = text, said
    assert certain >= 100
    assert found >= 0.97 * reached
    assert len(index) == len(accepted)


@pytest.mark.parametrize("source", SOURCES)
def test_fewer_than_one_in_a_hundred_real_documents_resemble_another(source: str) -> None:
    path = DATA / f"{source}.jsonl.gz"
    if not path.exists():
        pytest.skip("the shared domain text is not on this machine")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line, _ in zip(lines, range(500), strict=False)]
    index = NearDuplicates("")
    alike = 0
    for number, text in enumerate(texts):
        if match := index.find(text):
            alike += 1
            original = shingle_hashes(texts[int(match.key)], words=5)
            assert jaccard(shingle_hashes(text, words=5), original) >= 0.7
        index.add(str(number), text)
    assert alike < len(texts) / 100


def test_of_equally_similar_documents_the_earliest_is_named(good: str) -> None:
    for first, second in [(30, 60), (60, 30)]:
        index = NearDuplicates("")
        index.add(f"changed at {first}", replaced(good, first))
        index.add(f"changed at {second}", replaced(good, second))
        match = index.find(good)
        assert match is not None
        assert match.key == f"changed at {first}"


def test_the_nearest_document_is_named_before_earlier_ones(good: str) -> None:
    index = NearDuplicates("")
    index.add("two changes", replaced(replaced(good, 30), 60))
    index.add("one change", replaced(good, 30))
    match = index.find(good)
    assert match is not None
    assert match.key == "one change"


DECIDE = """
import json, random
from builders.acceptance import NearDuplicates
draw, index, said = random.Random(1), NearDuplicates(""), []
texts = [" ".join(f"w{draw.randrange(900)}" for _ in range(90)) for _ in range(150)]
texts += [text.replace("w1", "w2", 2) for text in texts]
for number, text in enumerate(texts):
    match = index.find(text)
    said.append([match.key, match.similarity] if match else index.add(str(number), text))
print(json.dumps([said, index.banding.hashes([1, 2, 3])]))
"""


def test_two_processes_decide_alike() -> None:
    def decisions(seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", DECIDE]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    first, second = decisions("1"), decisions("2")
    assert first == second
    assert sum(found is not None for found in json.loads(first)[0]) > 100


def test_hashes_are_the_same_on_every_machine_and_release() -> None:
    """Golden values. Where a release of rensa changes them, raise `SCHEMA_VERSION` and pin it."""
    assert sorted(shingle_hashes("One two, three!", words=2)) == GOLDEN_SHINGLES
    assert Banding.for_threshold(0.7) == Banding(bands=25, rows=5)
    assert Banding.for_threshold(0.7).hashes(range(1000))[:3] == GOLDEN_BANDS


GOLDEN_SHINGLES = [6626986317305119420, 6767795236808542983]
GOLDEN_BANDS = [-29020760801538604, -389544447130901216, -7805114832837553932]


def test_a_phrase_that_all_documents_share_neither_hides_a_near_duplicate_nor_makes_many_candidates() -> None:
    draw = random.Random(2)
    index = NearDuplicates("")
    boilerplate = " ".join(words(draw, 110))
    texts = [f"{boilerplate} {' '.join(words(draw, 60))}" for _ in range(600)]
    for number, text in enumerate(texts):
        index.add(str(number), text)
    read = [len(list(index._index.candidates(index._sketch(text).bands))) for text in texts[:20]]
    assert max(read) == CANDIDATES
    for number in (0, 300, 599):
        match = index.find(" ".join(edited(texts[number].split(), edits=3, draw=draw)))
        assert match is not None
        assert match.key == str(number)


def test_a_cleared_index_decides_as_a_new_one_does(good: str) -> None:
    index = NearDuplicates("")
    index.add("first", good)
    index.clear()
    assert index.find(good) is None
    assert len(index) == 0
    index.add("second", good)
    match = index.find(good)
    assert match is not None
    assert match.key == "second"


def test_a_file_keeps_the_index(good: str, tmp_path: Path) -> None:
    index = NearDuplicates(tmp_path / "index.sqlite")
    index.add("first", good)
    index.close()
    again = NearDuplicates(str(tmp_path / "index.sqlite"))
    assert len(again) == 1
    assert again.find(good) is not None
    again.close()
    fresh = NearDuplicates(tmp_path / "index.sqlite", fresh=True)
    assert fresh.find(good) is None
    fresh.close()


def test_a_killed_process_leaves_what_was_committed(good: str, tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from builders.acceptance import NearDuplicates\n"
        "index = NearDuplicates(sys.argv[1])\n"
        "for number in range(2000):\n"
        "    index.add(str(number), f'{sys.argv[2]} {number}')\n"
        "    if number == 9: index.commit()\n"
        f"os.kill(os.getpid(), {signal.SIGKILL:d})"
    )
    path = tmp_path / "index.sqlite"
    done = subprocess.run([sys.executable, "-c", program, str(path), good], check=False)
    assert done.returncode == -signal.SIGKILL
    index = NearDuplicates(path)
    assert len(index) == 10
    assert index.find(good) is not None
    index.close()


def test_other_settings_than_those_of_the_file_are_refused_unless_it_begins_anew(
    good: str, tmp_path: Path
) -> None:
    index = NearDuplicates(tmp_path / "index.sqlite")
    index.add("first", good)
    index.close()
    with pytest.raises(UserError, match=r"made with .*shingles of 5 words.*not with .*shingles of 3"):
        NearDuplicates(tmp_path / "index.sqlite", shingle_words=3)
    NearDuplicates(tmp_path / "index.sqlite", shingle_words=3, fresh=True).close()


@pytest.mark.parametrize("isolation", [None, "DEFERRED"])
def test_a_callers_transaction_stays_the_callers(good: str, isolation: str | None) -> None:
    database = sqlite3.connect(":memory:", isolation_level=isolation)  # type: ignore[arg-type]
    index = NearDuplicates(database)
    index.add("kept", good)
    assert not database.in_transaction
    database.execute("BEGIN")
    index.add("undone", "quite another text of some words")
    index.commit()
    database.execute("ROLLBACK")
    assert len(index) == 1
    index.close()
    assert database.execute("SELECT COUNT(*) FROM near_duplicate_documents").fetchone() == (1,)


def test_a_full_disk_is_one_clear_line_and_leaves_no_half_document(good: str) -> None:
    database = sqlite3.connect(":memory:", isolation_level=None)
    index = NearDuplicates(database)
    index.add("first", good)
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    texts = (" ".join(words(random.Random(number), 150)) for number in range(100))
    with pytest.raises(UserError, match="free disk space"):
        deque((index.add("another", text) for text in texts), maxlen=0)
    bands = database.execute("SELECT COUNT(DISTINCT document) FROM near_duplicate_bands").fetchone()[0]
    assert bands == len(index)


def test_a_damaged_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(UserError, match="derived anew"):
        NearDuplicates(tmp_path / "index.sqlite")


@pytest.mark.parametrize("threshold", [0.0, 0.05, 1.01])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        NearDuplicates("", threshold=threshold)


def test_a_shingle_of_no_words_is_refused() -> None:
    with pytest.raises(ValueError, match="shingle_words"):
        NearDuplicates("", shingle_words=0)
